"""Parts of a whole as one bar: the split of an NPS, the sentiment of comments."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from analytics.charts.drawing import Picture, Plane, Spec, boxes, empty, picture, words
from analytics.charts.look import Look
from analytics.charts.palette import color
from analytics.charts.tables import counts
from analytics.errors import FrameError

BAR = 26  # pixels


def split(table: pd.DataFrame, look: Look) -> Picture:
    """Draw detractors, passives and promoters as shares of all answers.

    One row with the counts `promoters`, `passives`, `detractors`, `n` (their sum); optional
    `suppressed`. The worse end stands first in reading direction, as on the 0-10 scale.

    Labels: `promoters`, `passives`, `detractors`, `empty`, `withheld`.
    """
    found = _single(table, ("promoters", "passives", "detractors", "n"))
    if found is None:
        return _nothing(table, look)
    parts = {name: found[name] for name in ("detractors", "passives", "promoters")}
    if sum(parts.values()) != found["n"]:
        raise FrameError("n", "is not the sum of its parts", hint="count the answered only")
    if not found["n"]:
        return empty(look, height=96)
    plane = Plane(look.width - 4, 92, (0, look.width - 4), (-92, 0), (2, 2, 2, 2), look.rtl)
    return picture(plane, _bar(plane, look, parts))


def sentiment(table: pd.DataFrame, look: Look) -> Picture:
    """Draw the sentiment of the scored comments and, below, how many of all were scored.

    One row with the counts `negative`, `neutral`, `positive` and `comments` (all of them, also
    the unscored); optional `suppressed`.

    Labels: `negative`, `neutral`, `positive`, `coverage`, `empty`, `withheld`.
    """
    found = _single(table, ("negative", "neutral", "positive", "comments"))
    if found is None:
        return _nothing(table, look)
    parts = {name: found[name] for name in ("negative", "neutral", "positive")}
    scored = sum(parts.values())
    if scored > found["comments"]:
        raise FrameError("comments", "are fewer than scored", hint="count all comments")
    if not found["comments"]:
        return empty(look, height=96)
    wide, high = look.width - 4, 132 if scored else 36
    plane = Plane(wide, high, (0, wide), (-high, 0), (2, 2, 2, 2), look.rtl)
    bar = _bar(plane, look, parts) if scored else []
    return picture(plane, [*bar, *_coverage(plane, look, scored / found["comments"])])


def _single(table: pd.DataFrame, columns: Sequence[str]) -> Mapping[str, int] | None:
    rows = counts(table, columns, labelled=False)
    if len(rows) > 1:
        raise FrameError(None, f"has {len(rows)} rows", hint="a bar is drawn from one")
    return rows[0].counts if rows else None


def _nothing(table: pd.DataFrame, look: Look) -> Picture:
    """An empty frame that says whether the numbers are absent or withheld."""
    return empty(look, height=96, code="withheld" if len(table) else "empty")


def _bar(plane: Plane, look: Look, parts: Mapping[str, int]) -> list[Spec]:
    """A stacked bar with its parts' names, shares and counts in columns below."""
    whole = sum(parts.values())
    bars: list[dict[str, Any]] = []
    swatches, names, values, numbers = [], [], [], []
    at = 0.0
    column = plane.width / len(parts)
    for i, (name, count) in enumerate(parts.items()):
        reach = count / whole * plane.width
        fill, share = color(name), count / whole
        told = look.text(f"{look.word(name)}: {look.number(count)} ({look.percent(share)})")
        if count:
            bars.append({"x": at, "x2": max(at + 1, at + reach - 2), "y": 0, "y2": -BAR})
            bars[-1] |= {"fill": fill, "about": told}
        at += reach
        x = column * i
        swatches.append({"x": x, "x2": x + 10, "y": -43, "y2": -53, "fill": fill})
        named = look.fitted(look.word(name), column - 22)
        names.append({"x": x + 16, "y": -48, "text": named})
        values.append({"x": x, "y": -74, "text": look.percent(share), "size": 18})
        beside = x + 10 + 11.5 * len(look.percent(share))
        numbers.append({"x": beside, "y": -75, "text": look.number(count)})
    return [
        boxes(plane, bars, corner=3),
        boxes(plane, swatches, corner=2),
        words(plane, [*names, *numbers], align="left"),
        words(plane, values, align="left", bold=True),
    ]


def _coverage(plane: Plane, look: Look, share: float) -> list[Spec]:
    """The share as words over a line, at the foot of the plane."""
    foot = plane.y[0]
    track: dict[str, Any] = {"x": 0, "x2": plane.width, "y": foot + 8, "y2": foot + 2}
    track["fill"] = color("track")
    done = track | {"x2": plane.width * share, "fill": color("series")}
    said = look.text(f"{look.word('coverage')} {look.percent(share)}")
    told = [track | {"about": said}, *([done | {"about": said}] if share else [])]
    under = {"x": 0, "y": foot + 21, "text": said}
    return [boxes(plane, told, corner=3), words(plane, [under], align="left")]
