"""What the database knows of the lake: triggers, the tail, what is masked."""

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from factories import Cast
from flask import Flask
from insights.lake.lakes import add
from sqlalchemy.orm import Session

from survey_app.accounts.models import Workspace
from survey_app.db import db
from survey_app.insights.lake.models import LakeRemoval
from survey_app.insights.lake.state import Snapshot, masked, tail
from survey_app.insights.models import CommentAnalysis, ThemeMention
from survey_app.responses.models import Answer, Response
from survey_app.surveys.models import Survey

SNAPSHOT = Snapshot("here", 1, 1, since=2, watermark=5)


@pytest.fixture
def session(app: Flask, cast: Cast) -> Iterator[Session]:
    """One answer with a comment, in batch 5."""
    with app.app_context():
        add(db.session, 1, country="FI")
        db.session.execute(sa.update(Response).values(fact_batch=5))
        yield db.session


def only(model: type) -> Callable[..., object]:
    return lambda session, **values: session.execute(sa.update(model).values(values))


CHANGES: dict[str, Callable[[Session], object]] = {
    "counted": lambda session: only(Response)(session, counted=False),
    "country": lambda session: only(Response)(session, country=None),
    "day": lambda session: only(Response)(session, day=sa.func.date("2026-01-01")),
    "customer": lambda session: only(Response)(session, customer_key="another"),
    "score": lambda session: session.execute(
        sa.update(Answer).where(Answer.kind == "nps").values(number=0)
    ),
    "answer": lambda session: session.execute(sa.delete(Answer).where(Answer.kind == "nps")),
    "sentiment": lambda session: only(CommentAnalysis)(session, sentiment="positive"),
    "analysis": lambda session: session.execute(sa.delete(CommentAnalysis)),
    "polarity": lambda session: only(ThemeMention)(session, polarity="negative"),
    "theme": lambda session: session.execute(sa.delete(ThemeMention)),
    "kind": lambda session: only(Survey)(session, kind="transactional"),
    "promise": lambda session: only(Survey)(session, anonymous=True),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_changes_a_fact_takes_the_response_out_once(
    session: Session, change: Callable[[Session], object]
) -> None:
    workspace_id = session.scalar(sa.select(Workspace.id).where(Workspace.key == "acme")) or 0
    of_tail = sa.select(Response.id).where(tail(SNAPSHOT, workspace_id))
    month = session.scalar(sa.select(sa.func.substr(sa.cast(Response.day, sa.Text), 1, 7)))
    assert session.scalars(of_tail).all() == []
    change(session)
    change(session)
    found = session.scalars(of_tail).all()
    assert len(found) == 1 and session.scalar(sa.select(Response.fact_batch)) == 0
    assert masked(session, SNAPSHOT, workspace_id) == found
    assert masked(session, SNAPSHOT, workspace_id + 1) == []
    removal = session.scalars(sa.select(LakeRemoval)).one()
    assert (removal.month, removal.deadline, removal.batch) == (month, None, None)


def test_what_changes_no_fact_changes_nothing(session: Session) -> None:
    session.execute(sa.update(Response).values(analysed_version=None, country=Response.country))
    session.execute(sa.update(Answer).values(number=Answer.number))
    session.execute(sa.update(Answer).where(Answer.text.is_not(None)).values(text="Another"))
    session.execute(sa.update(CommentAnalysis).values(corrected=True, score=0))
    assert session.scalar(sa.select(Response.fact_batch)) == 5
    session.execute(sa.update(Response).values(fact_batch=None))
    session.execute(sa.update(Response).values(country="SE"))
    session.execute(sa.delete(ThemeMention))
    assert session.scalar(sa.select(Response.fact_batch)) is None, "it was never written"
    assert session.scalars(sa.select(LakeRemoval)).all() == []


@pytest.mark.parametrize("of", [Response, Workspace])
def test_what_was_erased_is_masked_and_has_a_deadline(
    session: Session, of: type[Workspace]
) -> None:
    response_id, workspace_id = session.execute(sa.select(Response.id, Response.workspace_id)).one()
    session.execute(sa.delete(of))
    removal = session.scalars(sa.select(LakeRemoval)).one()
    assert removal.deadline is not None
    assert 23.9 < (removal.deadline - removal.noted_at).total_seconds() / 3600 < 24.1
    assert masked(session, SNAPSHOT, workspace_id) == [response_id]
    removal.batch = 5
    session.flush()
    assert masked(session, SNAPSHOT, workspace_id) == [], "this version has it no more"


def test_the_tail_is_what_no_batch_of_this_lake_holds(session: Session) -> None:
    workspace_id = session.scalar(sa.select(Workspace.id).where(Workspace.key == "acme")) or 0
    for batch, is_in_it in ((None, 1), (0, 1), (1, 1), (2, 0), (5, 0), (6, 1)):
        session.execute(sa.update(Response).values(fact_batch=batch))
        found = session.scalars(sa.select(Response.id).where(tail(SNAPSHOT, workspace_id))).all()
        assert len(found) == is_in_it, batch
    assert session.scalars(sa.select(Response.id).where(tail(None, workspace_id))).all()
