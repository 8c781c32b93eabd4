"""English sentiment: VADER in linear time, its labels, and the calibration on top."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from nlp.sentiment.lexicon import polarity, probabilities_of

COMPOUND = st.floats(-1, 1)
REFERENCE = SentimentIntensityAnalyzer()


@pytest.mark.parametrize(
    "text",
    [
        "I love it",
        "The agent was not very helpful, sadly",
        "AMAZING service!!! Thank you so much :)",
        "This is kind of disappointing???",
        "never so happy with a phone, without doubt the best",
        "no problems at all, yeah right",
        "It is the bomb and the least bad of all",
        "The worst support I ever had. I will never ever recommend this terrible company again.",
        "",
        "Where is my invoice?",
    ],
)
def test_without_a_contrast_the_polarity_is_the_reference_one(text):
    assert polarity(text) == REFERENCE.polarity_scores(text)["compound"]


WORDS = (
    "good bad not never so this great awful no very the but-ton LOVE hate problem ! kind of least"
)


@given(st.lists(st.sampled_from(WORDS.split()), max_size=30).map(" ".join))
def test_looking_at_neighbours_only_changes_no_polarity(text):
    assert polarity(text) == REFERENCE.polarity_scores(text)["compound"]


def test_but_weighs_by_position_also_where_valences_become_equal():
    # love 3.2 is halved to 1.6, the value of "absolving", which the reference then mistakes for it.
    weighed = 3.2 * 0.5 + 1.6 * 1.5
    expected = weighed / math.sqrt(weighed**2 + 15)
    assert polarity("love it but absolving") == pytest.approx(expected, abs=1e-4)
    assert polarity("good food but bad service") < 0 < polarity("bad service but good food")


def test_an_emoji_does_not_hide_the_word_it_is_glued_to():
    assert polarity("📦good") == polarity("📦 good") > 0


@given(COMPOUND)
def test_probabilities_are_some(compound):
    probabilities = probabilities_of(compound)
    assert sum(probabilities) == pytest.approx(1)
    assert all(0 < p < 1 for p in probabilities)


@given(COMPOUND, COMPOUND)
def test_a_higher_polarity_never_makes_negative_likelier_against_positive(one, other):
    low, high = (probabilities_of(c) for c in sorted((one, other)))
    assert low[0] / low[2] >= high[0] / high[2] * (1 - 1e-9)


def test_the_ends_are_sure_and_the_middle_is_not():
    assert probabilities_of(-1)[0] > 0.9
    assert probabilities_of(1)[2] > 0.8
    assert max(probabilities_of(0)) == probabilities_of(0)[1] < 0.6


def test_whom_a_comment_addresses_is_no_opinion() -> None:
    assert polarity("@united you lost my bag") == polarity("you lost my bag")
    assert polarity("see https://example.org/great/love") == polarity("see")
