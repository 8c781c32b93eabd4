"""Facts to measure on: the same rows from the same number of them, each month from its own seed.

Two years of 1,000 workspaces whose sizes fall as 1/rank: the first has 13 % of all answers, the
tenth 1.3 %, the hundredth 0.13 %. Each has a relational survey (NPS) and two transactional ones
(CSAT, CES); of ten answers three bear a comment. Countries and stages have moods of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from analytics.facts import FACTS, MENTIONS

Codes = NDArray[np.int64]

SEED = 20_261_122
WORKSPACES = 1_000
MONTHS = [date(year, month, 1) for year in (2024, 2025) for month in range(1, 13)]
SURVEYS = ("nps", "csat", "ces")  # key, metric and question at once
SCALES = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7)}
KINDS = ("relational", "transactional", "transactional")
METRICS = (*SURVEYS, "comment")
REGIONS = {
    "155": ("DE", "FR", "NL", "AT", "BE", "CH"),
    "154": ("GB", "SE", "FI", "NO", "DK", "IE"),
    "039": ("ES", "IT", "PT", "GR"),
    "021": ("US", "CA"),
    "005": ("BR", "AR", "CL"),
    "030": ("JP", "KR"),
    "034": ("IN",),
    "015": ("EG",),
}
COUNTRIES = tuple(country for countries in REGIONS.values() for country in countries)
REGION_OF = np.repeat(np.arange(len(REGIONS)), [len(each) for each in REGIONS.values()])
STAGES = ("reach", "acquire", "onboard", "adopt", "serve", "retain", "expand", "refer", "exit")
# Text column → its values, and the share of answers that have none.
DIMENSIONS: Mapping[str, tuple[tuple[str, ...], float]] = {
    "country": (COUNTRIES, 0.05),
    "language": (("en", "de", "fr", "es", "pt", "ja", "ar"), 0.0),
    "stage": (STAGES, 0.1),
    "age_band": (("18-24", "25-34", "35-44", "45-54", "55-64", "65+"), 0.4),
    "gender": (("female", "male", "other"), 0.4),
    "channel": (("widget", "link", "import", "api"), 0.0),
    "sentiment": (("negative", "neutral", "positive"), 0.1),
    "theme": (tuple(f"theme.{name}" for name in ("delivery", "price", "quality", "support")), 0.0),
}
COMMENT_LANGUAGES = DIMENSIONS["language"][0]


@dataclass(frozen=True)
class Month:
    """The responses of one month in order of arrival, as numbers; -1 is null.

    `facts` and `mentions` name the response of each fact (its score, then its comment) and of
    each theme mention.
    """

    first: date
    codes: Mapping[str, Codes]

    @cached_property
    def facts(self) -> Codes:
        return np.repeat(np.arange(len(self.codes["comments"])), 1 + self.codes["comments"])

    @cached_property
    def mentions(self) -> Codes:
        return np.repeat(np.arange(len(self.codes["comments"])), self.codes["mentions"])

    def order(self, table: str) -> Codes:
        """Places of the rows of `facts` or `mentions` as compaction sorts them (`lake.layout`)."""
        rows = self.facts if table == "facts" else self.mentions
        code = {name: self.codes[name][rows] for name in ("stage", "day", "survey", "workspace")}
        metric = np.zeros(len(rows), dtype=np.int64)  # which mentions don't have
        if table == "facts":
            metric = np.where(self._is_comment(np.arange(len(rows))), 3, code["survey"])
        rank, kind = np.argsort(np.argsort(METRICS)), code["survey"] > 0  # transactional
        return np.lexsort([code["stage"], code["day"], rank[metric], kind, code["workspace"]])

    def fact_batch(self, places: Codes) -> pa.RecordBatch:
        """The facts at some places of `facts`."""
        rows = self.facts[places]
        comment = self._is_comment(places)
        code = {name: values[rows] for name, values in self.codes.items()}
        columns = self._shared(code, comment)
        columns["metric"] = _text(np.where(comment, 3, code["survey"]), METRICS)
        columns["score"] = pa.array(code["score"], mask=comment)
        columns["sentiment"] = _dimension("sentiment", np.where(comment, code["sentiment"], -1))
        return pa.RecordBatch.from_pydict({name: columns[name] for name in FACTS.names})

    def mention_batch(self, places: Codes) -> pa.RecordBatch:
        """The mentions at some places of `mentions`; of two in a comment the themes differ."""
        rows = self.mentions[places]
        second = (places > 0) & (self.mentions[places - 1] == rows)
        code = {name: values[rows] for name, values in self.codes.items()}
        columns = self._shared(code, np.ones(len(rows), dtype=bool))
        themes = DIMENSIONS["theme"][0]
        columns["theme"] = _text((code["theme"] + second) % len(themes), themes)
        columns["code"] = columns["theme"]
        columns["polarity"] = _dimension("sentiment", code["sentiment"])
        return pa.RecordBatch.from_pydict({name: columns[name] for name in MENTIONS.names})

    def _is_comment(self, places: Codes) -> NDArray[np.bool_]:
        """Whether the facts at places of `facts` are comments: they follow their score."""
        return (places > 0) & (self.facts[places - 1] == self.facts[places])

    def _shared(self, code: Mapping[str, Codes], comment: NDArray[np.bool_]) -> dict[str, pa.Array]:
        count, wrote = len(comment), code["comments"] > 0
        day = np.datetime64(self.first, "D") + code["day"]
        columns = {
            name: pa.array(code[name]) for name in ("workspace", "response", "received", "person")
        }
        columns |= {
            "question": _text(np.where(comment, 3, code["survey"]), METRICS),
            "month": _text(np.zeros(count, dtype=np.int64), (f"{self.first:%Y-%m}",)),
            "day": pa.array(day),
            "survey": _text(code["survey"], SURVEYS),
            "kind": _text(code["survey"], KINDS),
            "version": pa.array(np.ones(count, dtype=np.int64)),
            "orientation": _text(np.zeros(count, dtype=np.int64), ("ascending",)),
            "anonymous": pa.array(np.zeros(count, dtype=np.bool_)),
            "region": _text(
                np.where(code["country"] < 0, -1, REGION_OF[code["country"]]), tuple(REGIONS)
            ),
            "comment_language": _text(np.where(wrote, code["language"], -1), COMMENT_LANGUAGES),
        }
        for name in ("country", "language", "stage", "age_band", "gender", "channel"):
            columns[name] = _dimension(name, code[name])
        return columns


def make_month(place: int, rows: int) -> Month:
    """Month number `place` of MONTHS of `rows` facts in all."""
    rng = np.random.default_rng([SEED, place, rows])
    first = MONTHS[place]
    facts = rows // len(MONTHS) + (place < rows % len(MONTHS))
    count = facts - facts * 3 // 13
    sizes = 1 / np.arange(1, WORKSPACES + 1)
    workspace = 1 + np.searchsorted(np.cumsum(sizes / sizes.sum()), rng.random(count)).clip(
        max=WORKSPACES - 1
    )
    days = (MONTHS[place + 1] if place + 1 < len(MONTHS) else date(2026, 1, 1)) - first
    moment = np.sort(rng.integers(0, days.days * 86_400_000_000, count))
    comments = np.zeros(count, dtype=np.int64)
    comments[rng.choice(count, facts - count, replace=False)] = 1
    codes = {
        "workspace": workspace,
        "response": place * rows + np.arange(count),
        "day": moment // 86_400_000_000,
        "received": moment + np.datetime64(first, "us").astype(np.int64),
        "survey": rng.choice(3, count, p=(0.5, 0.3, 0.2)),
        "comments": comments,
        "mentions": comments * rng.integers(0, 3, count),
        "person": _people(rng, workspace, rows),
    }
    for name, (values, missing) in DIMENSIONS.items():
        code = np.minimum(rng.geometric(2.5 / len(values), count) - 1, len(values) - 1)
        codes[name] = np.where(rng.random(count) < missing, -1, code)
    codes["score"] = _scores(rng, codes)
    return Month(first, codes)


def _people(rng: np.random.Generator, workspace: Codes, rows: int) -> Codes:
    """A 64-bit hash of who answered: one of some customers, a third of the answers nobody known.

    Who is not known has a number below 0.
    """
    customers = np.maximum(rows // 12 // workspace, 20)
    known = workspace * 2**40 + rng.integers(0, customers)
    # splitmix64's mixing (Steele, Lea & Flood 2014): spread over all bits, as a digest is.
    bits = known.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) >> np.uint64(1)
    unknown = rng.random(len(workspace)) < 1 / 3
    return np.where(unknown, -rng.integers(1, 2**62, len(workspace)), bits.astype(np.int64))


def _scores(rng: np.random.Generator, codes: Mapping[str, Codes]) -> Codes:
    """Scores on each survey's scale from one normal mood: a country's, a stage's and one's own."""
    mood = 0.7 + 0.05 * np.sin(codes["country"]) + 0.06 * np.cos(codes["stage"])
    mood += 0.22 * rng.standard_normal(len(mood))
    low, high = np.array(list(SCALES.values())).T[:, codes["survey"]]
    return np.clip(np.rint(low + mood * (high - low)), low, high).astype(np.int64)


def _dimension(name: str, code: Codes) -> pa.Array:
    return _text(code, DIMENSIONS[name][0])


def _text(code: Codes, values: tuple[str, ...]) -> pa.Array:
    places = pa.array(code.astype(np.int8), mask=code < 0)
    return pa.DictionaryArray.from_arrays(places, pa.array(values)).cast(pa.string())
