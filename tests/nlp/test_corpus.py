"""Our own corpus: well-formed, balanced, and written by hand rather than from templates."""

from collections import Counter, defaultdict
from typing import get_args

import pytest

from nlp import corpus
from nlp.redaction import Kind
from nlp.taxonomies import parse_taxonomy, taxonomy_source

FOURTEEN = {"en", "es", "fr", "de", "it", "pt", "nl", "pl", "tr", "ru", "ar", "hi", "ja", "zh"}
SIX_MORE = {"uk", "sv", "da", "ko", "vi", "id"}
KINDS = set(get_args(Kind))


def _signs_or_words(comment):
    if comment.language in ("zh", "ja"):
        return [sign for sign in comment.text if not sign.isspace()]
    return comment.text.lower().split()


def test_twenty_languages_and_eight_thousand_comments():
    assert set(corpus.languages()) == FOURTEEN | SIX_MORE
    sizes = {language: len(corpus.read(language)) for language in corpus.languages()}
    assert sum(sizes.values()) >= 8_000
    assert min(sizes.values()) >= 300


@pytest.mark.parametrize("language", corpus.languages())
def test_labels_domains_and_themes(language):
    comments = corpus.read(language)
    labels = Counter(comment.label for comment in comments)
    assert all(0.3 <= count / len(comments) <= 0.37 for count in labels.values())
    domains = Counter(comment.domain for comment in comments)
    assert set(domains) == set(corpus.DOMAINS)
    assert min(domains.values()) / len(comments) > 0.08
    codes = set(parse_taxonomy(taxonomy_source("en")).codes)
    assert {code for comment in comments for code, _ in comment.themes} <= codes
    assert {one.kind for comment in comments for one in comment.personal} <= KINDS
    assert "⟦" not in "".join(comment.text for comment in comments)


@pytest.mark.parametrize("language", corpus.languages())
def test_no_comment_is_made_from_a_template(language):
    """Few openings and few longer runs of words occur in more than a handful of comments."""
    comments = corpus.read(language)
    assert len({comment.text.casefold() for comment in comments}) == len(comments)
    signs = language in ("zh", "ja")
    opening, run = (6, 10) if signs else (3, 4)
    openings: Counter[str] = Counter()
    runs: defaultdict[str, set[int]] = defaultdict(set)
    for number, comment in enumerate(comments):
        words = _signs_or_words(comment)
        if len(words) > opening:
            openings[" ".join(words[:opening])] += 1
        for start in range(len(words) - run + 1):
            runs[" ".join(words[start : start + run])].add(number)
    assert [words for words, count in openings.items() if count > 4] == []
    assert [words for words, where in runs.items() if len(where) > 5] == []


def test_parts_are_fixed_by_the_text():
    parts = Counter(
        comment.part for language in corpus.languages() for comment in corpus.read(language)
    )
    whole = sum(parts.values())
    assert 0.06 < parts["test"] / whole < 0.1
    first = corpus.read("en")[0]
    assert corpus._part(first.text) == first.part


def test_places_of_personal_data_are_those_of_the_unmarked_text():
    text, places = corpus._unmarked("Call ⟦name:Ann Lee⟧ on ⟦phone:555 0100⟧.")
    assert text == "Call Ann Lee on 555 0100."
    assert [(one.kind, text[one.start : one.end]) for one in places] == [
        ("name", "Ann Lee"),
        ("phone", "555 0100"),
    ]


def test_a_broken_line_is_named():
    with pytest.raises(ValueError, match=r"xx\.tsv, line 2"):
        list(corpus._comments("xx", ["neg\tshop\t\tBad", "bad\tshop\t\tBad"]))
