"""What people say of a comment: its sentiment, its themes. It outlives every analysis.

Two people who correct the same comment: the later one's word stands. Nothing here commits.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from survey_app.accounts.models import Workspace
from survey_app.accounts.operations import Actor
from survey_app.db import insert_of
from survey_app.errors import N_, FieldError, Invalid, NotFound
from survey_app.insights.comments.marks import Mention, merged
from survey_app.insights.comments.own_themes import known_themes, theme_of
from survey_app.insights.comments.schemas import SENTIMENTS, Place
from survey_app.insights.comments.undone import IS_READY
from survey_app.insights.models import CommentAnalysis, CommentCorrection, ThemeMention
from survey_app.responses.models import Answer, Response

SCORES: Mapping[str, float] = {"negative": -1, "neutral": 0, "positive": 1}
MAX_THEMES = 50
MAX_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Said:
    """What a person says: a sentiment, or None where the analysis stands; every theme that the
    comment speaks of, with its polarity or None.
    """

    sentiment: str | None
    themes: Mapping[str, str | None]


def correct(session: Session, actor: Actor, place: Place, said: Said, *, now: datetime) -> bool:
    """Keep what a person says of a comment and apply it at once; False where it says nothing new.

    Themes that are said as they are shown are no correction of them. A sentiment that goes back
    to the analysis's makes the comment unread. Raises NotFound, Invalid.
    """
    _lock(session, actor.workspace, place)
    _check(said, known_themes(session, actor.workspace.id))
    before = _correction(session, place)
    themes = before.themes if before else None
    if said.themes != _shown_themes(session, place):
        themes = dict(said.themes)
    if said.sentiment is None and themes is None:
        return withdraw(session, actor, place)
    if before and (before.sentiment, before.themes) == (said.sentiment, themes):
        return False
    _keep(session, actor, place, {"sentiment": said.sentiment, "themes": themes}, now=now)
    if before and before.sentiment and said.sentiment is None:
        _make_unread(session, place)
    apply(session, [place.response_id])
    return True


def withdraw(session: Session, actor: Actor, place: Place) -> bool:
    """Take a correction back: the comment is unread until the worker reads it again.

    False where there was none. Raises NotFound.
    """
    _lock(session, actor.workspace, place)
    before = _correction(session, place)
    if before is None:
        return False
    session.delete(before)
    session.flush()  # what follows are statements, which don't wait for the session
    _make_unread(session, place)
    return True


def apply(session: Session, response_ids: Sequence[int]) -> None:
    """Put what people said in the place of what was found; also again, after an analysis."""
    corrections = session.scalars(
        sa.select(CommentCorrection)
        .where(CommentCorrection.response_id.in_(response_ids))
        .execution_options(populate_existing=True)
    ).all()
    for one in corrections:
        values: dict[str, object] = {"corrected": True}
        if one.sentiment is not None:
            agrees = CommentAnalysis.sentiment.is_not_distinct_from(one.sentiment)
            values |= {
                "sentiment": one.sentiment,
                "score": SCORES[one.sentiment],
                "confidence": 1.0,
                # A contradiction that a person confirms stays one.
                "contradicts": sa.and_(CommentAnalysis.contradicts, agrees),
            }
        analysed = session.execute(
            sa.update(CommentAnalysis)
            .where(*_at(CommentAnalysis, one))
            .values(values)
            .returning(CommentAnalysis.response_id)
        ).all()
        if analysed and one.themes is not None:
            _replace_themes(session, one, one.themes)


def _replace_themes(
    session: Session, one: CommentCorrection, themes: Mapping[str, str | None]
) -> None:
    """Exactly these themes: those that were found keep their places, others have none."""
    known = known_themes(session, one.workspace_id)
    here = _at(ThemeMention, one)
    session.execute(sa.delete(ThemeMention).where(*here, ThemeMention.code.not_in(list(themes))))
    found = set(session.scalars(sa.select(ThemeMention.code).where(*here)))
    for code, polarity in themes.items():
        if code in found:
            session.execute(
                sa.update(ThemeMention)
                .where(*here, ThemeMention.code == code)
                .values(polarity=polarity)
            )
        elif code in known:  # an own theme may be gone since
            session.add(
                ThemeMention(
                    response_id=one.response_id,
                    question=one.question,
                    workspace_id=one.workspace_id,
                    theme=theme_of(code),
                    code=code,
                    polarity=polarity,
                    start=0,
                    end=0,
                )
            )
    session.flush()  # statements may follow


def _lock(session: Session, workspace: Workspace, place: Place) -> None:
    """Let nobody else correct, store or replace the response meanwhile. Raises NotFound."""
    found = place.response_id <= MAX_ID and session.scalar(
        sa.select(Response.id)
        .join(Answer, Answer.response_id == Response.id)
        .join(Workspace, Workspace.id == Response.workspace_id)
        .where(
            Response.id == place.response_id,
            Response.workspace_id == workspace.id,
            Answer.question == place.question,
            Answer.text.is_not(None),
            IS_READY,
        )
        .with_for_update(of=Response)
    )
    if not found:
        raise NotFound("comment.unknown", N_("There is no such comment."))


def _check(said: Said, known: Collection[str]) -> None:
    errors = []
    if said.sentiment not in (None, *SENTIMENTS):
        errors.append(FieldError("sentiment", "sentiment.unknown", N_("That is no sentiment.")))
    if len(said.themes) > MAX_THEMES:
        errors.append(FieldError("theme", "theme.many", N_("Those are too many themes.")))
    for code, polarity in said.themes.items():
        if code not in known:
            errors.append(FieldError("theme", "theme.unknown", N_("There is no such theme.")))
        if polarity not in (None, *SENTIMENTS):
            errors.append(FieldError("polarity", "sentiment.unknown", N_("That is no sentiment.")))
    if errors:
        raise Invalid(
            "correction.invalid",
            N_("This correction can't be kept."),
            hint=N_("Choose sentiment and themes from the lists."),
            errors=errors,
        )


def _correction(session: Session, place: Place) -> CommentCorrection | None:
    return session.get(
        CommentCorrection, (place.response_id, place.question), populate_existing=True
    )


def _shown_themes(session: Session, place: Place) -> dict[str, str | None]:
    return merged(
        Mention(one.code, one.polarity, one.start, one.end)
        for one in session.scalars(sa.select(ThemeMention).where(*_at(ThemeMention, place)))
    )


def _keep(
    session: Session,
    actor: Actor,
    place: Place,
    said: Mapping[str, object],
    *,
    now: datetime,
) -> None:
    values = {**said, "user_id": actor.user.id, "corrected_at": now}
    key = [CommentCorrection.response_id, CommentCorrection.question]
    insert = insert_of(session.get_bind().dialect.name)(CommentCorrection).values(
        response_id=place.response_id,
        question=place.question,
        workspace_id=actor.workspace.id,
        **values,
    )
    session.execute(insert.on_conflict_do_update(index_elements=key, set_=values))


def _make_unread(session: Session, place: Place) -> None:
    session.execute(sa.delete(CommentAnalysis).where(*_at(CommentAnalysis, place)))
    session.execute(
        sa.update(Response).where(Response.id == place.response_id).values(analysed_version=None)
    )


def _at(
    model: type[CommentAnalysis | ThemeMention], place: Place | CommentCorrection
) -> tuple[sa.ColumnElement[bool], ...]:
    return (model.response_id == place.response_id, model.question == place.question)
