"""Journeys of people: the real server and worker as processes, and a real browser in front.

Chromium is the distribution's; where it is missing the journeys fail and name the package.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from factories import PASSWORD, free_port
from journeys.installation import DESKTOP, RIVAL, Console, Installation, log_in
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-quic",
         "--no-first-run"]  # fmt: skip


# --- the installation ---------------------------------------------------------------------------


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """`soundings demo`, then `soundings serve --with-worker`, as on anybody's machine."""
    folder = tmp_path_factory.mktemp("installation")
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SOUNDINGS_")}
    place = Installation(port, folder, kept | {
        "SOUNDINGS_DATA_DIR": str(folder),
        "SOUNDINGS_PORT": str(port),
        "SOUNDINGS_PUBLIC_LIMIT": "1000",
    })  # fmt: skip
    place.run("demo", "--responses", "600")
    place.run("workspace", "create", "rival")
    place.run("user", "create", RIVAL, "--workspace", "rival", "--role", "owner",
              "--password-stdin", typed=PASSWORD)  # fmt: skip
    with (folder / "server.log").open("wb") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "survey_app", "serve", "--with-worker"],
            env=place.environment, stdout=out, stderr=out,
        )  # fmt: skip
    try:
        place.wait_until_ready(server)
        yield place
    finally:
        server.terminate()
        server.wait(40)
        log = (folder / "server.log").read_text(encoding="utf-8")
        assert "Traceback" not in log, log


# --- the browser and who sits in front of it ----------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. By module: a second one in the same thread must be able to start."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if not path:
        pytest.fail(
            "Chromium is missing: install the package chromium, "
            "or leave these tests out with TEST_WITHOUT=browser"
        )
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def console() -> Iterator[Console]:
    """Every console of this journey; it must have stayed silent at the end."""
    heard = Console()
    yield heard
    assert heard.unexpected == []


@pytest.fixture
def visit(browser: Browser, console: Console) -> Iterator[Callable[..., BrowserContext]]:
    """A person's fresh browser: a desk in English unless told otherwise."""
    opened: list[BrowserContext] = []

    def open_one(**options: Any) -> BrowserContext:
        context = browser.new_context(**({"locale": "en", **DESKTOP} | options))
        context.set_default_timeout(10_000)
        console.watch(context)
        opened.append(context)
        return context

    yield open_one
    for context in opened:
        context.close()


@pytest.fixture(scope="module")
def lead_state(browser: Browser, installation: Installation) -> Any:
    """The cookies of the CX lead, logged in."""
    context = browser.new_context()
    log_in(context.new_page(), installation)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def lead(visit: Callable[..., BrowserContext], lead_state: Any) -> Page:
    """The CX lead at a desk."""
    return visit(storage_state=lead_state).new_page()
