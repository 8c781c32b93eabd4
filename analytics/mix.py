"""Why a score changed: because segments changed, or because their shares of the answers did.

Kitagawa (1955), "Components of a difference between two rates", JASA 50(272). With the score rᵢ
of segment i and its share sᵢ of the answers, then and now,

    within = Σ s̄ᵢ·Δrᵢ        mix = Σ (r̄ᵢ - R̄)·Δsᵢ        within + mix = ΔR, exactly,

where a bar is the mean of then and now. R̄, the mean of the two total scores, changes no sum, since
Σ Δsᵢ = 0; it makes each segment's mix mean something: a growing segment lifts the score only if
it is better than the others. A segment that appears or vanishes has no change of its own: all it
contributes is mix.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics import intervals, sums, tallies
from analytics.errors import FrameError
from analytics.options import Numbers
from analytics.sums import Metric

RESULT = (
    "change",
    "within",
    "mix",
    "n",
    "n_before",
    "share",
    "share_before",
    "score",
    "score_before",
)


@dataclass(frozen=True)
class Split:
    """A change in points and its two parts with their intervals; NaN if a side is empty.

    `segments` has one row per segment of either side: keys; `change`, what the segment
    contributes to the change, and its parts `within, mix`, in points, which add up to those of
    the whole; `n, n_before`; `share, share_before` of the answers (of the weights), [0, 1];
    `score, score_before` in points, null where there are no answers.
    """

    change: float
    within: float
    within_low: float
    within_high: float
    mix: float
    mix_low: float
    mix_high: float
    segments: pd.DataFrame


def split_change(
    current: pd.DataFrame, previous: pd.DataFrame, *, metric: Metric, confidence: float = 0.95
) -> Split:
    """Split the change of a score from `previous` to `current` into within-segment and mix.

    Two results (or tallies) of one metric with the same keys, which are the segments; for
    weighted NPS two tallies. The parts add up to the change of the total within 1e-9. Their
    intervals are normal ones by the delta method on the variances of `sums.Sums.variance`,
    answers and their segments drawn independently on each side. A segment's part is telling:
    split before suppressing, then suppress `segments` by the smaller of `n` and `n_before` that
    isn't 0 (a segment of two that is new has none before, and tells of two all the same).

    FrameError where keys differ, repeat or are none, a column of the metric is missing, or a
    row is suppressed: what is not known can't be split exactly.

    >>> then = pd.DataFrame({"stage": ["adopt", "exit"], "n": [80, 20],
    ...                      "promoters": [40, 2], "detractors": [8, 12]})
    >>> now = pd.DataFrame({"stage": ["adopt", "exit"], "n": [50, 50],
    ...                     "promoters": [30, 10], "detractors": [5, 25]})
    >>> split = split_change(now, then, metric="nps")   # both rose, and yet the total fell
    >>> round(split.change, 9), round(split.within, 9), round(split.mix, 9)
    (-12.0, 13.5, -25.5)
    >>> split.segments[["stage", "change", "within", "mix"]].round(9).values.tolist()
    [['adopt', -2.2, 6.5, -8.7], ['exit', -9.8, 7.0, -16.8]]
    """
    z = intervals.normal_quantile(confidence)
    hint = "split first, then suppress `segments`"
    reads = [sums.known(table, metric, hint=hint) for table in (current, previous)]
    keys = tallies.keys(current)
    if not keys:
        raise FrameError(None, "has no segments", hint="tally by the columns to split by")
    tallies.refuse_clashes(keys, RESULT)
    table, places = tallies.line_up(current, previous)
    now, then = (read.at(rows, absent=0) for read, rows in zip(reads, places, strict=True))
    parts = _Parts(_Side(now), _Side(then))
    within, mix = float(np.sum(parts.within)), float(np.sum(parts.mix))
    margins = [z * 100 * float(np.sqrt(variance)) for variance in parts.variances()]
    table["change"], table["within"] = parts.within + parts.mix, parts.within
    table["mix"] = parts.mix
    table["n"], table["n_before"] = now.n.astype(np.int64), then.n.astype(np.int64)
    table["share"], table["share_before"] = parts.now.share, parts.then.share
    table["score"], table["score_before"] = 100 * now.score, 100 * then.score
    return Split(
        100 * (parts.now.total - parts.then.total),
        within,
        within - margins[0],
        within + margins[0],
        mix,
        mix - margins[1],
        mix + margins[1],
        table,
    )


class _Side:
    """One side's segments: shares, scores and their variances, and the total score."""

    def __init__(self, side: sums.Sums) -> None:
        whole = side.size.sum() or np.nan
        self.share = side.size / whole
        self.score = side.score
        self.total = float((side.up - side.down).sum() / whole)
        self.variance = np.nan_to_num(side.variance())
        self.n_eff = whole**2 / (side.squares.sum() or np.nan)
        self.there = side.size > 0

    def spread(self, of: Numbers) -> float:
        """The variance of the mean of a number `of` each answer's segment."""
        mean = np.sum(self.share * of)
        return float(np.sum(self.share * (of - mean) ** 2) / self.n_eff)


class _Parts:
    """Kitagawa's parts, per segment, in points; the formula stands at the top of the file."""

    def __init__(self, now: _Side, then: _Side) -> None:
        self.now, self.then = now, then
        # An absent side borrows the other's score: then nothing changes within.
        score = np.where(now.there, now.score, then.score)
        before = np.where(then.there, then.score, now.score)
        self.rise = np.nan_to_num(score - before)  # no answers on either side: contributes 0
        self.level = np.nan_to_num((score + before) / 2)
        self.growth = now.share - then.share
        self.within = 100 * (now.share + then.share) / 2 * self.rise
        self.mix = 100 * (self.level - (now.total + then.total) / 2) * self.growth

    def variances(self) -> tuple[float, float]:
        """Of within and mix, as shares²: of the scores given the segments, and of the shares."""
        both = self.now.there & self.then.there
        inner = np.where(both, (self.now.share + self.then.share) / 2, 0)
        outer = np.where(both, self.growth / 2, self.growth)
        within = mix = 0.0
        for side in (self.now, self.then):
            within += float(np.sum(inner**2 * side.variance)) + side.spread(self.rise / 2)
            mix += float(np.sum(outer**2 * side.variance)) + side.spread(self.level)
        return within, mix
