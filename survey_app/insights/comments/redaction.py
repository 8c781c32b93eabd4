"""Taking personal data out of comments, where a workspace asks for it.

Until it was done a comment is read by no analysis and shown and exported nowhere; the redacted
text then takes the original's place, and the original is gone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

import nlp
from nlp.redaction import redact
from survey_app.accounts.models import Workspace
from survey_app.insights.comments.undone import has_job, is_set_aside
from survey_app.insights.lake.facts import IS_NAMED
from survey_app.insights.models import CommentAnalysis, TopicSearch
from survey_app.responses.models import Answer, Response

# What broke the rules of one version gets its three tries again with the next.
KIND = f"redact_comments {nlp.ENGINE_VERSION}"


@dataclass(frozen=True, slots=True)
class Redacted:
    """A response's comments without personal data, by question, and the body they came from."""

    response_id: int
    body_hash: str
    texts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Unredacted:
    """Responses whose comments are hidden: those that wait, and those that broke the rules."""

    waiting: int
    set_aside: int


def find_unredacted(session: Session, limit: int) -> Sequence[int]:
    """Responses whose comments still hold what their workspace wants to have taken out."""
    return session.scalars(
        sa.select(Response.id)
        .join(Workspace, Workspace.id == Response.workspace_id)
        .where(
            Workspace.redact.is_(True),
            Response.has_comment.is_(True),
            Response.redacted_at.is_(None),
            ~has_job(KIND),
        )
        .order_by(Response.id)
        .limit(limit)
    ).all()


def read(session: Session, response_ids: Sequence[int]) -> list[Redacted]:
    """Redact the comments of these responses; stores nothing."""
    rows = session.execute(
        sa.select(Response.id, Response.body_hash, Answer.question, Answer.text)
        .join(Answer, Answer.response_id == Response.id)
        .where(Response.id.in_(response_ids), Answer.text.is_not(None))
        .order_by(Response.id)
    )
    found: dict[int, Redacted] = {}
    for response_id, body_hash, question, text in rows:
        one = found.setdefault(response_id, Redacted(response_id, body_hash, {}))
        one.texts[question] = redact(text or "")
    return list(found.values())


def store(session: Session, found: Sequence[Redacted], now: datetime) -> None:
    """Put the redacted texts in the originals' place; a response replaced meanwhile is left."""
    ids = [one.response_id for one in found]
    bodies = session.execute(
        sa.select(Response.id, Response.body_hash).where(Response.id.in_(ids)).with_for_update()
    )
    current = {(response_id, digest) for response_id, digest in bodies}
    fresh = [one for one in found if (one.response_id, one.body_hash) in current]
    texts = [
        {"of_response": one.response_id, "of_question": question, "redacted": text}
        for one in fresh
        for question, text in one.texts.items()
    ]
    if texts:
        key = (Answer.response_id == sa.bindparam("of_response")) & (
            Answer.question == sa.bindparam("of_question")
        )
        change = sa.update(Answer).where(key, Answer.text != sa.bindparam("redacted"))
        session.connection().execute(change.values(text=sa.bindparam("redacted")), texts)
    changed = [one.response_id for one in fresh]
    # Topics tell words of what was read, names among them.
    was_read = sa.select(CommentAnalysis.workspace_id).where(
        CommentAnalysis.response_id.in_(changed)
    )
    session.execute(sa.delete(TopicSearch).where(TopicSearch.workspace_id.in_(was_read)))
    # Places in the text have moved: what had been found in it is looked for again.
    session.execute(
        sa.update(Response)
        .where(Response.id.in_(changed))
        .values(redacted_at=now, analysed_version=None)
    )


def count_unredacted(session: Session, workspace: Workspace) -> Unredacted:
    """What nobody may see yet, of a workspace's surveys with names."""
    if not workspace.redact:
        return Unredacted(0, 0)
    every, set_aside = session.execute(
        sa.select(sa.func.count(), sa.func.count().filter(is_set_aside(KIND))).where(
            Response.workspace_id == workspace.id,
            Response.has_comment.is_(True),
            Response.redacted_at.is_(None),
            IS_NAMED,
        )
    ).one()
    return Unredacted(every - set_aside, set_aside)
