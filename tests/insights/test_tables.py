"""Tables asked for together: one look-up, and the numbers of each asked for alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa
from factories import Cast, log_in
from flask import Flask
from flask.testing import FlaskClient
from perceptions import PAGE, TODAY, Rows, answers, fill

import analytics
from analytics import Period
from analytics.scope import Breakdown, Scope
from survey_app.accounts.queries import workspace_by_key
from survey_app.db import db
from survey_app.insights import tables
from survey_app.insights.lake.engines import DuckDb, Stored
from survey_app.insights.lake.reading import Source, results, source
from survey_app.insights.models import CommentAnalysis, ThemeMention
from survey_app.responses.models import Response

SAID = "The delivery was late. Support was great, but delivery is slow and the price is too high."
NPS, CSAT = Breakdown("nps"), Breakdown("csat", kind="transactional")
WAYS = [
    NPS,
    CSAT,
    *(NPS.over(name) for name in ("country", "bucket", "stage", "country")),
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
        workspace=workspace.id, period=Period(today - timedelta(days=40), today), filters=filters
    )


@contextmanager
def facts(app: Flask) -> Iterator[Source]:
    """What is counted from."""
    with app.app_context(), source(db.session, app.config["SETTINGS"]) as found:
        yield found


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[pa.Table]:
    """The tails of the frames that the engine has opened."""
    tails: list[pa.Table] = []
    open_frame = DuckDb.opened

    def note(engine: DuckDb, stored: Stored, tail: pa.Table) -> Any:
        tails.append(tail)
        return open_frame(engine, stored, tail)

    monkeypatch.setattr(DuckDb, "opened", note)
    return tails


@pytest.mark.parametrize("filters", [{}, {"country": ("FI",)}, {"country": ("MT", "SE")}])
def test_asked_together_as_asked_alone(filled: Flask, filters: dict[str, tuple[str, ...]]) -> None:
    with facts(filled) as source:
        scope = scope_of(**filters)
        together = tables.breakdowns(source, scope, WAYS, grain="week").tables
        assert len(together) == len(WAYS)
        for asked, table in zip(WAYS, together, strict=True):
            alone = tables.breakdowns(source, scope, [asked], grain="week").tables[0]
            pd.testing.assert_frame_equal(table, alone)
            assert list(table.columns[: len(asked.by)]) == list(asked.by)


def test_a_crossing_knows_what_is_shown_already(filled: Flask) -> None:
    # Ten of Finland answered again last week, with three of Malta: 13 less those ten.
    crossed = NPS.over("stage", "country")
    with facts(filled) as source:
        alone = tables.breakdowns(source, scope_of(), [crossed], grain="week").tables[0]
        told = [NPS.over("bucket"), crossed]
        over_time, beside = tables.breakdowns(source, scope_of(), told, grain="week").tables
    assert list(alone.columns[:2]) == ["stage", "country"]
    assert not over_time["suppressed"].any()
    again = (alone["stage"] == "serve") & (alone["country"] == "FI")
    assert not alone["suppressed"][again].any()
    assert beside["suppressed"][again].all()


def test_kinds_of_surveys_are_told_apart_within_one_look_up(filled: Flask) -> None:
    with facts(filled) as source:
        asked = [Breakdown("nps", kind="transactional"), NPS, Breakdown("csat"), CSAT]
        found = tables.breakdowns(source, scope_of(), asked).tables
        assert [table["n"].iloc[0] for table in found] == [0, 69, 0, 29]


def test_time_has_no_gaps(filled: Flask) -> None:
    with facts(filled) as source:
        scope, asked = scope_of(), [NPS.over("bucket")]
        table = tables.breakdowns(source, scope, asked, grain="day").tables[0]
    days = analytics.buckets(scope.period, grain="day")
    assert table["bucket"].tolist() == [day.isoformat() for day in days]
    # 56 twenty days ago; of the last days three people hide, and ten as their complement.
    expected: list[int | None] = [0] * 41
    expected[20], expected[38:40] = 56, [None, None]
    assert [None if pd.isna(n) else n for n in table["n"]] == expected
    assert table["nps"].isna().tolist() == [n != 56 for n in expected]


def test_a_page_looks_answers_up_once_however_many_filters(
    filled: Flask, client: FlaskClient, cast: Cast, opened: list[pa.Table]
) -> None:
    log_in(client, cast.member)
    for query in ("", "?country=FI&country=SE&stage=adopt&language=en&band=25-34"):
        opened.clear()
        results.forget()
        assert client.get(PAGE + query).status_code == 200
        # Scores now, scores before, comments, and their themes: the counts, and what hides.
        assert len(opened) == 8


def test_comments_are_counted_as_analytics_counts_them(filled: Flask) -> None:
    with filled.app_context():
        # As in a language that has themes and no sentiment.
        unjudged = sa.update(ThemeMention).where(ThemeMention.id % 16 == 0).values(polarity=None)
        db.session.execute(unjudged)
        db.session.commit()
        with facts(filled) as source:
            said = tables.talk(source, scope_of(), floor=10, closed=False)
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
    with facts(filled) as source:
        said = tables.talk(source, scope_of(), floor=10, closed=True)
    assert said.sentiment["suppressed"].all()
    assert len(said.themes) > 1 and said.themes["suppressed"].all()
    assert said.writers == 1


def test_a_row_that_the_floor_does_not_know_hides(
    filled: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    protected = Source.protected_scores

    def without_sweden(source: Source, *args: Any, **options: Any) -> list[pd.DataFrame]:
        # As if those of Sweden were erased after they were counted.
        countries, closed = protected(source, *args, **options)
        return [countries[countries["country"] != "SE"], closed]

    monkeypatch.setattr(Source, "protected_scores", without_sweden)
    with facts(filled) as source:
        table = tables.scores(source, scope_of(), metric="nps", by=["country"])
    assert table.set_index("country")["suppressed"]["SE"]


def test_a_filter_that_names_a_hidden_row_closes_its_own_metric(filled: Flask) -> None:
    with facts(filled) as source:
        # Malta's three, and their complement: but nobody there was asked for satisfaction.
        scores = tables.breakdowns(source, scope_of(country=("MT", "FI")), [NPS, CSAT])
    assert list(scores.closed.values()) == [True, False]
    assert [bool(table["suppressed"].iloc[0]) for table in scores.tables] == [True, False]
