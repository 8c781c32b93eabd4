"""The command line: what it prints, its exit status, and that its processes end together."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from factories import free_port

from survey_app.cli import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """Run a command in a data folder of its own."""
    monkeypatch.setenv("SOUNDINGS_DATA_DIR", str(folder))

    def invoke(*arguments: str, stdin: str = "") -> Result:
        return CliRunner().invoke(main, arguments, input=stdin)

    return invoke


@pytest.fixture
def ready(run: object) -> object:
    """The same after `db upgrade`."""
    result = run("db", "upgrade")
    assert result.exit_code == 0, result.output
    return run


def test_help_needs_no_data_folder(run: object, folder: Path) -> None:
    result = run("--help")
    assert result.exit_code == 0
    for command in (
        "serve",
        "worker",
        "db",
        "demo",
        "workspace",
        "user",
        "survey",
        "import",
        "export",
    ):
        assert re.search(rf"^  {command} ", result.output, re.MULTILINE), command
    assert not folder.exists()


def test_from_nothing_to_a_survey(ready: object, folder: Path) -> None:
    created = ready("workspace", "create", "acme", "--zone", "Europe/Helsinki")
    assert (created.exit_code, created.stdout) == (0, "Created the workspace acme.\n")
    user = ready(
        "user",
        "create",
        "Mia@acme.example",
        "--workspace",
        "acme",
        "--role",
        "owner",
        "--password-stdin",
        stdin="correct horse battery\n",
    )
    assert (user.exit_code, user.stdout) == (0, "Created Mia@acme.example as owner of acme.\n")
    survey = ready("survey", "create", "acme-nps", "--workspace", "acme", "--template", "nps")
    assert (survey.exit_code, survey.stdout) == (0, "http://127.0.0.1:8000/s/acme-nps\n")
    engine = sa.create_engine(f"sqlite:///{folder}/soundings.db")
    with engine.connect() as connection:
        (text,) = connection.execute(sa.text("SELECT password_hash FROM users")).scalars()
        zone = connection.execute(sa.text("SELECT zone FROM workspaces")).scalar()
    engine.dispose()
    assert text.startswith("$argon2id$")
    assert zone == "Europe/Helsinki"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("workspace", "create", "Acme!"), "Acme! is not usable as a key."),
        (("workspace", "create", "b", "--zone", "Mars/Base"), "Mars/Base is not a time zone."),
        (
            ("workspace", "create", "b", "--locale", "de"),
            "does not exist in de. Use one of en, ar.",
        ),
        (("workspace", "create", "acme"), "The workspace acme exists already."),
        (("workspace", "secret", "none"), "There is no workspace none."),
        (
            ("user", "create", "x", "--workspace", "acme", "--role", "member", "--password-stdin"),
            "x is not an e-mail address.",
        ),
        (
            (
                "user",
                "create",
                "a@b.c",
                "--workspace",
                "acme",
                "--role",
                "member",
                "--password-stdin",
            ),
            "at least 10 characters",
        ),
        (
            ("survey", "create", "a_b", "--workspace", "acme", "--template", "nps"),
            "a_b is not usable",
        ),
        (
            ("survey", "create", "a", "--workspace", "none", "--template", "nps"),
            "no workspace none",
        ),
        (("survey", "change", "a", "--workspace", "acme"), "no survey a"),
        (
            ("survey", "change", "a", "--workspace", "acme", "--any-origin", "--origin", "x"),
            "not both",
        ),
        (("workspace", "privacy", "acme", "-", "--locale", "sv"), "not shown in sv"),
    ],
)
def test_what_can_be_mended_is_one_sentence_and_status_1(
    ready: object, arguments: tuple[str, ...], sentence: str
) -> None:
    assert ready("workspace", "create", "acme").exit_code == 0
    result = ready(*arguments, stdin="short\n")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("soundings: ") and sentence in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("workspace", "create"),
        ("user", "create", "a@b.c", "--workspace", "acme", "--role", "admin", "--password-stdin"),
        ("user", "create", "a@b.c", "--workspace", "acme", "--role", "owner"),
        ("survey", "create", "a", "--workspace", "acme", "--template", "poem"),
    ],
)
def test_wrong_usage_is_status_2(ready: object, arguments: tuple[str, ...]) -> None:
    assert ready(*arguments).exit_code == 2


def test_a_wrong_setting_is_one_sentence_and_status_1(
    run: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOUNDINGS_PROT", "1")
    result = run("db", "upgrade")
    assert result.exit_code == 1
    expected = "soundings: SOUNDINGS_PROT is not a setting. Did you mean SOUNDINGS_PORT?\n"
    assert result.stderr == expected


def test_a_command_before_the_schema_says_what_to_do(run: object) -> None:
    result = run("workspace", "create", "acme")
    assert result.exit_code == 1
    assert "soundings db upgrade" in result.stderr
    assert "Traceback" not in result.output


def test_the_demo_refuses_a_host_that_others_can_reach(
    run: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOUNDINGS_HOST", "0.0.0.0")
    monkeypatch.setenv("SOUNDINGS_SECRET_KEY", "s" * 32)
    result = run("demo")
    assert result.exit_code == 1
    assert "SOUNDINGS_HOST=127.0.0.1" in result.stderr


def test_a_survey_is_changed(ready: object) -> None:
    ready("workspace", "create", "acme")
    ready("survey", "create", "s", "--workspace", "acme", "--template", "nps")

    def change(*words: str) -> str:
        result = ready("survey", "change", "s", "--workspace", "acme", *words)
        assert result.exit_code == 0, result.output
        return result.stdout.strip()

    assert change() == "s is open; shown on any site."
    sites = ("--origin", "https://a.example/", "--origin", "https://b.example")
    assert change(*sites) == "s is open; shown on https://a.example, https://b.example."
    assert change("--close") == "s is closed; shown on https://a.example, https://b.example."
    assert change("--any-origin") == "s is closed; shown on any site."
    assert change("--open", "--origin", "http://c") == "s is open; shown on http://c."


def test_a_privacy_notice_is_written(ready: object, tmp_path: Path, folder: Path) -> None:
    ready("workspace", "create", "acme")

    def notices() -> list[tuple[str, str]]:
        engine = sa.create_engine(f"sqlite:///{folder}/soundings.db")
        with engine.connect() as connection:
            found = connection.execute(sa.text("SELECT locale, text FROM privacy_notices")).all()
        engine.dispose()
        return [(locale, text) for locale, text in found]

    words = ("workspace", "privacy", "acme", "--locale", "de")
    file = tmp_path / "notice.txt"
    for text in ("Wir lesen alles.", "Wir löschen es bald."):
        file.write_text(f"{text}\n", encoding="utf-8")
        done = ready(*words, str(file))
        assert (done.exit_code, done.stdout) == (
            0,
            "The privacy notice of acme in de is changed.\n",
        )
        assert notices() == [("de", text)]
    assert ready(*words, "-", stdin="\n").exit_code == 0
    assert notices() == []
    assert ready(*words, "-", stdin="").exit_code == 0
    file.write_bytes(b"\xff")
    refused = ready(*words, str(file))
    assert refused.exit_code == 1 and "not text in UTF-8" in refused.output


def test_upgrading_twice_changes_nothing(ready: object) -> None:
    again = ready("db", "upgrade")
    assert again.exit_code == 0
    assert re.fullmatch(r"The schema is at \w+\.\n", again.stdout)


# --- processes ----------------------------------------------------------------------------------


@pytest.fixture
def served(ready: object, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`soundings serve --with-worker` in a process group of its own, ready; and its port."""
    port = free_port()
    environment = os.environ | {"SOUNDINGS_DATA_DIR": str(folder), "SOUNDINGS_PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "-m", "survey_app", "serve", "--with-worker"],
        env=environment,
        cwd=Path(__file__).parents[2],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        wait_until(lambda: is_ready(port))
        wait_until(lambda: len(group(process.pid)) == 2)
        yield process, port
    finally:
        for pid in group(process.pid):
            os.kill(pid, signal.SIGKILL)
        process.communicate()


def is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def group(leader: int) -> list[int]:
    """The living processes of a process group."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                state, _, pgrp = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
            except OSError:
                continue
            if int(pgrp) == leader and state != "Z":
                found.append(int(folder.name))
    return found


def wait_until(condition: object, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


@pytest.mark.parametrize("how", ["terminate", "interrupt", "kill"])
def test_web_and_worker_end_together(served: tuple[subprocess.Popen[bytes], int], how: str) -> None:
    process, port = served
    if how == "interrupt":
        os.killpg(process.pid, signal.SIGINT)  # Ctrl-C goes to both
    else:
        process.send_signal(signal.SIGTERM if how == "terminate" else signal.SIGKILL)
    process.wait(20)
    wait_until(lambda: not group(process.pid), seconds=10)
    assert process.returncode == (-signal.SIGKILL if how == "kill" else 0)
    assert not is_ready(port)
    assert process.stderr is not None
    assert b"Traceback" not in process.stderr.read()


def test_a_port_in_use_is_one_sentence(
    served: tuple[subprocess.Popen[bytes], int], folder: Path
) -> None:
    _, port = served
    result = subprocess.run(
        [sys.executable, "-m", "survey_app", "serve"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"SOUNDINGS_DATA_DIR": str(folder), "SOUNDINGS_PORT": str(port)},
        cwd=Path(__file__).parents[2],
        timeout=60,
    )
    assert result.returncode == 1
    assert f"127.0.0.1:{port} can't be used" in result.stderr
    assert "SOUNDINGS_PORT" in result.stderr and "Traceback" not in result.stderr
