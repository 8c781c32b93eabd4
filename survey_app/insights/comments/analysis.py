"""The one place that calls `nlp`: comments that no current analysis has read are work to do."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import Session

import nlp
from nlp.contradiction import contradicts
from survey_app.accounts.models import Workspace
from survey_app.insights.comments import corrections, learnt
from survey_app.insights.comments.own_themes import Definitions, compiled, definitions, theme_of
from survey_app.insights.comments.undone import IS_READY, has_job
from survey_app.insights.models import CommentAnalysis, ThemeMention
from survey_app.jobs import Job
from survey_app.responses.models import Answer, Response

if TYPE_CHECKING:
    from nlp.encoder import Encoder

# A new engine is new work: what broke the old one gets its three tries again.
KIND = f"analyse_comments {nlp.ENGINE_VERSION}"
# Where more wait, an encoder reads only what the small model is unsure of (docs/language.md).
MANY_WAITING = 2000
UNSURE_BELOW = 0.6


@dataclass(frozen=True, slots=True)
class Analysed:
    """A comment with what was found in it, and the state of its response that was read."""

    response_id: int
    question: str
    workspace_id: int
    state: tuple[str, datetime | None, Definitions, int | None]
    engine_version: str
    analysis: nlp.CommentAnalysis
    contradicts: bool


def kind_of(encoder: "Encoder | None") -> str:
    """The kind of the work: another encoder is another engine."""
    return KIND if encoder is None else f"{KIND}+{encoder.version}"


def find_unread(session: Session, limit: int, *, encoder: "Encoder | None" = None) -> Sequence[int]:
    """Responses with comments that the current engine has not read and that have no job."""
    version = Response.analysed_version
    current = nlp.engine_version(encoder)
    is_old = sa.or_(version.is_(None), version < current, version > current)
    return session.scalars(
        sa.select(Response.id)
        .join(Workspace, Workspace.id == Response.workspace_id)
        .where(Response.has_comment.is_(True), is_old, IS_READY, ~has_job(kind_of(encoder)))
        .order_by(Response.id)
        .limit(limit)
    ).all()


def read(
    session: Session, response_ids: Sequence[int], *, encoder: "Encoder | None" = None
) -> list[Analysed]:
    """Analyse the comments of these responses; stores nothing."""
    rows = session.execute(
        sa.select(
            Answer.response_id,
            Answer.question,
            Answer.workspace_id,
            Answer.text,
            Response.body_hash,
            Response.redacted_at,
            Response.locale,
            learnt.score_class().label("score_class"),
        )
        .join(Response, Response.id == Answer.response_id)
        .where(Answer.response_id.in_(response_ids), Answer.text.is_not(None))
        .order_by(Answer.response_id, Answer.question)
    ).all()
    version = nlp.engine_version(encoder)
    found: list[Analysed] = []
    for workspace_id in dict.fromkeys(row.workspace_id for row in rows):
        own = [row for row in rows if row.workspace_id == workspace_id]
        themes, fit = _of_workspace(session, workspace_id, version)
        analyses = nlp.analyse_many(
            [row.text or "" for row in own],
            expected=[row.locale for row in own],
            encoder=_within_load(session, encoder),
            own_themes=compiled(themes) if themes else None,
            tuning=learnt.tuning_in_use(session, workspace_id, version) if fit else None,
        )
        found += [
            Analysed(
                row.response_id,
                row.question,
                workspace_id,
                (row.body_hash, row.redacted_at, themes, fit),
                version,
                analysis,
                contradicts(row.score_class, analysis.probabilities),
            )
            for row, analysis in zip(own, analyses, strict=True)
        ]
    return found


def _of_workspace(
    session: Session, workspace_id: int, version: str
) -> tuple[Definitions, int | None]:
    """What the workspace adds to the engine: its own themes, and which fit to its scores."""
    fit = learnt.version_in_use(session, workspace_id, version)
    return definitions(session, workspace_id), fit


def _within_load(session: Session, encoder: "Encoder | None") -> "Encoder | None":
    """The encoder; where many comments wait, for those alone that the small model is unsure of."""
    if encoder is None:
        return None
    some = sa.select(Job.id).where(Job.kind == kind_of(encoder), Job.quarantined_at.is_(None))
    counted = sa.select(sa.func.count()).select_from(some.limit(MANY_WAITING + 1).subquery())
    many = (session.scalar(counted) or 0) > MANY_WAITING
    return replace(encoder, unsure_below=UNSURE_BELOW) if many else encoder


def store(session: Session, found: Sequence[Analysed], now: datetime) -> None:
    """Replace what was known about these comments.

    A response that was replaced, redacted or erased meanwhile is passed over, and so is one whose
    workspace defines other themes or has learnt since; it is found again as undone.
    """
    # Whoever is just changing themes or what was learnt is waited for: what came meanwhile, and is
    # not among the comments that they make unread, must not be stored as they were before.
    of = {item.workspace_id for item in found}
    own = sa.select(Workspace.id).where(Workspace.id.in_(of)).order_by(Workspace.id)
    session.execute(own.with_for_update(read=True))
    states = session.execute(
        sa.select(Response.id, Response.workspace_id, Response.body_hash, Response.redacted_at)
        .where(Response.id.in_([item.response_id for item in found]))
        .with_for_update()
    ).all()
    version = found[0].engine_version if found else ""
    additions = {
        one: _of_workspace(session, one, version) for one in {row.workspace_id for row in states}
    }
    current = {
        row.id: (row.body_hash, row.redacted_at, *additions[row.workspace_id]) for row in states
    }
    fresh = [item for item in found if current.get(item.response_id) == item.state]
    ids = sorted({item.response_id for item in fresh})
    session.execute(sa.delete(CommentAnalysis).where(CommentAnalysis.response_id.in_(ids)))
    if fresh:
        _insert(session, fresh, now)
        corrections.apply(session, ids)
        session.execute(
            sa.update(Response).where(Response.id.in_(ids)).values(analysed_version=version)
        )


def _insert(session: Session, fresh: Sequence[Analysed], now: datetime) -> None:
    session.execute(sa.insert(CommentAnalysis), [_analysis_row(item, now) for item in fresh])
    mentions = [
        {
            "response_id": item.response_id,
            "question": item.question,
            "workspace_id": item.workspace_id,
            "theme": theme_of(mention.code),
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
        "engine_version": item.engine_version,
        "language": analysis.language,
        "also": analysis.also,
        "sentiment": analysis.sentiment,
        "score": analysis.score,
        "confidence": analysis.confidence,
        "negative": negative,
        "neutral": neutral,
        "positive": positive,
        "contradicts": item.contradicts,
        "analysed_at": now,
    }
