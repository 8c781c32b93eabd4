"""A running Soundings, and what the people of the journeys do with it.

Nobody's console may complain: a refused style, script or request fails the journey it happens in.
"""

import json
import re
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from factories import PASSWORD
from playwright.sync_api import BrowserContext, ConsoleMessage, Page

ANDROID = "Mozilla/5.0 (Linux; Android 15; K) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36"
PHONE = {
    "viewport": {"width": 375, "height": 812},
    "is_mobile": True,
    "has_touch": True,
    "user_agent": ANDROID,
}
DESKTOP = {"viewport": {"width": 1280, "height": 900}}
RIVAL = "owner@rival.example"
PATIENCE = 40.0


@dataclass(frozen=True)
class Installation:
    """A running Soundings with its demo workspace, and a rival's."""

    port: int
    folder: Path
    environment: dict[str, str]

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def shop(self) -> str:
        """The page of another site that embeds the survey."""
        return f"http://localhost:{self.port}/demo"

    @property
    def perception(self) -> str:
        return f"{self.origin}/w/demo/perception"

    @property
    def change(self) -> str:
        return f"{self.origin}/w/demo/change"

    @property
    def password(self) -> str:
        """The demo log-in's, which `soundings demo` prints."""
        return (self.folder / "demo_password").read_text(encoding="utf-8")[:16]

    def run(self, *arguments: str, typed: str = "") -> str:
        """A command of the real program; its output."""
        done = subprocess.run(
            [sys.executable, "-m", "survey_app", *arguments], env=self.environment, input=typed,
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What stands in the database file, read from outside."""
        address = f"file:{self.folder / 'soundings.db'}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as connection:
            return connection.execute(query, values).fetchall()

    def with_comment(self, text: str) -> list[tuple[str, int | None]]:
        """Status and score of every response with this comment."""
        return self.rows(
            "SELECT status, score.number FROM responses JOIN answers AS said"
            " ON said.response_id = responses.id AND said.text = ?"
            " LEFT JOIN answers AS score"
            " ON score.response_id = responses.id AND score.number IS NOT NULL",
            text,
        )

    def texts(self, locale: str) -> dict[str, str]:
        """The survey's own texts in a locale, from its public definition."""
        address = f"{self.origin}/api/v1/public/surveys/demo-nps?locale={locale}"
        with urllib.request.urlopen(address, timeout=10) as reply:
            texts: dict[str, str] = json.load(reply)["texts"]
        return texts

    def wait_until_ready(self, server: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and server.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.origin}/readyz", timeout=5):
                    return
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        pytest.fail((self.folder / "server.log").read_text(encoding="utf-8"))


@dataclass
class Console:
    """What browsers complained about, but for what a journey provokes on purpose."""

    complaints: list[str] = field(default_factory=list)
    provoked: list[str] = field(default_factory=list)

    def provokes(self, *patterns: str) -> None:
        """Let these pass: a failed request is written to the console too."""
        self.provoked += patterns

    def watch(self, context: BrowserContext) -> None:
        context.on("console", self._heard)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.text} ({message.location.get('url')})")

    @property
    def unexpected(self) -> list[str]:
        return [
            text for text in self.complaints
            if not any(re.search(pattern, text) for pattern in self.provoked)
        ]  # fmt: skip


def log_in(page: Page, place: Installation, email: str = "demo@example.org") -> None:
    """Through the form, as a person does."""
    page.goto(f"{place.origin}/login")
    page.fill("[name=email]", email)
    page.fill("[name=password]", PASSWORD if email == RIVAL else place.password)
    page.click("main button")
    page.wait_for_url("**/perception")


def wait_for(said: Callable[[], object], wanted: object, *, seconds: float = 8) -> None:
    """Until asking gives the wanted answer; fails with the last one."""
    deadline = time.monotonic() + seconds
    while (found := said()) != wanted and time.monotonic() < deadline:
        time.sleep(0.1)
    assert found == wanted
