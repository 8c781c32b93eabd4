"""The classifier of themes: doubts phrases, finds what none says, and reads only sound weights."""

import json
from hashlib import sha256
from importlib import resources
from io import BytesIO

import numpy as np
import pytest

from nlp import corpus
from nlp.errors import ModelError
from nlp.taxonomies import parse_taxonomy, taxonomy_source
from nlp.theme_classifier import ThemeClassifier, find_themes, packaged_classifier
from nlp.themes import packaged_matcher, position
from nlp.words import readable

WEIGHTS = (resources.files("nlp") / "themes.npz").read_bytes()


def test_it_knows_the_parts_of_the_taxonomy():
    codes = parse_taxonomy(taxonomy_source("en")).codes
    assert set(packaged_classifier().codes) == {code for code in codes if code.count(".") == 2}


@pytest.mark.parametrize("language", ["en", "pl", "ja"])
def test_parts_that_no_phrase_speaks_of_stand_at_a_clause(language):
    texts = [readable(one.text) for one in corpus.read(language)[:100]]
    doubted = added = 0
    for text, found in zip(texts, find_themes(texts, [language] * len(texts)), strict=True):
        reading = packaged_matcher(language).read(text)
        by_phrases = reading.mentions()
        new = [one for one in found if one not in by_phrases]
        assert found == sorted(found, key=position)
        assert {(one.start, one.end) for one in new} <= set(reading.clauses)
        assert not any(one.judgement for one in new)
        doubted += any(one not in found for one in by_phrases)
        added += bool(new)
    assert doubted
    assert added


def test_a_text_is_judged_the_same_alone_and_among_others():
    texts = ["The app crashes.", "", "配送很慢", "x" * 500, "\u200d", "The food was cold, sadly."]
    languages = ["en", "en", "zh", "de", "en", "en"]
    together = find_themes(texts, languages)
    alone = [find_themes([text], [code])[0] for text, code in zip(texts, languages, strict=True)]
    assert together == alone
    assert find_themes([], []) == []


def _without(*names, **changed):
    with np.load(BytesIO(WEIGHTS)) as file:
        arrays = {name: file[name] for name in file.files if name not in names} | changed
    data = BytesIO()
    np.savez(data, **arrays)
    return data.getvalue()


@pytest.mark.parametrize(
    "data",
    [b"", WEIGHTS[:5000], WEIGHTS[:-200], _without("vectors"), _without(version=np.array(99))],
    ids=["empty", "cut early", "cut late", "array missing", "another version"],
)
def test_unusable_weights_are_refused(data):
    with pytest.raises(ModelError):
        ThemeClassifier(data)


def test_the_weights_are_those_of_the_manifest_and_small():
    told = json.loads((resources.files("nlp") / "themes.json").read_text(encoding="utf-8"))
    assert told["sha256"] == sha256(WEIGHTS).hexdigest()
    assert {one["licence"] for one in told["sources"].values()} == {"CC0-1.0"}
    assert len(WEIGHTS) < 1_200_000
