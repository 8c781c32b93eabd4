"""CPU seconds of *Perception* over 100,000 responses, warm and uncached, with its shares.

The shares are of SQL (statements run, rows fetched), counts (the rest of `insights.counts`),
statistics (`analytics` without charts), SVG (`analytics.charts`) and the rest (words, template).
The measure beside it, in the same run, is one plain scan of the same answers by the raw engine.
Everything in scope comes first, then the page as it opens: a year, compared with the one before.
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

from sqlalchemy import Result
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite as SQLiteDialect

import analytics
from survey_app.accounts.access import COOKIE
from survey_app.accounts.models import User
from survey_app.accounts.operations import open_session
from survey_app.app import create_app
from survey_app.config import Settings
from survey_app.db import db
from survey_app.insights import counts, pictures, tables

ROUNDS = 5
STATISTICS = ("summarise_sentiment", "summarise_themes", "suppress", "compare", "against_rest")
PAGES = {
    # Two years of responses are all there are.
    "everything": "?from=2020-01-01&compare=none",
    "as it opens": "",
    "two filters": "?country=DE&country=FR&stage=adopt",
}
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
        scans = [_raw_scan(folder / "soundings.db") for _ in range(ROUNDS)]
        scan = statistics.median(scans)
        print(f"Perception, {responses:,} responses (goal for everything: under 1 CPU s)")
        for page, query in PAGES.items():
            rounds = [_one_page(client, query) for _ in range(ROUNDS + 1)][1:]
            _say(
                page,
                {key: statistics.median(one[key] for one in rounds) for key in rounds[0]},
                scan,
            )


def _say(page: str, spent: dict[str, float], scan: float) -> None:
    total = sum(spent.values())
    shares = ", ".join(f"{key} {100 * value / total:.0f} %" for key, value in spent.items())
    print(f"  {page}: {total:.2f} CPU s, {total / scan:.1f} x one raw scan by country: {shares}")


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


def _one_page(client: Any, query: str) -> dict[str, float]:
    clock = Clock()
    with ExitStack() as stack:
        for module, names, share in (
            (counts, ("scores", "comments", "places_and_languages"), "counts"),
            (analytics, STATISTICS, "stats"),
            (pictures, ("draw",), "SVG"),
        ):
            for name in names:
                timed = clock.around(share, getattr(module, name))
                stack.enter_context(mock.patch.object(module, name, timed))
        metrics = {key: clock.around("stats", work) for key, work in tables.METRICS.items()}
        stack.enter_context(mock.patch.object(tables, "METRICS", metrics))
        # SQLite works while it executes and while rows are fetched.
        for owner, name in ((SQLiteDialect, "do_execute"), (Result, "all")):
            timed = clock.around("SQL", getattr(owner, name))
            stack.enter_context(mock.patch.object(owner, name, timed))
        with clock.part("rest"):
            page = client.get("/w/demo/perception" + query)
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
