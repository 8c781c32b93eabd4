"""Tables as files: CSV that spreadsheets open right, and workbooks without a single formula."""

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO

import pandas as pd
import xlsxwriter

from analytics.scope import Scope
from survey_app.insights import tables
from survey_app.insights.lake.reading import Source

NPS_COLUMNS = ("n", "promoters", "passives", "detractors", "nps", "low", "high", "suppressed")
POINTS = ("nps", "low", "high")
# What spreadsheets take for a formula, also full-width, after blanks, and on inner lines.
_FORMULA = re.compile(r"(^|[\r\n])((?:[^\S\r\n]|[\u200b\ufeff])*[=+\-@＝＋－＠\t])")
Cell = str | int | float | bool | None


def nps_table(source: Source, scope: Scope, *, by: Sequence[str]) -> pd.DataFrame:
    """NPS by dimensions: the `by` columns, then those of `NPS_COLUMNS`."""
    table = tables.scores(source, scope, metric="nps", by=by)
    return table[[*by, *NPS_COLUMNS]]


def write_csv(table: pd.DataFrame, out: BinaryIO) -> None:
    """UTF-8 with BOM, CRLF; points with two decimals, null and suppressed values empty."""
    text = io.TextIOWrapper(out, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([safe_text(str(name)) for name in table.columns])
    for row in _rows(table):
        writer.writerow([_csv_cell(name, value) for name, value in row])
    text.detach()


def write_xlsx(table: pd.DataFrame, out: BinaryIO) -> None:
    """A workbook with one sheet: numbers are numbers, texts are texts, never formulas.

    `suppressed` is the text of the CSV: LibreOffice reads every boolean cell as `=TRUE()`.
    """
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        sheet = book.add_worksheet("NPS")
        head, points = book.add_format({"bold": True}), book.add_format({"num_format": "0.00"})
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(table.columns) - 1, 13)
        for column, name in enumerate(table.columns):
            sheet.write_string(0, column, str(name), head)
        for line, row in enumerate(_rows(table), start=1):
            for column, (name, value) in enumerate(row):
                if isinstance(value, str | bool):
                    sheet.write_string(line, column, _text(value))
                elif value is not None:
                    rounded = round(value, 2) if name in POINTS else value
                    sheet.write_number(line, column, rounded, points if name in POINTS else None)


WRITERS: Mapping[str, Callable[[pd.DataFrame, BinaryIO], None]] = {
    "csv": write_csv,
    "xlsx": write_xlsx,
}
MIME_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def _rows(table: pd.DataFrame) -> list[list[tuple[str, Cell]]]:
    plain = table.astype(object).where(table.notna(), None)
    return [list(zip(plain.columns, row, strict=True)) for row in plain.itertuples(index=False)]


def _csv_cell(name: str, value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, str | bool):
        return safe_text(_text(value))
    return f"{value:.2f}" if name in POINTS else str(value)


def _text(value: Cell) -> str:
    return value if isinstance(value, str) else str(value).lower()


def safe_text(text: str) -> str:
    """A text that no spreadsheet takes for a formula: an apostrophe stands before its sign."""
    return _FORMULA.sub(r"\1'\2", text)
