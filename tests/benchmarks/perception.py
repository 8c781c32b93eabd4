"""CPU seconds of *Perception* over 100,000 responses, warm and uncached, with its shares.

The shares are of SQL (statements run), frames (the rest of `insights.frames`),
statistics (`analytics` without charts), SVG (`analytics.charts`) and the rest (words, template).
The measure beside it, in the same run, is one plain scan of the same answers by the raw engine.
"""

import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite as SQLiteDialect

import analytics
from survey_app.accounts.access import COOKIE
from survey_app.accounts.models import User
from survey_app.accounts.operations import open_session
from survey_app.app import create_app
from survey_app.config import Settings
from survey_app.db import db
from survey_app.insights import frames, pictures, tables

ROUNDS = 5
SCAN = """
    SELECT r.country, count(*), sum(a.number >= 9) - sum(a.number <= 6)
    FROM responses r JOIN answers a ON a.response_id = r.id WHERE a.kind = 'nps' GROUP BY 1
"""


class Clock:
    """CPU seconds by share; a nested part is not counted twice."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._inner = [0.0]

    def around(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """`work`, timed."""

        def timed(*args: Any, **options: Any) -> Any:
            with self.part(name):
                return work(*args, **options)

        return timed

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Time what happens inside, less what its own parts took."""
        start = time.process_time()
        self._inner.append(0.0)
        try:
            yield
        finally:
            took = time.process_time() - start
            own = took - self._inner.pop()
            self._inner[-1] += took
            self.spent[name] = self.spent.get(name, 0.0) + own


def measure(responses: int = 100_000) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        app, token = _installation(folder, responses)
        client = app.test_client()
        client.set_cookie(COOKIE, token)
        rounds, scans = [], []
        for _ in range(ROUNDS + 1):
            rounds.append(_one_page(client))
            scans.append(_raw_scan(folder / "soundings.db"))
    spent = {key: statistics.median(one.get(key, 0.0) for one in rounds[1:]) for key in rounds[1]}
    total, scan = sum(spent.values()), statistics.median(scans[1:])
    shares = ", ".join(f"{key} {100 * value / total:.0f} %" for key, value in spent.items())
    print(f"Perception, {responses:,} responses: {total:.2f} CPU s (goal under 1): {shares}")
    print(f"  against one raw scan by country ({scan:.3f} s): {total / scan:.1f} x")


def _installation(folder: Path, responses: int) -> tuple[Any, str]:
    # Made by another process: what a demo leaves in memory is not the page's to carry.
    command = [sys.executable, "-m", "survey_app", "demo", "--responses", str(responses)]
    environ = os.environ | {"SOUNDINGS_DATA_DIR": str(folder)}
    subprocess.run(command, env=environ, check=True, capture_output=True)
    app, now = create_app(Settings(data_dir=folder, secret_key="x" * 40)), datetime.now(UTC)
    with app.app_context():
        token = open_session(db.session, db.session.query(User).one(), now=now)
        db.session.commit()
    return app, token


def _one_page(client: Any) -> dict[str, float]:
    clock = Clock()
    with ExitStack() as stack:
        for module, names, share in (
            (frames, ("scores", "comments", "mentions"), "frames"),
            (analytics, ("sentiment", "themes", "suppress", "compare", "against_rest"), "stats"),
            (pictures, ("draw",), "SVG"),
        ):
            for name in names:
                timed = clock.around(share, getattr(module, name))
                stack.enter_context(mock.patch.object(module, name, timed))
        metrics = {key: clock.around("stats", work) for key, work in tables.METRICS.items()}
        stack.enter_context(mock.patch.object(tables, "METRICS", metrics))
        # SQLite has done a grouping when its first row is there, which is within execute.
        execute = clock.around("SQL", SQLiteDialect.do_execute)
        stack.enter_context(mock.patch.object(SQLiteDialect, "do_execute", execute))
        with clock.part("rest"):
            # All of the two years, so that every response is in scope.
            page = client.get("/w/demo/perception?from=2020-01-01&compare=none")
    if page.status_code != 200:
        raise RuntimeError(f"the page answered {page.status_code}")
    return clock.spent


def _raw_scan(path: Path) -> float:
    connection = sqlite3.connect(path)
    start = time.process_time()
    connection.execute(SCAN).fetchall()
    took = time.process_time() - start
    connection.close()
    return took


if __name__ == "__main__":
    measure()
