"""Results: tables that were counted, kept for whoever asks the same again of the same rows."""

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from threading import Lock

import pandas as pd

ENTRIES = 2_000
BYTES = 32_000_000


class Results:
    """At most `entries` results and `size` bytes; what was asked for longest ago leaves first.

    A key holds everything that a result depends on, so that nothing here is ever stale: the rows
    by their content or version, and the scope with its workspace.
    """

    def __init__(self, *, entries: int = ENTRIES, size: int = BYTES) -> None:
        self._entries, self._size = entries, size
        self._held: OrderedDict[Hashable, tuple[Sequence[pd.DataFrame], int]] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._held)

    def get(self, key: Hashable) -> list[pd.DataFrame] | None:
        """The tables, to be changed at will; None where they are not held."""
        with self._lock:
            if key not in self._held:
                return None
            self._held.move_to_end(key)
            tables, _ = self._held[key]
        return [table.copy() for table in tables]

    def keep(self, key: Hashable, tables: Sequence[pd.DataFrame]) -> None:
        """Hold tables; one that is larger than everything may be is not held."""
        weight = sum(int(column.nbytes) for table in tables for _, column in table.items())
        if weight > self._size:
            return
        with self._lock:
            self._drop(key)
            self._held[key] = [table.copy() for table in tables], weight
            self._bytes += weight
            while len(self._held) > self._entries or self._bytes > self._size:
                self._drop(next(iter(self._held)))

    def forget(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._held.clear()
            self._bytes = 0

    def _drop(self, key: Hashable) -> None:
        _, weight = self._held.pop(key, ((), 0))
        self._bytes -= weight
