"""Writing the lake: it says what the database says, whatever changes and whoever dies."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from factories import Cast
from flask import Flask
from insights.lake.lakes import add, data_dir, held, prove, tidy, write

from survey_app.db import db, reading
from survey_app.insights.lake import tables, writing
from survey_app.insights.lake.models import LakeRemoval, LakeState
from survey_app.insights.lake.state import snapshot
from survey_app.insights.lake.tables import SHAPES, TYPES, only_writer
from survey_app.insights.models import CommentAnalysis
from survey_app.responses.models import Answer, Response

LATER = timedelta(minutes=3)  # what has changed waits for two


@pytest.fixture
def filled(app: Flask, cast: Cast) -> Flask:
    """Answers of several months, surveys and workspaces."""
    with app.app_context():
        add(db.session, 3, country="FI", customer_key="one and the same")
        add(db.session, 2, day=date(2026, 4, 1), country="SE", stage="adopt")
        add(db.session, 2, "acme-csat", 4)
        add(db.session, 2, "rival-nps", 0)
        add(db.session, 1, counted=False, country="AQ")
        db.session.commit()
    return app


def test_it_holds_every_fact_in_the_declared_shape(filled: Flask) -> None:
    write(filled)
    verdict = prove(filled)
    assert (verdict.facts, verdict.mentions, verdict.differences) == (18, 9, [])
    facts, mentions = held(filled), held(filled, "mentions")
    for name, rows in (("facts", facts), ("mentions", mentions)):
        assert set(rows[0]) == set(SHAPES[name].names)
    scores = [row for row in facts if row["metric"] != "comment"]
    assert sorted(row["score"] for row in scores) == [0, 0, 4, 4, *[9] * 5]
    assert {row["comment_language"] for row in scores} == {"en"}, "also on the scores' rows"
    assert {row["sentiment"] for row in facts if row["metric"] == "comment"} == {"negative"}
    assert len({row["person"] for row in facts}) == 7 and "AQ" not in str(facts)
    assert {row["month"] for row in mentions} == {"2026-03", "2026-04"}
    received = max(row["received"] for row in facts) / 1e6
    assert abs(received - datetime.now(UTC).timestamp()) < 60


def test_a_table_on_the_disk_has_the_declared_types(filled: Flask) -> None:
    write(filled)
    with filled.app_context(), reading():
        known = snapshot(db.session)
        assert known is not None
        for name, shape in SHAPES.items():
            table = tables.open_table(known, data_dir(filled), name).delta.to_pyarrow_table()
            found = {field.name: str(field.type) for field in table.schema}
            wanted = {field.name: str(TYPES[field.type]) for field in shape.fields}
            assert {key: kind.removesuffix("_view") for key, kind in found.items()} == wanted


def test_a_batch_takes_what_fits_and_the_next_one_the_rest(filled: Flask) -> None:
    assert write(filled, limit=3) == 4
    assert write(filled, limit=3) == 1, "nothing is left"
    assert prove(filled).differences == []


def test_what_changes_and_what_is_erased_leaves_and_the_new_comes(filled: Flask) -> None:
    write(filled)
    with filled.app_context():
        march = sa.select(Response.id).where(Response.day == date(2026, 3, 10))
        first, second, *_ = db.session.scalars(march.order_by(Response.id)).all()
        db.session.execute(
            sa.update(Response).where(Response.id == first).values(day=date(2026, 5, 2))
        )
        db.session.execute(sa.delete(Response).where(Response.id == second))
        db.session.execute(sa.update(CommentAnalysis).values(sentiment="positive"))
        db.session.commit()
    verdict = prove(filled)
    assert (verdict.facts, verdict.differences) == (0, []), "all are masked"
    write(filled)
    assert prove(filled).facts == 0, "what has changed waits for company"
    write(filled, later=LATER)
    verdict = prove(filled)
    assert (verdict.facts, verdict.mentions, verdict.differences) == (16, 8, [])
    assert len(held(filled)) == 16
    assert {row["month"] for row in held(filled) if row["response"] == first} == {"2026-05"}
    with filled.app_context():
        left = db.session.scalars(sa.select(LakeRemoval)).one()
        assert (left.response_id, left.batch is not None) == (second, True), "until it is vacuumed"


def test_after_much_was_rewritten_a_few_changes_rest(
    filled: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "FEW", 1)
    monkeypatch.setattr(writing, "REST", timedelta(days=10_000))  # for a million
    write(filled)
    gone = []
    for country in ("NO", "DK", "IS"):
        with filled.app_context():
            of_march = sa.update(Response).where(Response.day == date(2026, 3, 10))
            db.session.execute(of_march.values(country=country))
            db.session.commit()
        if country == "IS":
            monkeypatch.setattr(writing, "ENOUGH_CHANGES", 1)
        write(filled, later=LATER)
        assert prove(filled).differences == []
        with filled.app_context():
            waits = sa.select(LakeRemoval).where(LakeRemoval.batch.is_(None))
            gone.append(db.session.scalar(waits.limit(1)) is None)
    assert gone == [True, False, True], "much is never left for later"


def test_a_change_during_the_writing_is_not_lost(
    filled: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = writing.rows

    def and_then_change(session: Any, where: Any) -> Any:
        found = real(session, where)
        with db.get_engine("default").begin() as other:
            other.execute(sa.update(Answer).where(Answer.kind == "csat").values(number=1))
        return found

    monkeypatch.setattr(writing, "rows", and_then_change)
    write(filled)
    monkeypatch.undo()
    assert prove(filled).facts == 14, "the two that changed are masked"
    write(filled, later=LATER)
    assert prove(filled).facts == 18 and prove(filled).differences == []
    assert 1 in {row["score"] for row in held(filled)}


def test_a_comment_is_waited_for_a_minute_until_it_is_read(app: Flask, cast: Cast) -> None:
    with app.app_context():
        add(db.session, 1, analysed_version=None)
        db.session.commit()
    write(app)
    assert held(app) == []
    write(app, later=timedelta(minutes=2))
    assert len(held(app)) == 2


@pytest.mark.parametrize("point", ["append", "flush", "commit"])
def test_a_batch_that_breaks_off_is_done_again(
    filled: Flask, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    """A changed and an erased one are in it, too."""
    write(filled)
    with filled.app_context():
        ids = list(db.session.scalars(sa.select(Response.id).order_by(Response.id)))
        add(db.session, 5)
        db.session.execute(sa.update(Response).where(Response.id == ids[0]).values(country="NO"))
        db.session.execute(sa.delete(Response).where(Response.id == ids[1]))
        db.session.commit()
    of, name = {
        "append": (tables.Table, "append"),
        "flush": (tables, "_flush"),
        "commit": (writing, "forget_removed"),
    }[point]
    real = getattr(of, name)
    calls = iter(range(10))

    def breaks(*values: Any, **options: Any) -> Any:
        found = real(*values, **options)
        if next(calls) == (point != "commit"):  # of the second table, or of a second file
            raise OSError(28, "No space left on device")
        return found

    monkeypatch.setattr(of, name, breaks)
    with pytest.raises(OSError, match="No space"):
        write(filled, later=LATER)
    monkeypatch.undo()
    assert prove(filled).differences == [], "what counts is whole, whatever lies beside it"
    write(filled, later=LATER)
    verdict = prove(filled)
    assert (verdict.facts, verdict.mentions, verdict.differences) == (26, 13, [])
    assert len(held(filled)) == 26 and len(held(filled, "mentions")) == 13


def test_one_process_writes_at_a_time(filled: Flask) -> None:
    with only_writer(data_dir(filled)) as mine, only_writer(data_dir(filled)) as another:
        assert (mine, another) == (True, False)


def test_verify_finds_what_differs(filled: Flask) -> None:
    write(filled)
    with filled.app_context():  # behind the triggers' back
        for trigger in ("update", "delete"):
            on = " ON answers" if db.engine.dialect.name == "postgresql" else ""
            db.session.execute(sa.text(f"DROP TRIGGER lake_answers_{trigger}{on}"))
        db.session.execute(sa.update(Answer).where(Answer.kind == "csat").values(number=1))
        db.session.execute(sa.delete(Answer).where(Answer.number == 0))
        db.session.commit()
    found = [(one.table, one.in_database, one.in_lake) for one in prove(filled).differences]
    assert sorted(found) == [("facts", 2, 4), ("facts", 10, 10)]


def test_a_rebuilt_lake_is_another_one_and_the_old_one_goes(filled: Flask) -> None:
    write(filled)
    with filled.app_context():
        first = db.session.scalar(sa.select(LakeState.folder))
        db.session.execute(sa.delete(Response).where(Response.country == "SE"))
        db.session.commit()
        writing.begin_generation(db.session, data_dir(filled), datetime.now(UTC))
        assert prove(filled).facts == 0, "everything is tail"
    write(filled, limit=4)
    assert prove(filled).facts == 14 and prove(filled).differences == []
    folder = data_dir(filled) / "lake"
    assert (folder / str(first)).exists(), "a page may still be reading it"
    tidy(filled, kept=timedelta())
    assert not (folder / str(first)).exists()
    with filled.app_context():
        assert db.session.scalars(sa.select(LakeRemoval)).all() == []
