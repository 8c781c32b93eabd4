"""CONTRACTS' table of columns, cell by cell; no database is needed to know what a row means."""

import csv
import io
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey_app.customers.models import GENDERS
from survey_app.customers.operations import AGE_BANDS
from survey_app.errors import Invalid
from survey_app.responses.import_rows import (
    FIELDS,
    MAX_RECORD,
    Expectation,
    Refusal,
    Row,
    check_header,
    delimiter_of,
    read_rows,
)
from survey_app.responses.models import CHANNELS
from survey_app.surveys.questions import Comment, Nps

NOW = datetime(2026, 11, 1, tzinfo=UTC)
STAGES = {"onboard": "onboard", "win back": "winback", "winback": "winback", "adopt": "adopt"}


def read(text: str, *, zone: str = "Europe/Helsinki", fields: list[str] | None = None) -> list[Any]:
    """The rows of a CSV text, taken or refused."""
    lines = io.StringIO(text, newline="")
    header_line = next(lines)
    delimiter = delimiter_of(header_line)
    header = fields or next(csv.reader([header_line], delimiter=delimiter))
    expected = Expectation(
        score=Nps(key="nps", required=True),
        comment=Comment(key="comment", required=False),
        stages=STAGES,
        zone=ZoneInfo(zone),
        now=NOW,
    )
    checked = check_header([cell.strip() for cell in header], renames={}, ignore_unknown=True)
    return list(read_rows(iter(lines), checked, expected, delimiter=delimiter))


def one(column: str, cell: str, **more: str) -> Any:
    """The row with this cell beside a time and a score."""
    record = {"submitted_at": "2026-03-01T12:00:00Z", "score": "9"} | {column: cell} | more
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerows([list(record), list(record.values())])
    (row,) = read(out.getvalue())
    return row


def refusal(column: str, cell: str, **more: str) -> str:
    """Why the row with this cell is refused; the refusal must name the column."""
    row = one(column, cell, **more)
    assert isinstance(row, Refusal), row
    assert (row.number, row.column) == (2, column)
    return row.reason


# --- times --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2026-03-01T12:00:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01 12:00:00+00:00", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T12:00:00-05:30", datetime(2026, 3, 1, 17, 30, tzinfo=UTC)),
        ("2026-03-01T12:00", datetime(2026, 3, 1, 10, tzinfo=UTC)),  # workspace zone
        ("2026-03-01", datetime(2026, 2, 28, 22, tzinfo=UTC)),
        ("2026-07-01T12:00", datetime(2026, 7, 1, 9, tzinfo=UTC)),  # summer
        ("2026-10-25T03:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # twice: the earlier
        ("2026-10-25T03:30+02:00", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        ("2026-10-25T04:00", datetime(2026, 10, 25, 2, 0, tzinfo=UTC)),
        (" 2000-01-01T00:00:00Z ", datetime(2000, 1, 1, tzinfo=UTC)),
        ("2026-11-01T23:00:00Z", datetime(2026, 11, 1, 23, tzinfo=UTC)),
    ],
)
def test_a_time_is_iso_8601(cell: str, moment: datetime) -> None:
    row = one("submitted_at", cell)
    assert isinstance(row, Row) and row.submitted_at == moment


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("", "empty"),
        ("yesterday", "ISO 8601"),
        ("01.03.2026", "ISO 8601"),
        ("2026-02-30", "ISO 8601"),
        ("2026-03-29T03:30", "Does not exist in Europe/Helsinki"),
        ("1999-12-31T23:59:59Z", "before 2000"),
        ("0001-01-01", "before 2000"),
        ("9999-12-31T23:59:59", "future"),
        ("2026-11-02T00:00:01Z", "future"),
    ],
)
def test_a_time_that_is_none_is_refused(cell: str, reason: str) -> None:
    assert reason in refusal("submitted_at", cell)


# --- cells --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "cell", "value"),
    [
        ("country", "fi", "FI"),
        ("country", "FIN", "FI"),
        ("country", "", None),
        ("stage", "ONBOARD", "onboard"),
        ("stage", "Win Back", "winback"),
        ("birth_year", "1984", 1984),
        ("age_band", "25-34", "25-34"),
        ("gender", "Female", "female"),
        ("customer_id", "c-1", "c-1"),
        ("customer_id", "x" * 200, "x" * 200),
    ],
)
def test_facts_about_the_person(column: str, cell: str, value: object) -> None:
    row = one(column, cell)
    name = "key" if column == "customer_id" else column
    assert getattr(row.person, name) == value and row.person.source == "import"


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("country", "Finland", "Write FI"),
        ("country", "Deutschland", "Write DE"),
        ("country", "XX", "not a country code"),
        ("country", "=1+1", "not a country code"),
        ("stage", "nowhere", "onboard, winback, adopt"),
        ("birth_year", "84", "Write a year"),
        ("birth_year", "2027", "Write a year"),
        ("birth_year", "1984.0", "Write a year"),
        ("birth_year", "1899", "Write a year"),
        ("age_band", "30-40", "18-24"),
        ("gender", "f", "female, male, other"),
        ("channel", "fax", "widget"),
        ("language", "german", "language code"),
        ("language", "../..", "language code"),
        ("customer_id", "x" * 201, "200"),
        ("response_id", "x" * 201, "200"),
        ("comment", "x" * 4001, "4000"),
        ("comment", "x" * 200_000, "4000"),
        ("score", "11", "0 to 10"),
        ("score", "-1", "0 to 10"),
        ("score", "8.5", "0 to 10"),
        ("score", "nine", "0 to 10"),
        ("score", "９", "0 to 10"),
        ("score", "9.0.0", "0 to 10"),
        ("score", "1e1", "0 to 10"),
        ("score", ".0", "0 to 10"),
        ("score", "09", "0 to 10"),
        ("score", "00", "0 to 10"),
    ],
)
def test_a_cell_that_can_not_be_taken_names_column_and_reason(
    column: str, cell: str, reason: str
) -> None:
    assert reason in refusal(column, cell)


def test_scores() -> None:
    cells = ["0", "10", "9.0", "10.00", " 7 "]
    assert [one("score", cell).answers["nps"] for cell in cells] == [0, 10, 9, 10, 7]
    both = one("comment", "Fine.", score="")
    assert both.answers == {"comment": "Fine."}


@pytest.mark.parametrize(
    "blank", [" ", "\u00a0\u3000", "\u200b\u200d", "\x07\x1b", "\u202e", "\u2800"]
)
def test_a_cell_in_which_nothing_can_be_seen_is_not_given(blank: str) -> None:
    assert one("comment", blank).answers == {"nps": 9}
    assert one("comment", "Fine.", score=blank).answers == {"comment": "Fine."}
    assert "Neither" in refusal("score", blank, comment=blank)


def test_languages_and_channels() -> None:
    assert [one("language", cell).locale for cell in ("de-AT", "pt_BR", "sv", "zh-Hant", "")] == [
        "de", "pt", "sv", "zh", None,
    ]  # fmt: skip
    assert [one("channel", cell).channel for cell in ("", "Email", "kiosk")] == [
        "import", "email", "kiosk",
    ]  # fmt: skip


def test_nul_is_refused() -> None:
    (row,) = read("submitted_at,comment\n2026-03-01,a\0b\n")
    assert isinstance(row, Refusal) and "NUL" in row.reason


# --- shapes of files ----------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_signs_and_line_ends_of_spreadsheets(sign: str, end: str) -> None:
    comment = f'"Good, but; slow{end}{end}""really"""'
    text = end.join([f"submitted_at{sign}score{sign}comment", f"2026-03-01{sign}9{sign}{comment}",
                     "", f"2026-03-02{sign}8.0{sign}", ""])  # fmt: skip
    first, second = read(text)
    assert first.answers == {"nps": 9, "comment": 'Good, but; slow\n\n"really"'}
    assert (first.number, second.number, second.answers) == (2, 4, {"nps": 8})


def test_a_row_of_another_width_is_refused_alone() -> None:
    rows = read("submitted_at,score\n2026-03-01,9\n2026-03-01,9,1\n2026-03-01\n2026-03-01,8\n")
    assert [isinstance(row, Refusal) for row in rows] == [False, True, True, False]
    assert rows[1].number == 3 and "3 cells" in rows[1].reason


def test_an_open_quote_swallows_no_row() -> None:
    """Every line it took in is a row again; what is rightly quoted stays one row."""
    text = """submitted_at,score,comment
2026-03-01,1,fine
2026-03-01,9,"never closed
2026-03-01,2,
2026-03-01,3,"two
lines"
2026-03-01,9,"closed" too early
2026-03-01,9,"open again
2026-03-01,4,"a ""quoted"" word"
2026-03-01,9,"open to the end
2026-03-01,5,last
"""
    rows = read(text)
    taken = [row for row in rows if isinstance(row, Row)]
    assert [row.answers["nps"] for row in taken] == [1, 2, 3, 4, 5]
    assert [row.answers.get("comment") for row in taken] == [
        "fine", None, "two\nlines", 'a "quoted" word', "last",
    ]  # fmt: skip
    refused = [row for row in rows if isinstance(row, Refusal)]
    assert [row.number for row in refused] == [3, 6, 7, 9]
    assert {row.reason for row in refused} == {"Its quotes don't pair up."}


def test_many_open_quotes_take_no_more_than_their_rows() -> None:
    body = '2026-03-01,9,"open\n2026-03-01,8,\n' * 5000
    rows = read(f"submitted_at,score,comment\n{body}")
    assert [isinstance(row, Refusal) for row in rows] == [True, False] * 5000


def test_a_row_without_end_is_refused_alone() -> None:
    """A line, a quote, or a row of many lines and cells each of which would do."""
    head, good = "submitted_at,score,comment\n", "2026-03-01,8,fine\n"
    for endless in (
        f"2026-03-01,9,{'x' * MAX_RECORD}\n",
        f'2026-03-01,9,"{"x" * MAX_RECORD}"\n',
        '2026-03-01,9,"' + '\n","'.join(["x" * 100_000] * 12) + '"\n',
    ):
        rows = read(head + good + endless + good)
        assert [row.number for row in rows if isinstance(row, Row)] == [2, len(rows) + 1]
        assert isinstance(rows[1], Refusal) and str(MAX_RECORD) in rows[1].reason
    rows = read(head + '2026-03-01,9,"open\n' + good * 70_000)
    assert isinstance(rows[0], Refusal) and "never closes" in rows[0].reason
    assert all(isinstance(row, Row) for row in rows[1:]) and len(rows) == 70_001


def test_identical_rows_get_ordinals_and_own_ids_stand() -> None:
    head = "submitted_at,score,response_id\n"
    rows = read(head + "2026-03-01,9,\n2026-03-01,9,\n2026-03-01,8,\n2026-03-01,9,a\n")
    again = read(head + "2026-03-01,8,\n2026-03-01,9,\n2026-03-01,9,a\n2026-03-01,9,\n")
    assert len({row.key for row in rows}) == 4
    assert {row.key for row in rows} == {row.key for row in again}
    assert rows[3].key == "import:a"


@pytest.mark.parametrize(
    ("header", "renames", "ignore", "code"),
    [
        (["submitted_at", "score", "mood"], {}, False, "import.columns"),
        (["score"], {}, False, "import.columns"),
        (["submitted_at", "country"], {}, False, "import.columns"),
        (["submitted_at", "score", "score"], {}, False, "import.columns"),
        ([""], {}, True, "import.columns"),
        (["when", "score"], {"when": "time"}, False, "import.map"),
        (["when", "score"], {"then": "submitted_at"}, False, "import.map"),
    ],
)
def test_a_header_that_does_not_fit(
    header: list[str], renames: dict[str, str], ignore: bool, code: str
) -> None:
    with pytest.raises(Invalid) as caught:
        check_header(header, renames=renames, ignore_unknown=ignore)
    assert caught.value.code == code and caught.value.hint


def test_a_header_of_another_kind_of_file_is_shown_in_part() -> None:
    with pytest.raises(Invalid) as caught:
        check_header(["x" * 1000] * 1000, renames={}, ignore_unknown=False)
    assert len(str(caught.value)) < 5000 and "x, …" in str(caught.value)


def test_columns_are_renamed_or_passed_over() -> None:
    fields = check_header(
        ["When", "Score ", "mood"], renames={"When": "submitted_at"}, ignore_unknown=True
    )
    assert fields == ["submitted_at", "score", None]
    assert check_header(list(FIELDS), renames={}, ignore_unknown=False) == list(FIELDS)


@given(st.lists(st.lists(st.text(max_size=12), min_size=3, max_size=3), max_size=8))
def test_any_cells_are_taken_or_refused(cells: list[list[str]]) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["submitted_at", "score", "country"])
    writer.writerows(cells)
    for row in read(out.getvalue()):
        assert isinstance(row, Row | Refusal)


def test_the_page_on_importing_names_every_column() -> None:
    page = (Path(__file__).parents[2] / "docs" / "import.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE) == list(FIELDS)
    for value in (*AGE_BANDS, *GENDERS, *CHANNELS):
        assert f"`{value}`" in page
