"""How many answers does it take to see a change, and what can be seen with those we have?

Two independent sides (two periods, two segments) are compared by the test of `compare`. With V
the variance of one answer (a net score's p + d - (p - d)², a share's p - p²), both sides alike,
the difference of two scores has the variance V·(1/n + 1/m); it is significant with the stated
power where it is (z of the confidence + z of the power) of its standard errors. Cohen (1988),
"Statistical Power Analysis for the Behavioral Sciences", 2nd ed., chapters 2 and 6.

The normal approximation: it promises too much where a score lies near its end or n is under
about 30. A plan, not a result: power says nothing about a comparison that has been made.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analytics import options, sums, tallies
from analytics.compare import Metric
from analytics.errors import ArgumentError
from analytics.intervals import normal_quantile
from analytics.options import Numbers, is_number
from analytics.scipy import ndtr, ndtri

COLUMNS = ("n", "variance", "design_effect", "needed", "detectable", "power")


@dataclass(frozen=True)
class SamplePlan:
    """What is given when answers are planned; numbers or arrays, which broadcast.

    `variance` of one answer, a share² in (0, 1]. `power`, at least 0.5, and `confidence` of the
    two-sided test. `other`: answers on the other side (None: as many as on this one).
    `population`: how many customers each side has; who has asked all of them knows the score
    (finite population correction: Cochran 1977, "Sampling Techniques", 2.6). `design_effect`:
    n/n_eff of a weighted score, ≥ 1 (Kish 1965). NaN in an array gives NaN.

    Raises ArgumentError for a value outside its range.
    """

    variance: ArrayLike
    power: float = 0.8
    confidence: float = 0.95
    other: ArrayLike | None = None
    population: ArrayLike = np.inf
    design_effect: ArrayLike = 1.0

    def __post_init__(self) -> None:
        normal_quantile(self.confidence)
        if not (is_number(self.power) and 0.5 <= self.power < 1):
            raise ArgumentError("power", f"is {self.power!r}", hint="0.8 means 80 %, 0.5 the least")
        _within("variance", self.variance, high=1)
        self._people()
        if np.any(_within("design_effect", self.design_effect) < 1 - 1e-9):
            raise ArgumentError("design_effect", "is under 1", hint="n/n_eff of a weighted score")
        if self.other is not None:
            self._share_left("other", self.other)

    def answers_needed(self, difference: ArrayLike) -> Numbers:
        """Answers on this side to see a true difference of as many points: whole float64.

        Infinite where none will do, because the other side has too few.

        >>> SamplePlan(variance=0.61).answers_needed([10, 5, 2]).tolist()   # P50/D20
        [958.0, 3831.0, 23940.0]
        >>> float(SamplePlan(variance=0.61, other=5000, population=20_000).answers_needed(5))
        2369.0
        """
        shares = _within("difference", difference, high=200) / 100
        left = (shares / self._reach) ** 2 / self._spread  # what 1/n + 1/m - 2/N may come to
        own = left / 2 if self.other is None else left - self._share_left("other", self.other)
        each = own + 1 / self._people()
        needed = np.where(own > 0, 1 / np.where(own > 0, each, 1), np.inf)
        return np.asarray(np.where(np.isnan(own), np.nan, np.ceil(needed - 1e-9)))

    def detectable(self, n: ArrayLike) -> Numbers:
        """The least true difference, in points, that n answers show with the power; NaN for 0.

        >>> SamplePlan(variance=0.61).detectable([100, 400, 3831]).round(1).tolist()
        [30.9, 15.5, 5.0]
        """
        return np.asarray(100 * self._reach * self._error(n))

    def power_to_see(self, difference: ArrayLike, n: ArrayLike) -> Numbers:
        """The probability that n answers show a true difference of as many points; NaN for 0.

        >>> SamplePlan(variance=0.61).power_to_see(5, [400, 1000, 3831]).round(3).tolist()
        [0.148, 0.299, 0.8]
        """
        shares = _within("difference", difference, high=200) / 100
        error, z = self._error(n), normal_quantile(self.confidence)
        shift = shares / np.where(error == 0, 1e-300, error)  # all have answered: certain
        return np.asarray(ndtr(shift - z) + ndtr(-shift - z))

    @property
    def _reach(self) -> float:
        return normal_quantile(self.confidence) + float(ndtri(self.power))

    @property
    def _spread(self) -> Numbers:
        return np.asarray(self.variance, np.float64) * np.asarray(self.design_effect, np.float64)

    def _error(self, n: ArrayLike) -> Numbers:
        """The standard error of the difference, as a share; NaN where a side is empty."""
        own = self._share_left("n", n)
        others = own if self.other is None else self._share_left("other", self.other)
        return np.asarray(np.sqrt(self._spread * (own + others)))

    def _people(self) -> Numbers:
        return _within("population", self.population, high=np.inf)

    def _share_left(self, name: str, n: ArrayLike) -> Numbers:
        """1/n - 1/population: 0 where everybody answered, NaN for n = 0."""
        answers = options.array(name, n)
        answers = _within(name, np.where(answers == 0, np.nan, answers))
        if np.any(answers > self._people()):
            raise ArgumentError(name, "exceeds the population", hint="count customers, not asks")
        return np.asarray(1 / answers - 1 / self._people())


def outlook(
    table: pd.DataFrame,
    *,
    metric: Metric,
    difference: float = 5.0,
    power: float = 0.8,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """For each segment: how many answers a change of `difference` points takes here.

    A result or tally of `metric` → its keys; `n`; `variance`, of one answer as a share²,
    adjusted as the interval is, so that a segment of one mind has some; `design_effect`, n/n_eff
    (1 without weights); `needed`, answers on either side to see the difference with `power`,
    Int64; `detectable`, the least difference in points that as many answers as there are now on
    either side would show with `power` (null: none that a score can make); `power`, the
    probability that they would show `difference`. Null without answers, or suppressed.

    Raises FrameError for a column that is missing, keys that repeat, weighted results (pass
    tallies); ArgumentError for the options.

    >>> segments = pd.DataFrame({"stage": ["adopt", "exit"], "n": [400, 0],
    ...                          "promoters": [200, 0], "detractors": [80, 0]})
    >>> outlook(segments, metric="nps").round(2).values.tolist()
    [['adopt', 400, 0.61, 1.0, 3830, 15.47, 0.15], ['exit', 0, nan, nan, <NA>, nan, nan]]
    """
    options.number("difference", difference, least=0, most=201, hint="points, at most 200")
    read = sums.read(table, metric)
    keys = tallies.keys(table)
    tallies.refuse_clashes(keys, COLUMNS)
    variance = read.variance() * read.effective
    design = read.n / read.effective
    plan = SamplePlan(variance, power=power, confidence=confidence, design_effect=design)
    seen = plan.detectable(read.n)
    result = table[keys].reset_index(drop=True)
    result["n"] = pd.array(read.n, dtype="Float64").astype("Int64")
    result["variance"], result["design_effect"] = variance, design
    result["needed"] = pd.array(plan.answers_needed(difference), dtype="Float64").astype("Int64")
    result["detectable"] = np.where(seen <= read.limit, seen, np.nan)
    result["power"] = plan.power_to_see(difference, read.n)
    return result


def _within(name: str, values: ArrayLike, *, high: float = options.LARGEST) -> Numbers:
    """As float64; ArgumentError for values outside (0, high]. NaN passes."""
    numbers = options.array(name, values, most=high)
    if np.any((numbers <= 0) | (numbers > high)):
        hint = "over 0" if high >= options.LARGEST else f"over 0, at most {high:g}"
        raise ArgumentError(name, f"is {values!r}", hint=hint)
    return numbers
