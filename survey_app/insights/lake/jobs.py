"""Work on the lake that is found undone.

Its effect is on the disk and can't commit together with an acknowledgement, so these two kinds
commit by themselves, at the points that make doing it again harmless. The one subject is the lake.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from survey_app.config import Settings
from survey_app.insights.lake import rebuilding, tidying, writing
from survey_app.insights.lake.tables import LakeTrouble, only_writer
from survey_app.jobs import Job, Kind

WRITE, TIDY = "write_lake", "tidy_lake"
THE_LAKE = 1
# What failed three times is tried again a little later, for ever: the disk may have room again.
PAUSE = timedelta(minutes=1)
log = logging.getLogger(__name__)


def kinds(settings: Settings) -> tuple[Kind, ...]:
    """Writing what is not in the lake yet, and keeping it in order."""
    return (
        _kind(WRITE, settings.data_dir, writing.is_due, rebuilding.write),
        _kind(TIDY, settings.data_dir, tidying.is_due, tidying.tidy),
    )


def _kind(
    name: str,
    data_dir: Path,
    is_due: Callable[[Session, datetime], bool],
    do: Callable[[Session, Path, datetime], object],
) -> Kind:
    return Kind(
        name=name,
        find=partial(_find, name=name, data_dir=data_dir, is_due=is_due),
        read=lambda _session, _subjects: None,
        perform=partial(_perform, data_dir=data_dir, do=do),
    )


def _find(
    session: Session,
    _limit: int,
    *,
    name: str,
    data_dir: Path,
    is_due: Callable[[Session, datetime], bool],
) -> Sequence[int]:
    now = datetime.now(UTC)
    is_tried = sa.or_(Job.quarantined_at.is_(None), Job.quarantined_at > now - PAUSE)
    if session.scalar(sa.select(sa.exists().where(Job.kind == name, is_tried))):
        return []
    if not is_due(session, now):
        return []
    try:
        with only_writer(data_dir) as is_free:
            return [THE_LAKE] if is_free else []
    except OSError:  # the folder can't be used: the try says so and is noted, the worker lives on
        return [THE_LAKE]


def _perform(
    session: Session,
    _material: None,
    now: datetime,
    *,
    data_dir: Path,
    do: Callable[[Session, Path, datetime], object],
) -> None:
    with only_writer(data_dir) as is_mine:
        if not is_mine:
            return
        try:
            do(session, data_dir, now)
        except LakeTrouble as trouble:
            session.rollback()
            log.warning("%s", trouble)
            writing.note_trouble(session, trouble)
            session.commit()
