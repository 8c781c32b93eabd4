"""Words of a text: any script, offsets of the text as given."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.words import (
    LONGEST_KEPT,
    cut,
    fold,
    is_visible,
    kept,
    readable,
    without_clitics,
    words_of,
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don’t! z.B. 24/7", ["don", "t", "z", "b", "24", "7"]),
        ("डिलीवरी बहुत देर", ["डिलीवरी", "बहुत", "देर"]),
        ("配送很慢，OK。", ["配", "送", "很", "慢", "ok"]),
        ("サポートは", list("サポートは")),
        ("ตัวอย่าง ภาษา", ["ตัวอย่าง", "ภาษา"]),
        ("너무 늦었어요ㅠㅠ", ["너무", "늦었어요"]),
        ("İSTANBUL'da ÇOK", ["istanbul", "da", "cok"]),
        ("👍🏽 ☎️ — …", []),
        ("", []),
    ],
)
def test_words_are_runs_of_what_is_written(text, words):
    assert [word for _, _, word in words_of(readable(text))] == words


@pytest.mark.parametrize(
    ("one", "other"),
    [("Schön", "SCHON"), ("trés", "tres"), ("Ёлка", "елка"), ("أحمد", "احمد"), ("ıŞık", "isik"),
     ("خِدمة", "خدمه"), ("fiancé", "FIANCÉ"), ("może", "moze")],
)  # fmt: skip
def test_what_people_leave_out_is_left_out(one, other):
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("रुपये", "रपय"), ("й", "и"), ("が", "か")])
def test_marks_that_make_another_letter_stay(one, other):
    assert fold(one) != fold(other)


def test_arabic_words_lose_what_is_written_together_with_them():
    assert "خدمه" in list(without_clitics(fold("والخدمة")))
    assert list(without_clitics("ولد")) == ["ولد"]


def test_only_short_words_are_kept():
    read = []
    length = kept(lambda word: read.append(word) or len(word), most=2)
    short, long = "x" * LONGEST_KEPT, "x" * (LONGEST_KEPT + 1)
    assert [length(word) for word in (short, short, long, long)] == [40, 40, 41, 41]
    assert read == [short, long, long]


@pytest.mark.parametrize("text", ["\u200d" * 20, " \ufeff\u00ad", "\u3164\u2800", "\u0301", ""])
def test_what_has_no_ink_is_not_visible(text):
    assert not is_visible(text)
    assert is_visible(text + "👍") and is_visible(text + "!") and is_visible("字" + text)


@given(st.text(st.characters(exclude_categories=())))
def test_places_are_those_of_the_text_and_readable_keeps_them(text):
    read = readable(text)
    assert len(read) == len(text)
    last = 0
    for start, end, _ in words_of(read):
        assert last <= start < end <= len(text)
        last = end
    assert "".join(cut(read)) == read
    assert [fold(word) for word in cut(read)[1::2]] == [word for _, _, word in words_of(read)]
