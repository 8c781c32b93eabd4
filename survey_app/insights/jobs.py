"""Work that insights finds undone."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from survey_app.insights import releases
from survey_app.insights.comments import analysis, learning, redaction, topics
from survey_app.jobs import Kind

if TYPE_CHECKING:
    from nlp.encoder import Encoder

REDACT_COMMENTS = Kind(
    name=redaction.KIND,
    find=redaction.find_unredacted,
    read=redaction.read,
    perform=redaction.store,
)


def analyse_comments(encoder: "Encoder | None" = None) -> Kind:
    """Reading what was not read yet; an encoder has its say, and counts as another engine."""
    return Kind(
        name=analysis.kind_of(encoder),
        find=partial(analysis.find_unread, encoder=encoder),
        read=partial(analysis.read, encoder=encoder),
        perform=analysis.store,
    )


def learn_sentiment(encoder: "Encoder | None" = None) -> Kind:
    """Fitting the sentiment to a workspace's own scores; a fit is of one engine."""
    return Kind(
        name=learning.kind_of(encoder),
        find=partial(learning.find_undone, encoder=encoder),
        read=partial(learning.read, encoder=encoder),
        perform=learning.store,
    )


def find_topics(encoder: "Encoder | None" = None) -> Kind:
    """Searching for topics that no theme explains; an encoder joins them across languages."""

    def find(session: Session, limit: int) -> Sequence[int]:
        return topics.find_undone(session, limit, now=datetime.now(UTC), encoder=encoder)

    def read(session: Session, workspace_ids: Sequence[int]) -> list[topics.Search]:
        return topics.read(session, workspace_ids, now=datetime.now(UTC), encoder=encoder)

    return Kind(name=topics.kind_of(encoder), find=find, read=read, perform=topics.store)


def _find_unreleased(session: Session, limit: int) -> Sequence[int]:
    return releases.find_unreleased(session, limit, now=datetime.now(UTC))


def _read_unreleased(session: Session, survey_ids: Sequence[int]) -> list[releases.Batch]:
    return releases.read(session, survey_ids, now=datetime.now(UTC))


RELEASE_ANSWERS = Kind(
    name=releases.KIND, find=_find_unreleased, read=_read_unreleased, perform=releases.store
)
ANALYSE_COMMENTS = analyse_comments()
LEARN_SENTIMENT = learn_sentiment()
FIND_TOPICS = find_topics()
