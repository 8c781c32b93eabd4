"""Files that spreadsheets open: numbers stay numbers, texts stay texts, nothing is a formula."""

import csv
import io
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from survey_app.insights.exports import WRITERS, safe_text, write_csv, write_xlsx

FORMULAS = (
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(1)",
    "＝1+1",
    "＋1+1",
    "－1+1",
    "＠SUM(1)",
    " =1+1",
    "\u00a0=1+1",
    "\u3000=1+1",
    "\t=1+1",
    "fine\n=1+1",
    "fine\r\n\u00a0=cmd|' /C calc'!A0",
    '=HYPERLINK("https://elsewhere.example")',
    "-5",
    "\ufeff=1+1",
    "\u200b=1+1",
)
PLAIN = ("fine", "a=b", "5 - 3", "me@example.org", "", "'=1+1", "a\nb", "−5 °C", "http://x.example")


def table_of(texts: tuple[str, ...]) -> pd.DataFrame:
    """A result table whose first column, and its name, come from people."""
    size = len(texts)
    return pd.DataFrame(
        {
            "=theme": list(texts),
            "n": pd.array([12] * size, dtype="int64"),
            "nps": [-5.0] * size,
            "low": [-33.333333] * size,
            "suppressed": [False] * size,
        }
    )


def csv_rows(table: pd.DataFrame) -> list[list[str]]:
    """A table's CSV, read back."""
    out = io.BytesIO()
    write_csv(table, out)
    return list(csv.reader(io.StringIO(out.getvalue().decode("utf-8-sig"), newline="")))


def test_a_csv_text_never_starts_like_a_formula() -> None:
    header, *rows = csv_rows(table_of(FORMULAS + PLAIN))
    assert header[0] == "'=theme"
    for text, row in zip(FORMULAS + PLAIN, rows, strict=True):
        for line in row[0].splitlines():
            start = line.lstrip(" \t\u00a0\u3000\ufeff\u200b")[:1]
            assert start not in tuple("=+-@＝＋－＠"), (text, line)
        assert row[1:] == ["12", "-5.00", "-33.33", "false"]
        if text in PLAIN:
            assert row[0] == text
        assert row[0].replace("'", "") == text.replace("'", "")


def test_csv_has_a_mark_and_windows_line_ends() -> None:
    out = io.BytesIO()
    write_csv(table_of(("a", "b")), out)
    data = out.getvalue()
    assert data.startswith(b"\xef\xbb\xbf") and data.count(b"\xef\xbb\xbf") == 1
    assert data.count(b"\r\n") == data.count(b"\n") == 3
    assert not out.closed


def test_a_workbook_holds_texts_as_texts_and_numbers_as_numbers(tmp_path: Path) -> None:
    path = tmp_path / "out.xlsx"
    texts = tuple(text for text in FORMULAS + PLAIN if text)
    with path.open("wb") as file:
        write_xlsx(table_of(texts), file)
    with zipfile.ZipFile(path) as parts:
        cells = parts.read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in cells and b"<f " not in cells
    assert b't="b"' not in cells  # LibreOffice would make =TRUE() of it
    sheet = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0)
    header, *rows = sheet.to_python()
    assert header[0] == "=theme"
    for text, row in zip(texts, rows, strict=True):
        assert str(row[0]).replace("\r\n", "\n") == text.replace("\r\n", "\n")
        assert row[1:] == [12, -5, -33.33, "false"]


def test_empty_values_are_empty_cells(tmp_path: Path) -> None:
    table = table_of(("a", "b"))
    table["=theme"] = pd.Series(["a", None], dtype="str")
    table["n"] = pd.array([12, None], dtype="Int64")
    table["nps"] = [None, float("nan")]
    assert csv_rows(table)[1:] == [
        ["a", "12", "", "-33.33", "false"],
        ["", "", "", "-33.33", "false"],
    ]
    path = tmp_path / "out.xlsx"
    with path.open("wb") as file:
        write_xlsx(table, file)
    rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    assert rows[1:] == [["a", 12, "", -33.33, "false"], ["", "", "", -33.33, "false"]]


@pytest.mark.parametrize("form", WRITERS)
def test_a_table_without_rows_is_its_header(form: str, tmp_path: Path) -> None:
    path = tmp_path / f"out.{form}"
    with path.open("wb") as file:
        WRITERS[form](table_of(()), file)
    assert path.stat().st_size > 20


@given(st.text())
def test_any_text_is_safe_and_the_same_twice(text: str) -> None:
    safe = safe_text(text)
    assert safe_text(safe) == safe
    assert safe.replace("'", "") == text.replace("'", "")
