"""The address of the page *Comments* as values: what is chosen in a scope, and from where on."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from werkzeug.datastructures import MultiDict

from analytics import Period
from analytics.scope import Scope
from survey_app.accounts.models import Workspace
from survey_app.errors import N_, Invalid
from survey_app.insights.schemas import read_query
from survey_app.insights.scope import read_day
from survey_app.surveys.models import KINDS

UNSCORED = "unscored"
SENTIMENTS = ("negative", "neutral", "positive")
FLAGS = ("contradicts", "corrected")
# 18 digits: whatever a database counts to.
PLACE = re.compile(r"(\d{1,18})_([^\x00-\x1f]{1,64})")


@dataclass(frozen=True, slots=True)
class Place:
    """A comment by its response and question."""

    response_id: int
    question: str

    def __str__(self) -> str:
        return f"{self.response_id}_{self.question}"


@dataclass(frozen=True, slots=True)
class Before:
    """Where a page begins: after a comment with this day, place among the day's, and question."""

    day: date
    number: int
    question: str

    def __str__(self) -> str:
        return f"{self.day.isoformat()}_{self.number}_{self.question}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What is chosen among the comments of a scope; None chooses nothing."""

    sentiment: str | None = None
    theme: str | None = None
    flag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentsQuery:
    """What the page shows: a selection in a scope, from where on, and which comment's form."""

    scope: Scope
    # The scope's period up to today.
    now: Period
    today: date
    selection: Selection
    before: Before | None
    correct: Place | None

    @property
    def listed(self) -> Scope:
        """The scope that is listed."""
        return self.scope.over(self.now)


def read_comments_query(
    args: MultiDict[str, str], workspace: Workspace, *, today: date, themes: Collection[str]
) -> CommentsQuery:
    """The page's query from its address. Raises Invalid for what is no choice."""
    query = read_query(args, workspace, today=today)
    now, _ = query.compared
    kind = _choice(args.get("kind"), KINDS) or KINDS[0]
    return CommentsQuery(
        scope=query.scope.of_kind(kind),
        now=now,
        today=today,
        selection=Selection(
            sentiment=_choice(args.get("sentiment"), (*SENTIMENTS, UNSCORED)),
            theme=_choice(args.get("theme"), themes),
            flag=_choice(args.get("flag"), FLAGS),
        ),
        before=read_before(args.get("before")),
        correct=read_place(args["correct"]) if args.get("correct") else None,
    )


def read_before(text: str | None) -> Before | None:
    """Where the page begins; None: with the newest comment. Raises Invalid."""
    if not text:
        return None
    day, _, rest = text.partition("_")
    place = read_place(rest)
    return Before(read_day(day), place.response_id, place.question)


def read_place(text: str) -> Place:
    """A comment by its name. Raises Invalid."""
    found = PLACE.fullmatch(text)
    if not found:
        raise Invalid(
            "comments.place",
            N_("There is no such page of comments."),
            hint=N_("Begin with the newest ones."),
        )
    return Place(int(found[1]), found[2])


def _choice(text: str | None, known: Collection[str]) -> str | None:
    if not text:
        return None
    if text not in known:
        raise Invalid(
            "choice.unknown",
            N_("%(text)s is not a choice here."),
            hint=N_("Choose one from the list."),
            text=text[:40],
        )
    return text
