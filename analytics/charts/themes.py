"""What comments are about: per theme, how much is bad and good."""

from collections.abc import Sequence

import pandas as pd

from analytics.charts.drawing import KEY_LINE, Picture, Plane, Spec, boxes, empty, picture, words
from analytics.charts.look import Look, text_width
from analytics.charts.palette import RELIABLE, color
from analytics.charts.tables import Counts, counts
from analytics.errors import FrameError

ROW = 32  # pixels
POLARITIES = ("negative", "neutral", "positive")


def themes(table: pd.DataFrame, look: Look) -> Picture:
    """Draw mentions per theme, negative before and positive after a common middle.

    Columns `label`, the counts `mentions`, `negative`, `neutral`, `positive`, and `net` (net
    sentiment, points in [-100, 100] or null); optional `suppressed`; rows in the caller's order.
    A bar's length is its scored mentions; half of the neutral ones lie on either side of the
    middle. Mentions without a sentiment count in `mentions` only. A net of fewer than 30 scored
    mentions is written soft.

    Labels: `negative`, `neutral`, `positive`, `mentions`, `net`, `empty`, `withheld`.
    """
    rows = counts(table, ("mentions", *POLARITIES), labelled=True)
    if not rows:
        return empty(look)
    if any(r.counts and _scored(r) > r.counts["mentions"] for r in rows):
        raise FrameError("mentions", "are fewer than scored", hint="count every mention")
    names = min(look.width * 0.32, max(text_width(r.label) for r in rows) + 6)
    heads = [min(78.0, text_width(look.word(code), 11)) for code in ("net", "mentions")]
    after = max(38.0, heads[0]) + max(38.0, heads[1]) + 14
    bad, good = (max(1.0, *side) for side in zip((0, 0), *map(_sides, rows), strict=True))
    plane = Plane(
        width=look.width - names - after - 32,
        height=ROW * len(rows),
        x=(-bad, good),
        y=(0.5 - len(rows), 0.5),
        margins=(30, after + 8, 10 + KEY_LINE, names + 24),
        mirrored=look.rtl,
    )
    layers = [
        *_bars(plane, look, rows),
        *_columns(plane, look, rows, names=names, after=after),
        *_key(plane, look),
    ]
    return picture(plane, layers)


def _scored(r: Counts) -> int:
    """Mentions that have a sentiment."""
    return sum(r.counts[name] for name in POLARITIES) if r.counts else 0


def _sides(r: Counts) -> tuple[float, float]:
    """How far a theme's bar reaches before and after the middle, in mentions."""
    if r.counts is None:
        return (0.0, 0.0)
    half = r.counts["neutral"] / 2
    return r.counts["negative"] + half, r.counts["positive"] + half


def _bars(plane: Plane, look: Look, rows: Sequence[Counts]) -> list[Spec]:
    shown, hidden = [], []
    nick = plane.x_at(14) - plane.x_at(0)
    for i, r in enumerate(rows):
        place = {"y": -i - 0.27, "y2": -i + 0.27}
        if r.counts is None:
            told = look.text(f"{r.label}: {look.word('withheld')}")
            box = place | {"x": -nick, "x2": nick, "about": told}
            hidden.append(box | {"fill": color("withheld")})
            continue
        at = -_sides(r)[0]
        for name in POLARITIES:
            count = r.counts[name]
            told = look.text(f"{r.label}, {look.word(name)}: {look.number(count)}")
            if count:
                box = place | {"x": at, "x2": at + count, "about": told}
                shown.append(box | {"fill": color(name)})
            at += count
    return [boxes(plane, rows_, corner=1) for rows_ in (shown, hidden) if rows_]


def _columns(
    plane: Plane, look: Look, rows: Sequence[Counts], *, names: float, after: float
) -> list[Spec]:
    named = [
        {"x": plane.x_at(-names - 12), "y": -i, "fill": color("ink")}
        | {"text": look.fitted(r.label, names)}
        for i, r in enumerate(rows)
    ]
    end = plane.x_at(plane.width + after)
    last = max(38.0, min(78.0, text_width(look.word("mentions"), 11)))
    middle = plane.x_at(plane.width + after - last - 12)
    nets = [
        {"x": middle, "y": -i, "text": look.number(r.net), "size": 13}
        | ({} if _scored(r) >= RELIABLE else {"fill": color("ink-soft")})
        for i, r in enumerate(rows)
        if r.net is not None
    ]
    said = [
        {"x": end, "y": -i, "text": look.number(r.counts["mentions"]), "size": 11}
        for i, r in enumerate(rows)
        if r.counts is not None
    ]
    top = plane.y_at(-14)
    said += [
        {"x": x, "y": top, "text": look.fitted(look.word(code), 78, size=11), "size": 11}
        for code, x in (("net", middle), ("mentions", end))
    ]
    return [
        words(plane, named, align="left"),
        words(plane, said, align="right"),
        *([words(plane, nets, align="right", bold=True)] if nets else []),
    ]


def _key(plane: Plane, look: Look) -> list[Spec]:
    swatches, said = [], []
    at, y = -plane.margins[3] + 12, plane.height + 10 + KEY_LINE / 2
    for name in POLARITIES:
        box = {"x": plane.x_at(at), "x2": plane.x_at(at + 10), "fill": color(name)}
        swatches.append(box | {"y": plane.y_at(y - 5), "y2": plane.y_at(y + 5)})
        word = look.word(name)
        said.append({"x": plane.x_at(at + 16), "y": plane.y_at(y), "text": look.text(word)})
        at += 34 + text_width(word)
    return [boxes(plane, swatches, corner=2), words(plane, said, align="left")]
