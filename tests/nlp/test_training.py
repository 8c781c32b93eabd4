"""The chain that makes the weights of sentiment: what it may read, and that it learns."""

import gzip
import hashlib
import json
import re
from collections import Counter
from importlib import resources

import numpy as np
import pytest

from nlp import corpus
from nlp.sentiment.ngrams import cleaned
from nlp.training import calibration, manifest, student, teaching, texts
from nlp.training.texts import LicenceError, Text


def _file(tmp_path, *rows, name="mabsa"):
    path = tmp_path / "train" / f"{name}.jsonl.gz"
    path.parent.mkdir(exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return path


def _row(text, label=None, *, tier="A", polarities=(), lang="en"):
    aspects = [{"polarity": one} for one in polarities]
    return {"text": text, "lang": lang, "label": label, "tier": tier, "aspects": aspects}


@pytest.mark.parametrize("tier", ["B", "C", "", "a", None])
def test_a_text_of_another_tier_stops_the_reading(tmp_path, tier):
    path = _file(tmp_path, _row("Good.", "positive"), _row("Bad.", "negative", tier=tier))
    with pytest.raises(LicenceError, match=r"mabsa.jsonl.gz, line 2: tier .* Hint: "):
        list(texts.labelled(path))


def test_a_sentence_without_a_label_has_the_one_its_aspects_share(tmp_path):
    path = _file(
        tmp_path,
        _row("a", "neutral", polarities=["positive"]),
        _row("b", polarities=["NEU ", "neutral"]),
        _row("c", polarities=["POS", "negative"]),
        _row("d", polarities=["conflict"]),
        _row("e"),
    )
    found = [one.label for one in texts.labelled(path)]
    assert found == [1, 1, texts.MIXED, texts.UNKNOWN, texts.UNKNOWN]


def test_samples_are_balanced_and_of_our_languages(tmp_path, monkeypatch):
    monkeypatch.setattr(texts, "BALANCED", 2)
    rows = [_row(f"{label} {n}", label) for label in ("negative", "positive") for n in range(4)]
    _file(tmp_path, *rows, _row("Thai", "positive", lang="th"))
    _file(tmp_path, _row("mixed", polarities=["POS", "NEG"]), name="nusax")
    balanced, rest = texts.samples(tmp_path, rest=4)
    assert sorted(one.label for one in balanced) == [0, 0, 2, 2]
    assert len(rest) == 4
    assert {one.language for one in balanced + rest} == {"en"}


def test_our_comments_that_test_or_calibrate_are_not_learnt_from():
    learnt = {one.text for one in texts.own()}
    calibrating = {one.text for one in texts.own_calibration()}
    tested = {
        one.text for code in corpus.languages() for one in corpus.read(code) if one.part == "test"
    }
    assert learnt and calibrating and tested
    assert not learnt & calibrating and not tested & (learnt | calibrating)


def test_plain_comments_that_choose_a_student_are_not_learnt_from():
    def letters(some):
        return {re.sub(r"[\s.!?,…।。]", "", one.text.casefold()) for one in some}

    learnt, choosing = texts.plain("learn"), texts.plain("choose")
    for some, least in ((learnt, 85), (choosing, 16)):
        assert min(Counter(one.language for one in some).values()) >= least
        assert {one.language for one in some} == set(corpus.languages())
    assert len(letters(choosing)) == len(choosing)
    assert not letters(choosing) & letters([*learnt, *texts.own()])
    tested = [one for code in corpus.languages() for one in corpus.read(code) if one.part == "test"]
    assert not letters(learnt) & letters([*texts.own_calibration(), *tested])


def test_the_manifest_tells_what_the_shipped_weights_learnt_from():
    package = resources.files("nlp")
    told = json.loads((package / manifest.MANIFEST).read_text(encoding="utf-8"))
    sources = told["learnt from"]
    assert {one["source"] for one in sources} == {texts.OWN, texts.PLAIN, *texts.SOURCES}
    assert {one["tier"] for one in sources} <= {texts.OWN_TIER, *texts.TIERS.values()}
    own = [one for one in sources if one["source"] in (texts.OWN, texts.PLAIN)]
    assert own == manifest.sources([*texts.own(), *texts.plain("learn")])
    assert told["calibrated on"] == manifest.sources(texts.own_calibration())
    held = [*texts.own_calibration(), *texts.plain("choose")]
    assert told["chosen on"] == manifest.sources(held)
    assert told["files"] == {
        name: hashlib.sha256(package.joinpath(name).read_bytes()).hexdigest()
        for name in (manifest.WEIGHTS, manifest.ADAPTER)
    }


def test_a_digest_depends_on_the_texts_and_not_on_their_order():
    assert texts.digest(["b", "a"]) == texts.digest(["a", "b"])
    assert len({texts.digest(some) for some in (["a", "b"], ["ab"], ["a", "b", "b"], [])}) == 4


def test_slopes_are_those_of_the_loss():
    rng = np.random.default_rng(0)
    arrays = student.new_arrays(rng.normal(size=(9, 6)), seed=0)
    arrays = {name: array.astype(float) for name, array in arrays.items()}
    pieces = [np.array([1, 2, 2, 5]), np.array([3]), np.array([0, 7])]
    kept, aim = rng.random((3, 2 * student.FILTERS)), rng.dirichlet([1, 1, 1], 3)
    losses = []

    def wrong(logits):
        found = student.softmax(logits)
        losses.append(-(aim * np.log(found)).sum())
        return found - aim

    slopes = student.gradient(arrays, pieces, wrong, kept)
    for name, array in arrays.items():
        place = np.unravel_index(np.abs(slopes[name]).argmax(), array.shape)
        for step in (1e-5, -2e-5):
            array[place] += step
            student.gradient(arrays, pieces, wrong, kept)
        assert (losses[-2] - losses[-1]) / 2e-5 == pytest.approx(slopes[name][place], rel=1e-4)


def test_a_student_learns_a_few_dozen_comments_and_what_is_packed_reads_them(monkeypatch):
    monkeypatch.setattr(student, "BITS", 12)
    monkeypatch.setattr(student, "EPOCHS", 15)
    monkeypatch.setattr(student, "GRAM_EPOCHS", 20)
    some = [one for one in texts.own() if one.language == "en"][:60]
    words = sorted({f"▁{word}" for one in some for word in cleaned(one.text).split()})
    scores = np.full(len(words), -9.0)
    labels = np.array([one.label for one in some])
    sure = np.eye(3)[labels] * 0.94 + 0.02
    data = teaching.examples(
        some, sure, names=words, scores=scores, bare_soft=np.full((len(words), 3), 1 / 3)
    )
    vectors = student.first_vectors(np.random.default_rng(0).normal(size=(len(words), 40)), scores)
    learnt = student.learn_pieces(data, vectors, seed=0, tick=lambda _: None)
    grams, bias = student.learn_ngrams(data, seed=0, tick=lambda _: None)
    arrays = calibration.calibrated(
        student.packed(learnt, grams, bias, names=words, scores=scores), some
    )
    found = calibration.figures(calibration.probabilities(arrays, some), some)
    assert found["macro_f1"] > 90
    assert found["calibration_error"] < 0.2


def test_calibration_finds_the_temperature_that_was_hidden(monkeypatch):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(3000, 3))
    labels = [rng.choice(3, p=row) for row in student.softmax(1.5 * logits)]
    some = [Text("", "en", int(label), "", "") for label in labels]
    monkeypatch.setattr(
        calibration, "probabilities", lambda arrays, _: student.softmax(arrays["T"] * logits)
    )
    found = calibration.calibrated({"T": np.array(9.0)}, some)
    assert float(found["T"]) == pytest.approx(1.5, abs=0.1)


def test_a_target_is_the_teachers_judgement_and_the_label_where_there_is_one():
    soft = np.array([[0.2, 0.2, 0.6]] * 4)
    some = [Text("", "en", label, "mabsa", "A") for label in (0, texts.UNKNOWN, texts.MIXED)]
    some.append(Text("", "en", 0, texts.PLAIN, texts.OWN_TIER))
    found = teaching.targets(some, soft)
    assert found.sum(1) == pytest.approx(1)
    assert found[1] == pytest.approx(soft[1])
    assert found[0] == pytest.approx((soft[0] + np.array([0.96, 0.02, 0.02])) / 2)
    assert found[2, 1] > soft[2, 1]
    assert found[3, 0] > found[0, 0]  # a plain comment's label counts more


def test_the_student_that_reads_both_kinds_of_our_comments_best_is_chosen():
    def tried(*figures):
        return dict(zip("ab", ({"macro_f1": one} for one in figures), strict=True))

    assert calibration.best({0: tried(70, 60), 1: tried(61, 71), 2: tried(66, 66)}) == 1


def test_clauses_are_short_new_and_our_own_ones_first(monkeypatch):
    monkeypatch.setattr(teaching, "CLAUSES", 2)
    given = [
        Text("Too late, the box was open. No", "en", 0, "mabsa", "A"),
        Text("nice staff", "en", 2, "mabsa", "A"),
        Text("Nice staff, fair price; fair price", "en", 2, texts.OWN, texts.OWN_TIER),
        Text("遅い。とても高いです", "ja", 0, "mabsa", "A"),
    ]
    found = teaching.clauses(given)
    assert [one.text for one in found] == ["fair price", "Too late", "とても高いです"]
    assert {one.label for one in found} == {texts.UNKNOWN}
    weighed = teaching._weights([*given, *found])
    assert weighed[-1] < weighed[2] and weighed[0] == weighed[3]


def test_pieces_are_lower_case_of_our_scripts_and_frequent_or_seen(monkeypatch):
    class Parts:
        pieces = ("", "▁good", "▁Good", "▁ดี", "▁хорошо", "▁rare", "▁rarer")
        scores = (0.0, -5.0, -6.0, -7.0, -8.0, -9.0, -9.5)

    monkeypatch.setattr(teaching, "FREQUENT", 5)
    found = teaching.chosen_pieces(Parts, ["rare"] * teaching.SEEN + ["rarer"], print)
    assert [Parts.pieces[place] for place in found] == ["▁good", "▁хорошо", "▁rare"]
