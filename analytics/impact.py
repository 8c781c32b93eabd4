"""Theme impact: how far the answers that speak of a theme move the NPS.

Leave-one-theme-out: I = N - N₀, the NPS of all answers minus that of the answers that don't
mention the theme. With the share π of answers that mention it and their own score N₁ this is
I = π·(N₁ - N₀): a theme weighs much because many speak of it, or because those who do differ.
It is a description, not a cause: people who are unhappy for another reason mention themes, too.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics import frames, intervals, tallies
from analytics.errors import ArgumentError, FrameError
from analytics.intervals import Numbers
from analytics.nps import tally_nps

SHAPE = frames.Shape(
    "impact",
    (
        frames.Column("theme", frames.Code(), "code of the theme"),
        frames.Column("response", frames.Code(), "id of the answer"),
        frames.Column("score", frames.Number(0, 10), "0-10 of that answer", nullable=True),
    ),
)
MENTIONED = ("mentions", "mention_promoters", "mention_detractors")
ANSWERED = ("n", "promoters", "detractors")
SCORES = ("nps", "nps_without", "impact", "low", "high")
Method = Literal["bootstrap", "delta"]


def impact(  # noqa: PLR0913 - two frames, and options by keyword
    answers: Any,
    mentions: Any,
    *,
    by: str | Sequence[str] = (),
    floor: int = 10,
    confidence: float = 0.95,
    method: Method = "bootstrap",
    draws: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Impact of each theme on the NPS: `answers` with `score`, `mentions` with one row for each
    time an answer speaks of a theme (`theme, response, score`, the score being the answer's).

    Any Narwhals-compatible frames → pandas, one row per group and theme (every theme in every
    group): the `by` columns, `theme`; `mentions`, the scored answers that mention it, each once
    however often; `mention_promoters, mention_detractors` of these; `n, promoters, detractors`
    of all; `nps, nps_without, impact, low, high` in points, impact in [-200, 200], negative where
    the theme pulls the score down. Sorted by keys. Pass only the negative mentions to see what
    these do. Impacts of several themes don't add up: one answer mentions several.

    `nps_without, impact, low, high` are null where fewer than `floor` answers mention the theme,
    or fewer than `floor` don't: a percentile interval of that few promises what it can't hold.
    The counts stay. To hide few people on either side of the theme: `suppress(table,
    respondents=np.minimum(table["mentions"], table["n"] - table["mentions"]))`.
    Answers are taken as independent: one from each respondent.

    FrameError, naming the column: missing or broken values, two scores of one response, more
    mentions of a class than answers. ArgumentError: `floor` < 1, `draws` < 100, `method`.

    >>> answers = pd.DataFrame({"score": [10] * 60 + [7] * 20 + [2] * 20})
    >>> mentions = pd.DataFrame({"theme": "delivery", "response": range(20),
    ...                          "score": [10] * 4 + [7] * 4 + [2] * 12})
    >>> table = impact(answers, mentions)   # 40 points, and 60 without the 20 at -40
    >>> table[["theme", "mentions", "nps", "nps_without", "impact"]].round(9).values.tolist()
    [['delivery', 20, 40.0, 60.0, -20.0]]
    """
    tallied = tally_impact(answers, mentions, by=by)
    return summarise_impact(
        tallied, floor=floor, confidence=confidence, method=method, draws=draws, seed=seed
    )


def tally_impact(answers: Any, mentions: Any, *, by: str | Sequence[str] = ()) -> pd.DataFrame:
    """The counts that `impact` stands on, int64, additive over `by` columns (not over themes):
    keys, `theme, mentions, mention_promoters, mention_detractors, n, promoters, detractors`.
    """
    keys = [by] if isinstance(by, str) else list(by)
    tallies.refuse_clashes(keys, ("theme", *MENTIONED, *ANSWERED, *SCORES))
    total = tally_nps(answers, by=keys)[[*keys, *ANSWERED]]
    spoken = _tally_mentions(mentions, keys)
    grid = total.merge(spoken[["theme"]].drop_duplicates(), how="cross")
    if len(grid) and keys:
        spoken[keys] = spoken[keys].astype(total[keys].dtypes.to_dict())
    on = [*keys, "theme"]
    table = grid.merge(spoken, on=on, how="left", validate="one_to_one")
    table = table.fillna(dict.fromkeys(MENTIONED, 0)).astype(dict.fromkeys(MENTIONED, "int64"))
    if table["mentions"].sum() < spoken["mentions"].sum():
        raise FrameError(
            keys[0] if keys else None,
            "has mentions in groups without answers",
            hint="pass answers and mentions of the same responses",
        )
    _check_parts(table)
    return tallies.by_key(table[[*on, *MENTIONED, *ANSWERED]], on)


def summarise_impact(
    tallied: pd.DataFrame,
    *,
    floor: int = 10,
    confidence: float = 0.95,
    method: Method = "bootstrap",
    draws: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """The impact and interval of each row of a tally: the table that `impact` returns.

    "bootstrap": percentiles of `draws` resamples of the answers, drawn as multinomial counts of
    the six cells class × mentioned, which is the same thing (Efron 1979, Annals of Statistics 7).
    Each row draws from `seed` afresh: its interval depends on its own counts only.
    "delta": normal, with the variance of the influence (c - N) - (1 - m)/(1 - π)·(c - N₀) of an
    answer of code c in {-1, 0, 1}, m = 1 if it mentions the theme.
    """
    z = intervals.normal_quantile(confidence)
    _check_options(floor, draws, method)
    cells = _cells(tallied)
    whole, without = _scores(cells)
    table = tallied.copy()
    few = np.minimum(cells[:, 0].sum(axis=1), cells[:, 1].sum(axis=1)) < floor
    table["nps"] = 100 * whole
    table["nps_without"] = np.where(few, np.nan, 100 * without)  # else nps less it is the impact
    table["impact"] = np.where(few, np.nan, 100 * (whole - without))
    if method == "delta":
        margin = z * _standard_error(cells)
        low, high = whole - without - margin, whole - without + margin
    else:
        low, high = _percentiles(cells, ~few, confidence=confidence, draws=draws, seed=seed)
    table["low"] = np.where(few, np.nan, np.clip(100 * low, -200, 200))
    table["high"] = np.where(few, np.nan, np.clip(100 * high, -200, 200))
    return table


def _tally_mentions(mentions: Any, keys: list[str]) -> pd.DataFrame:
    """Scored answers per group and theme by class, an answer counting once."""
    checked = frames.read(mentions, SHAPE, by=(*keys, "theme"))
    once = checked.lazy.unique(
        subset=[*checked.key_names, "response", "score", *checked.wrong_names], keep="any"
    )
    score = nw.col("score")
    sums = {
        "scored": frames.where(~score.is_null(), nw.lit(1.0)),
        "mention_promoters": frames.where(score >= 9, nw.lit(1.0)),
        "mention_detractors": frames.where(score <= 6, nw.lit(1.0)),
    }
    tallied = tallies.tally(replace(checked, lazy=once), sums, distinct="response")
    if (tallied["scored"] > tallied["distinct_scored"]).any():
        raise FrameError("score", "differs within one response", hint="each response has one score")
    tallied = tallied.rename(columns={"scored": "mentions"})
    return tallied[[*keys, "theme", *MENTIONED]]


def _check_parts(table: pd.DataFrame) -> None:
    """Those who mention a theme are some of those who answered, class by class."""
    cells = _cells(table)
    wrong = np.flatnonzero((cells < 0).any(axis=(1, 2)))
    if len(wrong):
        row = table["theme"].iloc[wrong[0]]
        raise FrameError(
            "score",
            f"has more mentions of {row!r} than answers of that class",
            hint="pass answers and mentions of the same responses",
        )


def _check_options(floor: int, draws: int, method: str) -> None:
    if isinstance(floor, bool) or not isinstance(floor, int) or floor < 1:
        raise ArgumentError("floor", f"is {floor!r}", hint="a whole number of answers ≥ 1")
    if isinstance(draws, bool) or not isinstance(draws, int) or draws < 100:
        raise ArgumentError("draws", f"is {draws!r}", hint="100 or more resamples, or `delta`")
    if method not in {"bootstrap", "delta"}:
        raise ArgumentError("method", f"is {method!r}", hint="bootstrap or delta")


def _cells(tallied: pd.DataFrame) -> Numbers:
    """Answers as (row, mentioned no/yes, promoter/passive/detractor)."""
    try:
        inside, up, down, n, all_up, all_down = (
            tallied[name].to_numpy(np.float64) for name in (*MENTIONED, *ANSWERED)
        )
    except KeyError as error:
        raise FrameError(
            str(error.args[0]),
            "is missing",
            hint="pass a table of tally_impact",
            present=tallied.columns,
        ) from error
    yes = np.stack([up, inside - up - down, down], axis=1)
    every = np.stack([all_up, n - all_up - all_down, all_down], axis=1)
    return np.stack([every - yes, yes], axis=1)


def _scores(cells: Numbers) -> tuple[Numbers, Numbers]:
    """The net shares of all answers and of those without the theme; NaN where there are none."""
    net, size = cells[..., 0] - cells[..., 2], cells.sum(axis=-1)
    whole, without = size.sum(axis=-1), size[..., 0]
    return (
        net.sum(axis=-1) / np.where(whole > 0, whole, np.nan),
        net[..., 0] / np.where(without > 0, without, np.nan),
    )


def _standard_error(cells: Numbers) -> Numbers:
    whole, without = _scores(cells)
    n = cells.sum(axis=(1, 2))
    total = np.where(n > 0, n, np.nan)
    rest = cells[:, 0].sum(axis=1) / total
    weight = np.array([[1.0], [0.0]]) / np.where(rest > 0, rest, np.nan)[:, None, None]
    code = np.array([1.0, 0.0, -1.0])
    influence = code - whole[:, None, None] - weight * (code - without[:, None, None])
    return np.asarray(np.sqrt((cells * influence**2).sum(axis=(1, 2))) / total, dtype=np.float64)


def _percentiles(
    cells: Numbers, rows: NDArray[np.bool_], *, confidence: float, draws: int, seed: int
) -> tuple[Numbers, Numbers]:
    bounds = np.full((len(cells), 2), np.nan)
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    for row in np.flatnonzero(rows):
        n = int(cells[row].sum())
        sample = np.random.default_rng(seed).multinomial(n, cells[row].ravel() / n, draws)
        whole, without = _scores(sample.reshape(draws, 2, 3).astype(np.float64))
        bounds[row] = np.nanquantile(whole - without, tails)  # NaN: nobody was left over
    return bounds[:, 0], bounds[:, 1]
