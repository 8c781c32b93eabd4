"""Group commit: answers that wait at the same time are written and made durable together.

A commit costs a flush of the disk, and on SQLite one transaction writes at a time. Whoever finds
nobody writing writes for everybody who waits, so that a crowd shares one flush; an answer alone
waits for nobody. Every acknowledgement still follows the commit that holds its answer.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock

import sqlalchemy as sa
from sqlalchemy.orm import Session

from survey_app.accounts.operations import count
from survey_app.db import DATABASE_AWAY
from survey_app.errors import Conflict, Gone, TooMany
from survey_app.responses.operations import Checked, Receipt, accept, accept_new

MINUTE = timedelta(minutes=1)


@dataclass(slots=True, eq=False)
class _Letter:
    """An answer on its way in, and what became of it."""

    checked: Checked
    sender: str
    limit: int
    receipt: Receipt | None = None
    error: Exception | None = None

    @property
    def is_settled(self) -> bool:
        return self.receipt is not None or self.error is not None


class Intake:
    """The one place where an application's public answers are written."""

    def __init__(self) -> None:
        # Appending, slicing and deleting a slice are atomic; only who writes takes letters out.
        self._waiting: list[_Letter] = []
        self._writing = Lock()

    def take(self, engine: sa.Engine, checked: Checked, *, sender: str, limit: int) -> Receipt:
        """Store one submission, alone or with others; returns once it is durable.

        Raises what `accept` raises, TooMany for a sender who brought more than `limit` answers
        this minute, and SQLAlchemy's errors while the database is away: then nothing was stored.
        """
        letter = _Letter(checked, sender, limit)
        self._waiting.append(letter)
        with self._writing:
            if not letter.is_settled:
                letters = self._waiting[:]
                self._write(engine, letters)
                del self._waiting[: len(letters)]
        if letter.receipt is None:
            raise letter.error or RuntimeError("an answer was neither stored nor refused")
        return letter.receipt

    def _write(self, engine: sa.Engine, letters: Sequence[_Letter]) -> None:
        """Settle these letters in one transaction, or each in its own where that fails."""
        try:
            with Session(engine) as session:
                self._count(session, letters)
                self._accept(session, letters)
                session.commit()
        except Exception as error:  # noqa: BLE001 - raised again in the request it belongs to
            for letter in letters:
                letter.receipt, letter.error = None, error
            if len(letters) > 1 and not isinstance(error, DATABASE_AWAY):
                # One of them is poison: each alone, so that it can't harm the others.
                for letter in letters:
                    letter.error = None
                    self._write(engine, [letter])

    @staticmethod
    def _count(session: Session, letters: Sequence[_Letter]) -> None:
        """Everything counts, also what turns out to contradict or to come too late.

        Counters first and in one order, then the rest: two processes never wait for each other.
        """
        for letter in sorted(letters, key=lambda one: (one.sender, one.checked.arrival.now)):
            name, now = f"answers:{letter.sender}", letter.checked.arrival.now
            try:
                count(session, name, now=now, window=MINUTE, limit=letter.limit)
            except TooMany as error:
                letter.error = error

    @staticmethod
    def _accept(session: Session, letters: Sequence[_Letter]) -> None:
        counted = [letter for letter in letters if letter.error is None]
        counted.sort(key=lambda letter: letter.checked.key)
        receipts = accept_new(session, [letter.checked for letter in counted])
        for letter, receipt in zip(counted, receipts, strict=True):
            try:
                letter.receipt = receipt or _look_closer(session, letter.checked)
            except (Conflict, Gone) as error:
                letter.error = error


def _look_closer(session: Session, checked: Checked) -> Receipt:
    """As `accept`; a profile that a refused answer brought is forgotten with it."""
    with session.begin_nested() if checked.submission.person.is_trusted else nullcontext():
        return accept(session, checked)
