"""Taking in a file of responses: in chunks, each one transaction with its place in the file.

An import that is interrupted goes on after its last chunk; a file that is taken in again adds
nothing. Between two chunks the database is free, so that people can answer meanwhile.
"""

import csv
import hashlib
import json
from codecs import getincrementaldecoder
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from survey_app.accounts.operations import zone_of
from survey_app.customers.models import Customer
from survey_app.customers.operations import write_profiles
from survey_app.errors import N_, Malformed
from survey_app.lifecycle.operations import Move, record_transitions
from survey_app.lifecycle.queries import default_map, stage_histories, stages
from survey_app.responses.import_rows import (
    Expectation,
    Refusal,
    Row,
    check_header,
    delimiter_of,
    read_rows,
)
from survey_app.responses.models import ImportRecord, Response
from survey_app.responses.operations import INSERT_ANSWERS, answer_rows, insert_response
from survey_app.responses.stamps import PROFILE_FACTS, weigh
from survey_app.surveys.queries import OpenSurvey

CHUNK = 1000


@dataclass(slots=True)
class Report:
    """What became of a file's rows."""

    rows: int = 0
    taken: int = 0
    known: int = 0
    refused: list[Refusal] = field(default_factory=list)
    resumed_at: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """A file that has been read through once: UTF-8 text with this content."""

    path: Path
    sha256: str
    rows: int  # at most: a quoted cell may hold line ends

    def lines(self) -> Iterator[str]:
        """The file's lines, line ends kept."""
        with self.path.open(encoding="utf-8-sig", newline="") as file:
            yield from file


def check_file(path: Path) -> Source:
    """Read a file through before anything is taken from it. Raises Malformed."""
    digest, decoder, rows = hashlib.sha256(), getincrementaldecoder("utf-8")(), 0
    try:
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
    header_line = next(lines, "")
    delimiter = delimiter_of(header_line)
    header = [cell.strip() for cell in next(csv.reader([header_line], delimiter=delimiter), [])]
    fields = check_header(header, renames=renames, ignore_unknown=ignore_unknown)
    record = _record(session, asked, source, fields, now=now)
    report = Report(taken=record.taken, known=record.known, resumed_at=record.next_row)
    rows = read_rows(lines, fields, _expectation(session, asked, now), delimiter=delimiter)
    while True:
        chunk = list(islice(rows, CHUNK))
        if not chunk:
            break
        report.rows += len(chunk)
        report.refused += [item for item in chunk if isinstance(item, Refusal)]
        session.refresh(record, with_for_update=True)  # two imports of one file share its record
        if report.rows > record.next_row:
            taking = Taking(session, asked, record.id, now)
            taking.take([item for item in chunk if isinstance(item, Row)], report)
            record.next_row, record.refused = report.rows, len(report.refused)
            record.taken, record.known = report.taken, report.known
        yield report
    record.finished_at = now
    yield report


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
        file_name=source.path.name,
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
    )


@dataclass(frozen=True, slots=True)
class Taking:
    """Writes one chunk of rows: profiles, transitions, responses and answers, in bulk."""

    session: Session
    asked: OpenSurvey
    import_id: int | None
    now: datetime

    def take(self, rows: list[Row], report: Report) -> None:
        """Store what is new; what is there already is counted, what contradicts it refused."""
        fresh = self._fresh(rows, report)
        if not fresh:
            return
        customers = self._profiles(fresh)
        histories = self._transitions(fresh, customers)
        zone, common = zone_of(self.asked.workspace), self._common()
        values = [
            common | self._response(row, customers, histories, zone) for row in fresh.values()
        ]
        ids = self._insert(values)
        answers = [
            answer
            for key, response_id in ids.items()
            for answer in answer_rows(self.asked, response_id, fresh[key].answers)
        ]
        if answers:
            self.session.connection().execute(INSERT_ANSWERS, answers)
        report.taken += len(ids)
        report.known += len(fresh) - len(ids)  # another import of the same rows was quicker

    def _insert(self, values: list[dict[str, Any]]) -> dict[str, int]:
        """The new responses' ids by key.

        In key order, so that two imports of the same rows never wait in a circle.
        """
        connection = self.session.connection()
        stored = connection.execute(
            insert_response(connection.dialect.name), sorted(values, key=itemgetter("key"))
        )
        ids: dict[str, int] = {}
        ids.update((key, response_id) for response_id, key in stored)
        return ids

    def _fresh(self, rows: list[Row], report: Report) -> dict[str, Row]:
        """The rows that are not there yet, by key."""
        stored = self.session.execute(
            sa.select(Response.key, Response.body_hash).where(
                Response.survey_id == self.asked.survey.id,
                Response.key.in_([row.key for row in rows]),
            )
        )
        there: dict[str, str] = {}
        there.update((key, digest) for key, digest in stored)
        fresh: dict[str, Row] = {}
        for row in rows:
            if row.key not in there:
                fresh[row.key] = row
                there[row.key] = row.body_hash
            elif there[row.key] == row.body_hash:
                report.known += 1
            else:
                reason = "Is there already and says something else."
                report.refused.append(Refusal(row.number, "response_id", reason))
        return fresh

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
