"""The address of the page *Comments* as values: what is chosen in a scope, and from where on."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from werkzeug.datastructures import MultiDict

from survey_app.errors import N_, Invalid
from survey_app.insights.scope import read_day

UNSCORED = "unscored"
SENTIMENTS = ("negative", "neutral", "positive")
FLAGS = ("contradicts", "corrected")
# 18 digits: whatever a database counts to.
PLACE = re.compile(r"(\d{4}-\d\d-\d\d)_(\d{1,18})_([^\x00-\x1f]{1,64})")


@dataclass(frozen=True, slots=True)
class Place:
    """A comment by its response and question."""

    response_id: int
    question: str


@dataclass(frozen=True, slots=True)
class Before:
    """Where a page begins: after this comment, in the order newest first."""

    day: date
    place: Place

    def __str__(self) -> str:
        return f"{self.day.isoformat()}_{self.place.response_id}_{self.place.question}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What is chosen among the comments of a scope; None chooses nothing."""

    sentiment: str | None = None
    theme: str | None = None
    flag: str | None = None


def read_selection(args: MultiDict[str, str], *, themes: Collection[str]) -> Selection:
    """What the address chooses. Raises Invalid for what is no choice."""
    return Selection(
        sentiment=_choice(args.get("sentiment"), (*SENTIMENTS, UNSCORED)),
        theme=_choice(args.get("theme"), themes),
        flag=_choice(args.get("flag"), FLAGS),
    )


def read_before(text: str | None) -> Before | None:
    """Where the page begins; None: with the newest comment. Raises Invalid."""
    if not text:
        return None
    found = PLACE.fullmatch(text)
    if not found:
        raise Invalid(
            "comments.before",
            N_("There is no such page of comments."),
            hint=N_("Begin with the newest ones."),
        )
    return Before(read_day(found[1]), Place(int(found[2]), found[3]))


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
