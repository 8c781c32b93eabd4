"""`soundings export nps`: columns, order, periods and scopes, against numbers computed here."""

import csv
import errno
import io
import os
import pty
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from factories import NOW, Cast
from faults.processes import command, environment
from flask import Flask
from python_calamine import CalamineWorkbook
from sqlalchemy.engine import URL

import analytics
from analytics.scope import DIMENSIONS
from survey_app import cli
from survey_app.db import db
from survey_app.insights.exports import WRITERS
from survey_app.responses.import_rows import Row
from survey_app.responses.imports import Report, Taking
from survey_app.responses.schemas import Person
from survey_app.surveys.queries import find_published

NUMBERS = ["n", "promoters", "passives", "detractors", "nps", "low", "high"]
STAGES = ("winback", "onboard", "adopt", "reach", None)
Raw = dict[str, Any]


def raw_rows() -> list[Raw]:
    """Answers with every combination of stage and country, 7 to 43 of each."""
    rows = []
    for place, stage in enumerate(STAGES):
        for country in ("FI", "DE", None):
            size = 7 + 9 * place if country == "FI" else 12
            for number in range(size):
                month = 1 + (number + place) % 3
                rows.append(
                    {
                        "score": (3 * number + 2 * place) % 11,
                        "stage": stage,
                        "country": country,
                        "at": datetime(2026, month, 5 + number % 20, 12, tzinfo=UTC),
                    }
                )
    return rows


def put(app: Flask, rows: Iterable[Raw], *, survey: str = "acme-nps") -> None:
    """Store rows as an import would."""
    with app.app_context():
        asked = find_published(db.session, survey)
        assert asked is not None and asked.score_question is not None
        question = asked.score_question.key
        taken = [
            Row(number, f"{survey}-{number}-{row['at']}", "h", row["at"], {question: row["score"]},
                row.get("locale"), "import",
                Person(source="import", stage=row.get("stage"), country=row.get("country"),
                       gender=row.get("gender")))
            for number, row in enumerate(rows)
        ]  # fmt: skip
        Taking(db.session, asked, None, NOW).take(taken, Report())
        db.session.commit()


@pytest.fixture
def run(app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch, capfdbinary: Any) -> Any:
    """Run `soundings export nps`: status, standard output, standard error."""
    monkeypatch.setattr(cli, "_app", lambda: app)

    def go(*words: object, workspace: str = "acme") -> tuple[int, bytes, str]:
        line = ["export", "nps", "--workspace", workspace, *map(str, words)]
        with pytest.raises(SystemExit) as ended:
            cli.main.main(line, prog_name="soundings")
        printed = capfdbinary.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err.decode()

    return go


def table(output: bytes) -> list[list[str]]:
    """A CSV as rows of texts."""
    return list(csv.reader(io.StringIO(output.decode("utf-8-sig"), newline="")))


def by_key(output: bytes, keys: int = 1) -> dict[tuple[str, ...], dict[str, str]]:
    """A CSV as records by their key cells."""
    header, *rows = table(output)
    return {tuple(row[:keys]): dict(zip(header[keys:], row[keys:], strict=True)) for row in rows}


def test_by_stage_in_lifecycle_order_with_the_null_key_last(run: Any, app: Flask) -> None:
    put(app, raw_rows())
    status, out, err = run("--by", "stage")
    assert status == 0
    assert err.strip() == "5 rows; counted: relational surveys only (see --kind)."
    header, *rows = table(out)
    assert header == ["stage", *NUMBERS, "suppressed"]
    assert [row[0] for row in rows] == ["reach", "onboard", "adopt", "winback", ""]
    frame = pd.DataFrame(raw_rows())
    for row in rows:
        scores = frame[frame.stage.isna() if not row[0] else frame.stage == row[0]].score
        n, up, down = len(scores), int((scores >= 9).sum()), int((scores <= 6).sum())
        assert row[1:5] == [str(n), str(up), str(n - up - down), str(down)]
        assert row[5] == f"{100 * (up - down) / n:.2f}"
        assert row[8] == "false"


def test_the_table_is_what_analytics_says_of_the_raw_answers(run: Any, app: Flask) -> None:
    put(app, raw_rows())
    _, out, _ = run("--by", "stage,country")
    got = by_key(out, 2)
    raw = pd.DataFrame(raw_rows())
    raw["stage"], raw["country"] = raw["stage"].astype("str"), raw["country"].astype("str")
    expected = analytics.nps(raw, by=["stage", "country"])
    assert len(got) == len(expected) == 15
    shown = 0
    for record in expected.to_dict("records"):
        key = tuple(
            "" if pd.isna(record[name]) else str(record[name]) for name in ("stage", "country")
        )
        row = got[key]
        if row["suppressed"] == "true":
            assert {row[name] for name in NUMBERS} == {""}
            continue
        shown += 1
        assert [row[name] for name in NUMBERS[:4]] == [str(record[name]) for name in NUMBERS[:4]]
        assert [row[name] for name in NUMBERS[4:]] == [
            f"{record[name]:.2f}" for name in NUMBERS[4:]
        ]
    assert shown >= 10


def test_countries_come_in_key_order_and_months_are_the_workspace_s(run: Any, app: Flask) -> None:
    put(app, raw_rows())
    assert [row[0] for row in table(run("--by", "country")[1])] == ["country", "DE", "FI", ""]
    edge = [
        {"score": 9, "at": datetime(2026, 4, 30, 21, minute, tzinfo=UTC)} for minute in range(9)
    ]
    put(app, edge)
    assert by_key(run("--by", "month")[1]).keys() == {
        ("2026-01",), ("2026-02",), ("2026-03",), ("2026-05",),
    }  # fmt: skip


def test_a_small_group_shows_no_number(run: Any, app: Flask) -> None:
    at = datetime(2026, 2, 1, 12, tzinfo=UTC)
    sizes = {"FI": 30, "DE": 20, "SE": 4, "NO": 3}
    put(app, [{"score": 10, "country": c, "at": at} for c, n in sizes.items() for _ in range(n)])
    rows = by_key(run("--by", "country")[1])
    for country in ("SE", "NO"):
        assert rows[(country,)] == dict.fromkeys(NUMBERS, "") | {"suppressed": "true"}
    assert rows[("FI",)]["n"] == "30" and rows[("FI",)]["suppressed"] == "false"


def test_one_hidden_group_takes_another_with_it(run: Any, app: Flask) -> None:
    """Else the total would give it away."""
    at = datetime(2026, 2, 1, 12, tzinfo=UTC)
    sizes = {"FI": 30, "DE": 20, "SE": 2}
    put(app, [{"score": 10, "country": c, "at": at} for c, n in sizes.items() for _ in range(n)])
    rows = by_key(run("--by", "country")[1])
    hidden = {key[0] for key, row in rows.items() if row["suppressed"] == "true"}
    assert hidden == {"SE", "DE"}


def test_from_and_to_are_days_of_the_workspace_both_inclusive(run: Any, app: Flask) -> None:
    """Helsinki's 29 March 2026 has 23 hours: from 22:00 to 21:00 UTC."""
    moments = {
        datetime(2026, 3, 28, 21, 59, 59, tzinfo=UTC): 10,  # the 28th
        datetime(2026, 3, 28, 22, 0, tzinfo=UTC): 9,  # the 29th begins
        datetime(2026, 3, 29, 20, 59, 59, tzinfo=UTC): 0,  # the 29th ends
        datetime(2026, 3, 29, 21, 0, tzinfo=UTC): 7,  # the 30th
    }
    put(app, [{"score": score, "at": at} for at, score in moments.items() for _ in range(5)])

    def counts(*words: str) -> tuple[str, ...]:
        rows = by_key(run("--by", "channel", *words)[1])
        found = rows.get(("import",), {"promoters": "", "passives": "", "detractors": ""})
        return found["promoters"], found["passives"], found["detractors"]

    assert counts("--from", "2026-03-29", "--to", "2026-03-29") == ("5", "0", "5")
    assert counts("--from", "2026-03-28", "--to", "2026-03-29") == ("10", "0", "5")
    assert counts("--from", "2026-03-29", "--to", "2026-03-30") == ("5", "5", "5")
    assert counts("--from", "2026-03-30") == ("0", "5", "0")
    assert counts("--to", "2026-03-28") == ("5", "0", "0")
    assert counts("--from", "2026-03-31") == ("", "", "")


def test_the_25_hour_day_is_one_day(run: Any, app: Flask) -> None:
    hours = pd.date_range("2025-10-25T21:00Z", "2025-10-26T21:00Z", freq="h")
    put(app, [{"score": 9, "at": hour.to_pydatetime()} for hour in hours])
    out = run("--by", "month", "--from", "2025-10-26", "--to", "2025-10-26")[1]
    assert by_key(out)[("2025-10",)]["n"] == "25"


def test_relational_and_transactional_are_never_pooled(run: Any, app: Flask) -> None:
    from survey_app.accounts.queries import workspace_by_key
    from survey_app.surveys.operations import create_from_template

    with app.app_context():
        for key, kind in (("after-buying", "transactional"), ("second", "relational")):
            create_from_template(
                db.session,
                key,
                workspace=workspace_by_key(db.session, "acme"),
                template="nps",
                kind=kind,
                now=NOW,
            )
        db.session.commit()
    at = datetime(2026, 2, 1, 12, tzinfo=UTC)
    for survey, score, size in (
        ("acme-nps", 10, 6), ("second", 10, 7), ("after-buying", 0, 9), ("rival-nps", 5, 50),
    ):  # fmt: skip
        put(app, [{"score": score, "at": at}] * size, survey=survey)

    def cells(*words: str) -> tuple[str, str]:
        status, out, err = run("--by", "channel", *words)
        assert status == 0
        return by_key(out)[("import",)]["n"], err.partition("counted: ")[2].strip()

    assert (
        cells() == cells("--kind", "relational") == ("13", "relational surveys only (see --kind).")
    )
    assert cells("--kind", "transactional") == ("9", "transactional surveys only (see --kind).")
    assert cells("--survey", "after-buying") == ("9", "survey after-buying.")
    assert cells("--survey", "second", "--kind", "relational") == ("7", "survey second.")
    rows = by_key(run("--by", "survey")[1])
    assert {key[0]: row["n"] for key, row in rows.items()} == {"acme-nps": "6", "second": "7"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--by", "stage", "--survey", "rival-nps"), "no survey rival-nps"),
        (("--by", "stage", "--survey", "made-up"), "no survey made-up"),
        (("--by", "stage", "--survey", "acme-nps", "--kind", "transactional"), "is relational"),
        (("--by", "mood"), "stage"),
        (("--by", "stage,stage"), "at most once"),
        (("--by", ""), "stage"),
        (("--by", "stage", "--from", "2026-02-30"), "2026-02-30 is not a date"),
        (("--by", "stage", "--from", "2026-03-02", "--to", "2026-03-01"), "before it starts"),
        (("--by", "stage", "--output", "nps.ods"), "--format"),
    ],
)
def test_what_can_not_be_exported_is_1_with_a_hint(
    words: tuple[str, ...], said: str, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = run(*words)
    assert (status, out) == (1, b"")
    assert err.startswith("soundings: ") and said in err
    assert list(tmp_path.glob("nps*")) == []


def test_what_can_not_be_written_is_1_and_leaves_nothing(
    run: Any, app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, out, err = run("--by", "stage", "--output", tmp_path / "missing" / "nps.csv")
    assert (status, out) == (1, b"")
    assert "missing/nps.csv can't be written" in err and "Traceback" not in err

    def full(_table: object, out: Any) -> None:
        out.write(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setitem(WRITERS, "csv", full)
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "nps.csv").write_text("as it was")
    status, _, err = run("--by", "stage", "--output", folder / "nps.csv")
    assert status == 1 and "No space left on device" in err
    assert [path.name for path in folder.iterdir()] == ["nps.csv"]
    assert (folder / "nps.csv").read_text() == "as it was"


def test_a_pipe_is_written_as_it_is(run: Any, app: Flask, tmp_path: Path) -> None:
    put(app, raw_rows())
    pipe = tmp_path / "nps.csv"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(pipe.read_bytes)
        assert run("--by", "stage", "--output", pipe)[0] == 0
    assert table(read.result(timeout=10))[0][0] == "stage" and pipe.is_fifo()


def test_another_workspace_s_numbers_stay_there(run: Any, app: Flask) -> None:
    put(app, raw_rows())
    status, out, _ = run("--by", "stage", workspace="rival")
    assert status == 0 and len(table(out)) == 1
    assert run("--by", "stage", workspace="nobody")[0] == 1


def test_a_workbook_says_the_same_as_the_csv(run: Any, app: Flask, tmp_path: Path) -> None:
    put(app, raw_rows())
    path = tmp_path / "nps.xlsx"
    assert run("--by", "stage,country", "--output", path)[0] == 0
    header, *rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    csv_header, *csv_rows = table(run("--by", "stage,country")[1])
    assert header == csv_header and len(rows) == len(csv_rows)
    for row, texts in zip(rows, csv_rows, strict=True):
        for name, value, text in zip(header, row, texts, strict=True):
            if name in NUMBERS:
                assert (value == "") == (text == "")
                assert text == "" or (not isinstance(value, str) and value == float(text))
            else:
                assert value == text


def test_formats_and_places(run: Any, app: Flask, tmp_path: Path) -> None:
    put(app, raw_rows())
    path = tmp_path / "nps.csv"
    assert run("--by", "stage", "--output", path)[:2] == (0, b"")
    assert path.read_bytes() == run("--by", "stage")[1]
    piped = run("--by", "stage", "--format", "xlsx")[1]
    assert CalamineWorkbook.from_filelike(io.BytesIO(piped)).sheet_names == ["NPS"]


def test_a_workbook_does_not_go_to_a_terminal(
    app: Flask, cast: Cast, database_url: URL, tmp_path: Path
) -> None:
    ours, theirs = pty.openpty()
    words = ("export", "nps", "--workspace", "acme", "--by", "stage", "--format", "xlsx")
    process = command(
        environment(tmp_path, database_url), *words, stdout=theirs, stderr=subprocess.PIPE
    )
    _, printed = process.communicate(timeout=60)
    os.close(theirs)
    os.close(ours)
    assert process.returncode == 1
    assert b"--output" in printed


def test_the_page_on_exports_names_every_dimension_and_column() -> None:
    page = (Path(__file__).parents[2] / "docs" / "exports.md").read_text(encoding="utf-8")
    for name in (*DIMENSIONS, *NUMBERS, "suppressed"):
        assert f"`{name}`" in page
