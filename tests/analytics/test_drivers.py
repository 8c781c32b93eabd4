from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics import ArgumentError, FrameError, roll_up
from analytics.drivers import drivers, summarise_drivers, tally_drivers
from analytics.shapley import split

# Correlations of R's data set `swiss` (47 provinces), with Fertility last.
SWISS = [
    [1, -0.68654221, -0.63952252, 0.40109505, -0.06085861, 0.35307918],
    [-0.68654221, 1, 0.69841530, -0.57274180, -0.11402160, -0.64588270],
    [-0.63952252, 0.69841530, 1, -0.15385892, -0.09932185, -0.66378886],
    [0.40109505, -0.57274180, -0.15385892, 1, 0.17549591, 0.46368470],
    [-0.06085861, -0.11402160, -0.09932185, 0.17549591, 1, 0.41655603],
    [0.35307918, -0.64588270, -0.66378886, 0.46368470, 0.41655603, 1],
]


def test_the_published_example_of_relaimpo() -> None:
    """LMG of Fertility on five indicators, as R's relaimpo gives it (Grömping 2006, JSS 17)."""
    parts, error = split(np.array([SWISS], dtype=np.float64), [1] * 5)
    published = [0.05709122, 0.17117303, 0.26013468, 0.10557015, 0.11276592]
    assert parts[0].tolist() == pytest.approx(published, abs=1e-6)
    assert not error.any()


def dummies(frame: pd.DataFrame, columns: tuple[str, ...]) -> np.ndarray:
    blocks = [pd.get_dummies(frame[name].astype(str)).to_numpy(float) for name in columns]
    return np.hstack([np.ones((len(frame), 1)), *blocks])


def r_squared(frame: pd.DataFrame, columns: tuple[str, ...]) -> float:
    x, y = dummies(frame, columns), frame["score"].to_numpy(float)
    rest = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return 1 - float(rest @ rest) / float(((y - y.mean()) ** 2).sum())


def by_every_order(frame: pd.DataFrame, columns: list[str]) -> list[float]:
    """LMG as it is defined: the average gain over all orders, each fitted to the rows."""
    gains = dict.fromkeys(columns, 0.0)
    orders = list(permutations(columns))
    for order in orders:
        for place, name in enumerate(order):
            gains[name] += r_squared(frame, order[: place + 1]) - r_squared(frame, order[:place])
    return [gains[name] / len(orders) for name in columns]


COLUMNS = ["price", "delivery", "region", "copy"]


def answers(size: int, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    price = rng.choice(["positive", "negative", None], size, p=[0.2, 0.2, 0.6])
    region = rng.choice(["north", "south", "west", "east"], size)
    delivery = np.where((rng.random(size) < 0.3) & (region != "west"), "negative", None)
    latent = 7 + 1.5 * (price == "positive") - 2 * (price == "negative") - (delivery == "negative")
    score = np.clip(np.round(latent + rng.normal(0, 1.5, size)), 0, 10).astype(int)
    copy = np.where(region == "north", "cold", "warm")  # says nothing that region doesn't
    return pd.DataFrame(
        {"score": score, "price": price, "delivery": delivery, "region": region, "copy": copy}
    )


def as_rows(frame: pd.DataFrame) -> dict[str, list[Any]]:
    return {name: [None if pd.isna(v) else v for v in frame[name].tolist()] for name in frame}


def test_parts_are_those_of_every_order_and_add_up(make_frame: Any) -> None:
    frame = answers(120)
    found = drivers(make_frame(as_rows(frame)), columns=COLUMNS, draws=100)
    pd.testing.assert_frame_equal(
        found.table, drivers(frame, columns=COLUMNS, draws=100).table, rtol=1e-9
    )
    parts = found.table["importance"]
    assert parts.tolist() == pytest.approx(by_every_order(frame, COLUMNS), abs=1e-9)
    assert parts.sum() == pytest.approx(found.r2, abs=1e-9)
    assert found.r2 == pytest.approx(r_squared(frame, tuple(COLUMNS)), abs=1e-9)
    assert found.table["share"].sum() == pytest.approx(1)
    assert found.exact and found.n == 120 and found.adjusted_r2 < found.r2
    assert found.table["n"].tolist() == [frame[name].notna().sum() for name in COLUMNS]


def test_effects_are_regression_coefficients_and_null_where_not_identified() -> None:
    frame = answers(400)
    table = drivers(frame, columns=["delivery", "region"], draws=100).table
    x = np.column_stack([frame["delivery"].notna(), dummies(frame, ("region",))])
    slope = np.linalg.lstsq(x.astype(float), frame["score"].to_numpy(float), rcond=None)[0][0]
    assert table["effect"].iloc[0] == pytest.approx(slope, abs=1e-9) and slope < 0
    assert np.isnan(table["effect"].iloc[1])
    twice = frame.assign(again=frame["delivery"])
    table = drivers(twice, columns=["delivery", "again"], draws=100).table
    assert table["effect"].isna().all()
    assert table["importance"].iloc[0] == pytest.approx(table["importance"].iloc[1])


@settings(deadline=None, max_examples=15)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 10), st.sampled_from(["a", "b", None]), st.sampled_from(["x", "y"])
        ),
        min_size=2,
        max_size=25,
    )
)
def test_no_order_of_rows_or_columns_and_no_name_matters(rows: list[tuple[Any, ...]]) -> None:
    frame = pd.DataFrame(rows, columns=["score", "one", "two"])
    here = drivers(frame, columns=["one", "two"], draws=100)
    other = frame.iloc[::-1].replace({"one": {"a": "z"}, "two": {"x": "y", "y": "x"}})
    there = drivers(other, columns=["two", "one"], draws=100)
    assert there.r2 == pytest.approx(here.r2, abs=1e-9, nan_ok=True)
    parts = here.table["importance"].tolist()
    assert there.table["importance"].tolist()[::-1] == pytest.approx(parts, abs=1e-9, nan_ok=True)
    # Any scores are explained where there are no more of them than indicators (and the mean).
    rank = np.linalg.matrix_rank(
        np.column_stack([np.ones(len(frame)), dummies(frame, ("one", "two"))])
    )
    assert np.isnan(here.r2) == (frame["score"].nunique() == 1 or len(frame) <= rank)
    if not np.isnan(here.r2):
        assert min(parts) > -1e-9 and here.r2 < 1 + 1e-9
        assert sum(parts) == pytest.approx(here.r2, abs=1e-9)


def test_sampled_orders_come_near_within_their_stated_error() -> None:
    rng = np.random.default_rng(4)
    shared = rng.normal(size=(400, 1))
    x = rng.normal(size=(400, 9)) + shared
    y = x @ np.linspace(0, 1, 9) + rng.normal(size=400) * 3
    products = np.cov(np.column_stack([x, y]).T)[None]
    exact, _ = split(products, [1] * 9)
    padded = np.zeros((1, 14, 14))  # 13 groups, four of them constant: sampled
    kept = [*range(9), 13]
    padded[np.ix_([0], kept, kept)] = products[:, None][0]
    parts, error = split(padded, [1] * 13, orders=200)
    assert parts.sum() == pytest.approx(exact.sum(), abs=1e-9)
    assert (error[0, :9] > 0).all() and not parts[0, 9:].any()
    assert (np.abs(parts[0, :9] - exact[0]) < 4 * error[0, :9]).all()
    fewer = split(padded, [1] * 13, orders=50)[1][0, :9]
    assert np.mean(fewer / error[0, :9]) == pytest.approx(2, rel=0.2)


def test_chance_is_the_rank_over_n_and_noise_is_no_driver() -> None:
    rng = np.random.default_rng(12)
    alarms, chance = [], []
    for seed in range(60):
        frame = pd.DataFrame(
            {
                "score": rng.integers(0, 11, 150),
                "one": rng.choice(["a", None], 150),
                "two": rng.choice(list("wxyz"), 150),
            }
        )
        table = drivers(frame, columns=["one", "two"], draws=100, seed=seed).table
        alarms += (table["p_value"] < 0.05).tolist()
        chance.append(table["chance"].tolist())
        assert (table["driver_importance"] == 0).tolist() == (~table["significant"]).tolist()
    assert np.mean(chance, axis=0).tolist() == pytest.approx([1 / 149, 3 / 149], rel=0.05)
    assert np.mean(alarms) < 0.11  # 5 % of 120, and 3 standard errors


def test_the_normal_null_is_that_of_real_permutations() -> None:
    frame = answers(80).sample(frac=1, random_state=0)
    frame["score"] = np.random.default_rng(0).permutation(frame["score"].to_numpy())
    p_value = drivers(frame, columns=["price"], draws=2000).table["p_value"].item()
    observed, rng, more = r_squared(frame, ("price",)), np.random.default_rng(1), 0
    for _ in range(1000):
        dealt = frame.assign(score=rng.permutation(frame["score"].to_numpy()))
        more += r_squared(dealt, ("price",)) >= observed
    assert p_value == pytest.approx(more / 1000, abs=0.06)


def test_intervals_cover_the_importance_of_the_population() -> None:
    truth = drivers(answers(200_000, seed=9), columns=["price", "region"], draws=100).table
    held = []
    for seed in range(60):
        table = drivers(answers(300, seed), columns=["price", "region"], draws=100).table
        held.append(table["low"].iloc[0] <= truth["importance"].iloc[0] <= table["high"].iloc[0])
        assert table["significant"].iloc[0]
    assert np.mean(held) > 0.86  # 95 % less 3 standard errors and what percentiles lose


def test_counts_stand_for_rows_and_tallies_add_up() -> None:
    frame = answers(60)
    tallied = tally_drivers(frame, columns=COLUMNS)
    rows = drivers(frame, columns=COLUMNS, draws=100)
    counted = drivers(tallied, columns=COLUMNS, count="n", draws=100)
    pd.testing.assert_frame_equal(rows.table, counted.table)
    fewer = roll_up(tallied, by=["price", "score"])
    short = summarise_drivers(fewer, columns=["price"], draws=100)
    assert short.r2 == pytest.approx(r_squared(frame, ("price",)), abs=1e-9)


@pytest.mark.parametrize("scores", [[], [None, None], [7], [7, 7, 7]])
def test_nothing_to_explain_is_null(scores: list[Any]) -> None:
    frame = pd.DataFrame({"score": pd.array(scores, dtype="Float64"), "price": "positive"})
    found = drivers(frame, columns=["price"], draws=100)
    assert np.isnan(found.r2) and np.isnan(found.adjusted_r2)
    assert found.table[["importance", "low", "high", "p_value"]].isna().all(axis=None)
    assert found.table["significant"].isna().all()


def test_what_explains_any_scores_explains_none() -> None:
    for prices in (["a", None], ["a", "b", None]):
        frame = pd.DataFrame({"score": [1, 9, 5][: len(prices)], "price": prices})
        found = drivers(frame, columns=["price"], draws=100)
        assert np.isnan(found.r2)
        assert found.table.drop(columns=["driver", "n"]).isna().all(axis=None)


def test_a_bar_that_reaches_down_to_chance_is_no_driver() -> None:
    rng = np.random.default_rng(10)
    themes = rng.choice(["negative", None], 30, p=[0.3, 0.7])
    scores = np.rint(rng.normal(7, 2.5, 30) - 2.2 * (themes == "negative")).clip(0, 10)
    row = drivers(pd.DataFrame({"score": scores, "theme": themes}), columns=["theme"]).table.iloc[0]
    assert row["q_value"] < 0.05 and row["low"] < row["chance"]
    assert not row["significant"] and row["driver_importance"] == 0


def test_one_driver_among_many_columns_is_found() -> None:
    """Few draws must not keep p from getting small enough for the q-value of 11 columns."""
    rng = np.random.default_rng(3)
    noise = {f"theme{at}": rng.choice(["negative", None], 200) for at in range(10)}
    frame = answers(200).assign(**noise)
    table = drivers(frame, columns=["price", *noise], draws=100).table
    assert table["significant"].tolist() == [True] + [False] * 10
    assert table["driver_importance"].iloc[1:].tolist() == [0] * 10


def test_wrong_use_is_named() -> None:
    frame = pd.DataFrame({"score": [1, 2, 3], "price": ["a", "b", None]})
    for wrong, column in (
        (frame.drop(columns="price"), "price"),
        (frame.assign(score=[1, 2, 11]), "score"),
        (frame.assign(score=[1, 2, 8.5]), "score"),
    ):
        with pytest.raises(FrameError) as caught:
            drivers(wrong, columns=["price"])
        assert caught.value.column == column
    many = pd.DataFrame({"score": [5] * 250, "price": range(250)})
    with pytest.raises(FrameError, match="250 values"):
        drivers(many, columns=["price"])
    with pytest.raises(FrameError, match="twice"):
        drivers(frame, columns=["price", "price"])
    for options in ({"columns": []}, {"columns": "price"}, {"draws": 9}, {"orders": 1}):
        with pytest.raises(ArgumentError):
            drivers(frame, **{"columns": ["price"]} | options)  # type: ignore[arg-type]  # wrong


def test_answers_of_one_mind_are_no_proof() -> None:
    """Ten answers of each of 25 accounts that are of one mind: bars as of 25 answers."""
    rng = np.random.default_rng(6)
    one = pd.DataFrame(
        {
            "account": range(25),
            "score": rng.integers(0, 11, 25),
            "price": rng.choice(["a", None], 25),
        }
    )
    many = one.loc[one.index.repeat(10)]
    bars = [
        drivers(frame, columns=["price"], cluster=cluster).table[["importance", "low", "high"]]
        for frame, cluster in ((one, "account"), (many, "account"), (many, None))
    ]
    pd.testing.assert_frame_equal(bars[0], bars[1])
    assert bars[2]["high"].item() < 0.3 * bars[1]["high"].item()
    with pytest.raises(FrameError, match="'account' holds null"):
        drivers(many.assign(account=None), columns=["price"], cluster="account")
    with pytest.raises(FrameError, match="'acount' is no key"):
        tallied = tally_drivers(many, columns=["price"], cluster="account")
        summarise_drivers(tallied, columns=["price"], cluster="acount")
