"""Reading a file of responses row by row: each row is right as a whole, or refused with a reason.

Pure of the database: what a row means for a survey is all that is decided here.
"""

import csv
import hashlib
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TypeVar
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError

from survey_app.customers.models import GENDERS
from survey_app.customers.operations import AGE_BANDS, EARLIEST_BIRTH_YEAR
from survey_app.customers.regions import UnknownCountry, find_country
from survey_app.errors import N_, Invalid
from survey_app.i18n import LOCALE_FORM, SURVEY_LOCALES, match_locale
from survey_app.responses.models import CHANNELS
from survey_app.responses.schemas import MAX_KEY, Person
from survey_app.surveys.questions import Question, WrongAnswer

FIELDS = (
    "response_id",
    "submitted_at",
    "score",
    "comment",
    "language",
    "country",
    "customer_id",
    "stage",
    "birth_year",
    "age_band",
    "gender",
    "channel",
)
T = TypeVar("T")
POINT_ZERO = re.compile(r"(?<=[0-9])\.0+$")  # spreadsheets write 9 as 9.0
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
ENDED: list[str] = []
csv.field_size_limit(1 << 20)  # how far an open quote may reach


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a row was not taken: its number in the file (the header is 1), column and reason."""

    row: int
    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is right in itself."""

    number: int
    key: str
    body_hash: str
    submitted_at: datetime
    answers: Mapping[str, int | str]
    locale: str | None
    channel: str
    person: Person


class _Wrong(Exception):
    """A cell that can't be taken."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a file's rows are read against: the survey's questions, stages and the zone."""

    score: Question | None
    comment: Question | None
    stages: Mapping[str, str]  # folded key or label -> key
    zone: ZoneInfo
    now: datetime
    seen: dict[str, int] = field(default_factory=dict)  # how often a row without id occurred


def check_header(
    header: list[str], *, renames: Mapping[str, str], ignore_unknown: bool
) -> list[str | None]:
    """The field of each column; None for one to ignore.

    Raises Invalid for a column that is unknown, twice, or mapped from or to nothing, and where
    `submitted_at` or both of `score` and `comment` are missing.
    """
    for column, name in renames.items():
        if column not in header or name not in FIELDS:
            raise Invalid(
                "import.map",
                N_("--map %(column)s=%(name)s names no column of the file or no field."),
                hint=N_("Columns: %(columns)s. Fields: %(fields)s."),
                column=column,
                name=name,
                columns=", ".join(header),
                fields=", ".join(FIELDS),
            )
    fields = [renames.get(column, column.strip().lower()) for column in header]
    unknown = [column for column, name in zip(header, fields, strict=True) if name not in FIELDS]
    if unknown and not ignore_unknown:
        raise Invalid(
            "import.columns",
            N_("Unknown columns: %(columns)s."),
            hint=N_("Map them with --map column=field, or pass --ignore-unknown."),
            columns=", ".join(unknown),
        )
    known = [name for name in fields if name in FIELDS]
    missing = "submitted_at" not in known or not {"score", "comment"} & set(known)
    if missing or len(known) != len(set(known)):
        raise Invalid(
            "import.columns",
            N_("The file needs submitted_at and score or comment, and no field twice."),
            hint=N_("It has: %(columns)s."),
            columns=", ".join(header),
        )
    return [name if name in FIELDS else None for name in fields]


def delimiter_of(header_line: str) -> str:
    """The sign that separates the columns: a comma, or what some spreadsheets write instead."""
    return max(",;\t", key=header_line.count)


def read_rows(
    lines: Iterator[str], fields: list[str | None], expected: Expectation, *, delimiter: str
) -> Iterator[Row | Refusal]:
    """Each row of the file after its header, taken or refused, in order."""
    for number, cells in enumerate(_split(lines, delimiter), start=2):
        if cells is None:
            yield Refusal(number, "", "Its quotes don't pair up, or a cell is far too long.")
            continue
        if not any(cells):
            continue
        if len(cells) != len(fields):
            reason = f"{len(cells)} cells, but the header has {len(fields)}."
            yield Refusal(number, "", reason)
            continue
        record = {
            name: cell.strip() for name, cell in zip(fields, cells, strict=True) if name is not None
        }
        try:
            yield _read(number, record, expected)
        except _Wrong as wrong:
            yield Refusal(number, wrong.column, wrong.reason)


def _split(lines: Iterator[str], delimiter: str) -> Iterator[list[str] | None]:
    """Each row's cells; None for a row whose quotes don't pair up.

    The lines that an open quote took in are rows again.
    """
    under_way: list[str] = []  # the lines of the row that is being read
    back: deque[str] = deque()

    def noted() -> Iterator[str]:
        while (line := back.popleft() if back else next(lines, None)) is not None:
            under_way.append(line)
            yield line

    reader = csv.reader(noted(), delimiter=delimiter, strict=True)
    while True:
        try:
            cells = next(reader, ENDED)
        except csv.Error:
            back.extendleft(reversed(under_way[1:]))
            reader, cells = csv.reader(noted(), delimiter=delimiter, strict=True), None
        if cells is ENDED:
            return
        under_way.clear()
        yield cells


def _read(number: int, record: Mapping[str, str], expected: Expectation) -> Row:
    if "\0" in "".join(record.values()):
        raise _Wrong("", "The row holds a NUL character.")
    digest = hashlib.sha256("\x1f".join(f"{k}\x1e{v}" for k, v in record.items()).encode())
    submitted_at = _moment(record.get("submitted_at", ""), expected)
    answers = _answers(record, expected)
    if not answers:
        raise _Wrong("score", "Neither score nor comment is given.")
    return Row(
        number=number,
        key=_key(record, digest.hexdigest(), expected),
        body_hash=digest.hexdigest(),
        submitted_at=submitted_at,
        answers=answers,
        locale=_cell(record, "language", _language),
        channel=_cell(record, "channel", _channel) or "import",
        person=_person(record, submitted_at, expected),
    )


def _key(record: Mapping[str, str], digest: str, expected: Expectation) -> str:
    own = record.get("response_id", "")
    if own:
        if len(own) > MAX_KEY:
            raise _Wrong("response_id", f"At most {MAX_KEY} characters.")
        return f"import:{own}"
    ordinal = expected.seen[digest] = expected.seen.get(digest, 0) + 1
    return f"import:{digest}:{ordinal}"


def _answers(record: Mapping[str, str], expected: Expectation) -> dict[str, int | str]:
    answers: dict[str, int | str] = {}
    for column, question in (("score", expected.score), ("comment", expected.comment)):
        text = record.get(column, "")
        if column == "score":
            text = POINT_ZERO.sub("", text)
        if not text:
            continue
        if question is None:
            raise _Wrong(column, f"The survey has no single {column} question.")
        try:
            value = question.accept_text(text)
        except WrongAnswer as wrong:
            raise _Wrong(column, str(wrong)) from None
        if value is not None:
            answers[question.key] = value
    return answers


def _person(record: Mapping[str, str], submitted_at: datetime, expected: Expectation) -> Person:
    latest = submitted_at.year
    return Person(
        source="import",
        key=_cell(record, "customer_id", _short),
        country=_cell(record, "country", _country),
        birth_year=_cell(record, "birth_year", lambda text: _year(text, latest)),
        age_band=_cell(record, "age_band", _age_band),
        gender=_cell(record, "gender", _gender),
        stage=_cell(record, "stage", lambda text: _stage(text, expected.stages)),
    )


def _cell(record: Mapping[str, str], column: str, read: Callable[[str], T]) -> T | None:
    text = record.get(column, "")
    if not text:
        return None
    try:
        return read(text)
    except ValueError as error:
        raise _Wrong(column, str(error)) from None


def _moment(text: str, expected: Expectation) -> datetime:
    if not text:
        raise _Wrong("submitted_at", "Is empty; write a time such as 2026-03-01T14:30:00Z.")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _Wrong("submitted_at", "Is not ISO 8601, such as 2026-03-01T14:30:00Z.") from None
    if not EARLIEST.year <= moment.year < 9999:
        raise _Wrong("submitted_at", f"Lies before {EARLIEST.year} or in the future.")
    if moment.tzinfo is None:
        local = moment.replace(tzinfo=expected.zone)  # of two equal hours the earlier
        moment = local.astimezone(UTC)
        if moment.astimezone(expected.zone).replace(tzinfo=None) != local.replace(tzinfo=None):
            raise _Wrong("submitted_at", f"Does not exist in {expected.zone}: clocks went forward.")
    moment = moment.astimezone(UTC)
    if not EARLIEST <= moment <= expected.now + timedelta(days=1):
        raise _Wrong("submitted_at", f"Lies before {EARLIEST.year} or in the future.")
    return moment


def _one_of(choices: tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f"Write one of {', '.join(choices)}.")
        return text.lower()

    return read


_channel, _age_band, _gender = _one_of(CHANNELS), _one_of(AGE_BANDS), _one_of(GENDERS)


def _short(text: str) -> str:
    if len(text) > MAX_KEY:
        raise ValueError(f"At most {MAX_KEY} characters.")
    return text


def _year(text: str, latest: int) -> int:
    if not re.fullmatch(r"[0-9]{4}", text) or not EARLIEST_BIRTH_YEAR <= int(text) <= latest:
        raise ValueError(f"Write a year from {EARLIEST_BIRTH_YEAR} to {latest}.")
    return int(text)


def _stage(text: str, stages: Mapping[str, str]) -> str:
    key = stages.get(text.casefold())
    if key is None:
        raise ValueError(f"Write one of {', '.join(dict.fromkeys(stages.values()))}.")
    return key


@cache
def _country(text: str) -> str:
    try:
        return find_country(text)
    except UnknownCountry as error:
        raise ValueError(str(error)) from None


@cache
def _language(text: str) -> str:
    matched = match_locale([text], SURVEY_LOCALES)
    if matched:
        return matched
    code = text.replace("-", "_")
    try:
        if not LOCALE_FORM.fullmatch(text):
            raise ValueError
        return str(Locale.parse(code.split("_")[0].lower()))
    except (ValueError, UnknownLocaleError):
        raise ValueError("Write a language code such as de or pt-BR.") from None
