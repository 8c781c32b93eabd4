import pandas as pd
import pytest

from analytics import FrameError, ces


def test_share_and_mean_by_hand() -> None:
    table = ces(pd.DataFrame({"score": [7, 6, 5, 4, 1, None]}))
    assert list(table.columns) == [
        "n",
        "easy",
        "ces",
        "low",
        "high",
        "mean",
        "mean_low",
        "mean_high",
    ]
    assert table[["n", "easy", "ces", "mean"]].iloc[0].tolist() == pytest.approx([5, 3, 60, 4.6])
    # s² = (127 - 23²/5)/4 = 5.3; t(4) = 2.7764; 2.7764 * sqrt(5.3/5) = 2.858, clipped at 7.
    assert table[["mean_low", "mean_high"]].iloc[0].tolist() == pytest.approx(
        [1.742, 7.0], abs=0.001
    )


def test_one_answer_has_no_interval_of_the_mean() -> None:
    table = ces(pd.DataFrame({"score": [7]}))
    assert table["mean"].item() == 7
    assert table[["mean_low", "mean_high"]].isna().all(axis=None)
    assert table[["low", "high"]].notna().all(axis=None)


@pytest.mark.parametrize("score", [0, 8])
def test_another_range_is_refused(score: int) -> None:
    with pytest.raises(FrameError, match="whole numbers 1 to 7"):
        ces(pd.DataFrame({"score": [score]}))
