"""Countries beside each other, without a league table.

People of different countries use the same scale differently, whatever they lived through: a raw
NPS compares habits of answering (Harzing 2006, International Journal of Cross Cultural
Management 6(2)). Two readings stay within a country, and stand beside the raw score, never in
its place: how far it is from its own past (z), and where it lies between what people there give
to a company they dislike and to one they like (anchored).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from analytics import intervals, options, sums, tallies
from analytics.errors import ArgumentError, FrameError
from analytics.nps import summarise_nps
from analytics.options import Numbers
from analytics.scipy import chdtrc, ndtri, stdtr

ANCHORS = ("disliked", "liked")
NEEDED = ("n", "promoters", "detractors")
MISFIT = 0.01  # p under which the answers contradict the latent ruler
Ruler = Literal["net", "latent", "fitting"]


@dataclass(frozen=True)
class _Reading:
    """A score by country: net share, and on the ruler plain, and adjusted with its variance."""

    net: Numbers
    plain: Numbers
    centre: Numbers
    variance: Numbers


def read_countries(
    tallied: pd.DataFrame,
    *,
    anchors: pd.DataFrame | None = None,
    keys: str | Sequence[str] = ("country", "period"),
    at: object = None,
    least_periods: int = 8,
    ruler: Ruler = "net",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Three readings of the NPS of each country in the period `at` (default: the latest).

    `tallied` is `tally_nps(…, by=keys)` or an unweighted result of `nps`, by the country and its
    period (the country alone: there is no past to read), and `anchors`
    `tally_nps(…, by=["country", "anchor"])` of the questions about a company that people
    dislike and one that they like (`anchor` is "disliked" or "liked") → one row per country,
    in the order of the names and in no other (null last):

    * raw: `n`, `nps, low, high` in points (as `summarise_nps`);
    * within: `periods`, the scored periods before `at`; `baseline, baseline_sd`, mean and
      standard deviation of their scores in points; `z` = (nps - baseline)/baseline_sd, and
      `p_value` in [0, 1], of a new period from such a series (Student's t of periods - 1
      degrees of freedom, on z/√(1 + 1/periods)). Null below `least_periods`, and where the
      baseline never moved. It takes periods of about the same number of answers;
    * anchored: `disliked, liked`, the anchors in points, and `calibrated, calibrated_low,
      calibrated_high` = 100·(nps - disliked)/(liked - disliked) in *anchor points*: 0 is the
      company that people there dislike, 100 the one they like; values outside are possible.
      These are no NPS points; `ruler` says what was read by. The interval is Fieller's (1954,
      JRSS B 16), the three scores taken as independent. Null where `liked` is not significantly
      above `disliked`: then there is no ruler to read from.

    Which habits anchoring takes out is a matter of the `ruler`. "net": those that mix in answers
    of habit, the same share of people whatever the company. "latent": those that set other
    thresholds for "9" and "6"; the score is then -(Φ⁻¹(d') + Φ⁻¹(1 - p'))/2, the mean of a normal
    experience behind the shares (as anchoring vignettes do: King, Murray, Salomon & Tandon 2004,
    APSR 98(1)). Either leaves a part of the other's. "fitting": "latent" unless the answers
    contradict it, else "net", the same for all countries. Thresholds lie equally far apart for
    the three companies, Φ⁻¹(1 - p') - Φ⁻¹(d'), where they are all that differs; habits bend that.
    The test is a chi-square of what that distance varies by within countries, at 1 %.

    FrameError: a column is missing, a key repeats, an anchor of another name, a weighted result
    (pass its tally). ArgumentError: `keys` are not one or two, `at` is no period of the table,
    `least_periods` < 3, `ruler`.

    >>> tallied = pd.DataFrame({"country": ["IN", "JP"], "period": 1, "n": 1000,
    ...     "promoters": [700, 150], "detractors": [150, 500]})
    >>> anchors = pd.DataFrame({"country": ["IN", "IN", "JP", "JP"], "n": 1000,
    ...     "anchor": ["disliked", "liked"] * 2,
    ...     "promoters": [400, 760, 20, 200], "detractors": [350, 120, 770, 400]})
    >>> table = read_countries(tallied, anchors=anchors[["country", "anchor", *NEEDED]])
    >>> table[["country", "nps", "disliked", "liked", "calibrated"]].round(1).values.tolist()
    [['IN', 55.0, 5.0, 64.0, 84.7], ['JP', -35.0, -75.0, -20.0, 72.7]]
    """
    intervals.checked_confidence(confidence)
    options.whole("least_periods", least_periods, least=3)
    options.one_of("ruler", ruler, get_args(Ruler))
    names = options.names("keys", keys)
    if len(names) not in {1, 2}:
        raise ArgumentError("keys", f"is {keys!r}", hint="the country, and the period if any")
    tallied = _checked(tallied, names)
    country, period = names[0], names[-1] if len(names) == 2 else "_period"
    if len(names) == 1:
        tallied.insert(1, period, 0)
    every = tallies.by_key(tallied[[country]].drop_duplicates(), [country])
    at = _latest(tallied, period) if at is None else at
    now = tallied[tallied[period] == at]
    if at is not None and now.empty:
        raise ArgumentError("at", f"is {at!r}", hint=f"a value of {period!r}")
    now = _aligned(now, every, country)
    scores = summarise_nps(now, confidence=confidence)
    table = every.copy()
    table["n"] = now["n"].astype("Int64")
    for name in ("nps", "low", "high"):
        table[name] = scores[name].to_numpy(np.float64, na_value=np.nan)
    earlier = tallied[tallied[period] < at] if at is not None else tallied.iloc[:0]
    _add_within(table, summarise_nps(earlier), country, least_periods=least_periods)
    rows = (now, *_anchors(anchors, every, country))
    if ruler == "fitting":
        ruler = "net" if _latent_p(rows) < MISFIT else "latent"
    _add_anchored(table, [_reading(each, ruler) for each in rows], confidence=confidence)
    table["ruler"] = ruler
    return table


def fieller(
    top: Numbers,
    bottom: Numbers,
    *,
    top_variance: Numbers,
    bottom_variance: Numbers,
    covariance: Numbers,
    confidence: float = 0.95,
) -> tuple[Numbers, Numbers]:
    """Fieller's interval of a ratio top/bottom of two estimates: (low, high), NaN where the
    bottom is not significantly different from 0 (the interval would be unbounded).

    Fieller (1954), "Some problems in interval estimation", JRSS B 16(2).

    >>> parts = {"top_variance": 4.0, "bottom_variance": 1.0, "covariance": 0.0}
    >>> low, high = fieller(*(np.array([x]) for x in (50.0, 100.0)),
    ...                     **{name: np.array([value]) for name, value in parts.items()})
    >>> round(float(low[0]), 4), round(float(high[0]), 4)
    (0.4598, 0.5406)
    """
    square = intervals.normal_quantile(confidence) ** 2
    quadratic = bottom**2 - square * bottom_variance
    quadratic = np.where(quadratic > 0, quadratic, np.nan)
    linear = top * bottom - square * covariance
    constant = top**2 - square * top_variance
    root = np.sqrt(np.maximum(linear**2 - quadratic * constant, 0))
    return (linear - root) / quadratic, (linear + root) / quadratic


def _checked(tallied: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """The table, with a key for each row and the columns of NPS."""
    present, by = tallies.keys(tallied), " and ".join(keys)
    for name in keys:
        if name not in present:
            raise FrameError(name, "is no key", hint=f"tally NPS by {by}", present=tallied.columns)
    for name in present:
        if name not in keys:
            raise FrameError(name, "is one key too many", hint=f"tally by {by}")
    sums.read(tallied, "nps")
    return tallied.reset_index(drop=True)


def _latest(tallied: pd.DataFrame, period: str) -> object:
    """The last period, None where the table has none."""
    known = tallied[tallied[period].notna()]
    return tallies.by_key(known[[period]], [period])[period].iloc[-1] if len(known) else None


def _aligned(rows: pd.DataFrame, every: pd.DataFrame, country: str) -> pd.DataFrame:
    """The row of each country of `every`, null where there is none."""
    rows = rows.astype({country: every[country].dtype})
    return every.merge(rows, on=country, how="left", validate="one_to_one")


def _add_within(
    table: pd.DataFrame, earlier: pd.DataFrame, country: str, *, least_periods: int
) -> None:
    scores = earlier.assign(nps=earlier["nps"].to_numpy(np.float64, na_value=np.nan))
    past = scores.groupby(country, dropna=False, observed=True)["nps"].agg(["count", "mean", "std"])
    past = _aligned(past.reset_index(), table[[country]], country)
    periods = past["count"].fillna(0).to_numpy(np.float64)
    enough = periods >= least_periods
    mean = np.where(enough, past["mean"].to_numpy(np.float64), np.nan)
    spread = np.where(enough, past["std"].to_numpy(np.float64), np.nan)
    z = (table["nps"].to_numpy() - mean) / np.where(spread > 1e-9, spread, np.nan)
    table["periods"] = periods.astype(np.int64)
    table["baseline"], table["baseline_sd"], table["z"] = mean, spread, z
    freedom = np.where(enough, periods - 1, np.nan)
    table["p_value"] = 2 * stdtr(freedom, -np.abs(z) / np.sqrt(1 + 1 / np.maximum(periods, 1)))


def _anchors(
    anchors: pd.DataFrame | None, every: pd.DataFrame, country: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of the lower and the upper anchor of each country, null where there is none."""
    if anchors is None:
        nothing = every.assign(**dict.fromkeys(NEEDED, np.nan))
        return nothing, nothing
    anchors = _checked(anchors, [country, "anchor"])
    strange = anchors[~anchors["anchor"].isin(ANCHORS)]
    if len(strange):
        raise FrameError(
            "anchor", f"holds {strange['anchor'].iloc[0]!r}", hint=f"one of {', '.join(ANCHORS)}"
        )
    bottom, top = (_aligned(anchors[anchors["anchor"] == name], every, country) for name in ANCHORS)
    return bottom, top


def _add_anchored(table: pd.DataFrame, readings: Sequence[_Reading], *, confidence: float) -> None:
    score, bottom, top = readings
    low, high = fieller(
        score.centre - bottom.centre,
        top.centre - bottom.centre,
        top_variance=score.variance + bottom.variance,
        bottom_variance=top.variance + bottom.variance,
        covariance=bottom.variance,
        confidence=confidence,
    )
    apart = (top.centre > bottom.centre) & ~np.isnan(low)
    span = np.where(apart, top.plain - bottom.plain, np.nan)
    table["disliked"], table["liked"] = 100 * bottom.net, 100 * top.net
    table["calibrated"] = 100 * (score.plain - bottom.plain) / span
    table["calibrated_low"] = np.where(apart, 100 * low, np.nan)
    table["calibrated_high"] = np.where(apart, 100 * high, np.nan)


def _reading(rows: pd.DataFrame, ruler: Ruler) -> _Reading:
    up, down, n = sums.read(rows, "nps").scaled
    net = (up - down) / n
    if ruler == "net":
        return _Reading(net, net, *intervals.adjusted_net(up, down, n))
    ends, variances, covariance = _thresholds(rows)
    centre = -(ends[0] + ends[1]) / 2
    return _Reading(net, centre, centre, (variances.sum(axis=0) + 2 * covariance) / 4)


def _thresholds(rows: pd.DataFrame) -> tuple[Numbers, Numbers, Numbers]:
    """Where 9 begins and 6 ends, in standard deviations from the mean: both, their variances
    and covariance, by the delta method; the shares are adjusted, so that none is 0.
    """
    up, down, n = sums.read(rows, "nps").scaled
    high, low = (up + 0.75) / (n + 3), (down + 0.75) / (n + 3)
    ends = np.stack([ndtri(1 - high), ndtri(low)])
    slopes = np.sqrt(2 * np.pi) * np.exp(ends**2 / 2)
    variances = slopes**2 * np.stack([high * (1 - high), low * (1 - low)]) / (n + 3)
    return ends, variances, slopes[0] * slopes[1] * high * low / (n + 3)


def _latent_p(rows: Sequence[pd.DataFrame]) -> float:
    """The p of "in each country the thresholds lie equally far apart for all companies"."""
    apart, weight = [], []
    for each in rows:
        ends, variances, covariance = _thresholds(each)
        apart.append(ends[0] - ends[1])
        weight.append(1 / (variances.sum(axis=0) - 2 * covariance))
    known = ~np.isnan(np.array(apart)).any(axis=0)
    gaps, weights = np.array(apart)[:, known], np.array(weight)[:, known]
    off = gaps - (weights * gaps).sum(axis=0) / weights.sum(axis=0)
    return float(chdtrc(2 * max(known.sum(), 1), (weights * off**2).sum()))
