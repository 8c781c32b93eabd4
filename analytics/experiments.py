"""A/B comparison of variants of a survey or invitation, safe to look at every day.

A test made for one look alarms far more often than it promises if somebody looks daily and
stops at the first star. Here interval and p hold at all looks together, whenever one stops:
normal-mixture confidence sequences, Robbins (1970), "Statistical methods related to the law of
the iterated logarithm", Annals of Mathematical Statistics 41(5), as used for differences of two
variants by Johari, Koomen, Pekelis & Walsh (2022), "Always valid inference", Operations Research
70(3), and asymptotically for any mean by Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2024),
"Time-uniform central limit theory and asymptotic confidence sequences", Annals of Statistics 52.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from math import log

import numpy as np
import pandas as pd

from analytics import options, sums, tallies
from analytics.errors import ArgumentError, FrameError
from analytics.frames import is_null
from analytics.intervals import checked_confidence
from analytics.options import Numbers
from analytics.scipy import chdtrc
from analytics.sums import Metric

FEWEST = 30  # of each variant; under them the normal approximation would decide
COLUMNS = ("score", "difference", "difference_low", "difference_high", "p_value", "reason")
MISMATCH = 0.001  # p of the sample ratio under which something is broken, not chance


@dataclass(frozen=True)
class Experiment:
    """What an A/B comparison says now.

    `table`: a row per variant but the control: its key; `n` answers; `score` (points or percent);
    `difference, difference_low, difference_high` to the control, always valid, in points;
    `p_value`, always valid; `significant`, a nullable bool; `reason`, why these are null, else
    null: `too_few` (under 30 answers, or asked, on either side), `no_answers` (or suppressed).
    `sample_ratio_p`: chi-square p of the numbers assigned, NaN if they are unknown.
    `sample_ratio_ok`: False if that is under 0.001: then the assignment is broken, and no
    difference can be trusted; None if unknown.
    """

    table: pd.DataFrame
    sample_ratio_p: float
    sample_ratio_ok: bool | None


def experiment(
    table: pd.DataFrame,
    *,
    metric: Metric,
    control: object,
    effect: float = 5.0,
    allocation: Mapping[object, float] | None = None,
    confidence: float = 0.95,
) -> Experiment:
    """Each variant against the control, at this look, whatever the number of looks.

    `table`: a result or tally of the metric ("response": of `response_rates`) by one key, the
    variant, with a row for each. Add a column `assigned` if the sample ratio is to be checked;
    response rates have it in `asked`. `control` is the key of the
    variant that the others are compared with. With several, p and intervals are adjusted so
    that their promise holds for all together (Bonferroni).

    `effect`: the difference worth seeing, in points, > 0: intervals are shortest for data that
    can just tell it. Fix it, as `control` and `allocation`, before the first answer.
    `allocation`: shares that were meant to be assigned, by variant (default: equal).

    A p may be replaced by the smallest p at any look so far; a difference once significant
    stays proven. Answers must come in the order of chance: not all of one variant first.

    Raises FrameError for other keys than one, a repeated or null variant, fewer than two, a
    column that is missing or not whole numbers; ArgumentError for the options.

    >>> rates = pd.DataFrame({"variant": ["a", "b"], "n": [400, 520], "asked": [2000, 2000]})
    >>> result = experiment(rates, metric="response", control="a")
    >>> result.table.round(4).values.tolist()
    [['b', 520, 26.0, 6.0, 1.9431, 10.0569, 0.0003, True, nan]]
    >>> result.sample_ratio_p, result.sample_ratio_ok
    (1.0, True)
    """
    key, at = _variants(table, control)
    options.number("effect", effect, least=0, most=201, hint="points, over 0 and at most 200")
    read = sums.read(table, metric)
    n, score, variance = read.effective, read.score, read.variance()
    others = np.arange(len(table)) != at
    difference, noise = score[others] - score[at], variance[others] + variance[at]
    few = np.minimum(n[others], n[at]) < FEWEST
    error_rate = (1 - checked_confidence(confidence)) / int(others.sum())
    reach, p = always_valid(difference, noise, effect=effect / 100, error_rate=error_rate)
    result = table.loc[others, [key]].reset_index(drop=True)
    answers = read.up if metric == "response" else read.n
    result["n"] = pd.array(answers[others], dtype="Float64").astype("Int64")
    result["score"] = 100 * score[others]
    values = {
        "difference": 100 * difference,
        "difference_low": np.clip(100 * (difference - reach), -read.limit, read.limit),
        "difference_high": np.clip(100 * (difference + reach), -read.limit, read.limit),
        "p_value": np.minimum(p * int(others.sum()), 1),
    }
    for name, column in values.items():
        result[name] = np.where(few, np.nan, column)
    known = result["p_value"].notna()
    result["significant"] = (result["p_value"] <= 1 - confidence).astype("boolean").where(known)
    reasons = np.where(np.isnan(difference), "no_answers", "too_few")
    result["reason"] = pd.Series(reasons, dtype="str").mask(known)
    ratio = _sample_ratio(table, metric, allocation)
    return Experiment(result, ratio, None if np.isnan(ratio) else ratio >= MISMATCH)


def always_valid(
    difference: Numbers, variance: Numbers, *, effect: float, error_rate: float
) -> tuple[Numbers, Numbers]:
    """Half the width of the confidence sequence, and p, of an estimate with that variance.

    All as shares (not points). The likelihood ratio of the estimate, mixed over true
    differences ~ N(0, effect²), exceeds 1/error_rate at any look with at most that probability
    if there is none (Ville 1939); p is its inverse. NaN where the estimate is.

    >>> reach, p = always_valid(np.array([0.06]), np.array([0.0001765]), effect=0.05,
    ...                         error_rate=0.05)
    >>> reach.round(4).tolist(), p.round(4).tolist()
    ([0.0406], [0.0003])
    """
    total = variance + effect**2
    spread = np.log(total / variance)
    reach = np.sqrt(variance * total / effect**2 * (spread - 2 * log(error_rate)))
    evidence = (difference**2 * effect**2 / (variance * total) - spread) / 2
    return reach, np.exp(-np.maximum(evidence, 0))


def sample_ratio(counts: Numbers, shares: Numbers) -> float:
    """Chi-square p of assigned numbers against the shares that were meant; NaN for none.

    Pearson (1900), Philosophical Magazine 50. Fabijan et al. (2019), "Diagnosing sample ratio
    mismatch in online controlled experiments", KDD: what it finds is a broken experiment.

    >>> p = sample_ratio(np.array([821588.0, 815482.0]), np.array([0.5, 0.5]))  # of Kohavi et al.
    >>> f"{p:.1e}"
    '1.8e-06'
    """
    expected = counts.sum() * shares / shares.sum()
    if not counts.sum() > 0:
        return float("nan")
    return float(chdtrc(len(counts) - 1, ((counts - expected) ** 2 / expected).sum()))


def _variants(table: pd.DataFrame, control: object) -> tuple[str, int]:
    """The name of the key, and the row of the control."""
    keys = tallies.keys(table)
    if len(keys) != 1:
        raise FrameError(None, f"has the keys {keys}", hint="an experiment has one, its variant")
    tallies.refuse_clashes(keys, COLUMNS)
    names = list(table[keys[0]])
    if table[keys[0]].isna().any() or table[keys[0]].duplicated().any():
        raise FrameError(keys[0], "is null or repeats", hint="one row for each variant")
    if len(names) < 2:
        raise FrameError(keys[0], f"has {len(names)} variants", hint="give two or more")
    if not isinstance(control, Hashable) or is_null(control) or control not in names:
        raise ArgumentError("control", f"is {control!r}", hint=f"one of {names}")
    return keys[0], names.index(control)


def _sample_ratio(
    table: pd.DataFrame, metric: Metric, allocation: Mapping[object, float] | None
) -> float:
    names = list(table[tallies.keys(table)[0]])
    meant = dict.fromkeys(names, 1.0) if allocation is None else allocation
    if (
        not isinstance(meant, Mapping)
        or set(meant) != set(names)
        or not all(
            options.is_number(share) and 0 < share <= options.LARGEST for share in meant.values()
        )
    ):
        raise ArgumentError("allocation", f"is {meant}", hint=f"shares > 0 for each of {names}")
    column = "assigned" if "assigned" in table else "asked"
    if column == "asked" and metric != "response":
        return float("nan")
    return sample_ratio(sums.whole(table, column), np.array([meant[name] for name in names]))
