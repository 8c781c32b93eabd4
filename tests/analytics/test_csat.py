import pandas as pd
import pytest

from analytics import FrameError, csat


def test_top_two_boxes_by_hand() -> None:
    table = csat(pd.DataFrame({"score": [1, 2, 3, 4, 5, 5, None]}))
    assert table[["n", "satisfied"]].values.tolist() == [[6, 3]]
    # Wilson, 3 of 6: 50 ± 31.24 (z²/n = .6402; 1.96/1.6402 * sqrt(.25/6 + .6402/24)).
    assert table[["csat", "low", "high"]].iloc[0].tolist() == pytest.approx(
        [50, 18.76, 81.24], abs=0.01
    )


@pytest.mark.parametrize("score", [0, 6, 4.5])
def test_another_range_is_refused(score: float) -> None:
    with pytest.raises(FrameError, match=r"'score' holds .*whole numbers 1 to 5"):
        csat(pd.DataFrame({"score": [score]}))


def test_none_satisfied_is_zero_and_none_asked_is_null() -> None:
    frame = pd.DataFrame({"score": [3, None], "stage": ["adopt", "serve"]})
    table = csat(frame, by=["stage"])
    assert table["csat"].isna().tolist() == [False, True]
    assert table["csat"].iloc[0] == 0
    assert table["low"].iloc[0] == 0
