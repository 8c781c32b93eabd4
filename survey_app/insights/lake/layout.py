"""How rows lie in the lake's files: their order, row groups and encodings, chosen by measuring.

Figures stand in docs/benchmarks.md.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deltalake import WriterProperties

# Nearly every question is about one workspace's answers of one kind and metric (which mentions
# don't have): they lie together, and whoever asks skips the others unread.
ORDER = ("workspace", "kind", "metric", "day", "stage", "response", "question")
VECTOR = 2048  # rows that DuckDB handles at once; its batches of whole ones become row groups
ROW_GROUP = 16 * VECTOR
# In one file: each takes its readers some time to pass over, and a kilobyte of memory per column.
MOST_ROW_GROUPS = 40


def order_of(names: Collection[str]) -> list[str]:
    """By which of a table's columns its rows are sorted."""
    return [name for name in ORDER if name in names]


def row_group_of(rows: int) -> int:
    """How many rows to a group in a file of so many."""
    vectors = -(-rows // (MOST_ROW_GROUPS * VECTOR))
    return max(ROW_GROUP, vectors * VECTOR)


def properties(row_group: int) -> "WriterProperties":
    """How a file is written whose groups have so many rows."""
    from deltalake import ColumnProperties, WriterProperties  # noqa: PLC0415 - half a second

    # A dictionary of numbers that hardly repeat is as large as they are.
    plain = ColumnProperties(dictionary_enabled=False)
    growing = ColumnProperties(dictionary_enabled=False, encoding="DELTA_BINARY_PACKED")
    return WriterProperties(
        compression="ZSTD",
        max_row_group_size=row_group,
        column_properties={"person": plain, "response": growing, "received": growing},
    )
