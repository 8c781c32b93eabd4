"""`soundings import responses`: its exit statuses and what it prints."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from faults.processes import command, environment
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import URL

from survey_app import cli
from survey_app.db import db
from survey_app.errors import inert
from survey_app.responses.models import ImportRecord

WORDS = ("--workspace", "acme", "--survey", "acme-nps")


@pytest.fixture
def run(door: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command line against the door's application: status, output, error output."""
    monkeypatch.setattr(cli, "_app", lambda: door.app)

    def go(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main.main(["import", "responses", *map(str, words)], prog_name="soundings")
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return go


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "answers.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_all_taken_is_0(run: Any, door: Any, tmp_path: Path) -> None:
    path = _file(tmp_path, "submitted_at,score\n2026-03-01,9\n2026-03-02,0\n")
    assert run(path, *WORDS) == (0, "2 taken, 0 there already, 0 refused.\n", "")
    assert run(path, *WORDS) == (0, "0 taken, 2 there already, 0 refused.\n", "")
    assert door.how_many() == 2


def test_some_refused_is_3_with_row_column_and_reason(run: Any, door: Any, tmp_path: Path) -> None:
    path = _file(
        tmp_path, "submitted_at,score,country\n2026-03-01,9,Finland\n2026-03-02,3,FI\n,,\nx,1\n"
    )
    status, out, _ = run(path, *WORDS)
    assert status == 3
    assert out.splitlines() == [
        "row 2, country: Finland is a name, not a country code. Write FI.",
        "row 5: 2 cells, but the header has 3.",
        "1 taken, 0 there already, 2 refused.",
    ]
    assert door.how_many() == 1


def test_an_open_quote_is_3_and_hides_no_row(run: Any, door: Any, tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        'submitted_at,score,comment\n2026-03-01,9,"unclosed\n2026-03-02,8,\n2026-03-03,7,\n',
    )
    status, out, _ = run(path, *WORDS)
    assert status == 3
    assert out.splitlines() == [
        "row 2: Its quotes don't pair up.",
        "2 taken, 0 there already, 1 refused.",
    ]
    assert {row["answers"]["nps"] for row in door.rows()} == {8, 7}


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        ("submitted_at,mood\n2026-03-01,9\n", WORDS, "--ignore-unknown"),
        ("submitted_at,score,mood\n2026-03-01,9,1\n", WORDS, "Unknown columns: mood"),
        ("", WORDS, "needs submitted_at"),
        ("when,score\n2026-03-01,9\n", (*WORDS, "--map", "when=time"), "--map"),
        ("when,score\n2026-03-01,9\n", (*WORDS, "--map", "when"), "column=field"),
        (
            "submitted_at,score\n2026-03-01,9\n",
            ("--workspace", "nobody", "--survey", "x"),
            "nobody",
        ),
        (
            "submitted_at,score\n2026-03-01,9\n",
            ("--workspace", "acme", "--survey", "rival-nps"),
            "no survey rival-nps",
        ),
    ],
)
def test_what_can_not_be_read_is_1_with_a_hint(
    text: str, words: tuple[str, ...], said: str, run: Any, door: Any, tmp_path: Path
) -> None:
    status, out, err = run(_file(tmp_path, text), *words)
    assert (status, out) == (1, "")
    assert err.startswith("soundings: ") and said in err and "Traceback" not in err
    assert door.how_many() == 0


def test_a_file_that_is_not_there_is_1(run: Any, tmp_path: Path) -> None:
    status, _, err = run(tmp_path / "nowhere.csv", *WORDS)
    assert status == 1 and "nowhere.csv can't be read" in err


def test_columns_can_be_mapped_and_passed_over(run: Any, door: Any, tmp_path: Path) -> None:
    path = _file(tmp_path, "When,Note,mood\n2026-03-01,9.0,ok\n")
    words = ("--map", "When=submitted_at", "--map", "Note=score", "--ignore-unknown")
    assert run(path, *WORDS, *words)[0] == 0
    assert door.row()["answers"] == {"nps": 9}


def test_a_closed_survey_still_takes_its_past(run: Any, door: Any, tmp_path: Path) -> None:
    door.close()
    path = _file(tmp_path, "submitted_at,score\n2026-03-01,9\n")
    assert run(path, *WORDS)[0] == 0


# --- words of others on a terminal --------------------------------------------------------------

HOSTILE = "\x1b]0;title\x07\x1b[31mred\rrow 9: forged\u202eevil\u2066\x9b1m\u200b"


def test_a_cell_can_not_write_on_the_terminal(run: Any, tmp_path: Path) -> None:
    path = _file(tmp_path, f'submitted_at,country,score\n2026-03-01,"{HOSTILE}\nrow 3: forged",9\n')
    status, out, _ = run(path, *WORDS)
    assert status == 3 and len(out.splitlines()) == 2
    assert all(line.isprintable() for line in out.splitlines())
    assert "\\x1b[31mred\\rrow 9: forged\\u202eevil" in out


@pytest.mark.parametrize(
    "name", [b"caf\xe9.csv", os.fsencode(HOSTILE.replace("/", "")) + b".csv", b"\xff\xfe\n.csv"]
)
def test_a_file_name_is_no_text_either(name: bytes, run: Any, door: Any, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(name)
    status, out, err = run(path, *WORDS)
    assert (status, out) == (1, "") and err.rstrip("\n").isprintable()
    assert "can't be read: No such file" in err
    path.write_text("submitted_at,score\n2026-03-01,9\n", encoding="utf-8")
    assert run(path, *WORDS)[0] == 0 and door.how_many() == 1
    with door.app.app_context():
        stored = db.session.scalars(sa.select(ImportRecord.file_name)).one()
    assert stored.encode() and stored.endswith(".csv")


def test_a_column_s_name_is_no_text_either(run: Any, tmp_path: Path) -> None:
    status, _, err = run(_file(tmp_path, f"submitted_at,score,{HOSTILE}\n"), *WORDS)
    assert status == 1 and err.rstrip("\n").isprintable() and "\\x1b[31mred" in err


@given(st.text(st.characters()))
def test_an_inert_text_is_one_line_that_can_be_seen(text: str) -> None:
    shown = inert(text)
    assert shown.isprintable() and inert(shown) == shown
    assert shown.encode().decode() == shown
    if text.isprintable():
        assert shown == text


def test_words_of_every_language_stay_as_they_are() -> None:
    for text in ("Zürich", "سهل وسريع", "とても早い", "Será? Não!", "👍🏽"):
        assert inert(text) == text


def test_a_report_that_can_not_be_written_is_1_without_a_traceback(
    door_on_sqlite: Any, tmp_path: Path, sqlite_url: URL
) -> None:
    path = _file(tmp_path, "submitted_at,score\n2026-03-01,9\n")
    with Path("/dev/full").open("wb") as full:
        process = command(
            environment(tmp_path, sqlite_url), "import", "responses", path, *WORDS,
            stdout=full, stderr=subprocess.PIPE,
        )  # fmt: skip
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"No space left on device" in said and b"Traceback" not in said
    assert door_on_sqlite.how_many() == 1
