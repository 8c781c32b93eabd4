"""The one place that calls `nlp`: comments that no current analysis has read are work to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

import nlp
from survey_app.insights.models import CommentAnalysis, ThemeMention
from survey_app.jobs import Job
from survey_app.responses.models import Answer, Response

# A new engine is new work: what broke the old one gets its three tries again.
KIND = f"analyse_comments {nlp.ENGINE_VERSION}"


@dataclass(frozen=True, slots=True)
class Analysed:
    """A comment with what was found in it, and the body it was read from."""

    response_id: int
    question: str
    workspace_id: int
    body_hash: str
    analysis: nlp.CommentAnalysis


def find_unread(session: Session, limit: int) -> Sequence[int]:
    """Responses with comments that the current engine has not read and that have no job.

    A job that was set aside does not count once its response says something else; an imported
    one never does, though its time may lie ahead.
    """
    stands = sa.or_(
        Job.quarantined_at.is_(None),
        Job.quarantined_at >= Response.submitted_at,
        Response.import_id.is_not(None),
    )
    waiting = sa.exists().where(Job.kind == KIND, Job.subject == Response.id, stands)
    version = Response.analysed_version
    is_old = sa.or_(version.is_(None), version < nlp.ENGINE_VERSION, version > nlp.ENGINE_VERSION)
    return session.scalars(
        sa.select(Response.id)
        .where(Response.has_comment.is_(True), is_old, ~waiting)
        .order_by(Response.id)
        .limit(limit)
    ).all()


def read(session: Session, response_ids: Sequence[int]) -> list[Analysed]:
    """Analyse the comments of these responses; stores nothing."""
    rows = session.execute(
        sa.select(
            Answer.response_id,
            Answer.question,
            Answer.workspace_id,
            Answer.text,
            Response.body_hash,
            Response.locale,
        )
        .join(Response, Response.id == Answer.response_id)
        .where(Answer.response_id.in_(response_ids), Answer.text.is_not(None))
        .order_by(Answer.response_id, Answer.question)
    ).all()
    analyses = nlp.analyse_many(
        [row.text or "" for row in rows], expected=[row.locale for row in rows]
    )
    return [
        Analysed(row.response_id, row.question, row.workspace_id, row.body_hash, analysis)
        for row, analysis in zip(rows, analyses, strict=True)
    ]


def store(session: Session, found: Sequence[Analysed], now: datetime) -> None:
    """Replace what was known about these comments.

    A response that was replaced or erased meanwhile is passed over; it is found again as undone.
    """
    ids = [item.response_id for item in found]
    bodies = session.execute(
        sa.select(Response.id, Response.body_hash).where(Response.id.in_(ids)).with_for_update()
    )
    current = {response_id: digest for response_id, digest in bodies}  # noqa: C416 - rows to pairs, for the types
    fresh = [item for item in found if current.get(item.response_id) == item.body_hash]
    ids = sorted({item.response_id for item in fresh})
    session.execute(sa.delete(CommentAnalysis).where(CommentAnalysis.response_id.in_(ids)))
    _insert(session, fresh, now)
    session.execute(
        sa.update(Response).where(Response.id.in_(ids)).values(analysed_version=nlp.ENGINE_VERSION)
    )


def _insert(session: Session, fresh: Sequence[Analysed], now: datetime) -> None:
    if not fresh:
        return
    session.execute(sa.insert(CommentAnalysis), [_analysis_row(item, now) for item in fresh])
    mentions = [
        {
            "response_id": item.response_id,
            "question": item.question,
            "workspace_id": item.workspace_id,
            "theme": ".".join(mention.code.split(".")[:2]),
            "code": mention.code,
            "polarity": mention.polarity,
            "start": mention.start,
            "end": mention.end,
        }
        for item in fresh
        for mention in item.analysis.themes
    ]
    if mentions:
        session.execute(sa.insert(ThemeMention), mentions)


def _analysis_row(item: Analysed, now: datetime) -> dict[str, object]:
    analysis = item.analysis
    negative, neutral, positive = analysis.probabilities or (None, None, None)
    return {
        "response_id": item.response_id,
        "question": item.question,
        "workspace_id": item.workspace_id,
        "engine_version": nlp.ENGINE_VERSION,
        "language": analysis.language,
        "sentiment": analysis.sentiment,
        "score": analysis.score,
        "confidence": analysis.confidence,
        "negative": negative,
        "neutral": neutral,
        "positive": positive,
        "analysed_at": now,
    }
