"""Reading comments for people to read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from survey_app.insights.counts import in_scope
from survey_app.insights.models import CommentAnalysis, ThemeMention
from survey_app.insights.scope import Scope
from survey_app.responses.models import Answer, Response


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment with what is known about it; never who wrote it."""

    text: str | None
    language: str | None
    day: date
    score: int | None
    score_kind: str | None
    sentiment: str | None
    country: str | None
    stage: str | None
    themes: tuple[str, ...]


def newest_comments(session: Session, scope: Scope, *, limit: int = 12) -> list[Comment]:
    """The newest comments; whether enough people wrote any to show them is the caller's to ask."""
    score = aliased(Answer)
    analysis = sa.and_(
        CommentAnalysis.response_id == Answer.response_id,
        CommentAnalysis.question == Answer.question,
    )
    rows = session.execute(
        sa.select(
            Response.id,
            Answer.text,
            sa.func.coalesce(CommentAnalysis.language, Response.locale).label("language"),
            Response.day,
            score.number,
            score.kind,
            CommentAnalysis.sentiment,
            Response.country,
            Response.stage,
        )
        .select_from(Response)
        .join(Answer, Answer.response_id == Response.id)
        .outerjoin(score, sa.and_(score.response_id == Response.id, score.number.is_not(None)))
        .outerjoin(CommentAnalysis, analysis)
        .where(Answer.text.is_not(None), Response.has_comment.is_(True), *in_scope(scope))
        .order_by(Response.day.desc(), Response.submitted_at.desc())
        .limit(limit)
    ).all()
    themes = _themes(session, [row.id for row in rows])
    return [Comment(*row[1:], themes=themes.get(row.id, ())) for row in rows]


def _themes(session: Session, response_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    found: dict[int, tuple[str, ...]] = {}
    rows = session.execute(
        sa.select(ThemeMention.response_id, ThemeMention.code)
        .where(ThemeMention.response_id.in_(response_ids))
        .distinct()
        .order_by(ThemeMention.response_id, ThemeMention.code)
    )
    for response_id, code in rows:
        found[response_id] = (*found.get(response_id, ()), code)
    return found
