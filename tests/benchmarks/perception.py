"""CPU seconds and memory of *Perception* over 100,000 responses, warm, with no result held.

Three times: without a lake, so that all rows come from the database; with all of them in the lake;
and with the newest 1,000 changed since. The parts are rows (from the database), counts (the rest of
`lake.reading`), statistics (`analytics` without charts), SVG (`analytics.charts`) and the rest
(words, template, lists of comments). The measure beside it, in the same run, is one plain scan of
the same answers by the database's own engine. Everything in scope comes first, then the page as it
opens: a year, compared with the one before.
"""

import os
import resource
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

import analytics
from survey_app.accounts.access import COOKIE
from survey_app.accounts.models import User
from survey_app.accounts.operations import open_session
from survey_app.app import create_app
from survey_app.config import Settings
from survey_app.db import db
from survey_app.insights import pictures, tables
from survey_app.insights.lake import facts
from survey_app.insights.lake.reading import Source, results

ROUNDS = 5
STATISTICS = ("summarise_sentiment", "summarise_themes", "compare", "against_rest")
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
# State -> what makes it of the one before.
STATES = {
    "without a lake": (),
    "all in the lake": ("lake", "rebuild"),
    "1,000 changed since": "UPDATE responses SET channel = 'kiosk' WHERE id > "
    "(SELECT max(id) - 1000 FROM responses)",
}


class Clock:
    """CPU seconds by part; a nested part is not counted twice."""

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
        # Made by other processes: what they leave in memory is not the page's to carry.
        _run(folder, "demo", "--responses", str(responses))
        scan = statistics.median(_raw_scan(folder / "soundings.db") for _ in range(ROUNDS))
        print(f"Perception, {responses:,} responses (one raw scan by country: {scan:.2f} CPU s)")
        for state, change in STATES.items():
            if isinstance(change, str):
                with sqlite3.connect(folder / "soundings.db") as database:
                    database.execute(change)
            elif change:
                _run(folder, *change)
            command = [sys.executable, __file__, state, name]
            subprocess.run(command, check=True)


def measure_state(state: str, folder: Path) -> None:
    """Print the figures of one state; in a process of its own."""
    app, now = create_app(Settings(data_dir=folder, secret_key="x" * 40)), datetime.now(UTC)
    with app.app_context():
        token = open_session(db.session, db.session.query(User).first(), now=now)
        db.session.commit()
    client = app.test_client()
    client.set_cookie(COOKIE, token)
    for page, query in PAGES.items():
        rounds = [_one_page(client, query) for _ in range(ROUNDS + 1)][1:]
        spent = {key: statistics.median(one.get(key, 0) for one in rounds) for key in rounds[0]}
        total = sum(spent.values())
        parts = ", ".join(f"{key} {value:.2f}" for key, value in spent.items())
        print(f"  {state}, {page}: {total:.2f} CPU s: {parts}")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  {state}: at most {most:.0f} MB", flush=True)


def _run(folder: Path, *words: str) -> None:
    command = [sys.executable, "-m", "survey_app", *words]
    environ = os.environ | {"SOUNDINGS_DATA_DIR": str(folder)}
    subprocess.run(command, env=environ, check=True, capture_output=True)


def _one_page(client: Any, query: str) -> dict[str, float]:
    clock = Clock()
    results.forget()
    with ExitStack() as stack:
        for owner, names, share in (
            (facts, ("rows",), "rows"),
            (Source, ("_tables",), "counts"),
            (analytics, STATISTICS, "statistics"),
            (pictures, ("draw",), "SVG"),
        ):
            for name in names:
                timed = clock.around(share, getattr(owner, name))
                stack.enter_context(mock.patch.object(owner, name, timed))
        metrics = {key: clock.around("statistics", work) for key, work in tables.METRICS.items()}
        stack.enter_context(mock.patch.object(tables, "METRICS", metrics))
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
    if len(sys.argv) > 1:
        measure_state(sys.argv[1], Path(sys.argv[2]))
    else:
        measure()
