import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics import ArgumentError, FrameError, nps, roll_up
from analytics.impact import impact, summarise_impact, tally_impact

ANSWERS = {
    "score": [10, 9, 8, 3, 2, None, 9, 0],
    "country": ["DE", "DE", "DE", "DE", "DE", "DE", "FR", "FR"],
}
MENTIONS = {
    "theme": ["price", "price", "price", "price", "price", "stock", "price"],
    "response": [4, 4, 5, 6, 1, 8, 8],  # 4 twice: counted once; 6 has no score
    "score": [3, 3, 2, None, 10, 0, 0],
    "country": ["DE", "DE", "DE", "DE", "DE", "FR", "FR"],
}


def counts(no: tuple[int, int, int], yes: tuple[int, int, int]) -> pd.DataFrame:
    """A tally of one theme: promoters, passives, detractors without and with a mention."""
    return pd.DataFrame(
        {
            "theme": ["price"],
            "mentions": sum(yes),
            "mention_promoters": yes[0],
            "mention_detractors": yes[2],
            "n": sum(no) + sum(yes),
            "promoters": no[0] + yes[0],
            "detractors": no[2] + yes[2],
        }
    )


def test_an_answer_counts_once_and_every_theme_stands_in_every_group(make_frame: Any) -> None:
    table = impact(make_frame(ANSWERS), make_frame(MENTIONS), by=["country"], floor=1)
    assert table[["country", "theme", "mentions", "n"]].values.tolist() == [
        ["DE", "price", 3, 5],
        ["DE", "stock", 0, 5],
        ["FR", "price", 1, 2],
        ["FR", "stock", 1, 2],
    ]
    # DE: 2 of 5 up and 2 down; without price one promoter and one passive.
    assert table["impact"].iloc[0] == pytest.approx(0 - 50)
    assert table["impact"].isna().tolist() == [False, True, False, False]
    total = tally_impact(make_frame(ANSWERS), make_frame(MENTIONS))
    split = tally_impact(make_frame(ANSWERS), make_frame(MENTIONS), by="country")
    pd.testing.assert_frame_equal(roll_up(split, by="theme"), total)


def test_it_is_the_nps_of_all_minus_that_of_the_frame_without_them() -> None:
    rng = np.random.default_rng(3)
    answers = pd.DataFrame({"score": rng.integers(0, 11, 300), "response": range(300)})
    said = answers.sample(60, random_state=1).assign(theme="price")
    table = impact(answers, said)
    rest = answers[~answers["response"].isin(said["response"])]
    plain = nps(answers)["nps"].item() - nps(rest)["nps"].item()
    assert table["impact"].item() == pytest.approx(plain, abs=1e-9)
    shuffled = impact(answers.sample(frac=1, random_state=2), said.sample(frac=1, random_state=3))
    pd.testing.assert_frame_equal(table, shuffled)


cells = st.tuples(*[st.integers(0, 40)] * 3)


@settings(deadline=None, max_examples=40)
@given(cells, cells)
def test_share_times_gap_mirrored_and_scaled(
    no: tuple[int, int, int], yes: tuple[int, int, int]
) -> None:
    options: dict[str, Any] = {"floor": 1, "method": "delta"}
    row = summarise_impact(counts(no, yes), **options).iloc[0]
    if not sum(no) or not sum(yes):
        assert row[["impact", "low", "high"]].isna().all()
        return
    gap = (yes[0] - yes[2]) / sum(yes) - (no[0] - no[2]) / sum(no)
    assert row["impact"] == pytest.approx(100 * sum(yes) / row["n"] * gap, abs=1e-9)
    mirrored = summarise_impact(counts(no[::-1], yes[::-1]), **options).iloc[0]
    assert [-mirrored["low"], -mirrored["high"]] == pytest.approx([row["high"], row["low"]])
    four = summarise_impact(
        counts(tuple(4 * x for x in no), tuple(4 * x for x in yes)),  # type: ignore[arg-type]  # three each
        **options,
    ).iloc[0]
    assert 2 * (four["high"] - four["low"]) == pytest.approx(row["high"] - row["low"], abs=1e-9)


def test_bootstrap_and_delta_agree_on_many_answers() -> None:
    tallied = counts((500, 200, 100), (60, 60, 80))
    drawn = summarise_impact(tallied, draws=20_000)[["low", "high"]].iloc[0]
    normal = summarise_impact(tallied, method="delta")[["low", "high"]].iloc[0]
    assert drawn.tolist() == pytest.approx(normal.tolist(), abs=0.15)
    assert summarise_impact(tallied).equals(summarise_impact(tallied, seed=0))
    assert not summarise_impact(tallied).equals(summarise_impact(tallied, seed=1))


def test_intervals_cover_the_true_impact() -> None:
    # 300 answers, 15 % mention: -20 points there, +40 elsewhere: π(N₁ - N₀) = -9 points.
    shares = np.array([0.85 * 0.6, 0.85 * 0.2, 0.85 * 0.2, 0.15 * 0.3, 0.15 * 0.2, 0.15 * 0.5])
    drawn = np.random.default_rng(11).multinomial(300, shares, 1000)
    tallied = pd.concat([counts(tuple(row[:3]), tuple(row[3:])) for row in drawn])
    for method in ("bootstrap", "delta"):
        table = summarise_impact(tallied, draws=400, method=method)  # type: ignore[arg-type]  # one of two
        cover = ((table["low"] <= -9) & (table["high"] >= -9)).mean()
        assert cover == pytest.approx(0.945, abs=0.022)  # 3 standard errors around


def test_below_the_floor_the_counts_stay_and_the_impact_is_null() -> None:
    for no, yes in (((20, 5, 5), (1, 2, 6)), ((1, 2, 6), (20, 5, 5))):
        row = summarise_impact(counts(no, yes)).iloc[0]
        # Without `nps_without` too: nps less it would be the impact.
        assert row[["nps_without", "impact", "low", "high"]].isna().all()
        assert row[["mentions", "n"]].tolist() == [sum(yes), sum(no) + sum(yes)]
    with warnings.catch_warnings(action="error"):
        all_mention = summarise_impact(counts((0, 0, 0), (20, 5, 5)), method="delta")
    assert all_mention["impact"].isna().all()
    empty = {"score": [], "theme": [], "response": []}
    assert len(impact(pd.DataFrame({"score": [9.0]}), pd.DataFrame(empty))) == 0
    silent = pd.DataFrame({"score": [None], "theme": ["price"], "response": [1]})
    assert impact(silent, silent)["impact"].isna().tolist() == [True]


@pytest.mark.parametrize(
    "change,column",
    [
        ({"score": [3, 4, 2, None, 10, 0, 0]}, "score"),  # response 4 has two scores
        ({"score": [3.0, 3.0, 2.0, None, 9.5, 0.0, 0.0]}, "score"),
        ({"score": [9, 9, 9, 9, 9, 9, 9]}, "score"),  # more promoters than answered
        ({"theme": ["price", None, *["price"] * 5]}, "theme"),
        ({"response": [4, 4, 5, 6, None, 8, 8]}, "response"),
        ({"country": ["DE", "DE", "DE", "DE", "DE", "FR", "JP"]}, "country"),
    ],
)
def test_mentions_that_do_not_fit_the_answers(
    make_frame: Any, change: dict[str, list[Any]], column: str
) -> None:
    with pytest.raises(FrameError) as caught:
        impact(make_frame(ANSWERS), make_frame(MENTIONS | change), by=["country"])
    assert caught.value.column == column and caught.value.hint


@pytest.mark.parametrize(
    "options", [{"floor": 0}, {"floor": True}, {"draws": 10}, {"method": "x"}, {"confidence": 1}]
)
def test_options_out_of_range(options: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        summarise_impact(counts((9, 9, 9), (9, 9, 9)), **options)
    with pytest.raises(FrameError):
        summarise_impact(counts((9, 9, 9), (9, 9, 9)).drop(columns="promoters"))


def alike(accounts: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Answers of accounts that are of one mind: ten each, and who mentions the theme, all do."""
    rng = np.random.default_rng(seed)
    score, speaks = rng.choice([10, 8, 2], accounts, p=[0.5, 0.3, 0.2]), rng.random(accounts) < 0.3
    rows = {"account": np.repeat(range(accounts), 10), "score": np.repeat(score, 10)}
    answers = pd.DataFrame(rows).assign(response=range(10 * accounts), theme="price")
    return answers, answers[np.repeat(speaks, 10)]


@pytest.mark.parametrize("method", ["bootstrap", "delta"])
def test_ten_answers_of_one_mind_are_one(method: Any) -> None:
    answers, said = alike(200, seed=4)
    options: dict[str, Any] = {"method": method, "draws": 1000}
    once = [frame.drop_duplicates("account") for frame in (answers, said)]
    truth = impact(*once, **options).iloc[0]
    found = impact(answers, said, cluster="account", **options)
    assert found["impact"].item() == pytest.approx(truth["impact"])
    assert found[["n", "mentions"]].iloc[0].tolist() == [10 * truth["n"], 10 * truth["mentions"]]
    width = (found["high"] - found["low"]).item()
    assert width == pytest.approx(truth["high"] - truth["low"], rel=0.08)
    plain = impact(answers, said, **options).iloc[0]
    assert plain["high"] - plain["low"] < 0.4 * width


def test_clusters_that_are_none_and_a_single_one() -> None:
    answers, said = alike(60, seed=1)
    alone = impact(answers.assign(account=1), said.assign(account=1), cluster="account")
    assert alone["impact"].notna().item() and alone[["low", "high"]].isna().all(axis=None)
    by = {"by": "team", "cluster": "account"}
    table = impact(*(frame.assign(team="a") for frame in (answers, said)), **by)  # type: ignore[arg-type]  # keywords
    assert list(table.columns[:2]) == ["team", "theme"]
    with pytest.raises(FrameError, match="'account' holds null; give an answer"):
        impact(*(frame.assign(account=None) for frame in (answers, said)), cluster="account")
    with pytest.raises(FrameError, match="'acount' is missing"):
        impact(answers, said, cluster="acount")
    with pytest.raises(FrameError, match="'acount' is no cluster"):
        summarise_impact(tally_impact(answers, said, by="account"), cluster="acount")
