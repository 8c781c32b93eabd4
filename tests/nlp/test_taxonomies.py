"""Taxonomy files: what is read, and how every mistake is told."""

import pytest

import nlp
from nlp.taxonomies import english_source, fingerprint, parse_taxonomy

GOOD = 'language = "en"\n[theme.price]\nmentions = ["price"]\nnegative = ["overpriced"]\n'


def test_the_packaged_taxonomy_has_the_eight_themes():
    taxonomy = parse_taxonomy(english_source())
    assert taxonomy.language == "en"
    assert taxonomy.codes == tuple(
        f"theme.{key}"
        for key in (
            "delivery", "price", "support", "quality",
            "usability", "onboarding", "billing", "reliability",
        )
    )  # fmt: skip


def test_phrases_keep_theme_judgement_and_role():
    phrases = parse_taxonomy(GOOD + 'positive_cues = ["low"]').phrases
    assert [(p.theme, p.text, p.judgement, p.cue) for p in phrases] == [
        ("theme.price", "price", None, False),
        ("theme.price", "overpriced", "negative", False),
        ("theme.price", "low", "positive", True),
    ]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('language = "en"\n[theme.price', "not valid TOML"),
        ('[theme.price]\nmentions = ["price"]', "language is missing"),
        (
            'language = "English"\n[theme.price]\nmentions = ["price"]',
            "language is missing or no code",
        ),
        ('language = "en"', "no themes"),
        ('language = "en"\ntheme = 3', "no themes"),
        ('language = "en"\ntheme.price = 3', "theme.price is not a theme"),
        (GOOD.replace("theme.price", 'theme."Too Dear"'), "theme.Too Dear is not a theme"),
        ('title = "x"\n' + GOOD, "Unknown entries: title"),
        (GOOD + 'negativ = ["x"]', "theme.price has unknown keys: negativ"),
        (GOOD.replace('["price"]', "[]"), "theme.price has no mentions"),
        (GOOD.replace('["price"]', '"price"'), "theme.price, mentions: not a list"),
        (GOOD.replace('["price"]', "[1]"), "theme.price, mentions: not a list"),
        (
            GOOD.replace('["price"]', '[" price"]'),
            "theme.price, mentions: ' price' is not a phrase",
        ),
        (GOOD.replace('["price"]', '["?"]'), "is not a phrase"),
        (GOOD.replace('["price"]', f'["{"x" * 61}"]'), "is not a phrase"),
        (GOOD.replace('["price"]', '["price", "Price"]'), "'Price' stands there twice"),
    ],
)
def test_every_mistake_names_its_place_and_hints(source, message):
    with pytest.raises(nlp.TaxonomyError) as caught:
        parse_taxonomy(source)
    assert message in str(caught.value)
    assert "Hint: " in str(caught.value)


def test_the_engine_version_changes_with_the_taxonomy():
    rules, digest = nlp.ENGINE_VERSION.split("-")
    assert rules
    assert len(digest) == 12
    assert fingerprint(english_source(), "1.0") == fingerprint(english_source(), "1.0")
    assert fingerprint(english_source() + " ", "1.0") != fingerprint(english_source(), "1.0")
    assert fingerprint(english_source(), "1.1") != fingerprint(english_source(), "1.0")
    assert fingerprint("ab", "c") != fingerprint("a", "bc")


def test_the_engine_version_is_made_of_the_packaged_taxonomy_and_libraries(monkeypatch):
    import importlib

    before = nlp.ENGINE_VERSION
    monkeypatch.setattr("nlp.taxonomies.english_source", lambda: GOOD)
    try:
        changed = importlib.reload(nlp).ENGINE_VERSION
    finally:
        monkeypatch.undo()
        importlib.reload(nlp)
    assert changed != before == nlp.ENGINE_VERSION
