"""Reading a file of responses row by row: each row is right as a whole, or refused with a reason.

Pure of the database: what a row means for a survey is all that is decided here.
"""

import csv
import hashlib
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from operator import itemgetter
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError

from survey_app.customers.models import GENDERS
from survey_app.customers.operations import AGE_BANDS, EARLIEST_BIRTH_YEAR
from survey_app.customers.regions import UnknownCountry, find_country
from survey_app.errors import N_, Invalid
from survey_app.i18n import LOCALE_FORM, SURVEY_LOCALES, match_locale
from survey_app.responses.models import CHANNELS
from survey_app.responses.schemas import MAX_KEY, Person
from survey_app.surveys.questions import Question, WrongAnswer, is_blank

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
# What tells who answered, or lets a guess be checked: of no answer to an anonymous survey.
WHO = ("response_id", "customer_id", "birth_year")
MAX_RECORD = 1 << 20  # characters of one row: how far an open quote may reach
POINT_ZERO = re.compile(r"(?<=[0-9])\.0+$")  # spreadsheets write 9 as 9.0
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
NOBODY = Person(source="import")
FEW = 1024  # different cells whose meaning is kept in mind
ENDED: list[str] = []
csv.field_size_limit(MAX_RECORD)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a row was not taken: its number in the file (the header is 1), column and reason.

    A reason may quote the file: a terminal gets it as `errors.inert` text.
    """

    number: int
    column: str
    reason: str


class Row(NamedTuple):
    """A row that is right in itself. Made for every row, hence a tuple."""

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
    anonymous: bool = False  # who answered is read, and dropped


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
                columns=_listed(header),
                fields=", ".join(FIELDS),
            )
    fields = [renames.get(column, column.strip().lower()) for column in header]
    unknown = [column for column, name in zip(header, fields, strict=True) if name not in FIELDS]
    if unknown and not ignore_unknown:
        raise Invalid(
            "import.columns",
            N_("Unknown columns: %(columns)s."),
            hint=N_("Map them with --map column=field, or pass --ignore-unknown."),
            columns=_listed(unknown),
        )
    known = [name for name in fields if name in FIELDS]
    missing = "submitted_at" not in known or not {"score", "comment"} & set(known)
    if missing or len(known) != len(set(known)):
        raise Invalid(
            "import.columns",
            N_("The file needs submitted_at and score or comment, and no field twice."),
            hint=N_("It has: %(columns)s."),
            columns=_listed(header),
        )
    return [name if name in FIELDS else None for name in fields]


def _listed(columns: list[str]) -> str:
    """Columns for an error: enough to see what file this is, also where it is none of ours."""
    shown = [name[:80] for name in columns[:40]]
    return ", ".join([*shown, "…"] if len(columns) > len(shown) else shown)


def delimiter_of(header_line: str) -> str:
    """The sign that separates the columns: a comma, or what some spreadsheets write instead."""
    return max(",;\t", key=header_line.count)


def read_rows(
    lines: Iterator[str], fields: list[str | None], expected: Expectation, *, delimiter: str
) -> Iterator[Row | Refusal]:
    """Each row of the file after its header, taken or refused, in order."""
    reader = _RowReader(fields, expected)
    for number, cells in enumerate(_split(lines, delimiter), start=2):
        if isinstance(cells, str):
            yield Refusal(number, "", cells)
        elif any(cells):
            try:
                yield reader.read(number, cells)
            except _Wrong as wrong:
                yield Refusal(number, wrong.column, wrong.reason)


def _split(lines: Iterator[str], delimiter: str) -> Iterator[list[str] | str]:
    """Each row's cells; for a row that can't be split, why.

    The lines that an open quote took in are rows again. A line longer than `MAX_RECORD` may come
    cut off.
    """
    under_way: list[str] = []  # the lines of the row that is being read
    back: deque[str] = deque()

    def noted() -> Iterator[str]:
        length = 0
        while (line := back.popleft() if back else next(lines, None)) is not None:
            length = len(line) + (length if under_way else 0)
            under_way.append(line)
            if length > MAX_RECORD:
                raise _TooLong
            yield line

    reader = csv.reader(noted(), delimiter=delimiter, strict=True)
    while True:
        cells: list[str] | str
        try:
            cells = next(reader, ENDED)
        except (csv.Error, _TooLong) as error:
            back.extendleft(reversed(under_way[1:]))
            reader = csv.reader(noted(), delimiter=delimiter, strict=True)
            cells = "Its quotes don't pair up."
            if isinstance(error, _TooLong):
                cells = f"Is longer than {MAX_RECORD} characters, or a quote in it never closes."
        if cells is ENDED:
            return
        under_way.clear()
        yield cells


class _TooLong(Exception):
    """A row goes on and on."""


class _RowReader:
    """What the cells of one file's rows mean; what hangs on its columns alone is found once."""

    def __init__(self, fields: list[str | None], expected: Expectation) -> None:
        self.expected = expected
        self.width = len(fields)
        self.names = [name for name in fields if name is not None]
        self.pick = itemgetter(*(place for place, name in enumerate(fields) if name is not None))
        self.form = "\x1f".join(f"{name}\x1e%s" for name in self.names)
        stage: Callable[[str], str] = partial(_stage, stages=expected.stages)
        self.facts = [
            (column, attribute, read)
            for column, attribute, read in (*FACTS, ("stage", "stage", stage))
            if column in self.names
        ]
        self.score = lru_cache(FEW)(partial(_accept, "score", expected.score))
        self.seen: dict[str, int] = {}  # how often a row without id occurred

    def read(self, number: int, cells: list[str]) -> Row:
        if len(cells) != self.width:
            raise _Wrong("", f"{len(cells)} cells, but the header has {self.width}.")
        values = tuple(map(str.strip, self.pick(cells)))
        text = self.form % values
        if "\0" in text:
            raise _Wrong("", "The row holds a NUL character.")
        record = dict(zip(self.names, values, strict=True))
        if self.expected.anonymous:
            text = self.form % tuple("" if name in WHO else record[name] for name in self.names)
        digest = hashlib.sha256(text.encode()).hexdigest()
        submitted_at = _moment(record["submitted_at"], self.expected)
        answers = self._answers(record)
        if not answers:
            raise _Wrong("score", "Neither score nor comment is given.")
        key = self._key(record, digest)
        facts = self._facts(record)
        if year := record.get("birth_year"):
            facts["birth_year"] = _year(year, submitted_at.year)
        locale, channel = facts.pop("locale", None), facts.pop("channel", "import")
        if self.expected.anonymous:
            facts.pop("key", None)
        person = Person(source="import", **facts) if facts else NOBODY
        return Row(number, key, digest, submitted_at, answers, locale, channel, person)

    def _key(self, record: Mapping[str, str], digest: str) -> str:
        own = "" if self.expected.anonymous else record.get("response_id", "")
        if own:
            if len(own) > MAX_KEY:
                raise _Wrong("response_id", f"At most {MAX_KEY} characters.")
            return f"import:{own}"
        ordinal = self.seen[digest] = self.seen.get(digest, 0) + 1
        return f"import:{digest}:{ordinal}"

    def _answers(self, record: Mapping[str, str]) -> dict[str, int | str]:
        answers: dict[str, int | str] = {}
        if text := record.get("score"):
            answers |= self.score(text)
        if text := record.get("comment"):
            answers |= _accept("comment", self.expected.comment, text)
        return answers

    def _facts(self, record: Mapping[str, str]) -> dict[str, Any]:
        facts = {}
        for column, attribute, read in self.facts:
            if text := record[column]:
                try:
                    facts[attribute] = read(text)
                except ValueError as error:
                    raise _Wrong(column, str(error)) from None
        return facts


def _accept(column: str, question: Question | None, text: str) -> dict[str, int | str]:
    """The answer under its question's key; nothing where the text says nothing."""
    if is_blank(text):
        return {}
    if question is None:
        raise _Wrong(column, f"The survey has no single {column} question.")
    try:
        value = question.accept_text(POINT_ZERO.sub("", text) if question.is_score else text)
    except WrongAnswer as wrong:
        raise _Wrong(column, str(wrong)) from None
    return {} if value is None else {question.key: value}


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


def _short(text: str) -> str:
    if len(text) > MAX_KEY:
        raise ValueError(f"At most {MAX_KEY} characters.")
    return text


def _year(text: str, latest: int) -> int:
    if not re.fullmatch(r"[0-9]{4}", text) or not EARLIEST_BIRTH_YEAR <= int(text) <= latest:
        raise _Wrong("birth_year", f"Write a year from {EARLIEST_BIRTH_YEAR} to {latest}.")
    return int(text)


def _stage(text: str, stages: Mapping[str, str]) -> str:
    key = stages.get(text.casefold())
    if key is None:
        raise ValueError(f"Write one of {', '.join(dict.fromkeys(stages.values()))}.")
    return key


@lru_cache(FEW)
def _country(text: str) -> str:
    try:
        return find_country(text)
    except UnknownCountry as error:
        raise ValueError(str(error)) from None


@lru_cache(FEW)
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


# Column, attribute of the person or row, reader: from text to value, ValueError with the reason.
FACTS: tuple[tuple[str, str, Callable[[str], str]], ...] = (
    ("customer_id", "key", _short),
    ("country", "country", _country),
    ("language", "locale", _language),
    ("age_band", "age_band", _one_of(AGE_BANDS)),
    ("gender", "gender", _one_of(GENDERS)),
    ("channel", "channel", _one_of(CHANNELS)),
)
