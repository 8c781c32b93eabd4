"""Comments for people to read: which may be shown, what they come to, the newest first."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

import analytics
import nlp
from survey_app.accounts.models import Workspace
from survey_app.insights import tables
from survey_app.insights.comments.marks import Mention, Piece, merged, pieces
from survey_app.insights.comments.schemas import (
    SENTIMENTS,
    UNSCORED,
    Before,
    Place,
    Selection,
)
from survey_app.insights.comments.undone import IS_READY
from survey_app.insights.counts import COLUMNS, PERSON, in_scope
from survey_app.insights.models import CommentAnalysis, CommentCorrection, ThemeMention
from survey_app.insights.scope import Breakdown, Scope
from survey_app.jobs import Job
from survey_app.responses.models import Answer, Response

PAGE = 25
EVERYTHING = Selection()
Rows = sa.Select[*tuple[Any, ...]]
NPS = Breakdown("nps", kind="relational")


@dataclass(frozen=True, slots=True, kw_only=True)
class Readable:
    """What of a scope's comments may be shown: all or none, with which countries and stages.

    The privacy floor is asked of the whole scope. Sentiment, theme and flag choose among comments
    that whoever opens the page may read one by one, so they give nobody away.
    """

    is_open: bool
    shown: "Shown"


@dataclass(frozen=True, slots=True)
class Shown:
    """The countries and stages that a comment may name: those that their tables don't withhold."""

    countries: frozenset[str]
    stages: frozenset[str]


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
    day: date
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
    """Comments, and where the next page begins."""

    comments: Sequence[Comment] = field(default_factory=tuple)
    following: Before | None = None


def what_is_readable(session: Session, workspace: Workspace, scope: Scope) -> Readable:
    """What may be shown of a scope, by the rules of its numbers."""
    scores = tables.breakdowns(session, scope, [NPS.over("country"), NPS.over("stage")])
    writers = tables.writers(session, scope, scores.floors[NPS])
    countries, stages = scores.tables
    shown = shown_in(session, workspace, scope, countries=countries, stages=stages)
    return Readable(is_open=is_open(writers, workspace), shown=shown)


def is_open(writers: int, workspace: Workspace) -> bool:
    """Whether comments may be shown: nobody wrote any, or enough people did."""
    return not 0 < writers < workspace.comment_floor


def shown_in(
    session: Session,
    workspace: Workspace,
    scope: Scope,
    *,
    countries: pd.DataFrame,
    stages: pd.DataFrame,
) -> Shown:
    """What the tables of countries and stages show, and enough people of whom wrote."""
    told = {
        name: _visible(table, name) & _visible(_writers(session, workspace, scope, name), name)
        for name, table in (("country", countries), ("stage", stages))
    }
    return Shown(told["country"], told["stage"])


def _writers(session: Session, workspace: Workspace, scope: Scope, name: str) -> pd.DataFrame:
    """The values of a dimension, suppressed where a filter by them would open no comments."""
    column = COLUMNS[name]
    asked = sa.select(column, sa.func.count(PERSON.distinct()))
    groups = session.execute(_chosen(asked, scope, EVERYTHING).group_by(column)).all()
    table = pd.DataFrame({name: [value for value, _ in groups], "n": 0})
    people = [count for _, count in groups]
    return analytics.suppress(table, respondents=people, k=workspace.comment_floor)


def _visible(table: pd.DataFrame, dimension: str) -> frozenset[str]:
    return frozenset(table.loc[~table["suppressed"], dimension].dropna())


def tally(
    session: Session,
    scope: Scope,
    selection: Selection = EVERYTHING,
    *,
    engine: str = nlp.ENGINE_VERSION,
) -> Tally:
    """Count the comments of a selection; `engine` is the version that should have read them."""
    of_sentiment = [
        sa.func.count().filter(CommentAnalysis.sentiment == name) for name in SENTIMENTS
    ]
    counts = sa.select(sa.func.count(), *of_sentiment, sa.func.count().filter(_waits(engine)))
    comments, negative, neutral, positive, waiting = session.execute(
        _chosen(counts, scope, selection)
    ).one()
    return Tally(
        comments=comments, negative=negative, neutral=neutral, positive=positive, waiting=waiting
    )


def newest(
    session: Session,
    scope: Scope,
    selection: Selection = EVERYTHING,
    *,
    shown: Shown,
    before: Before | None = None,
    limit: int = PAGE,
    engine: str = nlp.ENGINE_VERSION,
) -> Page:
    """A page of comments, the newest first; whether any may be shown is the caller's to ask."""
    order = (Response.day, Response.id, Answer.question)
    chosen = _chosen(
        sa.select(
            Response.id,
            Answer.question,
            Answer.text,
            Response.day,
            Response.country,
            Response.stage,
            sa.func.coalesce(CommentAnalysis.language, Response.locale).label("language"),
            CommentAnalysis.also,
            CommentAnalysis.sentiment,
            CommentAnalysis.confidence,
            CommentAnalysis.contradicts,
            CommentAnalysis.response_id.is_not(None).label("is_read"),
            _is_current(engine).label("is_current"),
        ),
        scope,
        selection,
    )
    if before is not None:
        place = before.place
        later = sa.tuple_(before.day, place.response_id, place.question)
        # The first condition says nothing new: it is the one that an index can use.
        chosen = chosen.where(Response.day <= before.day, sa.tuple_(*order) < later)
    rows = session.execute(
        chosen.order_by(*(column.desc() for column in order)).limit(limit + 1)
    ).all()
    comments = _comments(session, rows[:limit], shown)
    if len(rows) <= limit:
        return Page(comments)
    return Page(comments, Before(comments[-1].day, comments[-1].place))


def _is_current(engine: str) -> sa.ColumnElement[bool]:
    return sa.func.coalesce(Response.analysed_version == engine, sa.false())


def _waits(engine: str) -> sa.ColumnElement[bool]:
    """Whether a response is to be read; one that breaks the analysis, and was set aside, is not."""
    set_aside = sa.exists().where(
        Job.kind.startswith("analyse_comments "),
        Job.subject == Response.id,
        Job.quarantined_at.is_not(None),
    )
    return sa.and_(~_is_current(engine), ~set_aside)


def _chosen(select: Rows, scope: Scope, selection: Selection) -> Rows:
    """A select over the comments of a selection, with answer, analysis and workspace."""
    chosen = (
        select.select_from(Response)
        .join(Workspace, Workspace.id == Response.workspace_id)
        .join(Answer, Answer.response_id == Response.id)
        .outerjoin(
            CommentAnalysis,
            sa.and_(
                CommentAnalysis.response_id == Answer.response_id,
                CommentAnalysis.question == Answer.question,
            ),
        )
        .where(Answer.text.is_not(None), Response.has_comment.is_(True), IS_READY, *in_scope(scope))
    )
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


def _comments(session: Session, rows: Sequence[Any], shown: Shown) -> list[Comment]:
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
        found.append(
            Comment(
                place=place,
                text=row.text,
                day=row.day,
                country=row.country if row.country in shown.countries else None,
                stage=row.stage if row.stage in shown.stages else None,
                language=row.language,
                also=row.also,
                sentiment=row.sentiment,
                confidence=row.confidence,
                contradicts=bool(row.contradicts),
                is_read=row.is_read,
                is_current=row.is_current,
                score=score,
                score_kind=score_kind,
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


def mentions_by_part(
    session: Session, scope: Scope, themes: pd.DataFrame
) -> Mapping[str, int | None]:
    """How often each theme and part is spoken of; None for those that the floor hides.

    `themes` is the scope's table of whole themes, suppressed; the parts of a theme, together with
    the mentions that name none, add up to it, and hide by the same rules.
    """
    people = sa.func.count(PERSON.distinct())
    rows = session.execute(
        sa.select(ThemeMention.theme, ThemeMention.code, sa.func.count(), people)
        .select_from(Response)
        .join(ThemeMention, ThemeMention.response_id == Response.id)
        .where(*in_scope(scope))
        .group_by(ThemeMention.theme, ThemeMention.code)
    ).all()
    found: dict[str, int | None] = dict.fromkeys([*themes["theme"], *(row.code for row in rows)])
    for whole in themes[~themes["suppressed"]].itertuples():
        parts = [row for row in rows if row.theme == whole.theme]
        table = analytics.suppress(
            pd.DataFrame([(row.code, row[2]) for row in parts], columns=["code", "n"]),
            respondents=[row[3] for row in parts],
            k=scope.respondent_floor,
        )
        shown = table[~table["suppressed"]]
        found |= dict(zip(shown["code"], map(int, shown["n"]), strict=True))
        found[str(whole.theme)] = int(str(whole.mentions))
    return found


def progress(
    session: Session, workspace: Workspace, *, engine: str = nlp.ENGINE_VERSION
) -> Progress:
    """How far the reading of the workspace's comments has come."""
    every, waiting = session.execute(
        sa.select(sa.func.count(), sa.func.count().filter(_waits(engine))).where(
            Response.workspace_id == workspace.id, Response.has_comment.is_(True)
        )
    ).one()
    return Progress(every, waiting)
