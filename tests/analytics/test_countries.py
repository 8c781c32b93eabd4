from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analytics import ArgumentError, FrameError, nps, suppress, tally_nps
from analytics.countries import fieller, read_countries

Rng = np.random.Generator
# Latent experience is the same in both; what a country makes of it differs.
EXPERIENCE = {"us": 0.4, "disliked": -0.9, "liked": 1.0}


def one_row(up: int, down: int, n: int, **keys: Any) -> dict[str, Any]:
    return keys | {"n": n, "promoters": up, "detractors": down}


def series(nets: list[float], country: str = "DE", n: int = 1000) -> pd.DataFrame:
    rows = [
        one_row(
            int(n * (100 + net) / 200), int(n * (100 - net) / 200), n, country=country, period=at
        )
        for at, net in enumerate(nets)
    ]
    return pd.DataFrame(rows)


def styled(rng: Rng, what: str, *, share: float, kind: float, n: int) -> tuple[int, int]:
    """Promoters and detractors where `share` of people answer by habit: kindly or else middling."""
    shares = stats.norm.sf(0.5, EXPERIENCE[what]), stats.norm.cdf(-0.3, EXPERIENCE[what])
    up = (1 - share) * shares[0] + share * kind
    down = (1 - share) * shares[1] + share * (1 - kind) / 2
    return tuple(rng.multinomial(n, [up, down, 1 - up - down])[:2])  # type: ignore[return-value]  # two


STYLES = {"IN": 0.95, "JP": 0.05}  # how kind the habit of 40 % of the people is


def synthetic(rng: Rng, n: int, copies: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Countries of equal experience and two styles of answering, with their anchors."""
    rows, anchors = [], []
    for copy in range(copies):
        for style, kind in STYLES.items():
            habit: dict[str, Any] = {"share": 0.4, "kind": kind, "n": n}
            country = f"{style}{copy}"
            rows.append(one_row(*styled(rng, "us", **habit), n, country=country, period=1))
            anchors += [
                one_row(*styled(rng, anchor, **habit), n, country=country, anchor=anchor)
                for anchor in ("disliked", "liked")
            ]
    return pd.DataFrame(rows), pd.DataFrame(anchors)


def test_equal_experience_reads_equal_where_raw_differs() -> None:
    rows, anchors = synthetic(np.random.default_rng(5), 400_000)
    table = read_countries(rows, anchors=anchors).set_index("country")
    assert table.at["IN0", "nps"] - table.at["JP0", "nps"] > 30
    assert abs(table.at["IN0", "calibrated"] - table.at["JP0", "calibrated"]) < 2


def test_the_anchored_interval_covers_the_true_position() -> None:
    net = {
        what: stats.norm.sf(0.5, mean) - stats.norm.cdf(-0.3, mean)
        for what, mean in EXPERIENCE.items()
    }
    truth = 100 * (net["us"] - net["disliked"]) / (net["liked"] - net["disliked"])
    rows, anchors = synthetic(np.random.default_rng(8), 300, copies=500)
    table = read_countries(rows, anchors=anchors)
    held = (table["calibrated_low"] <= truth) & (table["calibrated_high"] >= truth)
    assert held.mean() == pytest.approx(0.95, abs=0.021)  # 1,000 readings, 3 standard errors


def test_the_latent_interval_covers_it_too() -> None:
    rng, rows, anchors = np.random.default_rng(3), [], []
    for copy in range(1000):
        for what, mean in EXPERIENCE.items():
            up, down = stats.norm.sf(0.5, mean), stats.norm.cdf(-0.3, mean)
            counts = rng.multinomial(300, [up, down, 1 - up - down])[:2]
            kept, key = (rows, "period") if what == "us" else (anchors, "anchor")
            kept.append(one_row(*counts, 300, country=copy, **{key: what}))
    table = read_countries(pd.DataFrame(rows), anchors=pd.DataFrame(anchors), ruler="latent")
    truth = 100 * 1.3 / 1.9
    held = (table["calibrated_low"] <= truth) & (table["calibrated_high"] >= truth)
    assert held.mean() == pytest.approx(0.95, abs=0.021)


def test_z_by_hand_and_by_scipys_prediction() -> None:
    past = [10.0, 12, 8, 11, 9, 10, 13, 7]
    row = read_countries(series([*past, 20.0])).iloc[0]
    assert row["periods"] == 8 and row["baseline"] == pytest.approx(10)
    assert row["baseline_sd"] == pytest.approx(2) and row["z"] == pytest.approx(5)
    assert row["p_value"] == pytest.approx(2 * stats.t.sf(5 / np.sqrt(1 + 1 / 8), 7))
    earlier = read_countries(series([*past, 20.0, 40.0]), at=8).iloc[0]
    assert earlier["z"] == pytest.approx(5)  # what came later is no baseline


def test_false_alarms_of_the_p_value() -> None:
    rng = np.random.default_rng(2)
    nets = np.round(rng.normal(30, 5, (2000, 9)), 1)
    rows = pd.concat([series(list(row), f"{at:04}") for at, row in enumerate(nets)])
    assert (read_countries(rows)["p_value"] < 0.05).mean() == pytest.approx(0.05, abs=0.015)


@pytest.mark.parametrize("past", [[10.0] * 7, [10.0] * 8])
def test_too_few_periods_or_none_that_moved_have_no_z(past: list[float]) -> None:
    row = read_countries(series([*past, 20.0])).iloc[0]
    assert row["periods"] == len(past) and np.isnan(row["z"]) and np.isnan(row["p_value"])
    assert row["nps"] == pytest.approx(20)


def test_null_where_the_anchors_do_not_differ() -> None:
    rows = pd.DataFrame([one_row(50, 20, 100, country=name, period=1) for name in "ABC"])
    anchors = pd.DataFrame(
        [
            one_row(30, 32, 100, country="A", anchor="disliked"),
            one_row(34, 30, 100, country="A", anchor="liked"),
            one_row(80, 10, 100, country="B", anchor="disliked"),  # the wrong way round
            one_row(10, 80, 100, country="B", anchor="liked"),
            one_row(10, 80, 100, country="C", anchor="disliked"),  # no other end
        ]
    )
    table = read_countries(rows, anchors=anchors)
    assert table[["calibrated", "calibrated_low", "calibrated_high"]].isna().all(axis=None)
    assert table["nps"].tolist() == [30, 30, 30] and table["liked"].isna().tolist()[2]


@settings(deadline=None, max_examples=25)
@given(st.permutations(["BR", "DE", "IN", "JP"]), st.lists(st.integers(-90, 90), min_size=4))
def test_rows_stand_in_key_order_whatever_their_scores(order: list[str], nets: list[int]) -> None:
    rows = pd.concat([series([float(net)], name) for name, net in zip(order, nets, strict=False)])
    table = read_countries(rows)
    assert table["country"].tolist() == ["BR", "DE", "IN", "JP"]
    shuffled = rows.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(table, read_countries(shuffled))
    twice = rows.assign(n=2 * rows["n"], promoters=2 * rows["promoters"])
    twice["detractors"] *= 2
    assert read_countries(twice)["nps"].tolist() == pytest.approx(table["nps"].tolist())


def test_tallies_of_any_engine_null_keys_and_suppressed_rows(make_frame: Any) -> None:
    frame = make_frame(
        {
            "score": [9, 9, 3, 10, 8, None],
            "country": ["DE", "DE", None, "FR", "FR", "JP"],
            "period": [1, 2, 2, 1, 2, 2],
        }
    )
    tallied = tally_nps(frame, by=["country", "period"])
    table = read_countries(tallied)
    assert table["country"].isna().tolist() == [False, False, False, True]
    assert table["nps"].tolist()[:2] == [100, 0] and np.isnan(table["nps"][2])
    assert table["periods"].tolist() == [1, 1, 0, 0]
    hidden = read_countries(suppress(tallied, respondents="n", k=5))
    assert hidden["n"].isna().sum() == 3 and hidden["nps"].isna().all()
    assert len(read_countries(tallied.iloc[:0])) == 0


def test_fieller_nears_the_delta_method_where_the_ruler_is_sure() -> None:
    top, bottom, variance = np.array([0.3]), np.array([1.2]), np.array([1e-6])
    low, high = fieller(
        top,
        bottom,
        top_variance=variance,
        bottom_variance=variance,
        covariance=variance / 2,
    )
    ratio = 0.25
    error = np.sqrt(1e-6 * (1 + ratio**2 - ratio)) / 1.2
    assert [low[0], high[0]] == pytest.approx(
        [ratio - 1.96 * error, ratio + 1.96 * error], abs=1e-6
    )


def test_a_country_alone_has_no_past() -> None:
    rows, anchors = synthetic(np.random.default_rng(5), 1000)
    alone = read_countries(rows.drop(columns="period"), anchors=anchors, keys="country")
    pd.testing.assert_frame_equal(alone, read_countries(rows, anchors=anchors))


def test_weighted_countries_take_a_tally() -> None:
    frame = pd.DataFrame({"score": [9, 3], "country": "DE", "period": 1, "weight": [3.0, 1.0]})
    options: dict[str, Any] = {"by": ["country", "period"], "weight": "weight"}
    assert read_countries(tally_nps(frame, **options))["nps"].item() == pytest.approx(50)
    with pytest.raises(FrameError, match="tally_nps") as caught:
        read_countries(nps(frame, **options))
    assert caught.value.column == "n_eff"


def test_wrong_use_is_named() -> None:
    rows = series([10, 20])
    anchors = pd.DataFrame([one_row(1, 1, 3, country="DE", anchor="loved")])
    for wrong, column in (
        (rows.drop(columns="promoters"), "promoters"),
        (rows.rename(columns={"period": "periode"}), "period"),
        (pd.concat([rows, rows]), "country"),
        (rows.assign(stage="exit")[["stage", *rows.columns]], "stage"),
    ):
        with pytest.raises(FrameError) as caught:
            read_countries(wrong)
        assert caught.value.column == column
    with pytest.raises(FrameError, match="loved"):
        read_countries(rows, anchors=anchors)
    for options in (
        {"at": 7},
        {"keys": ()},
        {"least_periods": 2},
        {"confidence": 0},
        {"ruler": "x"},
    ):
        with pytest.raises(ArgumentError):
            read_countries(rows, **options)  # type: ignore[arg-type]  # wrong on purpose


Shares = Callable[[float], tuple[float, float]]


def normal(above: float, below: float) -> Shares:
    """The shares of promoters and detractors around a mean, by where 9 begins and 6 ends."""
    return lambda mean: (stats.norm.sf(above, mean), stats.norm.cdf(below, mean))


def habitual(kind: float) -> Shares:
    honest = normal(0.5, -0.3)
    return lambda mean: (
        0.6 * honest(mean)[0] + 0.4 * kind,
        0.6 * honest(mean)[1] + 0.2 * (1 - kind),
    )


@pytest.mark.parametrize(
    "kind,strict,raw,gaps",
    [
        (normal(0.2, -0.6), normal(0.8, 0.0), 42.1, {"net": 9.56, "latent": 0.0}),
        (normal(-0.2, -0.9), normal(0.9, -0.1), 62.9, {"net": 14.55, "latent": 0.0}),
        (habitual(0.95), habitual(0.05), 54.0, {"net": 0.0, "latent": -11.1}),
    ],
    ids=["shifted", "shifted and stretched", "habit"],
)
def test_each_ruler_takes_out_its_kind_of_style(
    kind: Shares, strict: Shares, raw: float, gaps: dict[Any, float]
) -> None:
    """Equal experience, no sampling error: what the other kind leaves is known, and stated."""
    many = 10_000_000
    rows, anchors = [], []
    for country, style in (("A", kind), ("B", strict)):
        for what, mean in EXPERIENCE.items():
            up, down = (round(many * share) for share in style(mean))
            kept, key = (rows, "period") if what == "us" else (anchors, "anchor")
            kept.append(one_row(up, down, many, country=country, **{key: what}))
    fits = "net" if gaps["net"] == 0 else "latent"
    for ruler, gap in [*gaps.items(), ("fitting", gaps[fits])]:
        table = read_countries(pd.DataFrame(rows), anchors=pd.DataFrame(anchors), ruler=ruler)
        assert -table["nps"].diff().iloc[1] == pytest.approx(raw, abs=0.1)
        assert -table["calibrated"].diff().iloc[1] == pytest.approx(gap, abs=0.1)
        assert set(table["ruler"]) == {fits if ruler == "fitting" else ruler}
        assert (table["calibrated_low"] < table["calibrated"]).all()
        assert (table["calibrated_high"] > table["calibrated"]).all()
