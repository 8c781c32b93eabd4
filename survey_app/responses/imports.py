"""Taking in a file of responses: in chunks, each one transaction with its place in the file.

An import that is interrupted goes on after its last chunk, and its report is that of one that was
not; a file that is taken in again adds nothing. Between two chunks the database is free, so that
people can answer meanwhile.
"""

import csv
import hashlib
import json
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from errno import EINVAL
from functools import lru_cache
from itertools import islice
from operator import attrgetter, itemgetter
from pathlib import Path
from stat import S_ISREG
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from survey_app.accounts.operations import zone_of
from survey_app.customers.models import Customer
from survey_app.customers.operations import write_profiles
from survey_app.db import insert_of
from survey_app.errors import N_, Malformed
from survey_app.lifecycle.operations import Move, record_transitions
from survey_app.lifecycle.queries import default_map, stage_histories, stages
from survey_app.responses.import_rows import (
    MAX_RECORD,
    Expectation,
    Refusal,
    Row,
    check_header,
    delimiter_of,
    read_rows,
)
from survey_app.responses.models import Answer, ImportRecord, Response
from survey_app.responses.stamps import PROFILE_FACTS, weigh
from survey_app.surveys.queries import OpenSurvey

CHUNK = 1000


@dataclass(slots=True)
class Report:
    """What became of a file's rows."""

    rows: int = 0
    taken: int = 0
    known: int = 0
    refused: list[Refusal] = field(default_factory=list)  # by row
    resumed_at: int = 0  # the last row of an interrupted import, after which this one went on


@dataclass(frozen=True, slots=True)
class Source:
    """A file that has been read through once: UTF-8 text with this content."""

    path: Path
    sha256: str
    rows: int  # at most: a quoted cell may hold line ends

    def lines(self) -> Iterator[str]:
        """The file's lines, line ends kept; of a line over `MAX_RECORD` only the beginning.

        Raises Malformed where the file can't be read any more.
        """
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                while line := file.readline(MAX_RECORD + 1):
                    yield line
                    while len(line) > MAX_RECORD and line[-1] not in "\r\n":
                        line = file.readline(MAX_RECORD + 1)
        except (OSError, UnicodeDecodeError) as error:
            raise _unreadable(self.path, error) from None


def check_file(path: Path) -> Source:
    """Read a file through before anything is taken from it. Raises Malformed."""
    digest, decoder, rows = hashlib.sha256(), getincrementaldecoder("utf-8")(), 0
    try:
        if not S_ISREG(path.stat().st_mode):
            raise OSError(EINVAL, "it is not a regular file, and has to be read twice")
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                decoder.decode(block)
                digest.update(block)
                rows += block.count(b"\n")
        decoder.decode(b"", final=True)
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from None
    return Source(path, digest.hexdigest(), rows)


def _unreadable(path: Path, error: Exception) -> Malformed:
    return Malformed(
        "import.unreadable",
        N_("%(name)s can't be read: %(reason)s."),
        hint=N_("Save it as CSV in UTF-8."),
        name=path.name,
        reason=getattr(error, "strerror", None) or getattr(error, "reason", None) or str(error),
    )


def import_file(
    session: Session,
    source: Source,
    asked: OpenSurvey,
    *,
    now: datetime,
    renames: Mapping[str, str],
    ignore_unknown: bool,
) -> Iterator[Report]:
    """Take a file into a survey; yields the report so far after each chunk, for the caller to
    commit, and once more at the end.

    Raises Invalid for a header that does not fit; of such a file nothing is taken.
    """
    lines = source.lines()
    fields, delimiter = _header(source, next(lines, ""), renames, ignore_unknown=ignore_unknown)
    record = _record(session, asked, source, fields, now=now)
    report = Report(taken=record.taken, known=record.known)
    rows = read_rows(lines, fields, _expectation(session, asked, now), delimiter=delimiter)
    taking = Taking(session, asked, record.id, now)
    while chunk := list(islice(rows, CHUNK)):
        good = [item for item in chunk if isinstance(item, Row)]
        refused = [item for item in chunk if isinstance(item, Refusal)]
        report.rows += len(chunk)
        session.refresh(record, with_for_update=True)  # two imports of one file share its record
        report.taken, report.known = record.taken, record.known
        if report.rows <= record.next_row:
            # Taken in before: what was refused then still is, but for what has become right since.
            fresh, contradicting = taking.sort_out(good)
            refused += contradicting
            if fresh:
                refused += taking.take(list(fresh.values()), report)
            report.resumed_at = chunk[-1].number
        else:
            refused += taking.take(good, report)
            record.next_row, record.refused = report.rows, len(report.refused) + len(refused)
        record.taken, record.known = report.taken, report.known
        report.refused += sorted(refused, key=attrgetter("number"))
        yield report
    record.finished_at = now
    if asked.survey.anonymous:
        record.file_hash = ""  # of a short file it would let a guess at its ids be checked
    yield report


def _header(
    source: Source, line: str, renames: Mapping[str, str], *, ignore_unknown: bool
) -> tuple[list[str | None], str]:
    """The field of each column, and what separates them."""
    if len(line) > MAX_RECORD:
        raise _unreadable(source.path, ValueError("its first line has no end"))
    delimiter = delimiter_of(line)
    header = [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
    return check_header(header, renames=renames, ignore_unknown=ignore_unknown), delimiter


def _record(
    session: Session, asked: OpenSurvey, source: Source, fields: list[str | None], *, now: datetime
) -> ImportRecord:
    """The unfinished import of this very file, read in this way, into this survey, or a new one."""
    reading = hashlib.sha256(json.dumps([source.sha256, fields]).encode()).hexdigest()
    unfinished = session.scalar(
        sa.select(ImportRecord).where(
            ImportRecord.survey_id == asked.survey.id,
            ImportRecord.file_hash == reading,
            ImportRecord.finished_at.is_(None),
        )
    )
    if unfinished is not None:
        return unfinished
    record = ImportRecord(
        workspace_id=asked.workspace.id,
        survey_id=asked.survey.id,
        # A name may hold bytes that are no text, which no database takes.
        file_name=source.path.name.encode("utf-8", "backslashreplace").decode("utf-8"),
        file_hash=reading,
        next_row=0,
        taken=0,
        known=0,
        refused=0,
        started_at=now,
    )
    session.add(record)
    session.flush()  # the responses refer to it
    return record


def _expectation(session: Session, asked: OpenSurvey, now: datetime) -> Expectation:
    names: dict[str, str] = {}
    for stage in stages(session, asked.workspace.id):
        names[stage.key.casefold()] = stage.key
        names.setdefault(stage.label.casefold(), stage.key)
    comments = [question for question in asked.questions if not question.is_score]
    return Expectation(
        score=asked.score_question,
        comment=comments[0] if len(comments) == 1 else None,
        stages=names,
        zone=zone_of(asked.workspace),
        now=now,
        anonymous=asked.survey.anonymous,
    )


@dataclass(frozen=True, slots=True)
class Taking:
    """Writes one chunk of rows: profiles, transitions, responses and answers, in bulk."""

    session: Session
    asked: OpenSurvey
    import_id: int | None
    now: datetime

    def take(self, rows: list[Row], report: Report) -> list[Refusal]:
        """Store what is new and count it and what is there already.

        Returns a refusal for each row that contradicts what is there.
        """
        fresh, refused = self.sort_out(rows)
        customers = self._profiles(fresh)
        histories = self._transitions(fresh, customers)
        zone, common = zone_of(self.asked.workspace), self._common()
        in_order = [row for _, row in sorted(fresh.items())]  # two imports don't wait in a circle
        responses = [common | self._response(row, customers, histories, zone) for row in in_order]
        taken = _write_all(self.session, _insert_responses, responses)
        _write_all(self.session, _insert_answers, list(self._answers(in_order)))
        report.taken += taken
        # Known are also those that another import of the same rows was quicker with.
        report.known += len(rows) - taken - len(refused)
        return refused

    def sort_out(self, rows: list[Row]) -> tuple[dict[str, Row], list[Refusal]]:
        """The rows that are not there yet, by key, and a refusal for each that contradicts."""
        survey_id, keys = self.asked.survey.id, [row.key for row in rows]
        stored = sa.select(Response.key, Response.body_hash).where(
            Response.survey_id == survey_id, Response.key.in_(keys)
        )
        there = dict(self.session.execute(stored).all())
        fresh: dict[str, Row] = {}
        refused = []
        for row in rows:
            if row.key not in there:
                fresh[row.key] = row
            if there.setdefault(row.key, row.body_hash) != row.body_hash:
                reason = "Is there already and says something else."
                refused.append(Refusal(row.number, "response_id", reason))
        return fresh, refused

    def _profiles(self, fresh: Mapping[str, Row]) -> dict[str, Customer]:
        profiles: dict[str, dict[str, object]] = {}
        for row in fresh.values():
            if row.person.key is not None:
                facts = profiles.setdefault(row.person.key, {})
                told = {name: getattr(row.person, name) for name in PROFILE_FACTS}
                facts.update({name: value for name, value in told.items() if value is not None})
        return write_profiles(self.session, self.asked.workspace.id, profiles, now=self.now)

    def _transitions(
        self, fresh: Mapping[str, Row], customers: Mapping[str, Customer]
    ) -> dict[int, list[tuple[datetime, str]]]:
        if not customers:
            return {}
        moves = [
            Move(
                customer_id=customers[row.person.key].id,
                stage=row.person.stage,
                valid_from=row.submitted_at,
            )
            for row in fresh.values()
            if row.person.key is not None and row.person.stage is not None
        ]
        workspace_id = self.asked.workspace.id
        chart = default_map(self.session, workspace_id)
        record_transitions(self.session, workspace_id, chart.id, moves, now=self.now)
        ids = {customer.id for customer in customers.values()}
        return stage_histories(self.session, chart.id, ids)

    def _common(self) -> dict[str, Any]:
        """What every response of the chunk has."""
        return {
            "workspace_id": self.asked.workspace.id,
            "survey_id": self.asked.survey.id,
            "version_id": self.asked.version.id,
            "import_id": self.import_id,
            "status": "complete",
            "received_at": self.now,
            "counted": True,
            "orientation": "ascending",
        }

    def _response(
        self,
        row: Row,
        customers: Mapping[str, Customer],
        histories: Mapping[int, list[tuple[datetime, str]]],
        zone: ZoneInfo,
    ) -> dict[str, Any]:
        """What differs from row to row."""
        customer = customers.get(row.person.key or "")
        history = histories.get(customer.id, []) if customer else []
        stage = next((key for since, key in reversed(history) if since <= row.submitted_at), None)
        day = row.submitted_at.astimezone(zone).date()
        return {
            "key": row.key,
            "body_hash": row.body_hash,
            "submitted_at": row.submitted_at,
            "day": day,
            "channel": row.channel,
            "locale": row.locale,
            "has_comment": any(isinstance(value, str) for value in row.answers.values()),
            **weigh(row.person, customer=customer, known_stage=stage, day=day),
        }

    def _answers(self, rows: list[Row]) -> Iterator[dict[str, Any]]:
        """The answers, each told by whose response it belongs to."""
        kinds = {question.key: question.kind for question in self.asked.questions}
        whose = {"survey_id": self.asked.survey.id, "import_id": self.import_id}
        for row in rows:
            for question, value in row.answers.items():
                yield whose | {
                    "key": row.key,
                    "question": question,
                    "kind": kinds[question],
                    "number": value if isinstance(value, int) else None,
                    "text": value if isinstance(value, str) else None,
                }


def _write_all(
    session: Session, statement: Callable[[str], sa.Insert], rows: list[dict[str, Any]]
) -> int:
    """Run a statement for many rows of one shape; returns how many it wrote.

    By the driver's own `executemany`: SQLAlchemy's way costs each row as much again as the
    database does. Columns that are empty throughout are left out.
    """
    if not rows:
        return 0
    connection = session.connection()
    columns = tuple(name for name in rows[0] if any(row[name] is not None for row in rows))
    sql, names, converters = _compiled(statement, connection.dialect, columns)
    for name, convert in converters:
        for row in rows:
            row[name] = convert(row[name])
    return connection.exec_driver_sql(sql, list(map(itemgetter(*names), rows))).rowcount


@lru_cache(64)
def _compiled(
    statement: Callable[[str], sa.Insert], dialect: Any, columns: tuple[str, ...]
) -> tuple[str, list[str], Sequence[tuple[str, Callable[[Any], Any]]]]:
    """A statement's text, its parameters in their order, and how some of them are handed over."""
    # Parameters by place, which both drivers take and are quickest with.
    plain = type(dialect)(paramstyle="qmark" if dialect.name == "sqlite" else "format")
    compiled = statement(dialect.name).compile(dialect=plain, column_keys=columns)
    names = compiled.positiontup or []
    found = ((name, compiled.binds[name].type.bind_processor(dialect)) for name in names)
    # Many moments and days come again.
    kept = [(name, lru_cache(CHUNK)(convert)) for name, convert in found if convert]
    return str(compiled), names, kept


def _insert_responses(dialect: str) -> sa.Insert:
    """Passes over a response whose key is known already."""
    key = [Response.survey_id, Response.key]
    return insert_of(dialect)(Response).on_conflict_do_nothing(index_elements=key).inline()


def _insert_answers(_dialect: str) -> sa.Insert:
    """Finds the response by its key, if it is this import that wrote it."""
    told = [Answer.question, Answer.kind, Answer.number, Answer.text]
    found = sa.select(
        Response.id,
        Response.workspace_id,
        *(sa.bindparam(column.key, type_=column.type) for column in told),
    ).where(
        Response.survey_id == sa.bindparam("survey_id"),
        Response.key == sa.bindparam("key"),
        Response.import_id.is_not_distinct_from(sa.bindparam("import_id")),
    )
    return sa.insert(Answer).from_select([Answer.response_id, Answer.workspace_id, *told], found)
