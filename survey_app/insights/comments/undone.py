"""Conditions on responses by which work on their comments is found undone."""

import sqlalchemy as sa

from survey_app.accounts.models import Workspace
from survey_app.jobs import Job
from survey_app.responses.models import Response

# Joined with the workspace: no personal data is to be taken out first, so that the comments may
# be read, shown and exported.
IS_READY = sa.or_(Workspace.redact.is_(False), Response.redacted_at.is_not(None))
# Whether a job is under way, or was set aside for what the response still says: a response that was
# replaced since is tried again; an imported one never is, though its time may lie ahead.
_STANDS = sa.or_(
    Job.quarantined_at.is_(None),
    Job.quarantined_at >= Response.submitted_at,
    Response.import_id.is_not(None),
)


def has_job(kind: str) -> sa.ColumnElement[bool]:
    """Whether work of this kind is under way, or was set aside for what the response still says."""
    return sa.exists().where(Job.kind == kind, Job.subject == Response.id, _STANDS)


def is_set_aside(kinds: str) -> sa.ColumnElement[bool]:
    """Whether work of kinds that begin so was set aside for what the response still says."""
    return sa.exists().where(
        Job.kind.startswith(kinds, autoescape=True),
        Job.subject == Response.id,
        Job.quarantined_at.is_not(None),
        _STANDS,
    )
