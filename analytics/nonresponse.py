"""Who did not answer, and what that could mean for a score.

A score speaks of those who answered. Four readings of the others: the response rate of each
segment; how far those who answered differ from those asked (R-indicator, dissimilarity); the
worst and best score the silent could have made of it; and, where a wave is known, how the late
answers differ from the early ones (the late ones are thought to resemble the silent).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from analytics import frames, intervals, options, sums, tallies
from analytics.compare import compare
from analytics.errors import FrameError
from analytics.scipy import chdtrc

SHAPE = frames.Shape(
    "response rate",
    (
        frames.Column("asked", frames.ANSWERS, "surveys delivered or displayed"),
        frames.Column("answered", frames.ANSWERS, "of these, answered"),
    ),
)
COUNTS = ("n", "asked")
SCORES = ("rate", "low", "high")


@dataclass(frozen=True)
class Representativity:
    """How far those who answered resemble those asked, by segments (`representativity`).

    `n` answers of `asked`; `rate` in percent. `r_indicator` in [0, 1], 1: every segment answers
    alike; `r_adjusted`, less what chance alone takes off it. `dissimilarity` in [0, 1]: the share
    of answers that would have to come from other segments. `maximal_bias` in points: how far a
    score on [-100, 100] can lie off at most if within segments the silent resemble the others,
    200 at most. `p_value` of equal rates, NaN where all or none answered. All measures but `rate`
    are NaN where nobody answered, or fewer than two segments were asked: nothing is compared.
    """

    n: int
    asked: int
    rate: float
    r_indicator: float
    r_adjusted: float
    dissimilarity: float
    maximal_bias: float
    p_value: float


def response_rates(
    frame: Any, *, by: str | Sequence[str] = (), confidence: float = 0.95
) -> pd.DataFrame:
    """Response rate of a frame with the counts `asked` (delivered, in an app displayed) and
    `answered`, one row per invitation (1 and 0 or 1) or per any group of them.

    Any Narwhals-compatible frame → pandas, one row per group: the `by` columns; `n` (answered)
    and `asked`, int64; `rate, low, high` in percent, Wilson interval. Null where nobody was
    asked. Keys as for `nps`. FrameError: a column missing, counts broken or null, or a row or
    group of more answers than were asked.

    >>> frame = pd.DataFrame({"stage": ["adopt", "exit"], "asked": [400, 100], "answered": [80, 5]})
    >>> response_rates(frame, by="stage").round(1).values.tolist()
    [['adopt', 80, 400, 20.0, 16.4, 24.2], ['exit', 5, 100, 5.0, 2.2, 11.2]]
    """
    tallied = tally_response(frame, by=by)
    return summarise_response(tallied, confidence=confidence)


def tally_response(frame: Any, *, by: str | Sequence[str] = ()) -> pd.DataFrame:
    """The additive part of `response_rates`: keys, `n` (answered) and `asked`, int64."""
    checked = frames.read(frame, SHAPE, by=by)
    tallies.refuse_clashes([key.name for key in checked.keys], (*COUNTS, *SCORES, "answered"))
    asked, answered = nw.col("asked"), nw.col("answered")
    summed = {
        "n": answered,
        "asked": asked,
        "over": frames.where(answered > asked, nw.lit(1.0)),
    }
    tallied = tallies.tally(checked, summed)
    if tallied["over"].sum() > 0:
        raise _more_than_asked("answered")
    return tallied.drop(columns="over").astype(dict.fromkeys(COUNTS, "int64"))


def summarise_response(tallied: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """The rate and interval of each row of a tally: the table that `response_rates` returns."""
    read, table = sums.read(tallied, "response"), tallied.copy()
    low, high = intervals.wilson(read.up, read.size, confidence=confidence)
    table["rate"] = 100 * read.score
    table["low"], table["high"] = 100 * low, 100 * high
    return table


def representativity(tallied: pd.DataFrame) -> Representativity:
    """The R-indicator and its relatives of a tally of `tally_response` by segments.

    R = 1 - 2·S, S the standard deviation of the segments' rates ρ over those asked (Schouten,
    Cobben & Bethlehem 2009, Survey Methodology 35(1)); `r_adjusted` first takes the sampling
    variance of the rates off S² (Shlomo, Skinner & Schouten 2012, JSPI 142). The maximal bias
    is S/ρ̄ times the largest standard deviation a score in [-100, 100] can have, 100 points, and
    no more than two such scores can differ (200).
    Dissimilarity: Duncan & Duncan (1955), American Sociological Review 20. p: Pearson's χ². It
    sees only the segments given: a good R says nothing of what they don't hold.

    >>> tallied = pd.DataFrame({"stage": ["adopt", "exit"], "n": [80, 5], "asked": [400, 100]})
    >>> found = representativity(tallied)   # S = .06: R = 1 - .12
    >>> round(found.r_indicator, 3), round(found.dissimilarity, 3), round(found.maximal_bias, 1)
    (0.88, 0.141, 35.3)
    """
    read = sums.known(tallied, "response", hint="pass the tally before it is suppressed")
    n, asked = read.up[read.size > 0], read.size[read.size > 0]
    total, answers = asked.sum(), n.sum()
    if answers == 0 or len(asked) < 2:
        nan = float("nan")
        plain = float(100 * answers / total) if total else nan
        return Representativity(int(answers), int(total), plain, nan, nan, nan, nan, nan)
    rate, mean = n / asked, answers / total
    variance = float((asked * (rate - mean) ** 2).sum() / (total - 1))
    chance = (1 - asked / total) * rate * (1 - rate) * asked / np.maximum(asked - 1, 1)
    true_variance = max(variance - float(chance.sum() / (total - 1)), 0.0)
    chi = (asked * (rate - mean) ** 2).sum() / (mean * (1 - mean)) if mean < 1 else float("nan")
    return Representativity(
        n=int(answers),
        asked=int(total),
        rate=float(100 * mean),
        r_indicator=max(1 - 2 * variance**0.5, 0.0),
        r_adjusted=max(1 - 2 * true_variance**0.5, 0.0),
        dissimilarity=float(np.abs(asked / total - n / answers).sum() / 2),
        maximal_bias=min(float(100 * variance**0.5 / mean), 200.0),
        p_value=float(chdtrc(len(asked) - 1, chi)),
    )


def worst_case(
    tallied: pd.DataFrame, *, asked: str = "asked", confidence: float = 0.95
) -> pd.DataFrame:
    """The NPS of all who were asked, whatever the silent would have said.

    An unweighted tally or result of NPS with a further column `asked` → keys, `n`, `asked`,
    `nps`, and `worst, best` in points: the score if all the silent were detractors, or promoters.
    These are bounds, no interval: nothing is assumed (Manski 1989, Journal of Human Resources
    24(3)). `worst_low, best_high` add the sampling error of those asked (adjusted Wald).
    Null where nobody was asked. FrameError: a column missing, weights (nobody knows those of the
    silent), counts null or broken, more answers than `asked`, more of a class than answers.

    >>> tallied = pd.DataFrame({"n": [100], "promoters": [60], "detractors": [20], "asked": [200]})
    >>> worst_case(tallied)[["nps", "worst", "best"]].values.tolist()
    [[40.0, -30.0, 70.0]]
    """
    hint = "pass the tally before it is suppressed"
    if "weight_sum" in tallies.names(tallied):
        raise FrameError(
            "weight_sum", "says that the scores are weighted", hint="pass a tally without weight"
        )
    read, asked = sums.known(tallied, "nps", hint=hint), options.name("asked", asked)
    up, down, n, people = read.up, read.down, read.n, sums.whole(tallied, asked)
    if np.isnan(people).any():
        raise FrameError(asked, "holds null", hint="0 where nobody was asked")
    if (n > people).any():
        raise _more_than_asked("n")
    size, silent = np.where(people > 0, people, np.nan), people - n
    table = tallied[tallies.keys(tallied)].copy()
    table["n"], table["asked"] = n.astype(np.int64), people.astype(np.int64)
    table["nps"] = 100 * read.score
    table["worst"] = 100 * (up - down - silent) / size
    table["best"] = 100 * (up + silent - down) / size
    table["worst_low"], _ = intervals.adjusted_wald(
        up, down + silent, people, confidence=confidence
    )
    _, table["best_high"] = intervals.adjusted_wald(
        up + silent, down, people, confidence=confidence
    )
    return table


def early_late(
    tallied: pd.DataFrame, *, wave: str = "wave", confidence: float = 0.95
) -> pd.DataFrame:
    """Late answers against early ones: a tally of NPS by `wave` (and other keys), in which the
    first wave is the early one (before any reminder) and all others together are late.

    → the table of `compare` by the other keys: `change, change_low, change_high` (late - early,
    points), `p_value`, `significant`. Null where either is absent. A difference says that the
    silent may differ, too (Armstrong & Overton 1977, Journal of Marketing Research 14); none
    doesn't say that they don't. Weighted tallies stay weighted. FrameError: no such wave, or
    waves that are null or have no order.

    >>> tallied = pd.DataFrame({"wave": [1, 2, 3], "n": [400, 200, 200],
    ...     "promoters": [240, 100, 100], "detractors": [60, 40, 40]})
    >>> early_late(tallied)[["change", "significant"]].round(3).values.tolist()
    [[-15.0, True]]
    """
    keys = tallies.keys(tallied)
    if options.name("wave", wave) not in keys:
        raise FrameError(wave, "is no key", hint="tally by it", present=keys)
    if tallied[wave].isna().any():
        raise FrameError(wave, "holds null", hint="leave out answers of unknown wave")
    others = [name for name in keys if name != wave]
    try:
        late = tallied[wave] > tallied[wave].min() if len(tallied) else np.zeros(0, dtype=bool)
    except TypeError as error:
        raise FrameError(
            wave, "has no order", hint="numbers, dates, text or an ordered categorical, not mixed"
        ) from error
    early_rows, late_rows = (tallies.roll_up(tallied[rows], by=others) for rows in (~late, late))
    return compare(late_rows, early_rows, metric="nps", confidence=confidence)


def _more_than_asked(column: str) -> FrameError:
    return FrameError(
        column,
        "holds more answers than were asked",
        hint="count invitations and their answers over the same period and channel",
    )
