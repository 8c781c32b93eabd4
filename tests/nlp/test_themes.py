"""Themes of English comments: what is found, where, and with which polarity."""

import importlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nlp
from nlp import english
from nlp.english import english_pipeline, readable, stem
from nlp.mentions import ThemeMatcher
from nlp.taxonomies import parse_taxonomy

D, P, S, Q = "theme.delivery", "theme.price", "theme.support", "theme.quality"
U, O, B, R = "theme.usability", "theme.onboarding", "theme.billing", "theme.reliability"  # noqa: E741 - letters of the themes
NEG, POS = "negative", "positive"

# comment → every theme with the polarity of its first mention
COMMENTS = {
    "My parcel never arrived.": {D: NEG},
    "Fast delivery, thanks!": {D: POS},
    "Delivery was two weeks late.": {D: NEG},
    "The package was not delivered on time.": {D: NEG},
    "The courier came early.": {D: POS},
    "Deliveries take a while.": {D: None},
    "Shipping is slow.": {D: NEG},
    "Way too expensive for what it is.": {P: NEG},
    "Not expensive at all.": {P: POS},
    "Prices are high.": {P: NEG},
    "A fair price.": {P: POS},
    "Great value, would recommend.": {P: POS},
    "Overpriced.": {P: NEG},
    "Customer service was rude.": {S: NEG},
    "The support agent was very patient.": {S: POS},
    "I was on hold for an hour.": {S: NEG},
    "Nobody answered my e-mails.": {S: NEG},
    "They solved my problem in minutes.": {S: POS},
    "Your staff are not helpful.": {S: NEG},
    "Poor quality.": {Q: NEG},
    "It fell apart in a week.": {Q: NEG},
    "Sturdy and durable.": {Q: POS},
    "The fabric feels thin.": {Q: NEG},
    "So easy to use.": {U: POS},
    "It isn't easy to use.": {U: NEG},
    "Confusing interface.": {U: NEG},
    "I can’t find anything on the website.": {U: NEG},
    "Very intuitive.": {U: POS},
    "The dashboard looks modern.": {U: POS},
    "Setup took forever.": {O: NEG},
    "Signing up was quick.": {O: POS},
    "Couldn't register.": {O: NEG},
    "Easy to install.": {O: POS},
    "The tutorial is unclear.": {O: NEG},
    "I was charged twice.": {B: NEG},
    "Still waiting for my refund": {B: NEG},
    "Got a full refund.": {B: POS},
    "The invoice was wrong.": {B: NEG},
    "No hidden fees.": {B: POS},
    "They overcharged me.": {B: NEG},
    "The app keeps crashing.": {R: NEG},
    "It CRASHES every day": {R: NEG},
    "It works perfectly.": {R: POS},
    "It never crashes.": {R: POS},
    "There was an outage.": {R: None},
    "It stopped working.": {R: NEG},
    "Delivery was fast, but customer service was rude.": {D: POS, S: NEG},
    "The price is fair although the app is not working.": {P: POS, R: NEG},
    "Easy to use; overpriced though.": {U: POS, P: NEG},
    "Nothing to say.": {},
    "We enjoyed our holiday by the sea.": {},
    "It is by far the best.": {},
}


@pytest.mark.parametrize(("text", "themes"), COMMENTS.items(), ids=COMMENTS.keys())
def test_hand_written_comments(text, themes):
    (found,) = nlp.analyse_many([text], ["en"])
    first = {}
    for mention in found.themes:
        first.setdefault(mention.code, mention.polarity)
    assert first == themes


def test_the_clause_decides_before_the_sentence_and_the_sentence_before_nothing():
    clause, sentence, nothing = nlp.analyse_many(
        [
            "Awful food, wonderful staff.",
            "As for the invoice, I am delighted.",
            "The invoice came on Monday. I am delighted.",
        ],
        ["en"] * 3,
    )
    assert [mention.polarity for mention in clause.themes] == ["positive"]
    assert [mention.polarity for mention in sentence.themes] == ["positive"]
    assert [mention.polarity for mention in nothing.themes] == [None]


@pytest.mark.parametrize(
    "before", ["", "😡😡 ", "👨‍👩‍👧 𝒲𝓸𝔀 ", "\ud800\x00 ", "\u202e", "  \n\t", "é̀̀ ", "第一 "]
)
def test_offsets_count_code_points_of_the_text_as_given(before):
    text = before + "Late delivery 🚚, “rude” staff and a wrong invoice"
    (found,) = nlp.analyse_many([text], ["en"])
    assert [text[m.start : m.end] for m in found.themes] == [
        "Late delivery",
        "staff",
        "wrong invoice",
    ]


PIECES = ["late delivery", "DELIVERIES", "customer service", "too", "😀", "𝔘", "\ud83d", "\x00",
          "\n", ". ", ", ", " ", "but", "don’t", "!" * 20, "\u0301", "ﬁ", "x" * 250]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join))
def test_every_mention_is_a_phrase_of_its_theme(text):
    (found,) = nlp.analyse_many([text], ["en"])
    for mention in found.themes:
        words = text[mention.start : mention.end].lower()
        assert words in {"late delivery", "deliveries", "customer service"}
    expected = text.lower().count("delivery") + text.count("DELIVERIES") + text.count("service")
    assert len(found.themes) == expected
    assert list(found.themes) == sorted(found.themes, key=lambda m: (m.start, m.end, m.code))


@given(st.text(st.characters(exclude_categories=()), max_size=300))
def test_making_text_readable_moves_nothing(text):
    assert len(readable(text)) == len(text)
    readable(text).encode()


def test_plain_text_is_read_as_it_is():
    text = "Good – but, well … “ok”? 10 € (50 %) é 😀 https://example.org/a?b=c"
    assert readable(text) == text.replace("“", '"').replace("”", '"')


@pytest.mark.parametrize(
    "forms",
    [
        "delivery deliveries", "charge charges charged charging", "crash crashes crashed crashing",
        "price prices priced pricing", "cancel cancels cancelled cancelling", "fee fees",
        "freeze freezes freezing", "ship ships shipped shipping", "try tries tried", "bug bugs",
    ],
)  # fmt: skip
def test_forms_of_a_word_share_a_stem(forms):
    assert len({stem(form) for form in forms.split()}) == 1


@pytest.mark.parametrize("pair", ["far fare", "bus but", "need near", "thing this", "us use"])
def test_different_short_words_keep_apart(pair):
    one, other = pair.split()
    assert stem(one) != stem(other)


def test_the_longest_phrase_of_a_theme_is_the_mention():
    text = "price increase, price"
    taxonomy = parse_taxonomy(
        'language = "en"\n[theme.cost]\nmentions = ["price", "price increase", "increase"]\n'
    )
    pipeline = english_pipeline()
    matcher = ThemeMatcher(pipeline, taxonomy, judge=lambda _: 0.0)
    found = matcher.mentions(pipeline.make_doc(text), text)
    assert [text[m.start : m.end] for m in found] == ["price increase", "price"]
    assert {(m.code, m.polarity) for m in found} == {("theme.cost", None)}


def test_the_pipeline_is_blank_spacy_with_our_components():
    assert english_pipeline().lang == "en"
    assert english_pipeline().pipe_names == ["soundings_sentiment", "soundings_themes"]


def test_importing_the_components_twice_is_safe():
    again = importlib.reload(english)
    assert len(again.read_english(["Late delivery"])[0][1]) == 1


def test_comments_do_not_stay_in_the_vocabulary():
    nlp.analyse_many(["warm"], ["en"])
    strings = english.english_pipeline().vocab.strings
    before = len(strings)
    nlp.analyse_many([f"zxq{i} delivery" for i in range(500)], ["en"] * 500)
    assert len(strings) == before
    assert "zxq3" not in strings
