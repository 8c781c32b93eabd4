"""The numbers of *Why it moved* against the library, on answers of a made-up workspace."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from factories import Cast
from flask import Flask
from perceptions import TODAY, Rows, answers, fill
from werkzeug.datastructures import MultiDict

import analytics
from analytics.privacy.pooling import OTHERS
from survey_app.accounts.queries import workspace_by_key
from survey_app.db import db
from survey_app.insights.change.findings import Findings, find
from survey_app.insights.change.parts import add_up
from survey_app.insights.change.schemas import read_change_query
from survey_app.insights.lake.reading import Source, source

SLOW = "The delivery was late."
NOW, BEFORE = 10, 45  # days ago
STORY: Rows = [
    *answers(40, 10, days_ago=BEFORE),
    *answers(20, 3, days_ago=BEFORE, comment=SLOW),
    *answers(30, 8, stage="serve", country="SE", days_ago=BEFORE),
    *answers(35, 10, days_ago=NOW),
    *answers(45, 2, days_ago=NOW, comment=SLOW),
    *answers(60, 9, stage="serve", country="SE", days_ago=NOW, comment="Great support."),
]


@contextmanager
def facts(app: Flask) -> Iterator[Source]:
    with app.app_context(), source(db.session, app.config["SETTINGS"]) as found:
        yield found


def found(app: Flask, **query: str) -> Findings:
    """What the page of 30 days says."""
    start = (TODAY - timedelta(days=29)).date()
    args: MultiDict[str, str] = MultiDict({"from": str(start), "to": str(TODAY.date())} | query)
    with facts(app) as source:
        workspace = workspace_by_key(db.session, "acme")
        return find(source, workspace, read_change_query(args, workspace, today=TODAY.date()))


def sides_of(rows: Rows) -> list[pd.DataFrame]:
    """The answers now and before."""
    table = pd.DataFrame(rows, columns=["at", "score", "said", "country", "stage", "who", "lang"])
    table = table.astype({"score": "float64"})
    is_now = table["at"].str[:10] >= str((TODAY - timedelta(days=29)).date())
    return [table[is_now], table[~is_now]]


@pytest.fixture
def told(app: Flask, cast: Cast, tmp_path: Path) -> Flask:
    fill(app, tmp_path, STORY)
    return app


@pytest.mark.parametrize("by", ["stage", "country", "language"])
def test_parts_are_the_librarys_and_add_up(told: Flask, by: str) -> None:
    page = found(told, by=by)
    assert page.compared is not None
    parts = page.compared.parts
    if by == "language":
        assert parts is None and page.compared.obstacle == "alone"
        return
    assert parts is not None
    tallies = [analytics.tally_nps(side, by=by) for side in sides_of(STORY)]
    split = analytics.split_change(*tallies, metric="nps")
    assert abs(parts.within - split.within) < 0.2 and abs(parts.mix - split.mix) < 0.2
    assert [parts.within_low, parts.mix_high] == pytest.approx([split.within_low, split.mix_high])
    # To the last digit: in whole tenths.
    tenths = {name: round(10 * getattr(parts, name)) for name in ("before", "now", "within", "mix")}
    assert tenths["before"] + tenths["within"] + tenths["mix"] == tenths["now"]
    for name in ("within", "mix"):
        assert (10 * parts.groups[name]).round().sum() == tenths[name]
    moved = analytics.compare(*tallies, metric="nps").set_index(by)["change"]
    groups = parts.groups.set_index(by)
    pd.testing.assert_series_equal(groups["moved"], moved[groups.index], check_names=False)
    assert groups["n"].to_dict() == tallies[0].set_index(by)["n"].to_dict()


def test_the_verdict_is_that_of_perception(told: Flask) -> None:
    page = found(told)
    now, before = (analytics.nps(side) for side in sides_of(STORY))
    assert page.score.table["nps"].item() == pytest.approx(now["nps"].item())
    change = analytics.compare(now, before, metric="nps")
    assert page.score.change is not None
    for name in ("change", "change_low", "change_high", "p_value"):
        assert page.score.change[name].item() == pytest.approx(change[name].item())
    # 33 and 22: it may be chance, and what would show five points is said.
    assert page.score.movement == "unclear"
    assert page.compared is not None and page.compared.outlook is not None
    row = analytics.outlook(now, metric="nps").iloc[0]
    assert row["needed"] <= page.compared.outlook.needed < 1.1 * row["needed"]
    assert page.compared.outlook.seen > row["detectable"]  # fewer answered before


def test_complaints_are_counted_by_people(told: Flask) -> None:
    page = found(told)
    assert page.compared is not None and page.compared.complaints is not None
    table = page.compared.complaints.set_index("theme")
    delivery = table.loc["theme.delivery"]
    assert delivery["speaking"] == pytest.approx(45 / 105) and delivery["negative"] == 1
    assert delivery["complaining_before"] == delivery["speaking_before"] == 1
    assert delivery["change"] == pytest.approx(100 * (45 / 105 - 1))
    assert table.index[0] == "theme.delivery"


def test_small_groups_are_put_together_in_both_periods(
    app: Flask, cast: Cast, tmp_path: Path
) -> None:
    # Two people at `exit` before and forty now: neither is told of, nor whom that would leave.
    few = answers(2, 0, stage="exit", days_ago=BEFORE)
    many = answers(40, 0, stage="exit", days_ago=NOW)
    rows = [*STORY, *few, *many]
    for day in (NOW, BEFORE):
        rows += answers(7, 9, stage="retain", days_ago=day)
    fill(app, tmp_path, rows)
    page = found(app)
    assert page.compared is not None and page.compared.parts is not None
    groups = page.compared.parts.groups
    assert set(groups.loc[~groups[OTHERS], "stage"]) == {"adopt", "serve"}
    others = groups[groups[OTHERS]].iloc[0]
    assert (others["n"], others["n_before"]) == (47, 9)
    assert pd.isna(others["moved"])
    assert groups["n"].sum() == len(sides_of(rows)[0])


@pytest.mark.parametrize(
    ("rows", "by", "obstacle"),
    [
        (answers(30, 9, days_ago=NOW) + answers(30, 2, days_ago=BEFORE), "gender", "unknown"),
        (answers(30, 9, days_ago=NOW) + answers(30, 2, days_ago=BEFORE), "stage", "alone"),
        (
            [
                row
                for stage in ("adopt", "serve", "exit")
                for day in (NOW, BEFORE)
                for row in answers(4, 9, stage=stage, days_ago=day)
            ],
            "stage",
            "withheld",
        ),
    ],
)
def test_why_a_change_is_not_split(
    app: Flask, cast: Cast, tmp_path: Path, rows: Rows, by: str, obstacle: str
) -> None:
    fill(app, tmp_path, rows)
    page = found(app, by=by)
    assert page.compared is not None
    assert (page.compared.parts, page.compared.obstacle) == (None, obstacle)


@pytest.mark.parametrize("query", [{"compare": "none"}, {}])
def test_without_an_earlier_score_there_is_no_change(
    app: Flask, cast: Cast, tmp_path: Path, query: dict[str, str]
) -> None:
    fill(app, tmp_path, answers(30, 9, days_ago=NOW) + answers(3, 2, days_ago=BEFORE))
    page = found(app, **query)
    assert page.score.table["n"].item() == 30
    if query:
        assert page.compared is None and page.score.movement is None
    else:
        assert page.compared is not None and page.compared.before["suppressed"].item()
        assert page.compared.parts is None and page.score.movement == "unknown"


def test_other_scores_have_their_own_surveys(told: Flask, tmp_path: Path) -> None:
    rows = [*answers(30, 5, days_ago=NOW), *answers(30, 2, days_ago=BEFORE)]
    rows += [
        *answers(9, 1, stage="serve", days_ago=NOW),
        *answers(9, 1, stage="serve", days_ago=BEFORE),
    ]
    fill(told, tmp_path, rows, survey="acme-csat")
    page = found(told, metric="csat")
    assert page.score.movement == "better"
    assert page.compared is not None and page.compared.parts is not None
    assert page.compared.parts.change == pytest.approx(76.9)
    assert page.compared.complaints is None


def test_the_largest_remainders_are_rounded_up() -> None:
    assert add_up([0.34, 0.31, 0.35], 1.0) == [0.3, 0.3, 0.4]
    assert add_up([-1.25, 0.0, 3.33], 2.1) == [-1.2, 0.0, 3.3]


@pytest.mark.parametrize("seed", range(20))
def test_rounded_parts_add_up_and_stay_near(seed: int) -> None:
    rng = np.random.default_rng(seed)
    exact: Any = rng.normal(0, 3, rng.integers(1, 30))
    whole = round(float(exact.sum()), 1) + rng.choice([-0.1, 0, 0.1])
    parts = np.array(add_up(exact, whole))
    assert round(10 * parts.sum()) == round(10 * whole)
    assert np.abs(parts - exact).max() < 0.2
    assert (10 * parts == np.round(10 * parts, 6)).all()
