"""The Flask application: every folder a capability, every file plumbing.

Arrows point down only, and import-linter holds them to it:
app, cli → demo → insights → responses → surveys | lifecycle → customers → accounts → plumbing.
`analytics` and `nlp` know nothing of this package; only `insights` imports them.
"""

import os

# Read when NumPy is imported. Its matrices here are small: threads of its own, which wait for each
# other at full speed, took a page twice the CPU time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
