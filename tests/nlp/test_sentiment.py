"""The small model: what it reads, how it explains itself, and weights that can't be used."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nlp
from nlp.sentiment import explain, probabilities
from nlp.sentiment.model import SmallModel, packaged_model
from nlp.sentiment.ngrams import bucket_ids, cleaned
from nlp.sentiment.pieces import Pieces

TEXTS = [
    "The delivery was late and the box was damaged.",
    "Sehr zufrieden, gerne wieder!",
    "配送がとても早くて助かりました。",
    "خدمة العملاء ممتازة",
    "😡",
    "",
]


def _weights() -> dict[str, np.ndarray]:
    from importlib import resources

    data = (resources.files("nlp.sentiment") / "weights.npz").read_bytes()
    with np.load(io.BytesIO(data)) as file:
        return {name: file[name] for name in file.files}


def _packed(arrays: dict[str, np.ndarray]) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    return out.getvalue()


def test_the_weights_are_small_and_hold_numbers_only():
    arrays = _weights()
    assert len(_packed(arrays)) < 5 * 1024 * 1024
    assert not any(array.dtype.hasobject for array in arrays.values())


def test_a_text_s_probabilities_do_not_depend_on_its_neighbours():
    model = packaged_model()
    together = model.probabilities(TEXTS)
    alone = np.concatenate([model.probabilities([text]) for text in TEXTS])
    assert together.shape == (len(TEXTS), 3)
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(together.sum(1), 1, atol=1e-5)
    assert model.probabilities([]).shape == (0, 3)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=()), max_size=40), max_size=6))
def test_any_text_gets_probabilities(texts):
    found = packaged_model().probabilities([text.replace("\ud800", "?") for text in texts])
    assert found.shape == (len(texts), 3)
    assert np.isfinite(found).all()


def test_handles_addresses_case_and_repetition_say_nothing():
    assert cleaned("SOOOOO  bad!!!! @Shop_X https://t.co/abc") == "soo bad!! @ @"
    assert len(cleaned("word " * 100_000)) <= 600


def test_n_grams_belong_to_their_text():
    buckets, owners = bucket_ids(["ab", "", "ab"], bits=18)
    first = sorted(buckets[owners == 0].tolist())
    assert first == sorted(buckets[owners == 2].tolist()) and first
    assert buckets.min() >= 0 and buckets.max() < 2**18
    other, _ = bucket_ids(["ba"], bits=18)
    assert sorted(other.tolist()) != first


def test_a_word_is_put_together_from_its_likeliest_pieces():
    pieces = Pieces(["▁", "▁de", "li", "very", "▁deliver", "y", "▁x"], [-2, -3, -3, -3, -4, -2, -1])
    assert pieces.ids("delivery") == [5, 6]
    assert pieces.ids("") == [0]
    assert pieces.ids("x q") == [7, 1, 0]


WORDS = ["delivery.", "4,5", "配送很慢，", "▁odd▁", "müde!!", "\ud800", "x" * 300, "ok)", "👍🏽"]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join), max_size=5))
def test_many_texts_are_cut_as_each_alone(texts):
    pieces = packaged_model().pieces
    ids, sizes = pieces.cut(texts)
    alone = [pieces.ids(text) for text in texts]
    assert sizes.tolist() == [len(one) for one in alone]
    assert ids.tolist() == [number for one in alone for number in one]


def test_a_word_falls_apart_where_no_piece_holds_both_signs():
    names = ["▁ab", "▁a", "b", "c", "bc", "!", "!!", "▁"]
    apart = Pieces(names, [-4, -3, -3, -3, -3, -1, -1, -2])
    assert [names[number - 1] for number in apart.ids("abc!! ab!")] == [
        "▁a", "bc", "!!", "▁ab", "!"
    ]  # fmt: skip
    assert apart.ids("!" * 500) == apart.ids("!" * 200)


def test_the_words_that_moved_a_score_are_named():
    text = "The parcel came, but the staff were terribly rude"
    weights = {text[one.start : one.end]: one.weight for one in explain(text, "en")}
    assert set(weights) == set(text.replace(",", "").split())
    assert min(weights, key=weights.__getitem__) in ("rude", "terribly")
    assert explain("", "en") == ()
    assert len(explain("word " * 500, "de")) == 60


@pytest.mark.parametrize("language", ["en", "EN", "en-GB", "eng"])
def test_the_score_that_is_explained_is_that_of_the_analysis(language, monkeypatch):
    text = "I don’t love it"
    seen = []
    monkeypatch.setattr(
        "nlp.sentiment.probabilities", lambda *given: seen.append(probabilities(*given)) or seen[0]
    )
    assert [text[one.start : one.end] for one in explain(text, language)] == [
        "I", "don", "t", "love", "it"
    ]  # fmt: skip
    (found,) = nlp.analyse_many([text], [language])
    assert seen[0][0] == pytest.approx(found.probabilities, abs=1e-5)


def test_what_has_no_score_has_no_words():
    assert explain("very good", "th") == explain("\u200d \ufeff", "en") == ()
    with pytest.raises(nlp.InputError, match="not a language code"):
        explain("very good", "nonsense")


def test_what_lies_beyond_the_beginning_says_nothing():
    text = "word " * 200
    (plain, more) = probabilities([text, text + "I love it! " * 100], ["en"] * 2)
    assert plain == pytest.approx(more, abs=1e-5)
    far = explain(("word " * 20).ljust(2_000) + "love", "en")
    assert len(far) == 20


def test_long_parts_of_words_are_not_kept(monkeypatch):
    split = []
    monkeypatch.setattr(Pieces, "_split", lambda _, part: split.append(part) or b"")
    pieces = Pieces(["a", "b", "ab", "ba"], [-1, -1, -1, -1])
    pieces.cut(["abab", "abab", "ab" * 50, "ab" * 50])
    assert split.count("abab") == 1 and split.count("ab" * 50) == 2


def test_the_lexicon_speaks_in_english_only():
    (english,) = probabilities(["adorable"], ["en"])
    (other,) = probabilities(["adorable"], ["fr"])
    assert english[2] != pytest.approx(other[2], abs=1e-4)


@pytest.mark.parametrize("kept", [0, 10, 1_000, 1_000_000])
def test_a_file_that_is_cut_short_is_refused(kept):
    with pytest.raises(nlp.ModelError, match="can't be read") as caught:
        SmallModel(_packed(_weights())[:kept])
    assert "reinstall" in caught.value.hint


def test_weights_of_another_version_or_shape_are_refused():
    arrays = _weights()
    with pytest.raises(nlp.ModelError, match="version"):
        SmallModel(_packed(arrays | {"version": np.int64(99)}))
    with pytest.raises(nlp.ModelError, match="lacks W2"):
        SmallModel(_packed({name: array for name, array in arrays.items() if name != "W2"}))
    with pytest.raises(nlp.ModelError, match="odd shape"):
        SmallModel(_packed(arrays | {"N": arrays["N"][:1000]}))
    poisoned = arrays | {"T": np.array([{"a": 1}], dtype=object)}
    with pytest.raises(nlp.ModelError, match="can't be read"):
        SmallModel(_packed(poisoned))
