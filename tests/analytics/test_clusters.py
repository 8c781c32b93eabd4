from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg, stats

from analytics import (
    ArgumentError,
    FrameError,
    clustered,
    clustered_change,
    csat,
    nps,
    paired,
    roll_up,
    summarise_nps,
    suppress,
    tally_csat,
    tally_nps,
    tally_sentiment,
)

Rows = dict[str, list[Any]]
COLUMNS = ["n", "clusters", "score", "low", "high", "design_effect", "n_eff"]
CHANGE = ["change", "change_low", "change_high", "p_value", "significant", "clusters"]
account_rows = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.integers(0, 10)), min_size=2, max_size=30
)
fast = settings(deadline=None, max_examples=12)


def frame_of(rows: list[tuple[str, int]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["account", "score"])


def test_every_answer_its_own_account_is_no_cluster() -> None:
    codes = [1, 1, 0, -1, 1, 0, 0, 1, -1, 1]
    frame = frame_of([(f"a{at}", {1: 9, 0: 8, -1: 2}[code]) for at, code in enumerate(codes)])
    table = clustered(tally_nps(frame, by="account"), cluster="account", metric="nps")
    assert list(table.columns) == COLUMNS
    bounds = stats.ttest_1samp(codes, 0).confidence_interval(0.95)
    found = table[["low", "high", "design_effect", "n_eff"]].iloc[0].tolist()
    assert found == pytest.approx([100 * bounds.low, 100 * bounds.high, 1, 10])
    assert table[["n", "clusters"]].iloc[0].tolist() == [10, 10]


def test_agrees_with_the_jackknife_over_clusters() -> None:
    rng = np.random.default_rng(11)
    sizes = rng.integers(8, 20, 80)
    shares = rng.dirichlet([2, 1.5, 1], 80)
    up, _, down = rng.multinomial(sizes, shares).T
    table = pd.DataFrame({"account": range(80), "n": sizes, "promoters": up, "detractors": down})
    found = clustered(table, cluster="account", metric="nps")
    net, n = (table["promoters"] - table["detractors"]).to_numpy(), sizes
    without = 100 * (net.sum() - net) / (n.sum() - n)
    error = np.sqrt(79 / 80 * ((without - without.mean()) ** 2).sum())
    margin = (found["high"] - found["low"]).item() / 2
    assert margin == pytest.approx(stats.t.ppf(0.975, 79) * error, rel=0.02)
    assert found["score"].item() == pytest.approx(100 * net.sum() / n.sum())
    assert found["design_effect"].item() > 2


@fast
@given(account_rows, st.randoms(use_true_random=False))
def test_what_holds_for_any_accounts(rows: list[tuple[str, int]], random: Any) -> None:
    frame = frame_of(rows)
    table = clustered(tally_nps(frame, by="account"), cluster="account", metric="nps")
    assert table["score"].item() == pytest.approx(nps(frame)["nps"].item())
    assert table["clusters"].item() == frame["account"].nunique()
    # Order and names are nothing; saying everything twice adds no account, so no certainty.
    other = frame.assign(account=frame["account"].map(lambda name: ord(name) * 7 % 97))
    other = other.sample(frac=1, random_state=random.randrange(1000))
    twice = pd.concat([other, other])
    for same in (other, twice):
        found = clustered(tally_nps(same, by="account"), cluster="account", metric="nps")
        numbers = ["score", "low", "high"]
        pd.testing.assert_frame_equal(found[numbers], table[numbers])
    weights = frame.assign(w=3.5)
    weighted = clustered(
        tally_nps(weights, by="account", weight="w"), cluster="account", metric="nps"
    )
    pd.testing.assert_frame_equal(weighted, table)
    assert table["low"].isna().item() or table["design_effect"].item() > 0


def test_weights_are_a_ratio_of_sums() -> None:
    rows = [("a", 9), ("a", 3), ("b", 10), ("b", 9), ("c", 7), ("c", 0), ("d", 9)]
    frame = frame_of(rows).assign(w=[1.0, 2, 3, 1, 2, 1, 4])
    table = clustered(tally_nps(frame, by="account", weight="w"), cluster="account", metric="nps")
    # Codes times weights -1, 4, -1, 4 of weights 3, 4, 3, 4: R = 6/14; h = 3/14 and 4/14.
    size = np.array([3, 4, 3, 4])
    off = np.array([-1, 4, -1, 4]) - 6 / 14 * size
    error = np.sqrt((off**2 / (1 - size / 14)).sum()) / 14
    assert table["score"].item() == pytest.approx(600 / 14)
    reach = stats.t.ppf(0.975, 1 / (0.255102 + 0.345455**2 - 0.032953))  # 1/f, term by term
    assert table["low"].item() == pytest.approx(600 / 14 - 100 * reach * error, abs=0.001)


def test_agrees_with_the_matrices_of_bell_and_mccaffrey() -> None:
    """Their formula for any regression, worked out row by row for one on a constant alone."""
    rng, sizes = np.random.default_rng(2), np.array([1, 2, 3, 5, 9, 20])
    account = np.repeat(np.arange(6), sizes)
    code = rng.integers(-1, 2, len(account)).astype(float)
    total = len(account)
    hat = np.full((total, total), 1 / total)
    off, left = code - code.mean(), np.eye(total) - hat
    moved, vectors = [], []
    for one in range(6):
        own = account == one
        root = np.linalg.inv(linalg.sqrtm(left[np.ix_(own, own)]).real)
        moved.append((root @ off[own]).sum() / total)
        vectors.append(left[own].T @ root.sum(axis=0) / total)
    gram = np.array(vectors) @ np.array(vectors).T
    freedom = np.trace(gram) ** 2 / np.trace(gram @ gram)
    margin = stats.t.ppf(0.975, freedom) * np.sqrt(np.square(moved).sum())
    score = code.mean()
    frame = frame_of(
        list(zip(account.tolist(), np.select([code > 0, code < 0], [9, 0], 8), strict=True))
    )
    found = clustered(tally_nps(frame, by="account"), cluster="account", metric="nps")
    assert found["low"].item() == pytest.approx(100 * (score - margin))
    assert found["high"].item() == pytest.approx(min(100, 100 * (score + margin)))


def test_a_few_large_accounts_are_few() -> None:
    """Sizes of a heavy tail, where G - 1 degrees cover 85 % (20 accounts; 2,000 draws)."""
    rng, draws = np.random.default_rng(7), 1000
    sizes = np.minimum(np.ceil(rng.random((draws, 20)) ** (-1 / 1.2)), 500).astype(int).ravel()
    up, _, down = rng.multinomial(sizes, rng.dirichlet([1, 0.6, 0.4], len(sizes))).T
    keys = {"draw": np.repeat(range(draws), 20), "account": range(len(sizes))}
    table = pd.DataFrame(keys | {"n": sizes, "promoters": up, "detractors": down})
    found = clustered(table, cluster="account", metric="nps")
    cover = ((found["low"] <= 30) & (found["high"] >= 30))[found["low"].notna()].mean()
    assert cover > 0.91


def test_groups_on_every_engine(make_frame: Callable[[Rows], Any]) -> None:
    rows: Rows = {
        "country": ["DE", "DE", "DE", "DE", None, None, "FR"],
        "account": ["a", "a", "b", "c", "a", "b", "a"],
        "score": [9, 10, 3, 8, 9, 0, None],
    }
    tallied = tally_nps(make_frame(rows), by=["country", "account"])
    table = clustered(tallied, cluster="account", metric="nps")
    assert list(table.columns) == ["country", *COLUMNS]
    assert table["country"].fillna("-").tolist() == ["DE", "-"]  # FR has no answer
    assert table["clusters"].tolist() == [3, 2]
    assert table["score"].tolist() == pytest.approx([25, 0])
    total = clustered(roll_up(tallied, by="account"), cluster="account", metric="nps")
    assert total[["n", "clusters"]].iloc[0].tolist() == [6, 3]


def test_shares_stay_on_their_scale_and_sentiment_is_read() -> None:
    frame = pd.DataFrame({"account": list("aabbc"), "score": [5, 5, 4, 5, 1]})
    table = clustered(tally_csat(frame, by="account"), cluster="account", metric="csat")
    assert table["score"].item() == pytest.approx(csat(frame)["csat"].item())
    assert table[["low", "high"]].iloc[0].tolist() == [0, 100]
    talk = pd.DataFrame({"account": list("abc"), "sentiment": ["positive", None, "negative"]})
    mood = clustered(tally_sentiment(talk, by="account"), cluster="account", metric="sentiment")
    assert mood[["n", "clusters", "score"]].iloc[0].tolist() == [2, 2, 0]


def test_no_spread_is_no_proof() -> None:
    for rows in ([("a", 9), ("a", 0), ("a", 0)], [("a", 9), ("b", 9)], [("a", 8), ("a", 8)]):
        table = clustered(tally_nps(frame_of(rows), by="account"), cluster="account", metric="nps")
        assert not table["score"].isna().item()
        assert table[["low", "high", "design_effect", "n_eff"]].isna().all(axis=None)
    # Thirds don't add up exactly; what is left of them is no spread either.
    rows = [(key, score) for key in "abcdefg" for score in (9, 7, 7)]
    table = clustered(tally_nps(frame_of(rows), by="account"), cluster="account", metric="nps")
    assert table[["low", "high", "n_eff"]].isna().all(axis=None)


@pytest.mark.parametrize("by", [["account"], ["country", "account"]])
def test_nobody_answered(by: list[str]) -> None:
    frame = pd.DataFrame({"account": ["a"], "country": ["DE"], "score": [None]})
    for nothing in (tally_nps(frame, by=by), tally_nps(frame.iloc[:0], by=by)):
        table = clustered(nothing, cluster="account", metric="nps")
        assert table["n"].tolist() == [0] * (2 - len(by))
        assert table[["score", "low", "n_eff"]].isna().all(axis=None)
        change = clustered_change(nothing, nothing, cluster="account", metric="nps")
        assert change["change"].isna().all()


def test_one_answer_each_before_and_after_is_the_paired_test() -> None:
    rng = np.random.default_rng(5)
    then, now = (
        pd.DataFrame({"customer": range(40), "score": rng.integers(low, 11, 40)}) for low in (0, 4)
    )
    found = clustered_change(
        *(tally_nps(side, by="customer") for side in (now, then)), cluster="customer", metric="nps"
    )
    assert list(found.columns) == CHANGE
    both = pd.concat([then.assign(period="before"), now.assign(period="after")])
    pd.testing.assert_frame_equal(found[CHANGE[:-1]], paired(both)[CHANGE[:-1]])


@fast
@given(account_rows, account_rows)
def test_changes_mirror(one: list[tuple[str, int]], two: list[tuple[str, int]]) -> None:
    now, then = (tally_nps(frame_of(rows), by="account") for rows in (one, two))
    forth = clustered_change(now, then, cluster="account", metric="nps")
    back = clustered_change(then, now, cluster="account", metric="nps")
    numbers = forth[["change", "change_low", "change_high", "p_value"]].iloc[0].to_numpy(float)
    mirrored = back[["change", "change_high", "change_low", "p_value"]].iloc[0].to_numpy(float)
    assert numbers == pytest.approx(mirrored * [-1, -1, -1, 1], nan_ok=True)
    if not np.isnan(numbers[3]) and min(abs(numbers[1]), abs(numbers[2])) > 1e-6:
        assert forth["significant"].item() == (numbers[1] > 0 or numbers[2] < 0)


def test_the_interval_holds_what_the_plain_one_only_promises() -> None:
    # 40 accounts of 2 to 15 answers; each has shares of its own around 50 % up, 20 % down.
    rng, draws = np.random.default_rng(1965), 1000
    sizes = rng.integers(2, 16, draws * 40)
    up, _, down = rng.multinomial(sizes, rng.dirichlet([1, 0.6, 0.4], draws * 40)).T
    table = pd.DataFrame(
        {
            "draw": np.repeat(range(draws), 40),
            "account": range(draws * 40),
            "n": sizes,
            "promoters": up,
            "detractors": down,
        }
    )
    knows = clustered(table, cluster="account", metric="nps")
    naive = summarise_nps(roll_up(table, by="draw"))
    cover = [((found["low"] <= 30) & (found["high"] >= 30)).mean() for found in (knows, naive)]
    assert cover[0] == pytest.approx(0.95, abs=0.021)  # 3 standard errors
    assert cover[1] < 0.75
    assert knows["design_effect"].mean() == pytest.approx(4, abs=0.5)


def accounts(draws: int, count: int, name: str) -> pd.DataFrame:
    """`draws` sides of `count` accounts of 5 to 14 answers, with shares of each one's own."""
    rng = np.random.default_rng([draws, count, len(name)])
    sizes = rng.integers(5, 15, draws * count)
    up, _, down = rng.multinomial(sizes, rng.dirichlet([1, 0.6, 0.4], draws * count)).T
    keys = {"draw": np.repeat(range(draws), count), "account": name}
    table = pd.DataFrame(keys | {"n": sizes, "promoters": up, "detractors": down})
    return table.assign(account=[f"{name}{at}" for at in range(draws * count)])


@pytest.mark.parametrize("few,many", [(2, 20), (3, 60), (5, 5), (20, 20)])
def test_no_more_false_alarms_than_promised_with_few_accounts(few: int, many: int) -> None:
    sides = accounts(500, few, "now"), accounts(500, many, "before")
    found = clustered_change(*sides, cluster="account", metric="nps")
    assert found["significant"].notna().all()
    assert found["significant"].mean() < 0.08  # 3 standard errors above 5 %


def test_a_side_of_one_account_shows_no_spread() -> None:
    one, many = accounts(3, 1, "now"), accounts(3, 20, "before")
    for sides in ((one, many), (many, one)):
        found = clustered_change(*sides, cluster="account", metric="nps")
        assert found["change"].notna().all()
        unknown = found[["change_low", "change_high", "p_value", "significant"]]
        assert unknown.isna().all(axis=None)
        assert found["clusters"].tolist() == [21] * 3


def test_wrong_use() -> None:
    table = tally_nps(frame_of([("a", 9)] * 9 + [("b", 3)]), by="account")
    good: dict[str, Any] = {"cluster": "account", "metric": "nps"}
    with pytest.raises(FrameError, match=r"'acount' is no key.*'account'"):
        clustered(table, cluster="acount", metric="nps")
    with pytest.raises(FrameError, match=r"'account' holds null; give an answer"):
        clustered(table.replace({"account": {"a": None}}), **good)
    with pytest.raises(FrameError, match=r"suppressed row"):
        clustered(suppress(table, respondents="n"), **good)
    with pytest.raises(FrameError, match="repeats a key"):
        clustered(pd.concat([table, table]), **good)
    with pytest.raises(FrameError, match="compare like with like"):
        clustered_change(table, table.rename(columns={"account": "a"}), **good)
    with pytest.raises(FrameError, match="'satisfied' is missing"):
        clustered(table, cluster="account", metric="csat")
    with pytest.raises(FrameError, match="'low' is also a column"):
        tallied = tally_nps(frame_of([("a", 9)]), by="account").assign(low=1)
        clustered(tallied[["low", *table.columns]], **good)
    with pytest.raises(ArgumentError, match="confidence"):
        clustered(table, **good, confidence=95)
