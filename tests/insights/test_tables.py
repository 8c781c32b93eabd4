"""Tables asked for together: one look-up, and the numbers of each asked for alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from factories import Cast, log_in
from flask import Flask
from flask.testing import FlaskClient
from perceptions import PAGE, TODAY, Rows, answers, fill
from sqlalchemy import event

import analytics
from analytics import Period
from survey_app.accounts.queries import workspace_by_key
from survey_app.db import db
from survey_app.insights import tables
from survey_app.insights.models import CommentAnalysis, ThemeMention
from survey_app.insights.scope import Breakdown, Scope
from survey_app.insights.tables import Floor
from survey_app.responses.models import Response

SAID = "The delivery was late. Support was great, but delivery is slow and the price is too high."
NPS, CSAT = Breakdown("nps"), Breakdown("csat", kind="transactional")
WAYS = [
    NPS,
    CSAT,
    *(NPS.over(name) for name in ("country", "bucket", "stage", "country")),
    NPS.over("stage", "country"),
]


def nameless(rows: Rows) -> Rows:
    """The same answers, by nobody known."""
    return [(*row[:5], "", row[6]) for row in rows]


@pytest.fixture
def filled(app: Flask, cast: Cast, tmp_path: Path) -> Flask:
    """Answers of two surveys: of customers who answer again, and of strangers."""
    rows = [
        *answers(30, 10, comment=SAID),
        *answers(14, 3, country="SE", stage="serve", comment="The delivery came."),
        *answers(3, 8, country="MT", days_ago=2),
        *nameless(answers(12, 7, country="SE", comment=SAID)),
    ]
    # Ten of them answer a second time.
    again = [
        (str(TODAY - timedelta(days=1)), 9, SAID, "FI", "serve", *row[5:]) for row in rows[:10]
    ]
    fill(app, tmp_path, rows + again)
    fill(app, tmp_path, answers(20, 5) + answers(9, 1, country="SE"), survey="acme-csat")
    return app


def scope_of(**filters: tuple[str, ...]) -> Scope:
    today = TODAY.date()
    workspace = workspace_by_key(db.session, "acme")
    return Scope(
        workspace_id=workspace.id, period=Period(today - timedelta(days=40), today), filters=filters
    )


@contextmanager
def statements() -> Iterator[list[str]]:
    """What is sent to the database meanwhile."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(sa.Engine, "before_cursor_execute", note)


@pytest.mark.parametrize("filters", [{}, {"country": ("FI",)}, {"country": ("MT", "SE")}])
def test_asked_together_as_asked_alone(filled: Flask, filters: dict[str, tuple[str, ...]]) -> None:
    with filled.app_context():
        scope = scope_of(**filters)
        together = tables.breakdowns(db.session, scope, WAYS, grain="week").tables
        assert len(together) == len(WAYS)
        for asked, table in zip(WAYS, together, strict=True):
            alone = tables.breakdowns(db.session, scope, [asked], grain="week").tables[0]
            pd.testing.assert_frame_equal(table, alone)
            assert list(table.columns[: len(asked.by)]) == list(asked.by)


def test_kinds_of_surveys_are_told_apart_within_one_look_up(filled: Flask) -> None:
    with filled.app_context():
        asked = [Breakdown("nps", kind="transactional"), NPS, Breakdown("csat"), CSAT]
        found = tables.breakdowns(db.session, scope_of(), asked).tables
        assert [table["n"].iloc[0] for table in found] == [0, 69, 0, 29]


def test_time_has_no_gaps(filled: Flask) -> None:
    with filled.app_context():
        scope, asked = scope_of(), [NPS.over("bucket")]
        table = tables.breakdowns(db.session, scope, asked, grain="day").tables[0]
    days = analytics.buckets(scope.period, grain="day")
    assert table["bucket"].tolist() == [day.isoformat() for day in days]
    # 56 twenty days ago; of the last days three people hide, and ten as their complement.
    expected: list[int | None] = [0] * 41
    expected[20], expected[38:40] = 56, [None, None]
    assert [None if pd.isna(n) else n for n in table["n"]] == expected
    assert table["nps"].isna().tolist() == [n != 56 for n in expected]


def test_a_page_looks_answers_up_once_however_many_filters(
    filled: Flask, client: FlaskClient, cast: Cast
) -> None:
    log_in(client, cast.member)
    for query in ("", "?country=FI&country=SE&stage=adopt&language=en&band=25-34"):
        with statements() as sent:
            assert client.get(PAGE + query).status_code == 200
        # Scores now, scores before, and comments.
        assert len([one for one in sent if "looked_up" in one]) == 3


def test_comments_are_counted_as_analytics_counts_them(filled: Flask) -> None:
    with filled.app_context():
        # As in a language that has themes and no sentiment.
        unjudged = sa.update(ThemeMention).where(ThemeMention.id % 16 == 0).values(polarity=None)
        db.session.execute(unjudged)
        said = tables.talk(db.session, scope_of(), Floor(5, closed=False))
        mentions = sa.select(
            ThemeMention.theme,
            ThemeMention.polarity,
            sa.func.coalesce(Response.customer_key, "r" + sa.cast(Response.id, sa.Text)),
        ).join(Response, Response.id == ThemeMention.response_id)
        rows = pd.DataFrame(
            db.session.execute(mentions).all(), columns=["theme", "polarity", "respondent"]
        )
        # Customers and strangers speak of one theme twice; some say nothing good or bad of it.
        assert (rows.groupby(["theme", "respondent"]).size() > 1).sum() > 10
        assert rows["polarity"].isna().sum() > 5
        polarities = db.session.scalars(sa.select(CommentAnalysis.sentiment)).all()
    themes = analytics.themes(rows)
    got = said.themes.sort_values("theme", ignore_index=True).drop(columns="suppressed")
    pd.testing.assert_frame_equal(got, themes, check_dtype=False)
    sentiment = analytics.sentiment(pd.DataFrame({"sentiment": polarities}, dtype=object))
    got = said.sentiment.drop(columns="suppressed")
    pd.testing.assert_frame_equal(got, sentiment, check_dtype=False)
    assert said.writers == 30 + 14 + 12


def test_a_closed_floor_shows_nobody(filled: Flask) -> None:
    with filled.app_context():
        said = tables.talk(db.session, scope_of(), Floor(5, closed=True))
    assert said.sentiment["suppressed"].all()
    assert len(said.themes) > 1 and said.themes["suppressed"].all()
    assert said.writers == 1


def test_a_filter_that_names_a_hidden_row_closes_its_own_metric(filled: Flask) -> None:
    with filled.app_context():
        # Malta's three, and their complement: but nobody there was asked for satisfaction.
        scores = tables.breakdowns(db.session, scope_of(country=("MT", "FI")), [NPS, CSAT])
    assert [floor.closed for floor in scores.floors.values()] == [True, False]
    assert [bool(table["suppressed"].iloc[0]) for table in scores.tables] == [True, False]
