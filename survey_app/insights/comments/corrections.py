"""What people say of a comment: its sentiment, its themes. It outlives every analysis.

Two people who correct the same comment: the later one's word stands, if it answers the earlier
one's. Nothing here commits.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from analytics.scope import Scope
from survey_app.accounts.models import Workspace
from survey_app.accounts.operations import Actor
from survey_app.db import insert_of
from survey_app.errors import N_, Conflict, FieldError, Invalid, NotFound
from survey_app.insights.comments.marks import Mention, merged
from survey_app.insights.comments.own_themes import known_themes, theme_of
from survey_app.insights.comments.readable import comments, what_is_readable
from survey_app.insights.comments.schemas import SENTIMENTS, Place
from survey_app.insights.lake.reading import Source
from survey_app.insights.models import CommentAnalysis, CommentCorrection, ThemeMention
from survey_app.insights.queries import in_scope
from survey_app.responses.models import Answer, Response

SCORES: Mapping[str, float] = {"negative": -1, "neutral": 0, "positive": 1}
MAX_THEMES = 50
MAX_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a person says: a sentiment, or None where the analysis stands; every theme that the
    comment speaks of, with its polarity or None.
    """

    sentiment: str | None
    themes: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Sight:
    """Where a person has read a comment: in the list of which scope, counted from what, and in
    which state.
    """

    scope: Scope
    source: Source
    state: str


def state_of(
    text: str, themes: Mapping[str, str | None], correction: CommentCorrection | None
) -> str:
    """Equal for two sights of a comment from which a person would correct the same."""
    said = (correction.sentiment, correction.themes) if correction else None
    told = json.dumps([text, themes, said], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def correct(
    session: Session,
    actor: Actor,
    place: Place,
    judgement: Judgement,
    *,
    sight: Sight,
    now: datetime,
) -> bool:
    """Keep what a person says of a comment and apply it at once; False where it says nothing new.

    Themes that are said as they are shown are no correction of them. A sentiment that goes back
    to the analysis's makes the comment unread. Raises NotFound for what may not be read in that
    scope, Conflict where the comment has changed since it was seen, Invalid.
    """
    before, shown = _look_again(session, actor.workspace, place, sight)
    _check(judgement, known_themes(session, actor.workspace.id))
    themes = before.themes if before else None
    if judgement.themes != shown:
        themes = dict(judgement.themes)
    if judgement.sentiment is None and themes is None:
        return _take_back(session, before, place)
    if before and (before.sentiment, before.themes) == (judgement.sentiment, themes):
        return False
    _keep(session, actor, place, {"sentiment": judgement.sentiment, "themes": themes}, now=now)
    if before and before.sentiment and judgement.sentiment is None:
        _make_unread(session, place)
    apply(session, [place.response_id])
    return True


def withdraw(session: Session, actor: Actor, place: Place, *, sight: Sight) -> bool:
    """Take a correction back: the comment is unread until the worker reads it again.

    False where there was none. Raises NotFound, Conflict.
    """
    before, _ = _look_again(session, actor.workspace, place, sight)
    return _take_back(session, before, place)


def _take_back(session: Session, before: CommentCorrection | None, place: Place) -> bool:
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


def _look_again(
    session: Session, workspace: Workspace, place: Place, sight: Sight
) -> tuple[CommentCorrection | None, dict[str, str | None]]:
    """What people said before, and the themes; both as the person has seen them.

    From here on nobody else corrects, stores or replaces the response. Raises NotFound, Conflict.
    """
    here = (Answer.response_id == place.response_id, Answer.question == place.question)
    readable = what_is_readable(sight.source, workspace, sight.scope)
    found = (
        readable
        and place.response_id <= MAX_ID
        and session.scalar(
            comments(Response.id)
            .where(*here, *in_scope(readable.scope))
            .with_for_update(of=Response)
        )
    )
    if not found:
        raise NotFound(
            "comment.unknown",
            N_("There is no such comment."),
            hint=N_("It may be gone, or too few people wrote to show what they did."),
        )
    text = session.scalar(sa.select(Answer.text).where(*here)) or ""
    before, themes = _correction(session, place), _shown_themes(session, place)
    if state_of(text, themes, before) != sight.state:
        raise Conflict(
            "comment.changed",
            N_("This comment was read again or corrected meanwhile. Nothing was saved."),
            hint=N_("Look at it as it is now, and correct it again."),
        )
    return before, themes


def _check(said: Judgement, known: Collection[str]) -> None:
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
