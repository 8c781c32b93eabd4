"""Comments for people to read: what those of a scope come to, and the newest of them first."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

import nlp
from survey_app.accounts.models import Workspace
from survey_app.insights.comments.corrections import state_of
from survey_app.insights.comments.marks import Mention, Piece, merged, pieces
from survey_app.insights.comments.readable import Readable, Rows, comments
from survey_app.insights.comments.schemas import (
    SENTIMENTS,
    UNSCORED,
    Before,
    Place,
    Selection,
)
from survey_app.insights.comments.undone import is_set_aside
from survey_app.insights.lake.facts import IS_NAMED
from survey_app.insights.models import CommentAnalysis, CommentCorrection, ThemeMention
from survey_app.insights.queries import in_scope
from survey_app.responses.models import Answer, Response

PAGE = 25
EVERYTHING = Selection()
# A comment's place among those of its day; of a published batch, one that tells nothing.
NUMBER = sa.func.coalesce(Response.released_place, Response.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Comments by sentiment, and how many wait to be read, for the first time or again."""

    comments: int
    negative: int
    neutral: int
    positive: int
    waiting: int

    @property
    def scored(self) -> int:
        """Comments with a sentiment."""
        return self.negative + self.neutral + self.positive


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """One comment with what is known about it; never who wrote it."""

    place: Place
    text: str
    # Of an anonymous survey: the Sunday of the week in which it was published; and neither country
    # nor stage nor score, nor the survey's language.
    day: date
    is_anonymous: bool
    country: str | None
    stage: str | None
    # The survey's own while the comment was not read.
    language: str | None
    also: str | None
    sentiment: str | None
    confidence: float | None
    contradicts: bool
    is_read: bool
    is_current: bool
    score: int | None
    score_kind: str | None
    mentions: tuple[Mention, ...]
    correction: CommentCorrection | None

    @property
    def pieces(self) -> list[Piece]:
        """The text with its mentions marked."""
        return pieces(self.text, self.mentions)

    @property
    def state(self) -> str:
        """What whoever corrects it has seen."""
        return state_of(self.text, self.themes, self.correction)

    @property
    def themes(self) -> Mapping[str, str | None]:
        """Each theme with its polarity; none where its mentions disagree."""
        return merged(self.mentions)


@dataclass(frozen=True, slots=True)
class Progress:
    """Responses with comments of a workspace, and how many of them are still to be read."""

    responses: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Page:
    """The newest comments of a selection, where the next page begins, and what all come to."""

    comments: Sequence[Comment]
    following: Before | None
    counted: Tally


def list_comments(
    session: Session,
    readable: Readable,
    selection: Selection = EVERYTHING,
    *,
    before: Before | None = None,
    limit: int = PAGE,
    engine: str = nlp.ENGINE_VERSION,
) -> Page:
    """A page of what may be read; `engine` is the version that should have read the comments."""
    rows = _newest(session, readable, selection, before=before, limit=limit + 1, engine=engine)
    found = _comments(session, rows[:limit], readable)
    following = None
    if len(rows) > limit:
        last = rows[limit - 1]
        following = Before(last.day, last.number, last.question)
    return Page(found, following, _tally(session, readable, selection, engine=engine))


def _tally(session: Session, readable: Readable, selection: Selection, *, engine: str) -> Tally:
    of_sentiment = [
        sa.func.count().filter(CommentAnalysis.sentiment == name) for name in SENTIMENTS
    ]
    counts = (sa.func.count(), *of_sentiment, sa.func.count().filter(_waits(engine)))
    every, negative, neutral, positive, waiting = session.execute(
        _chosen(readable, selection, *counts)
    ).one()
    return Tally(
        comments=every, negative=negative, neutral=neutral, positive=positive, waiting=waiting
    )


def _newest(
    session: Session,
    readable: Readable,
    selection: Selection,
    *,
    before: Before | None,
    limit: int,
    engine: str,
) -> Sequence[Any]:
    order = (Response.day, NUMBER, Answer.question)
    chosen = _chosen(
        readable,
        selection,
        Response.id,
        Answer.question,
        Answer.text,
        Response.day,
        NUMBER.label("number"),
        Response.released_week.is_not(None).label("is_anonymous"),
        Response.country,
        Response.stage,
        Response.locale,
        CommentAnalysis.language.label("read_language"),
        CommentAnalysis.also,
        CommentAnalysis.sentiment,
        CommentAnalysis.confidence,
        CommentAnalysis.contradicts,
        CommentAnalysis.response_id.is_not(None).label("is_read"),
        _is_current(engine).label("is_current"),
    )
    if before is not None:
        later = sa.tuple_(before.day, before.number, before.question)
        # The first condition says nothing new: it is the one that an index can use.
        chosen = chosen.where(Response.day <= before.day, sa.tuple_(*order) < later)
    return session.execute(chosen.order_by(*(column.desc() for column in order)).limit(limit)).all()


def _is_current(engine: str) -> sa.ColumnElement[bool]:
    return sa.func.coalesce(Response.analysed_version == engine, sa.false())


def _waits(engine: str) -> sa.ColumnElement[bool]:
    """Whether a response is to be read; one that breaks the analysis, and was set aside, is not."""
    return sa.and_(~_is_current(engine), ~is_set_aside("analyse_comments "))


def _chosen(readable: Readable, selection: Selection, *columns: Any) -> Rows:
    """Comments of a selection; whatever chooses among them leaves out anonymous surveys."""
    anonymous = readable.anonymous and selection == EVERYTHING
    chosen = comments(*columns, anonymous=anonymous)
    chosen = chosen.where(*in_scope(readable.scope, anonymous=anonymous))
    if selection.sentiment:
        label = None if selection.sentiment == UNSCORED else selection.sentiment
        chosen = chosen.where(CommentAnalysis.sentiment.is_not_distinct_from(label))
    if selection.flag:
        chosen = chosen.where(getattr(CommentAnalysis, selection.flag).is_(True))
    if selection.theme:
        chosen = chosen.where(
            sa.exists().where(
                ThemeMention.response_id == Answer.response_id,
                ThemeMention.question == Answer.question,
                sa.or_(ThemeMention.theme == selection.theme, ThemeMention.code == selection.theme),
            )
        )
    return chosen


def _comments(session: Session, rows: Sequence[Any], readable: Readable) -> list[Comment]:
    ids = sorted({row.id for row in rows})
    scores = _scores(session, ids)
    mentions = _mentions(session, ids)
    corrections = {
        Place(one.response_id, one.question): one
        for one in session.scalars(
            sa.select(CommentCorrection).where(CommentCorrection.response_id.in_(ids))
        )
    }
    found = []
    for row in rows:
        place = Place(row.id, row.question)
        score_kind, score = scores.get(row.id, (None, None))
        is_told = not row.is_anonymous
        found.append(
            Comment(
                place=place,
                text=row.text,
                day=row.day,
                is_anonymous=row.is_anonymous,
                country=row.country if is_told and row.country in readable.countries else None,
                stage=row.stage if is_told and row.stage in readable.stages else None,
                language=row.read_language or (row.locale if is_told else None),
                also=row.also,
                sentiment=row.sentiment,
                confidence=row.confidence,
                contradicts=is_told and bool(row.contradicts),
                is_read=row.is_read,
                is_current=row.is_current,
                score=score if is_told else None,
                score_kind=score_kind if is_told else None,
                mentions=tuple(mentions.get(place, ())),
                correction=corrections.get(place),
            )
        )
    return found


def _scores(session: Session, ids: Sequence[int]) -> dict[int, tuple[str, int | None]]:
    """The first score of each response, with its kind."""
    found: dict[int, tuple[str, int | None]] = {}
    for response_id, kind, number in session.execute(
        sa.select(Answer.response_id, Answer.kind, Answer.number)
        .where(Answer.response_id.in_(ids), Answer.number.is_not(None))
        .order_by(Answer.response_id, Answer.question)
    ):
        found.setdefault(response_id, (kind, number))
    return found


def _mentions(session: Session, ids: Sequence[int]) -> dict[Place, list[Mention]]:
    found: dict[Place, list[Mention]] = defaultdict(list)
    for one in session.scalars(
        sa.select(ThemeMention)
        .where(ThemeMention.response_id.in_(ids))
        .order_by(ThemeMention.start, ThemeMention.id)
    ):
        place = Place(one.response_id, one.question)
        found[place].append(Mention(one.code, one.polarity, one.start, one.end))
    return found


def progress(
    session: Session, workspace: Workspace, *, engine: str = nlp.ENGINE_VERSION
) -> Progress:
    """How far the reading of the workspace's comments has come; not of anonymous surveys', whose
    answers nobody may count as they arrive.
    """
    every, waiting = session.execute(
        sa.select(sa.func.count(), sa.func.count().filter(_waits(engine))).where(
            Response.workspace_id == workspace.id, Response.has_comment.is_(True), IS_NAMED
        )
    ).one()
    return Progress(every, waiting)
