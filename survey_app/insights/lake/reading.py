"""Reading: the facts of one moment, from the lake and the database together.

A moment is one transaction of the database's reader. It names the lake's versions, the responses
whose rows there no longer count, and those that don't stand in it, whose rows come from the
database. So an answer counts as soon as it is given, and none is counted twice or missed, whatever
the worker does meanwhile. A lake that can't be read is as none: all rows come from the database
then, through the same code, and `Source.trouble` says so.
"""

import errno
import hashlib
import logging
import os
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import unquote

import pandas as pd
import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from sqlalchemy.orm import Session

from analytics import FrameError, Grain, count_comments, count_scores, count_themes
from analytics.privacy.protection import protect_comments, protect_scores, protect_themes
from analytics.scope import Breakdown, Filters, Scope
from survey_app.config import Settings
from survey_app.db import db
from survey_app.insights.lake import facts, state
from survey_app.insights.lake.engines import EngineAway, Stored, duckdb_of, engine_of
from survey_app.insights.lake.results import Results
from survey_app.responses.models import Response

Table = Literal["facts", "mentions"]
Asked = tuple[Breakdown, Filters]
Counting = Callable[..., list[pd.DataFrame]]
ENGINE = "engine"  # the trouble of one that can't be reached; `state.Snapshot` has the lake's
# Columns of the lake that nothing is counted by; an early moment alone asks when answers came.
UNCOUNTED = frozenset({"question", "received", "version", "orientation"})
# What the system says while it doesn't let us read, in whatever error of a library.
PASSING = (errno.EACCES, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ESTALE)
results = Results()
log = logging.getLogger(__name__)


@contextmanager
def source(session: Session, settings: Settings) -> Iterator["Source"]:
    """What to count from, until the context ends; it sees what is committed.

    A session that may write doesn't see one moment on every database, and on SQLite holds up
    others: beside it another one is taken.
    """
    reader = db.get_engine("reader")
    if session.get_bind() is reader:
        yield Source(session, settings)
    else:
        with Session(reader) as own:
            yield Source(own, settings)


class Source:
    """The counts of one moment; the tables are those of `analytics.plan`.

    `trouble` is why they did not come the usual way: of the lake "missing", "corrupt", "newer" or
    "away", or "engine"; None where they did. It is known once something was counted.
    """

    def __init__(self, session: Session, settings: Settings) -> None:
        self.session = session
        self.trouble: str | None = None
        self._settings = settings
        self._engine = engine_of(settings)
        self._has_looked_again = False
        self._look()

    def scores(
        self, scope: Scope, asked: Sequence[Asked], *, grain: Grain = "month"
    ) -> list[pd.DataFrame]:
        """Scores by keys; see `analytics.plan.count_scores`."""
        return self._tables("facts", count_scores, scope, tuple(asked), grain=grain)

    def comments(self, scope: Scope, asked: Sequence[Filters]) -> list[pd.DataFrame]:
        """Comments by sentiment; see `analytics.plan.count_comments`."""
        return self._tables("facts", count_comments, scope, tuple(asked))

    def themes(self, scope: Scope, asked: Sequence[Filters]) -> list[pd.DataFrame]:
        """Mentions by theme; see `analytics.plan.count_themes`."""
        return self._tables("mentions", count_themes, scope, tuple(asked))

    def protected_scores(
        self, scope: Scope, asked: Sequence[Breakdown], *, grain: Grain = "month"
    ) -> list[pd.DataFrame]:
        """Which rows of scores hide; see `analytics.privacy.protection.protect_scores`."""
        return self._tables("facts", protect_scores, scope, tuple(asked), grain=grain)

    def protected_comments(
        self, scope: Scope, asked: Sequence[tuple[str, ...]]
    ) -> list[pd.DataFrame]:
        """Which rows of comments hide; see `analytics.privacy.protection.protect_comments`."""
        return self._tables("facts", protect_comments, scope, tuple(asked))

    def protected_themes(self, scope: Scope) -> pd.DataFrame:
        """Which themes hide; see `analytics.privacy.protection.protect_themes`."""
        return self._tables("mentions", _protect_themes, scope, ())[0]

    def _look(self) -> None:
        """Take this transaction's moment."""
        found = state.snapshot(self.session)
        self._lake = found if found and not found.trouble else None
        if found and found.trouble:
            self.trouble = found.trouble
        self._beside: dict[Hashable, dict[Table, _Beside]] = {}

    def _tables(
        self,
        table: Table,
        counting: Counting,
        scope: Scope,
        asked: Sequence[Hashable],
        **options: Any,
    ) -> list[pd.DataFrame]:
        while True:
            of_engine = self._engine.failures
            failures: tuple[type[Exception], ...] = (DeltaError, FrameError, OSError, *of_engine)
            try:
                return self._counted(table, counting, scope, asked, **options)
            except EngineAway as error:
                log.warning("%s", error)
                self._engine, self.trouble = duckdb_of(self._settings), ENGINE
            except failures as error:
                if self._lake is None:  # then it was none of the lake's
                    raise
                self._do_without(error)

    def _do_without(self, error: Exception) -> None:
        """After an error of the lake look again, once: it may have been tidied up meanwhile."""
        if not self._has_looked_again:
            self._has_looked_again = True
            self.session.rollback()
            self._look()
            return
        log.warning("the lake can't be read: %s", type(error).__name__)
        self._lake, self.trouble = None, _trouble_of(error)
        self._beside.clear()

    def _counted(
        self,
        table: Table,
        counting: Counting,
        scope: Scope,
        asked: Sequence[Hashable],
        **options: Any,
    ) -> list[pd.DataFrame]:
        beside, lake = self._beside_lake(table, scope), self._lake
        stands = None
        if lake:
            path = str(lake.path(self._settings.data_dir, table))
            stands = (path, lake.version(table), lake.digest)
        rows = (stands, beside.digest)
        key = (self._engine.name, counting.__name__, rows, scope, asked, *options.values())
        found = results.get(key)
        if found is None:
            files: Sequence[str] = ()
            if stands:
                first, last = scope.period.start, scope.period.end
                files = _log(*stands)(scope.workspace, f"{first:%Y-%m}", f"{last:%Y-%m}")
            stored = Stored(files=files, workspace=scope.workspace, masked=beside.masked)
            with self._engine.opened(stored, beside.tail) as frame:
                found = counting(frame, scope, asked, **options)
            results.keep(key, found)
        return found

    def _beside_lake(self, table: Table, scope: Scope) -> "_Beside":
        """What of the scope's period is not as it stands in the lake."""
        of = scope.workspace, scope.period, scope.as_of
        if of not in self._beside:
            lake = self._lake
            in_period = Response.day.between(scope.period.start, scope.period.end)
            tail = state.tail(lake, scope.workspace) & in_period
            masked = state.masked(self.session, lake, scope.workspace) if lake else ()
            without = UNCOUNTED - ({"received"} if scope.as_of else set())
            scores, mentions = facts.rows(self.session, tail, without=without)
            self._beside[of] = {
                "facts": _Beside(tail=scores, masked=masked),
                "mentions": _Beside(tail=mentions, masked=masked),
            }
        return self._beside[of][table]


@dataclass(frozen=True, slots=True)
class _Beside:
    """Rows that don't stand in the lake, and the responses of which no row counts that does."""

    tail: pa.Table
    masked: Sequence[int]
    digest: bytes = field(init=False)

    def __post_init__(self) -> None:
        """Take the digest, which says what they are; equal rows in another order are others."""
        content = pa.BufferOutputStream()
        with pa.ipc.new_stream(content, self.tail.schema) as stream:
            stream.write_table(self.tail)
        seen = hashlib.blake2b(content.getvalue(), digest_size=16)
        seen.update(repr(list(self.masked)).encode())
        object.__setattr__(self, "digest", seen.digest())


@lru_cache(maxsize=4)
def _log(path: str, version: int, _digest: str | None) -> Callable[[int, str, str], Sequence[str]]:
    """The files of one version, which never changes, that may hold rows of a workspace from a month
    to another one, by what the log says of each. The digest tells apart versions of one number,
    which a database that was restored may have the worker write.
    """
    table = DeltaTable(path, version=version)

    @lru_cache(maxsize=100)
    def files(workspace: int, first: str, last: str) -> Sequence[str]:
        own = f"workspace = {workspace} AND month >= '{first}' AND month <= '{last}'"
        return tuple(unquote(uri) for uri in table.file_uris(file_pruning_predicate=own))

    return files


def _protect_themes(frame: Any, scope: Scope, _asked: Sequence[Hashable]) -> list[pd.DataFrame]:
    return [protect_themes(frame, scope)]


def _trouble_of(error: Exception) -> str:
    if any(os.strerror(code) in str(error) for code in PASSING):
        return "away"
    if isinstance(error, TableNotFoundError):
        return "missing"
    if isinstance(error, DeltaError) and "not supported" in str(error):
        return "newer"
    return "corrupt"
