"""The one planner: from a scope and what is asked of it to small tables of counts.

Whatever engine holds the facts, it reads them once per call: the rows of the scope are picked
(workspace, month, day, surveys, moment, and the filters that hold in all that is asked), made
narrow and marked with what is counted and which of the other filters hold; `counting.py` does the
rest. Whole numbers only: exact, on every engine.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from analytics import facts
from analytics.counting import Part, any_of, count
from analytics.engines import Plan, Rows
from analytics.errors import ArgumentError
from analytics.periods import DAY, Grain, Period, buckets
from analytics.scope import BUCKET, VALUES, Breakdown, Filters, Frozen, Scope, ScoreMetric

Choice = Frozen[tuple[str, ...]]  # dimension → the values that count
ANY: Choice = Frozen({})
POLARITIES = (*facts.POLARITIES, "unscored")
WRONG = -1  # in the place of a value outside its metric's
FEW = 8  # values of a filter that are compared one by one


def count_scores(
    frame: Any,
    scope: Scope,
    asked: Iterable[tuple[Breakdown, Filters]],
    *,
    grain: Grain = "month",
) -> list[pd.DataFrame]:
    """Counts of several breakdowns, each under some of the scope's filters, in the order asked.

    `frame`: facts (`facts.FACTS`) of any engine, all that it has. Each table has the keys (`by`) as
    `str`, sorted, null last; `people`, the distinct respondents; then a column per value of
    `VALUES[metric]`, how often it was given; int64. Without `by` it has one row, else a row per key
    that somebody answered in. The key `bucket` is the start of the bucket of an answer's day as
    text; a breakdown by it alone has a row for every bucket of the period.

    Raises FrameError for a frame without the shape, or a score outside its metric's range;
    ArgumentError where a subset names a filter that the scope doesn't have.
    """
    asked = list(asked)
    if not asked:
        return []
    scope = scope.narrowed([breakdown for breakdown, _ in asked], grain=grain)
    scope, always = _pushed(scope, [subset for _, subset in asked])
    ways = dict.fromkeys(breakdown for breakdown, _ in asked)
    totals = list(dict.fromkeys(_total(scope, breakdown) for breakdown in ways))
    starts = [day.isoformat() for day in buckets(scope.period, grain=grain)]
    picking = Plan.of(answers, scope=scope, ways=tuple(ways), grain=grain, always=always)
    parts = []
    for breakdown in ways:
        values = VALUES[breakdown.metric]
        subsets = dict.fromkeys(_bits(scope, subset) for way, subset in asked if way == breakdown)
        total = totals.index(_total(scope, breakdown))
        parts.append(Part(total, breakdown.by, tuple(subsets), values, values))
    tables = {
        (breakdown, subset): _filled(table, starts) if breakdown.by == (BUCKET,) else table
        for breakdown, part, found in zip(
            ways,
            parts,
            count(frame, picking, parts, filters=len(scope.filters), checked="score"),
            strict=True,
        )
        for subset, table in zip(part.subsets, found, strict=True)
    }
    return [tables[breakdown, _bits(scope, subset)] for breakdown, subset in asked]


def count_comments(frame: Any, scope: Scope, asked: Iterable[Filters]) -> list[pd.DataFrame]:
    """Comments under each of several of the scope's filters: one row, `people, negative, neutral,
    positive, unscored`, int64. Frame and errors as for `count_scores`.
    """
    return _count_polarities(comments, frame, scope, asked, "sentiment")


def count_themes(frame: Any, scope: Scope, asked: Iterable[Filters]) -> list[pd.DataFrame]:
    """Mentions under each of several of the scope's filters: a row per `theme`, sorted; `people,
    negative, neutral, positive, unscored`, and `scored_people`, those of whom a mention was scored.

    `frame`: mentions (`facts.MENTIONS`) of any engine. Errors as for `count_scores`.
    """
    return _count_polarities(mentions, frame, scope, asked, "polarity", by=("theme",))


def _count_polarities(
    read: Callable[..., Rows],
    frame: Any,
    scope: Scope,
    asked: Iterable[Filters],
    column: str,
    *,
    by: tuple[str, ...] = (),
) -> list[pd.DataFrame]:
    asked = list(asked)
    if not asked:
        return []
    scope, always = _pushed(scope.narrowed(), asked)  # before filters leave the scope
    subsets = tuple(dict.fromkeys(_bits(scope, subset) for subset in asked))
    part = Part(0, by, subsets, tuple(range(len(POLARITIES))), POLARITIES, scored=bool(by))
    picking = Plan.of(read, scope=scope, always=always)
    found = count(frame, picking, [part], filters=len(scope.filters), checked=column)[0]
    tables = dict(zip(subsets, found, strict=True))
    return [tables[_bits(scope, subset)] for subset in asked]


def _filled(table: pd.DataFrame, starts: Sequence[str]) -> pd.DataFrame:
    """Every bucket in order, also those in which nobody answered."""
    place = {start: at for at, start in enumerate(starts)}
    at = [place[start] for start in table[BUCKET]]
    filled: dict[Any, Any] = {BUCKET: pd.array(list(starts), dtype="str")}
    for name in table.columns[1:]:
        filled[name] = np.zeros(len(starts), dtype=np.int64)
        filled[name][at] = table[name]
    return pd.DataFrame(filled)


# --- which rows -----------------------------------------------------------------------------------


def _pushed(scope: Scope, asked: Sequence[Filters]) -> tuple[Scope, Choice]:
    """The scope with those filters that only some of the asked subsets have, and those of all."""
    for name in set().union(*asked) - set(scope.filters):
        names = ", ".join(scope.filters)
        hint = f"one of {names}" if names else "the scope has none"
        raise ArgumentError("asked", f"{name!r} is no filter of the scope", hint=hint)
    everywhere = set(scope.filters).intersection(*asked)
    some = set().union(*asked) - everywhere
    always = {name: scope.filters[name] for name in scope.filters if name in everywhere}
    kept = {name: scope.filters[name] for name in scope.filters if name in some}
    return replace(scope, filters=kept), Frozen(always)


def answers(
    frame: Any,
    *,
    scope: Scope,
    ways: Sequence[Breakdown],
    grain: Grain = "month",
    always: Choice = ANY,
) -> Rows:
    """The scope's answers to what is asked, not yet counted, as `counting.py` reads them.

    `always`: further filters, which pick rows; the scope's are only marked. Columns: the keys of
    all breakdowns, `_total` (its place among those asked for, in their order), `_value`, `_mask`,
    `person`.
    """
    totals = list(dict.fromkeys(_total(scope, breakdown) for breakdown in ways))
    keys = sorted({name for breakdown in ways for name in breakdown.by})
    opened = _Opened(frame, facts.FACTS, scope, always, needed=["metric", "score", *keys])
    return opened.rows(
        [any_of([_of(total) for total in totals]), ~nw.col("score").is_null()],
        total=_place([_of(total) for total in totals]),
        value=_score_value([metric for metric, _ in totals], whole=opened.whole("score")),
        keys={
            name: _bucket(scope.period, grain, opened.day) if name == BUCKET else nw.col(name)
            for name in keys
        },
    )


def comments(frame: Any, *, scope: Scope, by: Sequence[str] = (), always: Choice = ANY) -> Rows:
    """The scope's comments, not yet counted, by dimensions; `_value` is the place of their
    sentiment.
    """
    needed = ["metric", "sentiment", *by]
    opened = _Opened(frame, facts.FACTS, scope.narrowed(), always, needed=needed)
    return _judgements(opened, "sentiment", [nw.col("metric") == "comment"], by=by)


def mentions(frame: Any, *, scope: Scope, by: Sequence[str] = (), always: Choice = ANY) -> Rows:
    """The scope's mentions of themes, not yet counted, by `theme` and dimensions.

    None of anonymous surveys: of a batch, few mention the same.
    """
    scope = replace(scope, anonymous=False)
    opened = _Opened(frame, facts.MENTIONS, scope, always, needed=["theme", "polarity", *by])
    return _judgements(opened, "polarity", [], by=("theme", *by))


def _judgements(
    opened: "_Opened", column: str, conditions: list[nw.Expr], *, by: Sequence[str]
) -> Rows:
    scope = opened.scope
    if scope.survey is None and scope.kind is not None:
        conditions = [*conditions, nw.col("kind") == scope.kind]
    return opened.rows(
        conditions,
        total=nw.lit(0),
        value=_polarity_value(column),
        keys={name: nw.col(name) for name in by},
    )


class _Opened:
    """A frame past the door, with the scope that is looked at."""

    def __init__(
        self,
        frame: Any,
        shape: facts.FactShape,
        scope: Scope,
        always: Choice,
        *,
        needed: Sequence[str],
    ) -> None:
        self.scope, self._always = scope, always
        wanted = {"workspace", "month", "day", "person", *needed, *scope.filters, *always}
        wanted -= {BUCKET}
        wanted.add("kind" if scope.survey is None else "survey")
        if scope.as_of is not None:
            wanted.add("received")
        if not scope.anonymous:
            wanted.add("anonymous")
        rows = facts.read(frame, shape, needed=wanted)
        self._schema = rows.collect_schema()
        coded = [
            field.name
            for field in shape.fields
            if field.name in wanted
            and field.type == "str"
            and not isinstance(self._schema[field.name], nw.String)
        ]
        self._rows = rows.with_columns(nw.col(*coded).cast(nw.String())) if coded else rows

    @property
    def day(self) -> nw.dtypes.DType:
        """The type of the days."""
        return self._schema["day"]

    def whole(self, name: str) -> bool:
        """Whether a column can hold whole numbers only."""
        return self._schema[name].is_integer()

    def rows(
        self,
        conditions: Iterable[nw.Expr],
        *,
        total: nw.Expr,
        value: nw.Expr,
        keys: Mapping[str, nw.Expr],
    ) -> Rows:
        """The scope's rows, as `counting.py` reads them; the scope's filters are only marked.

        In two steps, since each costs an engine about a millisecond to understand.
        """
        return self._rows.filter(*self._in_scope(), *conditions).select(
            nw.col("person"),
            _total=total,
            _value=value,
            _mask=_mask(self.scope),
            **keys,
        )

    def _in_scope(self) -> Iterator[nw.Expr]:
        scope, period = self.scope, self.scope.period
        yield nw.col("workspace") == scope.workspace
        yield nw.col("month") >= f"{period.start:%Y-%m}"  # the lake's folders
        yield nw.col("month") <= f"{period.end:%Y-%m}"
        if period.start.day > 1:  # else the month says it, which is free
            yield nw.col("day") >= _midnight(period.start, self.day)
        if (period.end + DAY).day > 1:
            yield nw.col("day") <= _midnight(period.end, self.day)
        if scope.survey is not None:
            yield nw.col("survey") == scope.survey
        if scope.as_of is not None:
            yield nw.col("received") <= _microseconds(scope.as_of)
        if not scope.anonymous:
            yield ~nw.col("anonymous")
        for name, values in self._always.items():
            yield _holds(name, values)


def _total(scope: Scope, breakdown: Breakdown) -> tuple[ScoreMetric, str | None]:
    """What a breakdown is a part of: a metric, and a kind unless one survey is chosen."""
    return breakdown.metric, None if scope.survey is not None else breakdown.kind


def _of(total: tuple[str, str | None]) -> nw.Expr:
    metric, kind = total
    of_metric = nw.col("metric") == metric
    return of_metric if kind is None else of_metric & (nw.col("kind") == kind)


def _midnight(day: date, dtype: nw.dtypes.DType) -> date:
    """A date as the column has it: of pandas, a midnight."""
    return day if isinstance(dtype, nw.Date) else datetime.combine(day, time.min)


def _microseconds(moment: datetime) -> int:
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


# --- what is said of each row ---------------------------------------------------------------------


def _place(conditions: Sequence[nw.Expr]) -> nw.Expr:
    """The place of the first condition that holds, the last where none else does."""
    *others, last = range(len(conditions))
    place: nw.Expr = nw.lit(last)
    for at in reversed(others):
        place = nw.when(conditions[at]).then(nw.lit(at)).otherwise(place)
    return place


def _score_value(metrics: Iterable[ScoreMetric], *, whole: bool) -> nw.Expr:
    """The class of an NPS score by its lowest, any other score itself; `WRONG` out of range."""
    score, wrong = nw.col("score"), nw.lit(WRONG)
    classes = [(10, nw.lit(9)), (8, nw.lit(7)), (6, nw.lit(0))]  # by their highest
    every, values = list(dict.fromkeys(metrics)), []
    for metric in every:
        known: nw.Expr = wrong
        for top, said in classes if metric == "nps" else [(VALUES[metric][-1], score)]:
            known = nw.when(score <= top).then(said).otherwise(known)
        fits = score >= VALUES[metric][0]
        fits = fits if whole else fits & (score.floor() == score)
        values.append(nw.when(fits).then(known).otherwise(wrong))
    value = values.pop()
    for metric, known in zip(every, values, strict=False):
        value = nw.when(nw.col("metric") == metric).then(known).otherwise(value)
    return value


def _polarity_value(name: str) -> nw.Expr:
    """The place of a polarity, the last for none; `WRONG` for another text."""
    polarity = nw.col(name)
    value = nw.when(polarity.is_null()).then(nw.lit(len(facts.POLARITIES))).otherwise(nw.lit(WRONG))
    for place, code in enumerate(facts.POLARITIES):
        value = nw.when(polarity == code).then(nw.lit(place)).otherwise(value)
    return value


def _bucket(period: Period, grain: Grain, dtype: nw.dtypes.DType) -> nw.Expr:
    """The start of the bucket of a day."""
    if grain == "month":
        return nw.concat_str(nw.col("month"), nw.lit("-01"))
    return _one_of([day.isoformat() for day in buckets(period, grain=grain)], dtype)


def _one_of(starts: Sequence[str], dtype: nw.dtypes.DType) -> nw.Expr:
    """Halving the choice until it is one."""
    if len(starts) == 1:
        return nw.lit(starts[0])
    middle = len(starts) // 2
    earlier = nw.col("day") < _midnight(date.fromisoformat(starts[middle]), dtype)
    before, after = _one_of(starts[:middle], dtype), _one_of(starts[middle:], dtype)
    return nw.when(earlier).then(before).otherwise(after)


def _mask(scope: Scope) -> nw.Expr:
    """Which of the scope's filters hold, a bit each; none holds where its dimension is null."""
    bits = [
        _if_holds(name, values, nw.lit(1 << at))
        for at, (name, values) in enumerate(scope.filters.items())
        if values
    ]
    return nw.sum_horizontal(*bits) if bits else nw.lit(0)


def _if_holds(name: str, values: Sequence[str], bit: nw.Expr) -> nw.Expr:
    """A bit where one of the values stands, else 0.

    A comparison with one value DuckDB makes once per word of a file's dictionary; one with several,
    however it is written, row by row.
    """
    if len(values) > FEW:
        return nw.when(_holds(name, values)).then(bit).otherwise(nw.lit(0))
    found: nw.Expr = nw.lit(0)
    for value in values:
        found = nw.when(nw.col(name) == value).then(bit).otherwise(found)
    return found


def _holds(name: str, values: Sequence[str]) -> nw.Expr:
    return nw.col(name).is_in(values) if values else nw.lit(value=False)


def _bits(scope: Scope, subset: Filters) -> int:
    """The mask of those of a narrowed scope's filters that are in a subset."""
    return sum(1 << at for at, name in enumerate(scope.filters) if name in subset)
