"""Work that insights finds undone."""

from survey_app.insights import comments
from survey_app.jobs import Kind

ANALYSE_COMMENTS = Kind(
    name=comments.KIND, find=comments.find_unread, read=comments.read, perform=comments.store
)
