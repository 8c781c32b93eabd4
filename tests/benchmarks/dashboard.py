"""What a dashboard asks, through the planner and as SQL written by hand.

Three questions: scores (three totals; NPS by bucket, stage, country and age band), comments, and
themes; each under the scope's filters and under those of the scopes around it, which the privacy
guard compares. The SQL reads the rows once, since it is a third slower otherwise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
from places import Places

from analytics.facts import FACTS, MENTIONS, POLARITIES, FactShape
from analytics.periods import Period
from analytics.plan import count_comments, count_scores, count_themes
from analytics.scope import BUCKET, VALUES, Breakdown, Filters, Scope
from survey_app.insights.lake.engines import Engine, Stored

Asked = tuple[Breakdown, Filters]
Row = tuple[Any, ...]

YEAR = Period(date(2025, 1, 1), date(2025, 12, 31))
FILTERS = {"country": ("DE", "FR"), "stage": ("onboard", "adopt")}
NPS = Breakdown("nps")
TOTALS = (NPS, *(Breakdown(metric, kind="transactional") for metric in ("csat", "ces")))
WAYS = (BUCKET, "stage", "country", "age_band")
TYPES = {"int64": pa.int64(), "str": pa.string(), "date": pa.date32(), "bool": pa.bool_()}
VALUE = {
    "nps": "CASE WHEN score <= 6 THEN 0 WHEN score <= 8 THEN 7 ELSE 9 END",
    "csat": "score",
    "ces": "score",
}


def scope_of(workspace: int, filters: Mapping[str, Sequence[str]] | None = None) -> Scope:
    """The last year of a workspace."""
    return Scope(workspace=workspace, period=YEAR, filters=filters or {})


def asked_of(scope: Scope) -> list[Asked]:
    """The tables of scores: those of the page, and those that its guard compares them with."""
    shown = [*TOTALS, *(NPS.over(name) for name in WAYS)]
    pairs = [(each, filters) for each in shown for filters in scope.nested()]
    guards = [(total.over(name), ()) for total in TOTALS for name in scope.filters]
    return list(dict.fromkeys([*pairs, *guards]))


def empty(shape: FactShape) -> pa.Table:
    """A table of a shape without rows."""
    schema = pa.schema([(field.name, TYPES[field.type]) for field in shape.fields])
    return schema.empty_table()


@dataclass(frozen=True)
class Ours:
    """The product's way: an engine's frame of the lake, counted by the planner."""

    engine: Engine
    places: Places

    def tables(self, scope: Scope) -> dict[str, list[pd.DataFrame]]:
        """The small tables of each question."""
        with self._frame(FACTS, scope) as frame:
            found = {
                "scores": count_scores(frame, scope, asked_of(scope)),
                "comments": count_comments(frame, scope, scope.nested()),
            }
        with self._frame(MENTIONS, scope) as frame:
            return found | {"themes": count_themes(frame, scope, scope.nested())}

    def scores(self, scope: Scope, asked: Sequence[Asked]) -> list[pd.DataFrame]:
        """Tables of scores."""
        with self._frame(FACTS, scope) as frame:
            return count_scores(frame, scope, asked)

    def _frame(self, shape: FactShape, scope: Scope) -> Any:
        stored = Stored(files=self.places.files(shape.name), workspace=scope.workspace)
        return self.engine.opened(stored, empty(shape))


def as_rows(tables: Mapping[str, Sequence[pd.DataFrame]]) -> list[Row]:
    """(question, place of the table, its cells), sorted, None for null; none where nobody is."""
    found = []
    for name, several in tables.items():
        for place, table in enumerate(several):
            cells = table.astype(object).where(table.notna(), None)
            for row in cells[table["people"] > 0].itertuples(index=False):
                found.append((name, place, *row))
    return sorted(found, key=repr)


class ByHand:
    """The same rows by SQL on the same files."""

    def __init__(self, places: Places) -> None:
        self._connection = duckdb.connect(config={"threads": 1})
        self._connection.execute("SET parquet_metadata_cache = true")
        self._sources = {
            shape.name: f"read_parquet({places.files(shape.name)}, hive_partitioning = true)"
            for shape in (FACTS, MENTIONS)
        }

    def cells(self, scope: Scope) -> dict[str, list[Row]]:
        """What each question's statement answers."""
        statements = self.statements(scope)
        return {name: self._connection.execute(sql).fetchall() for name, sql in statements.items()}

    def rows(self, scope: Scope) -> list[Row]:
        """The same as `as_rows` gives of our tables."""
        found = []
        for name, rows in self.cells(scope).items():
            for place, key, *cells in rows:
                while cells and cells[-1] is None:  # narrower than the widest
                    cells.pop()
                keys = () if key == "" else (key,)
                found.append((name, place, *keys, *cells))
        return sorted(found, key=repr)

    def statements(self, scope: Scope) -> dict[str, str]:
        """One for each question: place of the table, key ('' where it has none), people, counts."""
        return {
            "scores": _scores(self._sources["facts"], scope),
            "comments": _polarities(self._sources["facts"], scope, "sentiment", "''"),
            "themes": _polarities(self._sources["mentions"], scope, "polarity", "theme"),
        }


def _scores(source: str, scope: Scope) -> str:
    rows = _base(
        source,
        scope,
        "score, metric, person, month || '-01' AS bucket, stage, country, age_band",
        "(metric = 'nps' AND kind = 'relational'"
        " OR metric IN ('csat', 'ces') AND kind = 'transactional')",
    )
    parts = []
    for place, (breakdown, filters) in enumerate(asked_of(scope)):
        key = breakdown.by[0] if breakdown.by else "''"
        value = VALUE[breakdown.metric]
        counts = [f"count(*) FILTER ({value} = {one})" for one in VALUES[breakdown.metric]]
        where = [f"metric = '{breakdown.metric}'", *(f"in_{name}" for name in filters)]
        parts.append(_part(place, key, counts + ["NULL"] * (7 - len(counts)), where))
    return f"WITH base AS MATERIALIZED ({rows}) {' UNION ALL '.join(parts)}"


def _polarities(source: str, scope: Scope, column: str, key: str) -> str:
    is_comment = "metric = 'comment'" if column == "sentiment" else "true"
    names = f"person, {column}" + (f", {key}" if key != "''" else "")
    rows = _base(source, scope, names, f"{is_comment} AND kind = '{scope.kind}'")
    counts = [f"count(*) FILTER ({column} = '{one}')" for one in POLARITIES]
    counts.append(f"count(*) FILTER ({column} IS NULL)")
    if column == "polarity":
        counts.append("count(DISTINCT person) FILTER (polarity IS NOT NULL)")
    parts = [
        _part(place, key, counts, [f"in_{name}" for name in filters] or ["true"])
        for place, filters in enumerate(scope.nested())
    ]
    return f"WITH base AS MATERIALIZED ({rows}) {' UNION ALL '.join(parts)}"


def _base(source: str, scope: Scope, columns: str, condition: str) -> str:
    first, last = scope.period.start, scope.period.end
    marks = [
        f"coalesce({name} IN ({', '.join(map(repr, values))}), false) AS in_{name}"
        for name, values in scope.filters.items()
    ]
    return (
        f"SELECT {', '.join([columns, *marks])} FROM {source} WHERE workspace = {scope.workspace}"
        f" AND month BETWEEN '{first:%Y-%m}' AND '{last:%Y-%m}'"
        f" AND day BETWEEN DATE '{first}' AND DATE '{last}' AND {condition}"
    )


def _part(place: int, key: str, counts: Sequence[str], where: Sequence[str]) -> str:
    return (
        f"SELECT {place}, {key}, count(DISTINCT person), {', '.join(counts)} FROM base"
        f" WHERE {' AND '.join(where)} GROUP BY ALL"
    )
