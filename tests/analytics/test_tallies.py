import pandas as pd
import pytest

from analytics import FrameError, csat, roll_up, summarise_csat, tally_csat, themes

FRAME = pd.DataFrame(
    {"score": [5, 4, 1, 3, 5], "country": ["DE", "FR", "DE", None, None], "stage": list("aabab")}
)


def test_a_tally_rolls_up_to_fewer_keys_and_to_the_total() -> None:
    fine = tally_csat(FRAME, by=["country", "stage"])
    for by in ([], ["country"], ["stage"]):
        rolled = summarise_csat(roll_up(fine, by=by))
        pd.testing.assert_frame_equal(rolled, csat(FRAME, by=by))


def test_wrong_use() -> None:
    with pytest.raises(FrameError, match=r"'county' is missing.*'country'"):
        roll_up(tally_csat(FRAME, by=["country"]), by=["county"])
    talk = pd.DataFrame({"theme": ["price"], "polarity": [None], "respondent": ["a"]})
    with pytest.raises(FrameError, match="'respondents' does not add up"):
        roll_up(themes(talk))
