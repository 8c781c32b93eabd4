"""Taxonomy files: what is read, and how every mistake is told."""

import importlib

import pytest

import nlp
from nlp.taxonomies import fingerprint, parse_taxonomy, taxonomy_source

GOOD = """language = "en"
[words]
negators = ["not"]
[theme.price]
mentions = ["price*"]
[theme.price.level]
negative = ["overpriced"]
positive = ["cheap"]
"""


def test_the_packaged_themes_have_two_levels():
    codes = parse_taxonomy(taxonomy_source("en")).codes
    tops = [code for code in codes if code.count(".") == 1]
    assert len(tops) == 18
    assert len(codes) - len(tops) == 58
    assert "theme.delivery" in tops and "theme.delivery.speed" in codes


def test_phrases_keep_code_and_judgement_and_words_their_role():
    taxonomy = parse_taxonomy(GOOD)
    assert [(one.code, one.text, one.judgement) for one in taxonomy.phrases] == [
        ("theme.price", "price*", None),
        ("theme.price.level", "overpriced", "negative"),
        ("theme.price.level", "cheap", "positive"),
    ]
    assert taxonomy.words["negators"] == ("not",)
    assert taxonomy.words["contrasts"] == ()


def _price(entry: str) -> str:
    return GOOD.replace('["price*"]', entry)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('language = "en"\n[theme.price', "not valid TOML"),
        ('[theme.price]\nmentions = ["price"]', "language is missing"),
        ('language = "English"\n[theme.a]\nmentions = ["b"]', "language is missing or no code"),
        ('language = "en"', "no themes"),
        ('language = "en"\ntheme = 3', "no themes"),
        ('language = "en"\ntheme.price = 3', "theme.price is not a theme"),
        (GOOD.replace("theme.price]", 'theme."Too Dear"]'), "theme.Too Dear is not a theme"),
        ('title = "x"\n' + GOOD, "Unknown entries: title"),
        (GOOD + 'negativ = ["x"]', "theme.price.level has unknown keys: negativ"),
        (GOOD + "[theme.price.level.deep]\n", "theme.price.level has unknown keys: deep"),
        (GOOD.replace('negators = ["not"]', 'maybe = ["x"]'), "words has unknown keys: maybe"),
        (GOOD.replace('["not"]', '"not"'), "words, negators: not a list"),
        ("words = 3\n" + GOOD.replace('[words]\nnegators = ["not"]\n', ""), "words is no table"),
        (GOOD + "[theme.empty]\n", "theme.empty has no phrases"),
        (_price('"price"'), "theme.price, mentions: not a list"),
        (_price("[1]"), "theme.price, mentions: not a list"),
        (_price('[" price"]'), "theme.price, mentions: ' price' is not a phrase"),
        (_price('["?"]'), "is not a phrase"),
        (_price('["½"]'), "is not a phrase"),
        (_price('["pri*ce"]'), "'pri*ce' has a star inside"),
        (_price(f'["{"x" * 61}"]'), "is not a phrase"),
        (_price('["pr*"]'), "would catch half the language"),
        (_price('["after * days"]'), "would catch half the language"),
        (_price('["price", "Price"]'), "'Price' stands there twice"),
    ],
)
def test_every_mistake_names_its_place_and_hints(source, message):
    with pytest.raises(nlp.TaxonomyError) as caught:
        parse_taxonomy(source)
    assert message in str(caught.value)
    assert "Hint: " in str(caught.value)


@pytest.mark.parametrize(
    ("fits", "too_short"),
    [
        ("pri*", "pr*"),
        ("äöü*", "äö*"),
        ("при*", "пр*"),
        ("दरव*", "दर*"),
        ("غش*", "غ*"),
        ("값*", "l*"),
    ],
)
def test_a_stem_has_letters_enough_for_its_script(fits, too_short):
    assert parse_taxonomy(_price(f'["{fits}"]')).phrases[0].text == fits
    for text in (too_short, f"late {too_short}", f"late-{too_short}"):
        with pytest.raises(nlp.TaxonomyError, match="would catch half the language"):
            parse_taxonomy(_price(f'["{text}"]'))


def test_the_engine_version_changes_with_what_results_rest_on(monkeypatch):
    rules, digest = nlp.ENGINE_VERSION.split("-")
    assert rules and len(digest) == 12
    assert fingerprint("ab", "c") != fingerprint("a", "bc") != fingerprint(b"a", b"bd")
    before = nlp.ENGINE_VERSION
    monkeypatch.setattr("nlp.taxonomies.taxonomy_source", lambda _language: GOOD)
    try:
        changed = importlib.reload(nlp).ENGINE_VERSION
    finally:
        monkeypatch.undo()
        importlib.reload(nlp)
    assert changed != before == nlp.ENGINE_VERSION


@pytest.mark.parametrize("language", nlp.THEME_LANGUAGES)
def test_no_phrase_holds_a_shorter_one_that_says_the_same(language):
    """It would find nothing more and cost memory."""
    phrases = [
        (one.code, one.judgement, tuple(one.text.split()))
        for one in parse_taxonomy(taxonomy_source(language)).phrases
    ]
    known = set(phrases)
    idle = [
        (code, words)
        for code, judgement, words in phrases
        for start in range(len(words))
        for end in range(start + 1, len(words) + 1)
        if end - start < len(words) and (code, judgement, words[start:end]) in known
    ]
    assert idle == []
