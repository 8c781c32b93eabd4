import numpy as np
import pandas as pd
import pytest

from analytics import FrameError, compare, conceal, sentiment, themes
from analytics.complaints import compare_complaints


def spoken(*mentions: tuple[str, str | None, int]) -> pd.DataFrame:
    """Themes of mentions: theme, polarity, by how many people."""
    rows = [
        (theme, polarity, f"{theme}{at}-{who}")
        for at, (theme, polarity, people) in enumerate(mentions)
        for who in range(people)
    ]
    return themes(pd.DataFrame(rows, columns=["theme", "polarity", "respondent"], dtype=object))


def test_people_count_and_not_their_mentions() -> None:
    # One person says three bad things of the price: one of ten complains.
    thrice = pd.DataFrame({"theme": "price", "polarity": "negative", "respondent": ["a"] * 3})
    table = compare_complaints(themes(thrice), themes(thrice), writers=(10, 20))
    assert table[["speaking", "complaining", "complaining_before"]].iloc[0].tolist() == [
        0.1,
        0.1,
        0.05,
    ]


def test_a_change_and_its_interval_are_newcombes() -> None:
    now = spoken(("price", "negative", 56), ("price", "positive", 0))
    before = spoken(("price", "negative", 48), ("price", "positive", 48))
    table = compare_complaints(now, before, writers=(70, 160))
    row = table.iloc[0]
    # 96 spoke of it, half of them badly: 48 of 160.
    assert row["change"] == pytest.approx(100 * (56 / 70 - 48 / 160))
    assert row["negative_before"] == 0.5
    assert row["change_low"] < row["change"] < row["change_high"]
    assert row["significant"]


def test_where_all_is_judged_the_interval_is_that_of_the_people() -> None:
    now = spoken(("price", "negative", 20), ("price", "neutral", 10))
    before = spoken(("price", "negative", 9), ("price", "positive", 30))
    table = compare_complaints(now, before, writers=(100, 120))
    counts = [pd.DataFrame({"n": [n], "asked": asked}) for n, asked in ((20, 100), (9, 120))]
    plain = compare(*counts, metric="response")
    names = ["change", "change_low", "change_high", "p_value"]
    assert table[names].iloc[0].tolist() == pytest.approx(plain[names].iloc[0].tolist())


def test_the_fewer_are_judged_the_less_is_known() -> None:
    # 2,000 themes that did not change; one mention in four is judged.
    rng = np.random.default_rng(1)
    sides = []
    for _ in range(2):
        people = rng.binomial(300, 0.25, 2000)
        judged = rng.binomial(people, 0.25)
        bad = rng.binomial(judged, 0.5)
        counts = {"mentions": people, "respondents": people, "negative": bad, "neutral": 0}
        names = [f"t{at}" for at in range(2000)]
        sides.append(pd.DataFrame({"theme": names} | counts | {"positive": judged - bad}))
    table = compare_complaints(*sides, writers=(300, 300))
    assert 0.03 < (table["p_value"] < 0.05).mean() < 0.06  # as if all were: 0.23


def test_a_theme_that_is_new_was_mentioned_by_nobody_before() -> None:
    now, before = spoken(("price", "negative", 6)), spoken(("delivery", "negative", 6))
    table = compare_complaints(now, before, writers=(60, 60)).set_index("theme")
    assert table["change"].round(9).to_dict() == {"delivery": -10.0, "price": 10.0}
    assert table.loc["price", "complaining_before"] == 0
    assert pd.isna(table.loc["price", "negative_before"])


def test_what_is_hidden_or_not_judged_is_not_known() -> None:
    now = spoken(("price", None, 8), ("delivery", "negative", 8), ("support", "negative", 8))
    hidden = conceal(now, (now["theme"] == "delivery").to_numpy())
    table = compare_complaints(hidden, now, writers=(50, 50)).set_index("theme")
    assert table["change"].isna().to_dict() == {"delivery": True, "price": True, "support": False}
    assert pd.isna(table.loc["delivery", "speaking"])
    assert table.loc["price", "speaking"] == 0.16  # they spoke of it; how, nobody knows
    assert table["significant"].isna().tolist() == [True, True, False]


def test_many_themes_are_allowed_for() -> None:
    now = spoken(*((f"t{at}", "negative", 10) for at in range(8)), ("price", "negative", 30))
    before = spoken(*((f"t{at}", "negative", 10) for at in range(8)), ("price", "negative", 18))
    table = compare_complaints(now, before, writers=(100, 100)).set_index("theme")
    assert table.loc["price", "p_value"] < 0.05 < table.loc["price", "q_value"]
    assert not table["significant"].any()


def test_nobody_wrote() -> None:
    nothing = spoken()
    table = compare_complaints(spoken(("price", "negative", 6)), nothing, writers=(20, 0))
    assert pd.isna(table["change"]).all()
    assert compare_complaints(nothing, nothing, writers=(0, 0)).empty


def test_wrong_use_is_refused() -> None:
    table = spoken(("price", "negative", 6))
    with pytest.raises(FrameError, match="exceed those who wrote"):
        compare_complaints(table, table, writers=(5, 50))
    with pytest.raises(FrameError, match="'respondents' is missing"):
        compare_complaints(
            sentiment(pd.DataFrame({"sentiment": ["negative"]})), table, writers=(9, 9)
        )
