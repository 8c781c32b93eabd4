"""Themes in comments: what is found, where, and with which polarity."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nlp
from nlp.taxonomies import parse_taxonomy
from nlp.themes import ThemeMatcher
from nlp.words import readable

NEG, POS = "negative", "positive"

# language, comment → every theme with the polarity of its first mention
COMMENTS = {
    ("en", "My parcel never arrived."): {"delivery.speed": NEG},
    ("en", "Fast delivery, thanks!"): {"delivery.speed": POS},
    ("en", "Way too expensive for what it is."): {"price.level": NEG},
    ("en", "I was charged twice."): {"billing.charges": NEG},
    ("en", "No hidden fees."): {"price.fees": POS},
    ("en", "The app keeps crashing."): {"app.bugs": NEG},
    ("en", "We enjoyed our holiday by the sea."): {},
    ("en", "Nothing to say."): {},
    ("de", "Die App stürzt ständig ab."): {"app.bugs": NEG},
    ("de", "Viel zu teuer."): {"price.level": NEG},
    ("fr", "Livraison rapide, merci !"): {"delivery.speed": POS},
    ("es", "Muy caro."): {"price.level": NEG},
    ("pl", "Szybka dostawa."): {"delivery.speed": POS},
    ("ru", "Очень дорого."): {"price.level": NEG},
    ("zh", "配送很慢"): {"delivery.speed": NEG},
    ("ja", "配送が早い"): {"delivery.speed": POS},
}


@pytest.mark.parametrize(("said", "themes"), COMMENTS.items(), ids=str)
def test_hand_written_comments(said, themes):
    language, text = said
    (found,) = nlp.analyse_many([text], [language])
    first = {}
    for mention in found.themes:
        first.setdefault(mention.code.removeprefix("theme."), mention.polarity)
    assert first == themes


SMALL = """
language = "en"
[words]
negators = ["not", "never", "no"]
contrasts = ["but", "although"]
positive = ["great", "friendly"]
negative = ["slow", "rude"]
[theme.delivery]
mentions = ["deliver*", "parcel"]
[theme.delivery.speed]
mentions = ["delivery time"]
negative = ["late deliver*"]
positive = ["on time"]
[theme.support]
mentions = ["support*"]
[theme.support.staff]
mentions = ["agent*"]
positive = ["helpful"]
"""


@pytest.fixture(scope="module")
def matcher():
    return ThemeMatcher(parse_taxonomy(SMALL))


def _found(matcher, text):
    return [
        (one.code.removeprefix("theme."), text[one.start : one.end], one.judgement, one.balance)
        for one in matcher.mentions(readable(text))
    ]


def test_a_stem_catches_every_ending_and_the_longest_phrase_stands(matcher):
    assert _found(matcher, "Delivered. Deliveries!") == [
        ("delivery", "Delivered", 0, 0),
        ("delivery", "Deliveries", 0, 0),
    ]
    assert _found(matcher, "What a LATE delivery") == [("delivery.speed", "LATE delivery", -1, 0)]


def test_a_stem_meets_a_longer_stem_of_another_phrase():
    """`liefer*` must also match a word whose longest known stem is `lieferzeit*`."""
    source = """
language = "de"
[theme.delivery]
negative = ["liefer* dauert"]
[theme.delivery.speed]
mentions = ["lieferzeit*"]
"""
    found = _found(ThemeMatcher(parse_taxonomy(source)), "Die Lieferzeiten dauert")
    assert found == [("delivery", "Lieferzeiten dauert", -1, 0)]


def test_the_part_stands_for_its_theme(matcher):
    codes = {code for code, *_ in _found(matcher, "The parcel came on time, the support agent too")}
    assert codes == {"delivery.speed", "support.staff"}


def test_a_negator_turns_a_judgement_round_inside_its_clause(matcher):
    assert _found(matcher, "not very helpful")[0][2] == -1
    assert _found(matcher, "I did not wait, helpful")[0][2] == 1
    assert _found(matcher, "no, but helpful")[0][2] == 1


def test_judging_words_count_for_their_clause_only(matcher):
    text = "The parcel was great, but the support was rude and slow"
    assert [(code, balance) for code, _, _, balance in _found(matcher, text)] == [
        ("delivery", 1),
        ("support", -2),
    ]


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("Paid 4,5 or 1.000 euros.", 1),
        ("Version 2.0.1, then 3", 2),
        ("In 2024. 5 days late", 2),
        ("٤،٥ euros", 1),
        ("no. 5,but late", 3),
        ("", 1),
    ],
)
def test_marks_inside_numbers_begin_no_clause(matcher, text, clauses):
    assert len(matcher.read(text).clauses) == clauses


@pytest.mark.parametrize(
    "before", ["", "😡😡 ", "👨‍👩‍👧 𝒲𝓸𝔀 ", "\ud800\x00 ", "\u202e", "  \n\t", "é̀̀ ", "第一 "]
)
def test_offsets_count_code_points_of_the_text_as_given(matcher, before):
    text = before + "Late delivery 🚚, “the” agent and AGENTS"
    assert [found[1] for found in _found(matcher, text)] == ["Late delivery", "agent", "AGENTS"]


PIECES = ["late delivery", "DELIVERIES", "support", "not", "😀", "𝔘", "\ud83d", "\x00", "配送很慢",
          "\n", ". ", ", ", " ", "but", "don’t", "!" * 20, "\u0301", "ﬁ", "x" * 250]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join))
def test_mentions_lie_in_their_clause_and_the_clause_in_the_text(text):
    for language in ("en", "zh"):
        (found,) = nlp.analyse_many([text], [language])
        for mention in found.themes:
            assert mention.code.startswith("theme.")
            assert 0 <= mention.start < mention.end <= len(text)
            assert text[mention.start : mention.end].strip()


@pytest.mark.parametrize("language", nlp.THEME_LANGUAGES)
def test_every_language_has_the_same_themes(language):
    from nlp.taxonomies import taxonomy_source

    taxonomy = parse_taxonomy(taxonomy_source(language))
    assert taxonomy.language == language
    assert sorted(taxonomy.codes) == sorted(parse_taxonomy(taxonomy_source("en")).codes)
    assert all(taxonomy.words.values())


@pytest.mark.parametrize(
    ("language", "unit"), [("en", "not late delivery, "), ("zh", "配送很慢质量不好"), ("en", "a ")]
)
def test_time_grows_with_the_length_only(language, unit, cpu_seconds):
    from nlp.themes import packaged_matcher

    matcher = packaged_matcher(language)
    text = (unit * 100_000)[:100_000]
    matcher.mentions(text[:1000])
    assert cpu_seconds(lambda: matcher.mentions(text)) < 4


def test_the_vocabulary_does_not_grow_with_what_customers_write():
    from nlp.themes import packaged_matcher

    matcher = packaged_matcher("en")
    before = len(matcher._vocab.strings)
    for number in range(200):
        matcher.mentions(f"word{number} delivery xyz{number}")
    assert len(matcher._vocab.strings) == before
