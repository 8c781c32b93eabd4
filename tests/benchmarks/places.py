"""Where the facts lie: the lake, and the same facts as plain Parquet, arrived and shuffled.

Made month by month, and used again when complete: what is there is not made a second time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import click
import duckdb
import numpy as np
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from facts import MONTHS, Codes, Month, make_month

from survey_app.insights.lake import layout

SLICE = 100_000  # rows made at one time
TABLES = ("facts", "mentions")


@dataclass(frozen=True)
class Places:
    """One number of facts in a folder of its own.

    The lake has a file a month, as compaction leaves it; `arrived` has the order of time, a file a
    month; `shuffled` has none at all.
    """

    folder: Path
    rows: int

    @property
    def lake(self) -> Path:
        return self.folder / "lake" / "1"

    def files(self, table: str = "facts") -> list[str]:
        """The Parquet files of a table of the lake."""
        return _files(self.lake / table)

    def arrived(self) -> list[str]:
        return [str(self._arrival(place)) for place in range(len(MONTHS))]

    def shuffled(self) -> list[str]:
        return [str(self.folder / "shuffled.parquet")]

    def make(self, *, plain: bool = True) -> None:
        """Make what is missing, with a bar that says how far it is; `plain`: not only the lake."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with click.progressbar(range(len(MONTHS)), label=f"{self.rows:,} facts") as bar:
            for place in bar:
                self._make_month(place, plain=plain)
        if plain:
            _whole(Path(*self.shuffled()), self._shuffle)

    def _make_month(self, place: int, *, plain: bool) -> None:
        month = f"{MONTHS[place]:%Y-%m}"
        missing = [table for table in TABLES if month not in _months(self.lake / table)]
        arrival = self._arrival(place)
        if not missing and (arrival.exists() or not plain):
            return
        made = make_month(place, self.rows)
        for table in missing:
            append(self.lake / table, _read(made, table, made.order(table)))
        if plain:
            everything = np.arange(len(made.facts))
            _whole(arrival, lambda path: _write_plain(_read(made, "facts", everything), path))

    def _arrival(self, place: int) -> Path:
        return self.folder / f"arrived-{MONTHS[place]:%Y-%m}.parquet"

    def _shuffle(self, path: Path) -> None:
        connection = duckdb.connect(config={"temp_directory": str(self.folder / "spilt")})
        connection.sql("SET memory_limit = '2GB'; SET preserve_insertion_order = false")
        facts = connection.read_parquet(self.arrived())
        facts.order("hash(response, metric)").write_parquet(str(path))
        connection.close()


@cache
def _files(table: Path) -> list[str]:
    return sorted(DeltaTable(table).file_uris())


def append(folder: Path, rows: pa.Table) -> None:
    """Write rows into a Delta table as compaction does. In one chunk: it shuffles chunks."""
    write_deltalake(
        folder,
        rows.combine_chunks(),
        partition_by=["month"],
        mode="append",
        target_file_size=2**40,
        writer_properties=layout.properties(layout.row_group_of(rows.num_rows)),
    )


def _read(month: Month, table: str, order: Codes) -> pa.Table:
    batch = month.fact_batch if table == "facts" else month.mention_batch
    slices = (order[start : start + SLICE] for start in range(0, len(order), SLICE))
    return pa.Table.from_batches([batch(each) for each in slices])


def _write_plain(rows: pa.Table, path: Path) -> None:
    import pyarrow.parquet as pq  # memory that is not to be measured

    pq.write_table(rows, path)


def _months(table: Path) -> set[str]:
    if not DeltaTable.is_deltatable(str(table)):
        return set()
    return {part["month"] for part in DeltaTable(table).partitions()}


def _whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file that is there either whole or not at all."""
    if not path.exists():
        unfinished = path.with_suffix(".part")
        write(unfinished)
        unfinished.rename(path)
