import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.charts.look import Look, plain_number, plain_percent, text_width, wrapped
from analytics.errors import ArgumentError


def test_numbers_need_no_language():
    assert plain_number(1234567) == "1\u202f234\u202f567"
    assert plain_number(-3.6) == "−4" and plain_number(-0.4) == "0"
    assert plain_percent(0.256) == "26%"


def test_a_missing_word_is_named():
    with pytest.raises(ArgumentError, match="few"):
        Look({}).word("few")


@pytest.mark.parametrize("width", [0, 239, 2401])
def test_a_width_nobody_has_is_refused(width):
    with pytest.raises(ArgumentError, match="width"):
        Look({}, width=width)


@given(st.text(max_size=60), st.floats(20, 300))
def test_fitted_words_fit(words, room):
    fitted = Look({}).fitted(words, room)
    assert text_width(fitted.strip("\u2067\u2068\u2069")) <= room + text_width("…")


@given(st.text("abc defg", max_size=60), st.floats(10, 300))
def test_wrapping_loses_no_word(words, room):
    lines = wrapped(words, room)
    assert " ".join(lines).split() == words.split()
    assert all(text_width(line) <= room or " " not in line for line in lines)
