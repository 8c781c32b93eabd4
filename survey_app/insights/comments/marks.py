"""A text in pieces: those in which a theme was found, and those between."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby


@dataclass(frozen=True, slots=True)
class Mention:
    """A theme found in a text: its code, its polarity (or None), its place in code points.

    One that a person added has no place: it starts and ends at 0.
    """

    code: str
    polarity: str | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text, and the mention that it belongs to."""

    text: str
    mention: Mention | None


def pieces(text: str, mentions: Iterable[Mention]) -> list[Piece]:
    """The text, cut where mentions begin and end; of those that overlap the shortest is named.

    A mention whose place is not in the text marks nothing.
    """
    owners: list[Mention | None] = [None] * len(text)
    for mention in sorted(mentions, key=lambda one: one.start - one.end):
        if 0 <= mention.start < mention.end <= len(text):
            owners[mention.start : mention.end] = [mention] * (mention.end - mention.start)
    found = []
    for owner, group in groupby(range(len(text)), key=owners.__getitem__):
        places = list(group)
        found.append(Piece(text[places[0] : places[-1] + 1], owner))
    return found


def merged(mentions: Iterable[Mention]) -> dict[str, str | None]:
    """Each theme that is mentioned, with the polarity that its mentions agree on."""
    found: dict[str, set[str | None]] = defaultdict(set)
    for mention in mentions:
        found[mention.code].add(mention.polarity)
    return {code: next(iter(told)) if len(told) == 1 else None for code, told in found.items()}
