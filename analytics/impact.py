"""Theme impact: how far the answers that speak of a theme move the NPS.

Leave-one-theme-out: I = N - N₀, the NPS of all answers minus that of the answers that don't
mention the theme. With the share π of answers that mention it and their own score N₁ this is
I = π·(N₁ - N₀): a theme weighs much because many speak of it, or because those who do differ.
It is a description, not a cause: people who are unhappy for another reason mention themes, too.

Its interval is the percentile bootstrap of Efron & Tibshirani (1993), "An Introduction to the
Bootstrap", chapter 13, or the delta method.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, get_args

import narwhals as nw
import numpy as np
import pandas as pd

from analytics import frames, intervals, options, sums, tallies
from analytics.errors import FrameError
from analytics.nps import tally_nps
from analytics.options import Numbers
from analytics.scipy import ndtri

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
    cluster: str | None = None,
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
    Answers are taken as independent, unless `cluster` names the column, in both frames, of what
    makes them alike (an account, a person who answers often): then whole clusters are drawn.

    FrameError, naming the column: missing or broken values, two scores of one response, more
    mentions of a class than answers, a null cluster. ArgumentError: `floor` < 1, `draws` < 100,
    `method`.

    >>> answers = pd.DataFrame({"score": [10] * 60 + [7] * 20 + [2] * 20})
    >>> mentions = pd.DataFrame({"theme": "delivery", "response": range(20),
    ...                          "score": [10] * 4 + [7] * 4 + [2] * 12})
    >>> table = impact(answers, mentions)   # 40 points, and 60 without the 20 at -40
    >>> table[["theme", "mentions", "nps", "nps_without", "impact"]].round(9).values.tolist()
    [['delivery', 20, 40.0, 60.0, -20.0]]
    """
    keys = options.names("by", by)
    keys += [] if cluster is None else [options.name("cluster", cluster)]
    return summarise_impact(
        tally_impact(answers, mentions, by=keys),
        floor=floor,
        confidence=confidence,
        method=method,
        draws=draws,
        seed=seed,
        cluster=cluster,
    )


def tally_impact(answers: Any, mentions: Any, *, by: str | Sequence[str] = ()) -> pd.DataFrame:
    """The counts that `impact` stands on, int64, additive over `by` columns (not over themes):
    keys, `theme, mentions, mention_promoters, mention_detractors, n, promoters, detractors`.
    """
    keys = options.names("by", by)
    tallies.refuse_clashes(keys, ("theme", *MENTIONED, *ANSWERED, *SCORES))
    total = tally_nps(answers, by=keys)[[*keys, *ANSWERED]]
    spoken = _tally_mentions(mentions, keys)
    grid = total.merge(spoken[["theme"]].drop_duplicates(), how="cross")
    if len(grid) and keys:
        try:
            spoken[keys] = spoken[keys].astype(total[keys].dtypes.to_dict())
        except (TypeError, ValueError) as error:
            hint = "give both frames columns of the same type"
            raise FrameError(keys[0], f"differs between the frames: {error}", hint=hint) from error
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
    cluster: str | None = None,
) -> pd.DataFrame:
    """The impact and interval of each row of a tally: the table that `impact` returns.

    With `cluster`, one of the keys of the tally, rows are what is left without it.

    "bootstrap": percentiles of `draws` resamples of the answers, drawn as multinomial counts of
    the six cells class × mentioned, which is the same thing (Efron 1979, Annals of Statistics 7).
    Each row draws from `seed` afresh: its interval depends on its own counts only. Of clusters
    as many are drawn as there are (Davison & Hinkley 1997, 3.8): too few of them, and bars are
    too short.
    "delta": normal, with the variance of the influence (c - N) - (1 - m)/(1 - π)·(c - N₀) of an
    answer of code c in {-1, 0, 1}, m = 1 if it mentions the theme; summed within clusters.
    """
    intervals.checked_confidence(confidence)
    options.whole("floor", floor, least=1)
    options.whole("draws", draws, least=100, most=1_000_000)
    options.whole("seed", seed)
    options.one_of("method", method, get_args(Method))
    tallies.keys(tallied)
    parts, table = list(_cells(tallied)[:, np.newaxis]), tallied.copy()
    if cluster is not None:
        table, parts = _by_cluster(tallied, cluster)
    cells = np.array([part.sum(axis=0) for part in parts]).reshape(-1, 2, 3)
    whole, without = _scores(cells)
    few = ~(cells.sum(axis=2).min(axis=1, initial=np.inf) >= floor)
    table["nps"] = 100 * whole
    table["nps_without"] = np.where(few, np.nan, 100 * without)  # else nps less it is the impact
    table["impact"] = np.where(few, np.nan, 100 * (whole - without))
    bounds = np.full((len(cells), 2), np.nan)
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    for row in np.flatnonzero(~few):
        part, clustered = parts[row], cluster is not None
        if clustered and len(part) < 2:  # nothing shows how far another would be
            continue
        if method == "delta":
            reach = ndtri(tails) * _standard_error(part, clustered=clustered)
            bounds[row] = whole[row] - without[row] + reach
        else:
            drawn = _scores(_drawn(part, clustered=clustered, draws=draws, seed=seed))
            bounds[row] = np.nanquantile(drawn[0] - drawn[1], tails)  # NaN: nobody was left over
    table["low"], table["high"] = np.clip(100 * bounds, -200, 200).T
    return table


def _tally_mentions(mentions: Any, keys: list[str]) -> pd.DataFrame:
    """Scored answers per group and theme by class, an answer counting once."""
    checked = frames.read(mentions, SHAPE, by=(*keys, "theme"))
    once = checked.lazy.unique(
        subset=[*checked.key_names, "response", "score", *checked.wrong_names], keep="any"
    )
    score = nw.col("score")
    counted = {
        "scored": frames.where(~score.is_null(), nw.lit(1.0)),
        "mention_promoters": frames.where(score >= 9, nw.lit(1.0)),
        "mention_detractors": frames.where(score <= 6, nw.lit(1.0)),
    }
    tallied = tallies.tally(replace(checked, lazy=once), counted, distinct="response")
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


def _cells(tallied: pd.DataFrame) -> Numbers:
    """Answers as (row, mentioned no/yes, promoter/passive/detractor)."""
    inside, up, down, n, all_up, all_down = (
        sums.whole(tallied, name) for name in (*MENTIONED, *ANSWERED)
    )
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


def _by_cluster(tallied: pd.DataFrame, cluster: str) -> tuple[pd.DataFrame, list[Numbers]]:
    """The rows without the key `cluster`, and of each the cells of its clusters with answers."""
    keys = tallies.keys(tallied)
    if options.name("cluster", cluster) not in keys or cluster == "theme":
        raise FrameError(cluster, "is no cluster", hint="tally by it, too", present=keys)
    if tallied[cluster].isna().any():
        raise FrameError(cluster, "holds null", hint="give an answer without one an id of its own")
    groups, at = tallies.group(tallied[[key for key in keys if key != cluster]])
    cells = _cells(tallied)
    cells, at = (values[cells.sum(axis=(1, 2)) > 0] for values in (cells, at))
    parts = [cells[at == row] for row in range(len(groups))]
    counts = [*MENTIONED, *ANSWERED]
    table = tallies.roll_up(tallied[[*keys, *counts]], by=[*groups.columns])
    return table, parts


def _drawn(parts: Numbers, *, clustered: bool, draws: int, seed: int) -> Numbers:
    """Resampled cells (draw, mentioned, class): of the answers, or of whole clusters."""
    rng, size = np.random.default_rng(seed), len(parts)
    if clustered:
        drawn = rng.multinomial(size, np.full(size, 1 / size), draws) @ parts.reshape(size, -1)
    else:
        n = parts.sum()
        drawn = rng.multinomial(int(n), parts.ravel() / n, draws).astype(np.float64)
    return np.asarray(drawn.reshape(draws, 2, 3), dtype=np.float64)


def _standard_error(parts: Numbers, *, clustered: bool) -> float:
    cells, code = parts.sum(axis=0), np.array([1.0, 0.0, -1.0])
    whole, without = _scores(cells)
    rest = cells[0].sum() / cells.sum()
    influence = code - whole - np.array([[1.0], [0.0]]) / rest * (code - without)
    if clustered:
        squares = (parts * influence).sum(axis=(1, 2)) ** 2 * len(parts) / (len(parts) - 1)
    else:
        squares = cells * influence**2
    return float(np.sqrt(squares.sum()) / cells.sum())
