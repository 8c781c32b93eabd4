"""Question types: which answers each takes, from JSON and from forms and files."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey_app.surveys.questions import (
    KINDS,
    MAX_COMMENT,
    Ces,
    Comment,
    Csat,
    Nps,
    Question,
    Scale,
    WrongAnswer,
    is_blank,
    questions_of,
)

SCALES = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7)}


def question(kind: str) -> Question:
    return KINDS[kind](key=kind, required=False)


@pytest.mark.parametrize(("kind", "ends"), SCALES.items())
def test_a_scale_takes_its_whole_numbers_and_no_others(kind: str, ends: tuple[int, int]) -> None:
    low, high = ends
    asked = question(kind)
    for value in range(low, high + 1):
        assert asked.accept(value) == value
        assert asked.accept_text(f" {value} ") == value
    for value in (low - 1, high + 1, 2**63, -(2**63)):
        with pytest.raises(WrongAnswer) as caught:
            asked.accept(value)
        error = caught.value.error
        assert (error.field, error.code) == (f"answers.{kind}", "answer.score")
        assert str(caught.value) == f"Choose a whole number from {low} to {high}."


@pytest.mark.parametrize(
    "value", [True, False, 3.0, 3.5, "3", "", [3], {"value": 3}, float("nan"), float("inf")]
)
@pytest.mark.parametrize("kind", SCALES)
def test_json_scores_are_integers_and_nothing_else(kind: str, value: object) -> None:
    with pytest.raises(WrongAnswer):
        question(kind).accept(value)


@pytest.mark.parametrize(
    "text", ["3.0", "+3", "-1", "3 3", "three", "٣", "³", "1e0", "0x3", "003", "nan"]
)
@pytest.mark.parametrize("kind", SCALES)
def test_form_scores_are_plain_digits(kind: str, text: str) -> None:
    with pytest.raises(WrongAnswer):
        question(kind).accept_text(text)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_no_answer(kind: str) -> None:
    asked = question(kind)
    assert asked.accept(None) is None
    assert asked.accept_text("") is asked.accept_text(" \n\t ") is None


BLANK = (
    " \u00a0\u3000\u2003",
    "\u200b\u200b",
    "\u200d\u200c\u2060\ufeff",
    "\x00\x07\x1b\x7f\x85",
    "\u202e\u2066\u061c",
    "\u2800",
    "\u3164\u115f",
    "\ufe0f \U000e0001",
    "\r\n\t\u2028",
)
SEEN = ("0", ".", "\u200bok", "٣", "👍\ufe0f", "\u0301", "〜", "\u200f؟")
# Also signs that are newer than this Python, and private ones.
NEWER = ("\U0001fae8", "\uf8ff")


@pytest.mark.parametrize("text", ["", *BLANK])
def test_a_comment_in_which_nothing_can_be_seen_is_no_answer(text: str) -> None:
    asked = Comment(key="comment", required=True)
    assert is_blank(text)
    assert asked.accept(text) is asked.accept_text(text) is None


@pytest.mark.parametrize("text", [*SEEN, *NEWER])
def test_one_sign_that_can_be_seen_is_an_answer(text: str) -> None:
    assert not is_blank(text)
    assert Comment(key="comment", required=False).accept(text) == text


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()))
def test_a_scale_gives_a_number_on_it_or_refuses(value: object) -> None:
    for kind, (low, high) in SCALES.items():
        try:
            found = question(kind).accept(value)
        except WrongAnswer:
            continue
        assert found is None or (type(found) is int and low <= found <= high)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("  fine  ", "fine"),
        ("one\r\ntwo", "one\ntwo"),
        ("tab\there", "tab\there"),
        ("a\0b\x07c\x7f\x85", "abc"),
        ("\ufeffhello", "hello"),
        ("\u202eevil\u202c", "evil"),
        ("\u2066isolated\u2069", "isolated"),
        ("e\u0301", "é"),
        ("👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("<b>{{7*7}}</b>", "<b>{{7*7}}</b>"),
        ("=1+1", "=1+1"),
    ],
)
def test_a_comment_keeps_what_was_written_without_what_nobody_sees(text: str, kept: str) -> None:
    asked = Comment(key="comment", required=False)
    assert asked.accept(text) == asked.accept_text(text) == kept


@given(st.text(max_size=300))
def test_reading_a_comment_twice_changes_nothing(text: str) -> None:
    asked = Comment(key="comment", required=False)
    kept = asked.accept(text)
    assert asked.accept(kept) == kept
    if kept is not None:
        assert kept == kept.strip() and not is_blank(kept)
        assert unicodedata.is_normalized("NFC", kept)
        assert not any(char in kept for char in "\0\r\x7f\u202e\u2066\ufeff") or "\r" in kept


def test_a_comment_has_a_greatest_length() -> None:
    asked = Comment(key="comment", required=False)
    assert asked.accept("ä" * MAX_COMMENT) == "ä" * MAX_COMMENT
    with pytest.raises(WrongAnswer) as caught:
        asked.accept("x" * (MAX_COMMENT + 1))
    assert caught.value.error.code == "answer.too_long"


@pytest.mark.parametrize("value", [5, True, ["text"], {"text": "x"}])
def test_a_comment_is_a_text(value: object) -> None:
    with pytest.raises(WrongAnswer) as caught:
        Comment(key="comment", required=False).accept(value)
    assert caught.value.error.code == "answer.text"


def test_questions_describe_themselves_with_their_choices() -> None:
    plain = Nps(key="nps", required=True).describe(
        {"text": "How likely?", "low": "0", "high": "10"}
    )
    assert plain["choices"] == [{"value": value, "label": str(value)} for value in range(11)]
    assert (plain["kind"], plain["required"], plain["text"]) == ("nps", True, "How likely?")
    labels = ["bad", "poor", "fair", "good", "great"]
    worded = Csat(key="csat", required=False).describe({"text": "?", "labels": labels})
    assert [choice["label"] for choice in worded["choices"]] == labels
    with pytest.raises(ValueError, match="zip"):
        Ces(key="ces", required=False).describe({"text": "?", "labels": labels})
    comment = Comment(key="comment", required=False).describe({"text": "?", "placeholder": "…"})
    assert (comment["max_length"], comment["placeholder"]) == (MAX_COMMENT, "…")


def test_a_definition_becomes_its_questions_in_order() -> None:
    found = questions_of(
        {
            "questions": [
                {"key": "a", "kind": "csat", "required": True},
                {"key": "b", "kind": "comment", "required": False},
            ]
        }
    )
    assert [(type(item), item.key, item.required) for item in found] == [
        (Csat, "a", True),
        (Comment, "b", False),
    ]
    assert all(issubclass(kind, Scale) is kind.is_score for kind in KINDS.values())
