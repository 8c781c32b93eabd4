from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics import (
    ArgumentError,
    FrameError,
    Split,
    ces,
    compare,
    csat,
    nps,
    roll_up,
    sentiment,
    split_change,
    suppress,
    tally_ces,
    tally_csat,
    tally_nps,
    tally_sentiment,
)

Rows = list[tuple[Any, int]]  # (segment, score)
SCORES = {"nps": range(11), "csat": range(1, 6), "ces": range(1, 8)}
TALLIES: dict[Any, Any] = {"nps": tally_nps, "csat": tally_csat, "ces": tally_ces}
segments = st.sampled_from(["DE", "FR", "JP", None])
fast = settings(deadline=None, max_examples=12)


def frame_of(rows: Rows) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["country", "score"])
    return frame.astype({"country": "str", "score": "float64"})


def parts(split: Split) -> list[float]:
    return [split.change, split.within, split.mix]


@pytest.mark.parametrize("metric", SCORES)
@fast
@given(data=st.data())
def test_the_parts_add_up_to_the_change(metric: Any, data: st.DataObject) -> None:
    rows = st.lists(st.tuples(segments, st.sampled_from(SCORES[metric])), min_size=1, max_size=30)
    frames = [frame_of(data.draw(rows)) for _ in range(2)]
    now, then = (TALLIES[metric](frame, by="country") for frame in frames)
    split = split_change(now, then, metric=metric)
    assert split.within + split.mix == pytest.approx(split.change, abs=1e-9)
    table = split.segments
    for name, whole in (("change", split.change), ("within", split.within), ("mix", split.mix)):
        assert table[name].sum() == pytest.approx(whole, abs=1e-9)
    assert split.within_low <= split.within <= split.within_high
    assert split.mix_low <= split.mix <= split.mix_high
    total = compare(roll_up(now), roll_up(then), metric=metric)["change"].item()
    assert split.change == pytest.approx(total, abs=1e-9)
    back = split_change(then, now, metric=metric)
    assert parts(back) == pytest.approx([-part for part in parts(split)], abs=1e-9)
    assert back.within_high == pytest.approx(-split.within_low)
    upside_down = split_change(now.iloc[::-1], then.iloc[::-1], metric=metric)
    pd.testing.assert_frame_equal(upside_down.segments, table)


def test_against_the_formula_written_out() -> None:
    now = {"a": (50, 0.5), "b": (30, -0.2), "new": (20, 0.9)}
    then = {"a": (70, 0.4), "b": (10, 0.0), "old": (20, -0.5)}

    def table(side: dict[str, tuple[int, float]]) -> pd.DataFrame:
        rows = [
            {"key": key, "n": 20 * n}
            | {"promoters": round(10 * n * (1 + r)), "detractors": round(10 * n * (1 - r))}
            for key, (n, r) in side.items()
        ]
        return pd.DataFrame(rows)

    split = split_change(table(now), table(then), metric="nps")
    # Shares .5 .3 .2 and .7 .1 .2; totals .37 and .18; their mean .275.
    expected = {
        "a": (0.6 * 0.1, (0.45 - 0.275) * -0.2),
        "b": (0.2 * -0.2, (-0.1 - 0.275) * 0.2),
        "new": (0, (0.9 - 0.275) * 0.2),
        "old": (0, (-0.5 - 0.275) * -0.2),
    }
    found = split.segments.set_index("key")
    for key, (within, mix) in expected.items():
        values = found.loc[key, ["within", "mix"]].tolist()
        assert values == pytest.approx([100 * within, 100 * mix])
    assert split.change == pytest.approx(19)
    assert found.loc["new", ["score", "share_before"]].tolist() == pytest.approx([90, 0])
    assert found["score_before"].isna().tolist() == [False, False, True, False]


def test_the_interval_of_a_mix_with_a_new_segment_written_out() -> None:
    keys = {"key": ["a", "new"], "n": [50, 50], "promoters": [30, 20], "detractors": [5, 30]}
    now = pd.DataFrame(keys)
    then = pd.DataFrame({"key": ["a"], "n": [100], "promoters": [40], "detractors": [20]})

    def variance(up: float, down: float, n: float) -> float:
        up, down = (up + 0.75) / (n + 3), (down + 0.75) / (n + 3)
        return (up + down - (up - down) ** 2) / n

    # Shares of "a" 1 and .5, levels (.5 + .2)/2 and -.2: what "new" scores counts in full.
    scores = 0.25**2 * (variance(30, 5, 50) + variance(40, 20, 100))
    expected = scores + 0.5**2 * variance(20, 30, 50) + 0.25 * (0.35 + 0.2) ** 2 / 100
    split = split_change(now, then, metric="nps")
    margin = 100 * 1.959964 * np.sqrt(expected)
    assert split.mix_high - split.mix == pytest.approx(margin)
    assert split.mix - split.mix_low == pytest.approx(margin)


def test_a_change_of_one_kind_only() -> None:
    then = tally_nps(frame_of([("DE", 9), ("DE", 0), ("FR", 9), ("FR", 9)]), by="country")
    more = frame_of([("DE", 9), ("DE", 0), *[("FR", 9)] * 6])
    assert split_change(tally_nps(more, by="country"), then, metric="nps").within == 0
    better = tally_nps(frame_of([("DE", 9), ("DE", 9), ("FR", 9), ("FR", 8)]), by="country")
    assert split_change(better, then, metric="nps").mix == pytest.approx(0, abs=1e-9)


def test_sentiment_and_results_of_every_metric() -> None:
    talk = pd.DataFrame({"sentiment": ["positive", "negative", None], "key": ["a", "b", "b"]})
    now, then = tally_sentiment(talk, by="key"), tally_sentiment(talk.iloc[1:], by="key")
    assert split_change(now, then, metric="sentiment").change == 100
    measures: list[tuple[Any, Any]] = [(nps, "nps"), (csat, "csat"), (ces, "ces")]
    for measure, metric in measures:
        result = measure(frame_of([("DE", 5), ("FR", 1)]), by="country")
        assert parts(split_change(result, result, metric=metric)) == [0, 0, 0]
    assert split_change(sentiment(talk, by="key"), then, metric="sentiment").change == 100


@fast
@given(
    st.lists(st.tuples(segments, st.integers(0, 10)), min_size=1, max_size=20), st.floats(0.1, 9)
)
def test_the_scale_of_weights_is_nothing(rows: Rows, scale: float) -> None:
    frame = frame_of(rows)
    frame["w"] = np.arange(len(frame)) + 1.0
    then = tally_nps(frame.assign(score=9.0, w=1.0), by="country", weight="w")
    now = tally_nps(frame, by="country", weight="w")
    scaled = tally_nps(frame.assign(w=frame["w"] * scale), by="country", weight="w")
    one, two = (split_change(table, then, metric="nps") for table in (now, scaled))
    assert parts(one) == pytest.approx(parts(two), abs=1e-9)
    assert one.within_low == pytest.approx(two.within_low)
    weighted = nps(frame, weight="w")["nps"].item() - 100
    assert one.change == pytest.approx(weighted, abs=1e-9)
    assert one.within + one.mix == pytest.approx(one.change, abs=1e-9)


def test_equal_weights_change_nothing() -> None:
    frame = frame_of([("DE", 9), ("DE", 3), ("FR", 8), (None, 10)])
    plain, weighted = (tally_nps(frame.assign(w=2.0), by="country", weight=w) for w in (None, "w"))
    then = tally_nps(frame.iloc[:3], by="country")
    one, two = (split_change(now, then, metric="nps") for now in (plain, weighted))
    assert parts(one) == pytest.approx(parts(two))
    assert one.mix_high == pytest.approx(two.mix_high)


def test_the_intervals_hold_what_they_promise() -> None:
    """Shares and scores move; each simulated split is judged by the split of the truth."""
    rng = np.random.default_rng(1955)
    cells = np.array([[0.25, 0.15, 0.10], [0.10, 0.10, 0.10], [0.05, 0.05, 0.10]])
    moved = np.array([[0.18, 0.10, 0.07], [0.20, 0.06, 0.04], [0.15, 0.10, 0.10]])

    def table(counts: Any) -> pd.DataFrame:
        up, _, down = np.asarray(counts).T
        n = np.asarray(counts).sum(axis=1)
        return pd.DataFrame({"key": [0, 1, 2], "n": n, "promoters": up, "detractors": down})

    truth = split_change(table(moved * 1e6), table(cells * 1e6), metric="nps")
    hits = np.zeros(2)
    for _ in range(300):
        now, then = (
            table(rng.multinomial(n, p.ravel()).reshape(3, 3))
            for n, p in ((80, moved), (120, cells))
        )
        split = split_change(now, then, metric="nps")
        hits += [
            split.within_low <= truth.within <= split.within_high,
            split.mix_low <= truth.mix <= split.mix_high,
        ]
    assert (hits / 300).tolist() == pytest.approx([0.95, 0.95], abs=0.038)  # 3 standard errors


def test_an_empty_side_has_no_change() -> None:
    full = tally_nps(frame_of([("DE", 9)]), by="country")
    for now, then in ((full, full.iloc[:0]), (full.iloc[:0], full), (full.iloc[:0],) * 2):
        split = split_change(now, then, metric="nps")
        assert np.isnan([split.change, split.within_low, split.mix_high]).all()
    nobody = full.assign(n=0, promoters=0)
    assert np.isnan(split_change(full, nobody, metric="nps").change)


def test_segments_can_be_suppressed_afterwards() -> None:
    frame = frame_of([("DE", 9)] * 9 + [("FR", 3)] * 7 + [("JP", 8)] * 2)
    table = tally_nps(frame, by="country")

    def hidden(now: pd.DataFrame, then: pd.DataFrame) -> list[bool]:
        found = split_change(now, then, metric="nps").segments
        people = found[["n", "n_before"]]
        smaller = people.where(people > 0).min(axis=1).fillna(0).astype("int64")
        table = suppress(found, respondents=smaller)
        assert table.loc[table["suppressed"], "score"].isna().all()
        return table["suppressed"].tolist()

    assert hidden(table, table) == [False, True, True]
    # Two people of a segment that is new, or gone, are as few as two of any other.
    old = table[table["country"] != "JP"]
    assert hidden(table, old) == hidden(old, table) == [False, True, True]
    assert not any(hidden(old, old.assign(n=[9, 0], promoters=[9, 0], detractors=0)))


def test_wrong_use() -> None:
    table = tally_nps(frame_of([("DE", 9)] * 9 + [("FR", 3)]), by="country")
    with pytest.raises(FrameError, match="no segments; tally by"):
        split_change(roll_up(table), roll_up(table), metric="nps")
    with pytest.raises(FrameError, match="compare like with like"):
        split_change(table, table.rename(columns={"country": "stage"}), metric="nps")
    with pytest.raises(FrameError, match=r"suppressed row; split first"):
        split_change(suppress(table, respondents="n"), table, metric="nps")
    with pytest.raises(FrameError, match="repeats a key"):
        split_change(pd.concat([table, table]), table, metric="nps")
    with pytest.raises(FrameError, match="'satisfied' is missing"):
        split_change(table, table, metric="csat")
    with pytest.raises(FrameError, match=r"n_eff.*tally_nps"):
        weighted = nps(frame_of([("DE", 9)]).assign(w=1.0), by="country", weight="w")
        split_change(weighted, table, metric="nps")
    with pytest.raises(ArgumentError, match="metric"):
        split_change(table, table, metric="ltv")  # type: ignore[arg-type]  # the point of the test
    with pytest.raises(FrameError, match="'share' is also a column"):
        clash = table.rename(columns={"country": "share"})
        split_change(clash, clash, metric="nps")
    with pytest.raises(ArgumentError, match="confidence"):
        split_change(table, table, metric="nps", confidence=95)
