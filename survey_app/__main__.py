"""`python -m survey_app` is the same as `soundings`."""

from survey_app.cli import main

main()
