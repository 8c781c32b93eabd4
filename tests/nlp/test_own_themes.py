"""A workspace's own themes: found in every language, in linear time, with errors that help."""

import pytest

import nlp
from nlp import own_themes
from nlp.errors import TaxonomyError
from nlp.own_themes import MAX_HITS, OwnTheme, OwnThemes
from nlp.themes import Place

REFUNDS = OwnTheme("theme.own.refunds", ("refund*", "money back"))
ORDERS = OwnTheme("theme.own.orders", pattern=r"order\s+no\.?\s*\d+|訂單")


def _found(themes, text):
    return [(one.code, text[one.start : one.end]) for one in OwnThemes(themes).mentions(text)]


def test_words_and_patterns_are_found_in_any_language_whatever_the_case():
    assert _found([REFUNDS], "REFUNDED? Money-back please") == [
        ("theme.own.refunds", "REFUNDED"),
        ("theme.own.refunds", "Money-back"),
    ]
    assert _found([ORDERS, REFUNDS], "我的訂單 ORDER no. 77") == [
        ("theme.own.orders", "訂單"),
        ("theme.own.orders", "ORDER no. 77"),
    ]
    assert _found([OwnTheme("theme.own.price", ("سعر",))], "والسعر مرتفع")


@pytest.mark.parametrize("before", ["", "😡 ", "é̀ ", "\ud800\x00", "第一", "\u202e", "👨‍👩‍👧"])
def test_places_count_code_points(before):
    text = before + " Äpfel 🍏 order no 5 refund"
    assert [said for _, said in _found([ORDERS, REFUNDS], text)] == ["order no 5", "refund"]


def test_places_of_one_theme_do_not_overlap_and_are_not_without_number():
    theme = OwnTheme("theme.own.x", ("late", "late order"), "late|order")
    assert _found([theme], "late order") == [("theme.own.x", "late order")]
    assert len(OwnThemes([theme]).mentions("late. " * 500)) == MAX_HITS


def test_phrases_inside_each_other_are_not_all_looked_at(monkeypatch):
    made = []
    monkeypatch.setattr(own_themes, "Place", lambda *place: made.append(place) or Place(*place))
    nested = tuple("a " * size + "a" for size in range(29))
    never = OwnTheme("theme.own.never", (*nested[:-1], "a b"))
    themes = [OwnTheme(f"theme.own.a{n}", nested) for n in range(nlp.MAX_OWN_THEMES - 1)]
    found = OwnThemes([*themes, never]).mentions("a " * 5_000)
    assert len(made) == len(found) == nlp.MAX_OWN_THEMES * MAX_HITS
    assert {(one.start, one.end) for one in found if one.code == "theme.own.a0"} == {
        (58 * place, 58 * place + 57) for place in range(MAX_HITS)
    }


def test_of_several_readings_of_a_word_each_is_looked_for():
    theme = OwnTheme("theme.own.x", ("deliver* late", "delivery was", "late*"))
    assert [said for _, said in _found([theme], "delivery late, delivery was lately")] == [
        "delivery late", "delivery was", "lately"
    ]  # fmt: skip


def test_they_are_judged_like_other_themes_and_in_languages_without_a_taxonomy():
    own = OwnThemes([OwnTheme("theme.own.garden", ("garden",))])
    texts = ["The garden was wonderful, I loved it!", "The garden was horrible.", "garden รัก"]
    found = nlp.analyse_many(texts, ["en", "en", "th"], own_themes=own)
    told = [
        [one.polarity for one in each.themes if one.code == "theme.own.garden"] for each in found
    ]
    assert told == [["positive"], ["negative"], [None]]
    assert all(one.code != "theme.own.garden" for one in nlp.analyse_many(texts)[0].themes)


def test_a_place_without_any_word_has_the_text_as_its_clause():
    own = OwnThemes([OwnTheme("theme.own.stars", pattern="★+")])
    (found,) = nlp.analyse_many(["★★★"], ["en"], own_themes=own)
    assert [(one.start, one.end) for one in found.themes] == [(0, 3)]


@pytest.mark.parametrize(
    ("themes", "hint"),
    [
        ([OwnTheme("delivery", ("x",))], "theme.own."),
        ([OwnTheme("theme.own.a", ("x",))] * 2, "rename"),
        ([OwnTheme("theme.own.a")], "at least one word"),
        ([OwnTheme("theme.own.a", ("",))], "without spaces"),
        ([OwnTheme("theme.own.a", ("a*",))], "letters before"),
        (
            [OwnTheme("theme.own.a", tuple(f"w{n}" for n in range(nlp.MAX_OWN_WORDS + 1)))],
            "refund*",
        ),
        ([OwnTheme(f"theme.own.a{n}", ("x",)) for n in range(nlp.MAX_OWN_THEMES + 1)], "join some"),
        ([OwnTheme("theme.own.a", pattern=" ")], "list words"),
        ([OwnTheme("theme.own.a", pattern="x" * (nlp.MAX_OWN_PATTERN + 1))], "list words"),
        ([OwnTheme("theme.own.a", pattern="(late")], "bracket"),
        ([OwnTheme("theme.own.a", pattern="late(?=r)")], "look-around"),
        ([OwnTheme("theme.own.a", pattern=r"(a)\1")], "look-around"),
        ([OwnTheme("theme.own.a", pattern="a*")], "a+ instead"),
        ([OwnTheme("theme.own.a", pattern=r"\b")], "a+ instead"),
        ([OwnTheme("theme.own.a", pattern=r"((\pL{100}){100}){9}")], "less"),
        ([OwnTheme("theme.own.a", pattern="\ud800(")], "bracket"),
    ],
)
def test_an_unusable_theme_is_refused_with_a_hint(themes, hint):
    with pytest.raises(TaxonomyError) as caught:
        OwnThemes(themes)
    assert hint in caught.value.hint


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "(.*)*x", "a.*b|a"])
def test_no_pattern_takes_more_than_linear_time(pattern, cpu_seconds):
    own = OwnThemes([OwnTheme("theme.own.a", pattern=pattern)])
    assert cpu_seconds(lambda: own.mentions("a" * 100_000 + "!")) < 4
