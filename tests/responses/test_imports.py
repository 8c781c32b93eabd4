"""Files of responses: all rows once, whatever happens in between."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from factories import NOW
from responses.answer_files import good_rows, take, write

from survey_app.customers.models import Customer
from survey_app.db import db
from survey_app.errors import Invalid, Malformed
from survey_app.lifecycle.models import StageTransition
from survey_app.responses.models import ImportRecord


def test_a_row_is_stamped_as_it_says(door: Any, tmp_path: Path) -> None:
    row: dict[str, object] = {
        "submitted_at": "2026-03-01T23:30",
        "score": "9.0",
        "comment": " Gut\r\nund gern ",
        "language": "de-AT",
        "country": "fin",
        "customer_id": "c-1",
        "stage": "Win back",
        "birth_year": "1984",
        "age_band": "65+",
        "gender": "female",
        "channel": "email",
    }
    report = take(door, write(tmp_path / "one.csv", [row]))
    assert (report.taken, report.known, report.refused) == (1, 0, [])
    stored = door.row()
    assert stored["answers"] == {"nps": 9, "comment": "Gut\nund gern"}
    assert stored["submitted_at"] == datetime(2026, 3, 1, 21, 30, tzinfo=UTC)
    assert stored["day"].isoformat() == "2026-03-01" and stored["received_at"] == NOW
    assert (stored["country"], stored["region"], stored["country_source"]) == (
        "FI",
        "154",
        "import",
    )
    assert (stored["stage"], stored["stage_source"]) == ("winback", "import")
    assert (stored["age_band"], stored["gender"]) == ("35-44", "female")  # the year wins
    assert (stored["locale"], stored["channel"], stored["status"]) == ("de", "email", "complete")
    assert stored["has_comment"] is True and stored["analysed_version"] is None
    with door.app.app_context():
        customer = db.session.scalars(sa.select(Customer)).one()
        assert (customer.country, customer.birth_year, customer.gender) == ("FI", 1984, "female")
        move = db.session.scalars(sa.select(StageTransition)).one()
        assert (move.stage, move.valid_from) == ("winback", stored["submitted_at"])


def test_a_row_without_stage_stands_where_its_customer_stood_then(
    door: Any, tmp_path: Path
) -> None:
    times = {"2026-01-05": "onboard", "2026-02-05": "", "2026-03-05": "retain", "2026-01-01": ""}
    rows = [
        {"submitted_at": at, "score": 5, "customer_id": "c", "stage": stage}
        for at, stage in times.items()
    ]
    take(door, write(tmp_path / "in.csv", rows))
    found = {row["day"].isoformat(): (row["stage"], row["stage_source"]) for row in door.rows()}
    assert found == {
        "2026-01-01": (None, None),
        "2026-01-05": ("onboard", "import"),
        "2026-02-05": ("onboard", "transition"),
        "2026-03-05": ("retain", "import"),
    }


def test_a_row_s_own_band_goes_before_a_profile_s_year(door: Any, tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"submitted_at": "2026-01-01", "score": 1, "customer_id": "c", "birth_year": 1990},
        {"submitted_at": "2026-01-02", "score": 2, "customer_id": "c", "age_band": "65+"},
        {"submitted_at": "2026-01-03", "score": 3, "customer_id": "c"},
    ]
    columns = dict.fromkeys(("birth_year", "age_band"), "")
    take(door, write(tmp_path / "in.csv", [columns | row for row in rows]))
    bands = {row["answers"]["nps"]: row["age_band"] for row in door.rows()}
    assert bands == {1: "35-44", 2: "65+", 3: "35-44"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_with_and_without_bom(encoding: str, door: Any, tmp_path: Path) -> None:
    path = tmp_path / "bom.csv"
    path.write_text(
        "submitted_at;comment\r\n2026-03-01;Grüße 👋\r\n", encoding=encoding, newline=""
    )
    assert take(door, path).taken == 1
    assert door.row()["answers"] == {"comment": "Grüße 👋"}


def test_a_second_run_adds_nothing(door: Any, tmp_path: Path) -> None:
    rows = good_rows(300)
    for row in rows[100:]:
        row["response_id"] = ""
    rows += rows[200:250]  # identical rows are different people
    path = write(tmp_path / "in.csv", rows)
    first = take(door, path)
    assert (first.taken, first.known) == (350, 0)
    shuffled = write(tmp_path / "shuffled.csv", rows[::-1])
    for again in (take(door, path), take(door, shuffled)):
        assert (again.taken, again.known, again.refused) == (0, 350, [])
    assert door.how_many() == 350


def test_another_row_under_a_known_id_is_refused(door: Any, tmp_path: Path) -> None:
    head = "response_id,submitted_at,score\n"
    path = tmp_path / "in.csv"
    path.write_text(f"{head}a,2026-03-01,9\na,2026-03-01,9\na,2026-03-01,1\n", encoding="utf-8")
    report = take(door, path)
    assert (report.taken, report.known) == (1, 1)
    (refusal,) = report.refused
    assert (refusal.number, refusal.column) == (4, "response_id")
    path.write_text(f"{head}a,2026-03-01,2\nb,2026-03-01,2\n", encoding="utf-8")
    report = take(door, path)
    assert (report.taken, len(report.refused)) == (1, 1)
    assert [row["answers"]["nps"] for row in door.rows()] == [9, 2]


def test_ids_of_other_surveys_are_other_responses(door: Any, tmp_path: Path) -> None:
    path = write(
        tmp_path / "in.csv", [{"response_id": "a", "submitted_at": "2026-03-01", "score": 3}]
    )
    assert take(door, path).taken == take(door, path, survey="acme-csat").taken == 1
    assert take(door, path, survey="rival-nps").taken == 1


@pytest.mark.parametrize(
    ("content", "kind", "code"),
    [
        (b"submitted_at,score\n2026-03-01,\xff9\n", Malformed, "import.unreadable"),
        (b"PK\x03\x04\x14\x00\xe4", Malformed, "import.unreadable"),
        (b"", Invalid, "import.columns"),
        (b"a,b\n1,2\n", Invalid, "import.columns"),
    ],
)
def test_of_an_unreadable_file_nothing_is_taken(
    content: bytes, kind: type[Exception], code: str, door_on_sqlite: Any, tmp_path: Path
) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(content)
    with pytest.raises(kind) as caught:
        take(door_on_sqlite, path)
    assert caught.value.code == code  # type: ignore[attr-defined]
    assert door_on_sqlite.how_many(ImportRecord) == 0


# --- a real file: 5,000 rows, 50 of them broken in ten ways --------------------------------------

BREAKS: dict[str, tuple[str, dict[str, object]]] = {
    "no time": ("submitted_at", {"submitted_at": ""}),
    "no such hour": ("submitted_at", {"submitted_at": "2026-03-29T03:15:00"}),
    "in the future": ("submitted_at", {"submitted_at": "2031-01-01T00:00:00Z"}),
    "half a point": ("score", {"score": "8.5"}),
    "off the scale": ("score", {"score": "11"}),
    "nothing said": ("score", {"score": "", "comment": ""}),
    "a country's name": ("country", {"country": "Germany"}),
    "no such stage": ("stage", {"stage": "loyal"}),
    "born tomorrow": ("birth_year", {"birth_year": "2099"}),
    "far too long": ("comment", {"comment": "x" * 4001}),
}
REASONS = {
    "no time": "empty", "no such hour": "clocks went forward", "in the future": "future",
    "half a point": "0 to 10", "off the scale": "0 to 10", "nothing said": "Neither",
    "a country's name": "Write DE", "no such stage": "reach, acquire, onboard",
    "born tomorrow": "Write a year", "far too long": "4000",
}  # fmt: skip


def test_five_thousand_rows_of_which_fifty_are_broken(door: Any, tmp_path: Path) -> None:
    rows = good_rows(5000)
    broken = {}
    for place, name in enumerate(list(BREAKS) * 5):
        number = 60 + place * 97
        rows[number] |= BREAKS[name][1]
        broken[number + 2] = name
    report = take(door, write(tmp_path / "real.csv", rows))
    assert (report.taken, report.known, len(report.refused)) == (4950, 0, 50)
    assert {refusal.number for refusal in report.refused} == broken.keys()
    for refusal in report.refused:
        name = broken[refusal.number]
        assert refusal.column == BREAKS[name][0]
        assert REASONS[name] in refusal.reason
    stored = door.rows()
    good = [row for number, row in enumerate(rows, start=2) if number not in broken]
    assert {row["key"] for row in stored} == {f"import:{row['response_id']}" for row in good}
    assert Counter(row["answers"]["nps"] for row in stored) == Counter(row["score"] for row in good)
    assert sum(row["has_comment"] for row in stored) == sum(bool(row["comment"]) for row in good)
    assert door.how_many(Customer) == len({row["customer_id"] for row in good} - {""})


def test_two_imports_of_one_file_at_once(door: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "in.csv", good_rows(3000))
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda _: take(door, path), range(2)))
    assert all(not report.refused for report in reports)
    assert door.how_many() == 3000
    assert door.how_many(Customer) == len({r["customer_id"] for r in good_rows(3000)} - {""})


def test_two_files_with_the_same_rows_at_once(door: Any, tmp_path: Path) -> None:
    rows = good_rows(2000)
    paths = [write(tmp_path / "a.csv", rows), write(tmp_path / "b.csv", rows[::-1])]
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda path: take(door, path), paths))
    assert sum(report.taken for report in reports) == 2000
    assert sum(report.known for report in reports) == 2000
    assert door.how_many() == 2000
