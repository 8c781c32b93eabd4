from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics import ArgumentError, FrameError, csat, nps, suppress, tally_nps, trends
from analytics.trends import Levels, anomalies, change_points

SIZES = np.array([80, 120, 60, 150, 90, 200, 110, 70, 130, 100, 160, 75, 140, 95, 105, 115])
P50_D20, P85_D2 = (0.5, 0.3, 0.2), (0.85, 0.13, 0.02)


def series(n: Any, promoters: Any, detractors: Any) -> pd.DataFrame:
    cells = {"bucket": range(len(n)), "n": n, "promoters": promoters, "detractors": detractors}
    return pd.DataFrame(cells)


def flat() -> pd.DataFrame:
    return series(SIZES, SIZES // 2, SIZES // 5)


def drawn(
    rng: np.random.Generator,
    *,
    buckets: int,
    n: int,
    restless: float = 0,
    shares: tuple[float, float, float] = P50_D20,
) -> pd.DataFrame:
    each = np.broadcast_to(shares, (buckets, 3))
    if restless:  # the standard deviation of the true score, as a share
        variance = shares[0] + shares[2] - (shares[0] - shares[2]) ** 2
        each = rng.dirichlet((variance / restless**2 - 1) * np.array(shares), buckets)
    sizes = rng.integers(n // 2, 2 * n, buckets)
    cells = rng.multinomial(sizes, each)
    return series(sizes, cells[:, 0], cells[:, 2])


def flags(table: pd.DataFrame, **options: Any) -> list[int]:
    found = anomalies(table, metric="nps", **options)
    return found.index[found["anomaly"].fillna(value=False)].tolist()


def starts(table: pd.DataFrame, **options: Any) -> list[int]:
    return change_points(table, metric="nps", **options).table["first"].tolist()[1:]


def test_a_steady_series_has_nothing() -> None:
    assert flags(flat()) == []
    found = change_points(flat(), metric="nps")
    assert found.table["n"].tolist() == [SIZES.sum()]
    assert found.p_value > 0.5
    assert found.restlessness == 0


def test_a_spike_is_an_anomaly_and_no_change() -> None:
    table = flat()
    table.loc[7, ["promoters", "detractors"]] = [5, 45]
    assert flags(table) == [7]
    assert starts(table) == []
    row = anomalies(table, metric="nps").loc[7]
    assert row["departure"] == pytest.approx(100 * (5 - 45) / 70 - row["expected"])
    assert 100 * (5 - 45) / 70 < row["expected_low"] < row["expected"] < row["expected_high"]


def test_a_step_is_a_change_and_no_anomaly() -> None:
    table = flat()
    table.loc[8:, "detractors"] *= 2
    assert flags(table) == []
    assert starts(table) == [8]
    found = change_points(table, metric="nps").table
    assert found["last"].tolist() == [7, 15]
    assert found["change"].iloc[1] == pytest.approx(-20, abs=1)


def test_up_and_back_again_are_two_changes() -> None:
    table = flat()
    table.loc[5:9, "promoters"] += (0.25 * SIZES[5:10]).astype(int)
    assert starts(table) == [5, 10]


def test_the_newest_bucket_can_be_odd() -> None:
    table = flat()
    table.loc[15, ["promoters", "detractors"]] = [20, 80]
    assert flags(table) == [15]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_what_always_holds(seed: int, share: bool) -> None:
    table = drawn(np.random.default_rng(seed), buckets=14, n=40)
    mirrored = table.rename(columns={"promoters": "detractors", "detractors": "promoters"})
    found = anomalies(table, metric="nps")
    score = found["expected"] + found["departure"]
    assert score.to_numpy() == pytest.approx(
        100 * ((table["promoters"] - table["detractors"]) / table["n"]).to_numpy()
    )
    outside = (score < found["expected_low"]) | (score > found["expected_high"])
    assert outside.tolist() == found["anomaly"].tolist()
    assert found["p_value"].between(0.0005, 1).all()
    again = anomalies(mirrored, metric="nps")
    assert again["expected"].to_numpy() == pytest.approx(-found["expected"].to_numpy())
    levels, back = change_points(table, metric="nps"), change_points(mirrored, metric="nps")
    assert levels.restlessness == pytest.approx(back.restlessness)
    assert levels.table["n"].sum() == table["n"].sum()


def test_relabelling_buckets_and_scaling_weights_change_nothing() -> None:
    days = pd.date_range("2026-01-05", periods=16, freq="7D").date
    frame = pd.DataFrame({"bucket": np.repeat(range(16), 3), "score": [10, 8, 1] * 16})
    frame["cells"] = np.column_stack([SIZES // 2, SIZES // 4, SIZES // 5]).ravel()
    frame.loc[frame["bucket"] >= 9, "score"] = frame["score"].replace({8: 10})
    plain = nps(frame, by="bucket", count="cells")
    weighted = tally_nps(frame.assign(w=3.0), by="bucket", count="cells", weight="w")
    named = plain.assign(bucket=days)
    assert starts(plain) == starts(weighted) == [9]
    assert starts(named) == [days[9]]
    left, right = anomalies(plain, metric="nps"), anomalies(weighted, metric="nps")
    assert left.iloc[:, 1:6].to_numpy(float) == pytest.approx(right.iloc[:, 1:6].to_numpy(float))


def test_empty_and_suppressed_buckets_are_passed_over() -> None:
    table = flat()
    table.loc[8:, "detractors"] *= 2
    table.loc[3, ["n", "promoters", "detractors"]] = 0
    table.loc[12, ["n", "promoters", "detractors"]] = 3, 3, 0
    table.loc[13, ["n", "promoters", "detractors"]] = 3, 0, 3
    hidden = suppress(table, respondents="n")
    found = anomalies(hidden, metric="nps")
    assert found.index[found["reason"] == "no_answers"].tolist() == [3, 12, 13]
    assert found["n"].isna().tolist() == hidden["suppressed"].tolist()
    assert found.loc[3, "n"] == 0  # nobody is a number, too
    assert found["anomaly"].isna().sum() == found["p_value"].isna().sum() == 3
    assert starts(hidden) == [8]


def test_a_short_series_says_so() -> None:
    for table in (flat().head(11), flat().head(0), flat().assign(n=0, promoters=0, detractors=0)):
        found = change_points(table, metric="nps")
        assert (found.reason, len(found.table)) == ("too_short", 0)
        assert found.table.dtypes.equals(change_points(flat(), metric="nps").table.dtypes)
        assert np.isnan([found.p_value, found.restlessness]).all()
        judged = anomalies(table, metric="nps")
        assert judged["anomaly"].isna().all()
        assert judged["reason"].isin(["too_short", "no_answers"]).all()
    assert isinstance(change_points(flat(), metric="nps"), Levels)


def test_shares_too() -> None:
    scores = [5] * 8 + [1] * 2
    rows = [(day, 1 if day == 6 else score) for day in range(14) for score in scores * 5]
    table = csat(pd.DataFrame(rows, columns=["bucket", "score"]), by="bucket")
    found = anomalies(table, metric="csat")
    assert found.index[found["anomaly"]].tolist() == [6]
    assert found.loc[6, "expected_low"] >= 0
    assert change_points(table, metric="csat").table["score"].tolist() == pytest.approx(
        [80 * 13 / 14]
    )


@pytest.mark.parametrize("restless", [0.0, 0.05])
def test_false_alarms_in_a_small_form(restless: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trends, "DRAWS", 199)  # as exact, but a rougher p
    rng = np.random.default_rng(41)
    tables = [drawn(rng, buckets=26, n=100, restless=restless) for _ in range(60)]
    # Binomial(60, 0.1) exceeds 13 once in 500; a tenth is asked for.
    assert sum(bool(flags(table, false_alarms=0.1)) for table in tables) <= 13
    assert sum(bool(starts(table, false_alarms=0.1)) for table in tables) <= 13


@pytest.mark.long
@pytest.mark.parametrize("buckets", [12, 26, 52])
@pytest.mark.parametrize("n", [10, 200])
@pytest.mark.parametrize("restless", [0.0, 0.05])
@pytest.mark.parametrize("shares", [P50_D20, P85_D2])
def test_false_alarms_are_as_rare_as_promised(
    buckets: int,
    n: int,
    restless: float,
    shares: tuple[float, float, float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trends, "DRAWS", 199)
    rng = np.random.default_rng(buckets)
    kind: dict[str, Any] = {"buckets": buckets, "n": n, "restless": restless, "shares": shares}
    tables = [drawn(rng, **kind) for _ in range(400)]
    # 5 % and three standard errors of it.
    assert np.mean([bool(flags(table)) for table in tables]) <= 0.083
    assert np.mean([bool(starts(table)) for table in tables]) <= 0.083


def test_caution_widens_what_a_restless_series_may_do(monkeypatch: pytest.MonkeyPatch) -> None:
    table = drawn(np.random.default_rng(3), buckets=14, n=300, restless=0.08)
    cautious = anomalies(table, metric="nps")
    monkeypatch.setattr(trends, "CAUTION", 0.5)  # of its estimate, no upper limit of it
    bold = anomalies(table, metric="nps")
    wide, narrow = (each["expected_high"] - each["expected_low"] for each in (cautious, bold))
    assert (wide > 1.02 * narrow).all()


def test_the_seed_fixes_the_numbers() -> None:
    table = drawn(np.random.default_rng(2), buckets=20, n=50)
    first, same, other = (anomalies(table, metric="nps", seed=seed) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(first, same)
    assert not first["p_value"].equals(other["p_value"])


@pytest.mark.parametrize("false_alarms", [0, 0.0001, 0.6, float("nan"), "0.05", None])
def test_rates_outside_their_range(false_alarms: Any) -> None:
    for ask in (anomalies, change_points):
        with pytest.raises(ArgumentError, match="false_alarms: is"):
            ask(flat(), metric="nps", false_alarms=false_alarms)


@pytest.mark.parametrize(
    "table",
    [
        flat().iloc[::-1],
        flat().assign(bucket=[0, *range(15)]),
        flat().assign(bucket=[None, *range(15)]),
        flat().drop(columns="bucket"),
        flat().drop(columns="detractors"),
        flat().assign(stage="adopt")[["bucket", "stage", "n", "promoters", "detractors"]],
        pd.concat([flat()] * 26, ignore_index=True).assign(bucket=range(416)),
    ],
)
def test_tables_that_are_no_trend(table: pd.DataFrame) -> None:
    for ask in (anomalies, change_points):
        with pytest.raises(FrameError, match="; "):
            ask(table, metric="nps")


def test_a_metric_that_is_none() -> None:
    with pytest.raises(ArgumentError, match="metric: is"):
        anomalies(flat(), metric="revenue")  # type: ignore[arg-type]  # on purpose
