"""Themes then and now: how many people speak of each, and how many badly.

Of those who wrote, a share speaks of a theme; of the mentions that could be judged, a share is
negative. The two together, share of people × share negative, are the people who *complain* of the
theme, as if mentions that weren't judged were like those that were. One person counts once, so the
shares are proportions, and Newcombe's interval (`compare`) holds for their difference, of as many
people as have the variance of that product: the fewer mentions were judged, the fewer.

What people say, not what moved the score: that is theme impact (`analytics.impact`), which needs
the score of each who mentions a theme.
"""

import numpy as np
import pandas as pd

from analytics import options, sums
from analytics.compare import Side, false_discovery, share_difference
from analytics.errors import FrameError
from analytics.options import Numbers

SHARES = ("speaking", "negative", "complaining")


def compare_complaints(
    current: pd.DataFrame,
    previous: pd.DataFrame,
    *,
    writers: tuple[int, int],
    confidence: float = 0.95,
) -> pd.DataFrame:
    """What changed in the themes of two periods; tables as `themes` returns them, without `by`.

    Suppressed or not; `writers` are the people who wrote comments, now and before, who spoke of a
    theme or not. → `theme`, of either table; `speaking, negative, complaining` and the same with
    `_before`, shares in [0, 1] of writers, of judged mentions, of writers; `change, change_low,
    change_high` of `complaining`, in points; `p_value`, its `q_value` (Benjamini-Hochberg over the
    themes) and `significant`, a nullable bool, q < 1 - confidence. People who complain are
    rounded to whole ones. A theme that one table doesn't have was not mentioned then. Null where
    it is suppressed, nobody wrote, or no mention was judged.

    Raises FrameError for a missing column or more people speaking of a theme than wrote;
    ArgumentError for the options.

    >>> then = pd.DataFrame({"theme": ["price"], "mentions": 30, "respondents": 30,
    ...                      "negative": 10, "neutral": 0, "positive": 10})
    >>> now = then.assign(negative=15, positive=5)
    >>> table = compare_complaints(now, then, writers=(100, 100))
    >>> table[["speaking", "negative_before", "complaining"]].round(3).values.tolist()
    [[0.3, 0.5, 0.22]]
    >>> table[["change", "change_low", "change_high"]].round(1).values.tolist()
    [[7.0, -5.2, 18.7]]
    """
    sides = [
        _people(table, options.whole("writers", wrote))
        for table, wrote in zip((current, previous), writers, strict=True)
    ]
    codes = pd.Index(sorted({code for side in sides for code in side.index}), name="theme")
    now, before = (_filled(side, codes, wrote) for side, wrote in zip(sides, writers, strict=True))
    found = share_difference(_counts(now), _counts(before), confidence)
    table = pd.DataFrame({"theme": codes})
    for name in SHARES:
        table[name] = now[name].to_numpy()
        table[f"{name}_before"] = before[name].to_numpy()
    table["change"], table["change_low"], table["change_high"] = found.value, found.low, found.high
    table["p_value"], q = found.p, false_discovery(found.p)
    table["q_value"], table["significant"] = q, sums.significant(q, confidence)
    return table


def _people(table: pd.DataFrame, writers: int) -> pd.DataFrame:
    """By theme: the shares, NaN where nothing is known, and how many writers they are `worth`."""
    speaking = sums.whole(table, "respondents")
    if (speaking > writers).any():
        raise FrameError("respondents", "exceed those who wrote", hint="count people, not mentions")
    bad, *others = (sums.whole(table, name) for name in ("negative", "neutral", "positive"))
    judged = bad + sum(others)
    negative = _over(bad, judged)
    people = np.where(speaking == 0, 0.0, np.rint(speaking * negative))
    shares = {"speaking": _over(speaking, writers), "negative": negative}
    side = pd.DataFrame(shares | {"complaining": _over(people, writers)})
    part = _over(judged, sums.whole(table, "mentions"))
    side["worth"] = writers / _spread(shares["speaking"], (bad + 1) / (judged + 2), part)
    return side.set_index(pd.Index(table["theme"], name="theme"))


def _spread(speaking: Numbers, negative: Numbers, judged: Numbers) -> Numbers:
    """The variance of speaking × negative, where a part is judged, over that where all are; ≥ 1.

    By the delta method; the share negative with two made-up mentions, so that it is never 0 or 1.
    """
    people = negative * (1 - speaking)
    spread = (people + (1 - negative) / np.where(judged > 0, judged, 1)) / (people + 1 - negative)
    return np.where(np.isnan(spread), 1.0, spread)


def _counts(side: pd.DataFrame) -> Side:
    """Those who complain and all who wrote, as many as they are worth."""
    share, worth = (side[name].to_numpy(np.float64) for name in ("complaining", "worth"))
    return Side(share * worth, np.zeros_like(share), np.where(np.isnan(share), np.nan, worth))


def _filled(side: pd.DataFrame, codes: pd.Index, writers: int) -> pd.DataFrame:
    """All themes; those not mentioned are spoken of by nobody."""
    absent = ~codes.isin(side.index)
    filled = side.reindex(codes)
    filled.loc[absent, ["speaking", "complaining"]] = 0.0 if writers else np.nan
    filled.loc[absent, "worth"] = float(writers)
    return filled.reset_index()


def _over(part: Numbers, whole: Numbers | float) -> Numbers:
    size = np.asarray(whole, dtype=np.float64)
    return np.asarray(part / np.where(size > 0, size, np.nan), dtype=np.float64)
