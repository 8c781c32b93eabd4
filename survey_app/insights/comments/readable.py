"""Which comments people may read: the one way to their rows, and the floor of a list.

A list is of a scope. Its surveys are of one kind, so that a score stands among its like, and lists
of both kinds have no comment in common.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from analytics.scope import Breakdown, Scope
from survey_app.accounts.models import Workspace
from survey_app.insights import tables
from survey_app.insights.comments.undone import IS_READY
from survey_app.insights.lake.facts import IS_NAMED, IS_PUBLISHED, PERSON
from survey_app.insights.lake.reading import Source
from survey_app.insights.models import CommentAnalysis
from survey_app.insights.queries import ANALYSED, in_scope
from survey_app.insights.tables import Scores
from survey_app.responses.models import Answer, Response
from survey_app.surveys.models import KINDS, Survey, SurveyVersion

Rows = sa.Select[*tuple[Any, ...]]
AGE = "age_band"
FEWEST = 10  # comments of anonymous surveys that stand together; a workspace's floor may be higher


@dataclass(frozen=True, slots=True)
class Readable:
    """A scope whose comments may be shown, and the countries and stages that they may name.

    The privacy floor is asked of the whole scope. Sentiment, theme and flag choose among comments
    that whoever opens the page may read one by one, so they give nobody away.
    """

    scope: Scope
    countries: frozenset[str]
    stages: frozenset[str]
    # Whether published comments of anonymous surveys stand among them.
    anonymous: bool


@dataclass(frozen=True, slots=True)
class Numbers:
    """What scores say of a list: the scope's tables of `naming`, and whether a filter closes it."""

    tables: Sequence[pd.DataFrame]
    closed: bool


def comments(*columns: Any, anonymous: bool = False) -> Rows:
    """A row per comment that nothing has to be taken out of, with its analysis where it has one.

    `anonymous`: also the published ones of surveys that promise anonymity.
    """
    return (
        sa.select(*columns)
        .select_from(Response)
        .join(Workspace, Workspace.id == Response.workspace_id)
        .join(Answer, Answer.response_id == Response.id)
        .outerjoin(CommentAnalysis, ANALYSED)
        .where(
            Answer.text.is_not(None),
            Response.has_comment.is_(True),
            IS_READY,
            IS_PUBLISHED if anonymous else IS_NAMED,
        )
    )


def naming(session: Session, scope: Scope) -> list[Breakdown]:
    """The tables of what a comment names, for each metric that surveys of the scope's kind ask."""
    definitions = session.scalars(
        sa.select(SurveyVersion.definition)
        .join(Survey, Survey.id == SurveyVersion.survey_id)
        .where(Survey.workspace_id == scope.workspace, Survey.kind == scope.kind)
    )
    kinds = {question["kind"] for one in definitions for question in one["questions"]}
    kind = scope.kind or KINDS[0]
    totals = [Breakdown(metric, kind=kind) for metric in tables.METRICS if metric in kinds]
    return [total.over(name) for name in tables.NAMED for total in totals]


def is_closed(scores: Scores, asked: Sequence[Breakdown]) -> bool:
    """Whether comments are closed: where any table by what they name is."""
    return any(scores.closed[each.total] for each in asked)


def floor_of(workspace: Workspace) -> int:
    """How many people must have written what stands together: a list, or its sentiment."""
    return max(workspace.comment_floor, workspace.score_floor)


def _numbers(source: Source, scope: Scope) -> Numbers:
    asked = naming(source.session, scope)
    scores = tables.breakdowns(source, scope, asked) if asked else Scores((), {})
    return Numbers(scores.tables, is_closed(scores, asked))


def what_is_readable(
    source: Source, workspace: Workspace, scope: Scope, *, numbers: Numbers | None = None
) -> Readable | None:
    """What may be shown of a scope, by the rules of its numbers; None: it would tell of too few.

    A filter by age is dropped, since nothing on a comment says an age: else two lists, one of a
    country and one of an age, would tell the age of each that is in both.
    """
    scope = scope.without(AGE)
    numbers = numbers or _numbers(source, scope)
    session, floor = source.session, floor_of(workspace)
    counted = replace(scope, respondent_floor=floor)
    wrote = source.protected_comments(counted, tables.WRITTEN)
    others = 0
    if scope.narrowed().anonymous and _any_anonymous(session, workspace):
        together = wrote
        wrote = source.protected_comments(replace(counted, anonymous=False), tables.WRITTEN)
        if together[0]["hidden"].any():
            return None
        others = _people(session, scope, anonymous=True) - _people(session, scope, anonymous=False)
    if numbers.closed or wrote[0]["hidden"].any():
        return None
    told = {
        name: _values(table, ~table["hidden"])
        for name, table in zip(tables.NAMED, wrote[1:], strict=True)
    }
    for table in numbers.tables:
        told[str(table.columns[0])] -= _values(table, table["suppressed"])
    enough = others >= max(FEWEST, floor)
    return Readable(scope, told["country"], told["stage"], anonymous=enough)


def _any_anonymous(session: Session, workspace: Workspace) -> bool:
    of = (Survey.workspace_id == workspace.id, Survey.anonymous.is_(True))
    return bool(session.scalar(sa.select(sa.exists().where(*of))))


def _people(session: Session, scope: Scope, *, anonymous: bool) -> int:
    """How many wrote comments in a scope; to anonymous surveys everybody writes once."""
    asked = comments(sa.func.count(PERSON.distinct()), anonymous=anonymous)
    return int(session.scalar(asked.where(*in_scope(scope, anonymous=anonymous))) or 0)


def is_open(writers: int, workspace: Workspace) -> bool:
    """Whether comments by themselves may be shown: nobody wrote any, or enough people did."""
    return not 0 < writers < floor_of(workspace)


def _values(table: pd.DataFrame, rows: pd.Series) -> frozenset[str]:
    """Those of a table's only key in some of its rows."""
    return frozenset(table.iloc[:, 0][rows].dropna())
