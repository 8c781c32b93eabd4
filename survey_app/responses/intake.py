"""Group commit: answers that wait at the same time are written and made durable together.

A commit costs a flush of the disk, and on SQLite one transaction writes at a time. Whoever finds
nobody writing writes for everybody who waits, so that a crowd shares one flush; an answer alone
waits for nobody. Every acknowledgement still follows the commit that holds its answer.
"""

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from typing import TypeAlias

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from survey_app.accounts.operations import count
from survey_app.db import DATABASE_AWAY
from survey_app.errors import Conflict, Gone, TooMany
from survey_app.responses.operations import Checked, Receipt, accept, accept_new

MINUTE = timedelta(minutes=1)
# PostgreSQL ended one of two transactions that waited for each other: nothing is wrong with it.
ENDED_FOR_ANOTHER = ("40P01", "40001")
Outcome: TypeAlias = Receipt | Exception


@dataclass(slots=True, eq=False)
class _Letter:
    """An answer on its way in, and what became of it."""

    checked: Checked
    sender: str
    limit: int
    outcome: Outcome | None = None
    # Held until the letter is settled, or until it is its sender's turn to write.
    wait: Lock = field(default_factory=Lock)


class Intake:
    """The one place where an application's public answers are written."""

    def __init__(self) -> None:
        self._waiting: list[_Letter] = []
        self._somebody_writes = False
        self._door = Lock()  # of the two above; never held for long

    def take(self, engine: sa.Engine, checked: Checked, *, sender: str, limit: int) -> Receipt:
        """Store one submission, alone or with others; returns once it is durable.

        Raises what `accept` raises, TooMany for a sender who brought more than `limit` answers
        this minute, and SQLAlchemy's errors while the database is away: then it may or may not be
        stored, and sending it again is safe.
        """
        letter = _Letter(checked, sender, limit)
        letter.wait.acquire()
        with self._door:
            self._waiting.append(letter)
            is_my_turn = not self._somebody_writes
            self._somebody_writes = True
        if not is_my_turn:
            letter.wait.acquire()
        if letter.outcome is None:
            self._write_for_all(engine)
        if isinstance(letter.outcome, Receipt):
            return letter.outcome
        raise letter.outcome or RuntimeError("an answer was neither stored nor refused")

    def _write_for_all(self, engine: sa.Engine) -> None:
        """Write whatever waits, wake its senders, and let the next one write what came since."""
        with self._door:
            letters, self._waiting = self._waiting, []
        try:
            for letter, outcome in zip(letters, _outcomes(engine, letters), strict=True):
                letter.outcome = outcome
        finally:
            for letter in letters:
                letter.wait.release()
            with self._door:
                self._somebody_writes = bool(self._waiting)
                if self._waiting:
                    self._waiting[0].wait.release()


def _outcomes(engine: sa.Engine, letters: Sequence[_Letter]) -> Sequence[Outcome]:
    """What becomes of the letters, written in one transaction, or each alone where that fails."""
    try:
        with Session(engine) as session:
            outcomes = _store(session, letters)
            session.commit()
    except Exception as error:  # noqa: BLE001 - raised again in the request it belongs to
        if len(letters) == 1 or (isinstance(error, DATABASE_AWAY) and not _ended_for(error)):
            return [error] * len(letters)
        # One of them is poison, or another process was quicker: each alone.
        return [outcome for letter in letters for outcome in _outcomes(engine, [letter])]
    return [outcomes[letter] for letter in letters]


def _ended_for(error: Exception) -> bool:
    state = getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None
    return state in ENDED_FOR_ANOTHER


def _store(session: Session, letters: Sequence[_Letter]) -> dict[_Letter, Outcome]:
    """Count and accept. Everything counts, also what contradicts or comes too late.

    Counters, then what nobody knows yet, then what has to be looked up by person, each in one
    order: two processes hardly ever wait for each other.
    """
    outcomes: dict[_Letter, Outcome] = {}
    for letter in sorted(letters, key=lambda one: (one.sender, one.checked.arrival.now)):
        name, now = f"answers:{letter.sender}", letter.checked.arrival.now
        try:
            count(session, name, now=now, window=MINUTE, limit=letter.limit)
        except TooMany as error:
            outcomes[letter] = error
    counted = sorted(
        (letter for letter in letters if letter not in outcomes), key=lambda one: one.checked.key
    )
    receipts = accept_new(session, [letter.checked for letter in counted])
    found = {letter: receipt for letter, receipt in zip(counted, receipts, strict=True) if receipt}
    for letter in _by_person(letter for letter in counted if letter not in found):
        outcomes[letter] = _look_closer(session, letter.checked)
    return outcomes | found


def _by_person(letters: Iterable[_Letter]) -> list[_Letter]:
    return sorted(
        letters, key=lambda one: (one.checked.submission.person.key or "", one.checked.key)
    )


def _look_closer(session: Session, checked: Checked) -> Outcome:
    """As `accept`; a profile that a refused answer brought is forgotten with it."""
    try:
        with session.begin_nested() if checked.submission.person.is_trusted else nullcontext():
            return accept(session, checked)
    except (Conflict, Gone) as error:
        return error
