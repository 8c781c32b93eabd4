"""The default map, transitions, and the stage at a moment."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
import sqlalchemy as sa
from factories import NOW, Cast
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from survey_app.accounts.queries import workspace_by_key
from survey_app.customers.operations import write_profiles
from survey_app.db import db
from survey_app.lifecycle.models import StageTransition
from survey_app.lifecycle.operations import DEFAULT_STAGES, Move, record_transitions
from survey_app.lifecycle.queries import default_map, stage_at, stage_histories, stages

DAY = timedelta(days=1)


@pytest.fixture
def session(app: Flask, cast: Cast) -> Iterator[Session]:
    with app.app_context():
        yield db.session


@pytest.fixture
def mia(session: Session) -> int:
    acme = workspace_by_key(session, "acme")
    return write_profiles(session, acme.id, {"mia": {}}, now=NOW)["mia"].id


def note(session: Session, customer: int, *moves: tuple[str, datetime]) -> None:
    acme = workspace_by_key(session, "acme")
    record_transitions(
        session,
        acme.id,
        default_map(session, acme.id).id,
        [Move(customer_id=customer, stage=stage, valid_from=at) for stage, at in moves],
        now=NOW,
    )
    session.flush()


def history(session: Session, customer: int) -> list[tuple[datetime, str]]:
    acme = workspace_by_key(session, "acme")
    return stage_histories(session, default_map(session, acme.id).id, {customer}).get(customer, [])


def test_the_default_map_has_ten_stages_in_lifecycle_order(session: Session) -> None:
    for key in ("acme", "rival"):
        found = stages(session, workspace_by_key(session, key).id)
        assert [stage.key for stage in found] == [
            "reach",
            "acquire",
            "onboard",
            "adopt",
            "serve",
            "retain",
            "expand",
            "refer",
            "exit",
            "winback",
        ]
        assert [stage.label for stage in found] == list(DEFAULT_STAGES.values())
        assert {stage.workspace_id for stage in found} == {workspace_by_key(session, key).id}


def test_the_stage_at_a_moment_is_the_last_one_entered(session: Session, mia: int) -> None:
    note(session, mia, ("onboard", NOW - 2 * DAY), ("adopt", NOW))
    assert stage_at(session, mia, NOW - 3 * DAY) is None
    assert stage_at(session, mia, NOW - 2 * DAY) == "onboard", "from its first moment on"
    assert stage_at(session, mia, NOW - timedelta(microseconds=1)) == "onboard"
    assert stage_at(session, mia, NOW) == stage_at(session, mia, NOW + 99 * DAY) == "adopt"


def test_a_repeated_stage_is_no_transition(session: Session, mia: int) -> None:
    note(session, mia, ("onboard", NOW), ("onboard", NOW + DAY), ("adopt", NOW + 2 * DAY))
    note(session, mia, ("adopt", NOW + 3 * DAY), ("onboard", NOW + 4 * DAY))
    assert history(session, mia) == [
        (NOW, "onboard"),
        (NOW + 2 * DAY, "adopt"),
        (NOW + 4 * DAY, "onboard"),
    ]


def test_of_two_stages_at_one_moment_the_first_told_stands(session: Session, mia: int) -> None:
    note(session, mia, ("onboard", NOW), ("adopt", NOW))
    note(session, mia, ("serve", NOW))
    assert history(session, mia) == [(NOW, "onboard")]


def test_what_is_learnt_late_takes_its_place_in_time(session: Session, mia: int) -> None:
    note(session, mia, ("adopt", NOW))
    note(session, mia, ("onboard", NOW - DAY))
    assert history(session, mia) == [(NOW - DAY, "onboard"), (NOW, "adopt")]
    known = session.scalars(sa.select(StageTransition.known_from)).all()
    assert set(known) == {NOW}


def test_a_stage_that_the_map_does_not_have_is_refused(session: Session, mia: int) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        note(session, mia, ("nirvana", NOW))
    session.rollback()


def test_a_customer_of_another_workspace_is_refused(session: Session, mia: int) -> None:
    rival = workspace_by_key(session, "rival")
    move = Move(customer_id=mia, stage="adopt", valid_from=NOW)
    with pytest.raises(sa.exc.IntegrityError):
        record_transitions(session, rival.id, default_map(session, rival.id).id, [move], now=NOW)
        session.flush()
    session.rollback()


moves = st.lists(
    st.tuples(st.sampled_from(["onboard", "adopt", "serve"]), st.integers(0, 6)), max_size=8
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(moves, st.integers(-1, 7))
def test_a_history_told_at_once_agrees_with_itself(
    app: Flask, cast: Cast, told: list[tuple[str, int]], day: int
) -> None:
    with app.app_context():
        acme = workspace_by_key(db.session, "acme")
        customer = write_profiles(db.session, acme.id, {"x": {}}, now=NOW)["x"].id
        note(db.session, customer, *((stage, NOW + at * DAY) for stage, at in told))
        found = history(db.session, customer)
        assert found == sorted(found)
        assert len({at for at, _ in found}) == len(found)
        assert all(a[1] != b[1] for a, b in pairwise(found))
        first_told = {}
        for stage, at in told:
            first_told.setdefault(at, stage)
        until = [at for at in first_told if at <= day]
        expected = first_told[max(until)] if until else None
        assert stage_at(db.session, customer, NOW + day * DAY) == expected
        db.session.rollback()
