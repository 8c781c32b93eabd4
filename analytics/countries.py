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
from scipy.special import ndtri, stdtr  # type: ignore[import-untyped]  # scipy ships no types

from analytics import intervals, tallies
from analytics.errors import ArgumentError, FrameError
from analytics.intervals import Numbers
from analytics.nps import net_parts, summarise_nps

ANCHORS = ("disliked", "liked")
NEEDED = ("n", "promoters", "detractors")
Ruler = Literal["net", "latent"]


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
      These are no NPS points. The interval is Fieller's (1954, JRSS B 16), the three scores
      taken as independent. Null where `liked` is not significantly above `disliked`: then
      there is no ruler to read from.

    Which habits anchoring takes out is a matter of the `ruler`. "net": those that mix in answers
    of habit, the same share of people whatever the company. "latent": those that set other
    thresholds for "9" and "6"; the score is then -(Φ⁻¹(d') + Φ⁻¹(1 - p'))/2, the mean of a normal
    experience behind the shares (as anchoring vignettes do: King, Murray, Salomon & Tandon 2004,
    APSR 98(1)). Either leaves a part of the other's.

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
    if isinstance(least_periods, bool) or not isinstance(least_periods, int) or least_periods < 3:
        raise ArgumentError("least_periods", f"is {least_periods!r}", hint="8, and 3 at least")
    names = [keys] if isinstance(keys, str) else list(keys)
    if len(names) not in {1, 2}:
        raise ArgumentError("keys", f"is {keys!r}", hint="the country, and the period if any")
    if ruler not in get_args(Ruler):
        raise ArgumentError("ruler", f"is {ruler!r}", hint="net or latent")
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
    _add_anchored(table, now, _anchors(anchors, every, country), ruler, confidence=confidence)
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
    for name in (*keys, *NEEDED):
        if name not in tallied:
            hint = f"pass a tally of NPS by {' and '.join(keys)}"
            raise FrameError(name, "is missing", hint=hint, present=tallied.columns)
    if "n_eff" in tallied and "weight_squares" not in tallied:
        raise FrameError(
            "n_eff", "says that the scores are weighted", hint="pass tally_nps(…, weight=…)"
        )
    extra = [name for name in tallies.keys(tallied) if name not in keys]
    if extra:
        raise FrameError(extra[0], "is one key too many", hint=f"tally by {' and '.join(keys)}")
    if tallied.duplicated(keys).any():
        raise FrameError(keys[0], "repeats a key", hint=f"one row per {' and '.join(keys)}")
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


def _add_anchored(
    table: pd.DataFrame,
    now: pd.DataFrame,
    anchors: tuple[pd.DataFrame, pd.DataFrame],
    ruler: Ruler,
    *,
    confidence: float,
) -> None:
    score, bottom, top = (_reading(rows, ruler) for rows in (now, *anchors))
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
    up, down, n = (np.asarray(part, dtype=np.float64) for part in net_parts(rows))
    n = np.where(n > 0, n, np.nan)
    net = (up - down) / n
    if ruler == "net":
        return _Reading(net, net, *intervals.adjusted_net(up, down, n))
    high, low = (up + 0.75) / (n + 3), (down + 0.75) / (n + 3)
    ends = ndtri(1 - high), ndtri(low)
    slopes = [np.sqrt(2 * np.pi) * np.exp(end**2 / 2) / 2 for end in ends]
    variance = slopes[0] ** 2 * high * (1 - high) + slopes[1] ** 2 * low * (1 - low)
    variance += 2 * slopes[0] * slopes[1] * high * low  # the shares exclude each other
    centre = -(ends[0] + ends[1]) / 2
    return _Reading(net, centre, centre, variance / (n + 3))
