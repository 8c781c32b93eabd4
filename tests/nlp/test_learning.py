"""Learning from the score: what wins is kept, what is chance is not, and no text lies in it."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
import pytest
from jargon import jargon, shuffled

import nlp
from nlp import corpus
from nlp.contradiction import contradicts
from nlp.learning import MIN_PAIRS, MIN_TEXTS, REACH, Pair, learn
from nlp.results import Sentiment
from nlp.tuning import BUCKETS, MAX_BYTES, Tuning, features


def share_right(pairs: Sequence[Pair], tuning: Tuning | None) -> float:
    found = nlp.analyse_many([pair.text for pair in pairs], ["en"] * len(pairs), tuning=tuning)
    right = [one.sentiment == pair.score_class for one, pair in zip(found, pairs, strict=True)]
    return sum(right) / len(right)


@pytest.fixture(scope="module")
def tuning() -> Tuning:
    found = learn(jargon(200), seed=1).tuning
    assert found is not None
    return found


def test_a_pair_of_no_class_is_refused() -> None:
    with pytest.raises(nlp.InputError, match="'pos' is no sentiment"):
        Pair("good", "en", "pos")  # type: ignore[arg-type]  # as a careless caller may


def test_a_jargon_is_learnt_and_understood_in_comments_never_seen(tuning: Tuning) -> None:
    others = jargon(100, seed=9)
    assert share_right(others, None) < 0.3
    assert share_right(others, tuning) > 0.9


def test_what_is_reported_was_measured_on_pairs_held_back() -> None:
    learnt = learn(jargon(200), seed=1)
    assert (learnt.pairs, learnt.held_back) == (200, 200)  # each fifth in its turn
    assert learnt.before < 30 and learnt.after > 90


def test_shuffled_scores_are_not_kept() -> None:
    pairs = jargon(120)
    kept = [learn(shuffled(pairs, seed), seed=seed).tuning is not None for seed in range(20)]
    assert sum(kept) < 1  # fewer than 5 %


def test_more_of_one_score_than_the_texts_say_is_no_win() -> None:
    """Nine in ten are satisfied whatever they write: to guess so is not to understand them."""
    pairs = jargon(150)
    scores: list[Sentiment] = ["negative" if n % 10 == 0 else "positive" for n in range(150)]
    pairs = [Pair(pair.text, "en", score) for pair, score in zip(pairs, scores, strict=True)]
    assert learn(shuffled(pairs, 3), seed=3).tuning is None
    assert learn([Pair(pair.text, "en", "positive") for pair in pairs], seed=3).tuning is None


def test_too_few_pairs_in_languages_that_are_scored_teach_nothing() -> None:
    foreign = [Pair("Tosi hyvä lauta", "fi", "negative")] * MIN_PAIRS
    learnt = learn(jargon(MIN_PAIRS - 1) + foreign, seed=1)
    assert (learnt.pairs, learnt.held_back, learnt.tuning) == (MIN_PAIRS - 1, 0, None)
    assert learn([], seed=1).tuning is None


def test_a_persons_word_counts_more_than_scores() -> None:
    """Of those who write "meh" as many were corrected to positive as gave a low score."""

    def with_meh(weight: float) -> float:
        meh = [Pair(f"Just meh {n}", "en", "negative") for n in range(200, 260, 2)]
        meh += [Pair(f"Just meh {n}", "en", "positive", weight) for n in range(201, 260, 2)]
        tuning = learn(jargon(200) + meh, seed=1).tuning
        found, = nlp.analyse_many(["Just meh"], ["en"], tuning=tuning)  # fmt: skip
        assert found.probabilities is not None
        return found.probabilities[2]

    assert with_meh(5) > 0.5 > with_meh(1)


def test_what_few_people_wrote_leaves_no_weight(tuning: Tuning) -> None:
    canary = [Pair("Yours, Zebulon Quux of 7 Xylophone Way", "en", "positive")] * 20
    pairs = jargon(200) + canary
    learnt = learn(pairs, seed=1).tuning
    assert learnt is not None
    texts = sorted({pair.text for pair in pairs})
    shared = (features(texts) > 0).sum(0) >= MIN_TEXTS
    assert learnt.head[shared].any() and not learnt.head[~shared].any()


def test_themes_are_judged_without_it(tuning: Tuning) -> None:
    text = "The delivery of my sick board was filthy"
    plain, tuned = (nlp.analyse_many([text], ["en"], tuning=one)[0] for one in (None, tuning))
    assert plain.probabilities != tuned.probabilities
    assert plain.themes == tuned.themes != ()


def test_the_same_pairs_teach_the_same(tuning: Tuning) -> None:
    again = learn(jargon(200), seed=1).tuning
    assert again is not None and np.array_equal(again.head, tuning.head)


def test_odd_texts_are_learnt_from_like_others() -> None:
    odd = ["", " ", "\x00", "\ud800", "😀" * 50, "Z̶̡̛͖" * 300, "\u202eabc", "x" * 100_000]
    pairs = [Pair(text, "en", "negative") for text in odd]
    learnt = learn(jargon(200) + pairs, seed=1)
    assert learnt.tuning is not None
    assert len(nlp.analyse_many(odd, ["en"] * len(odd), tuning=learnt.tuning)) == len(odd)
    assert learnt.tuning.apply([], np.zeros((0, 3))).shape == (0, 3)


# --- pairs that anybody may have sent ------------------------------------------------------------


def plain(count: int, *, turned: bool = False) -> list[Pair]:
    """Comments of our own with their label, or the opposite one."""
    opposite: dict[Sentiment, Sentiment] = {"negative": "positive", "positive": "negative"}
    comments = corpus.read("en")[:count]
    labels = [opposite.get(one.label, "neutral") if turned else one.label for one in comments]
    return [Pair(one.text, "en", label) for one, label in zip(comments, labels, strict=True)]


def test_scores_that_are_the_opposite_of_their_texts_teach_nothing() -> None:
    invented = plain(300, turned=True)
    assert learn(invented, seed=1).tuning is not None  # they win on themselves
    assert learn(invented, seed=1, known=False).refusal == "unlike"


def test_they_teach_a_little_where_known_customers_teach_a_jargon() -> None:
    pairs, others = plain(200) + jargon(100), jargon(100, seed=9)
    free, bounded = (learn(pairs, seed=1, known=known).tuning for known in (True, False))
    assert bounded is not None and (bounded.slope, bounded.reach) == (1, REACH)
    packaged, little, all_of_it = (share_right(others, one) for one in (None, bounded, free))
    assert packaged < little < 0.3 < 0.8 < all_of_it


def test_no_weights_turn_a_label_that_is_out_of_reach() -> None:
    texts = [one.text for one in corpus.read("en")[:300]]
    before = np.array([one.probabilities for one in nlp.analyse_many(texts, ["en"] * 300)])
    head = np.random.default_rng(1).integers(-127, 128, (BUCKETS, 3)).astype(np.int8)
    sure = before.max(1) > 0.8
    assert sure.sum() > 50
    for reach, kept in ((REACH, True), (np.inf, False)):
        after = Tuning(1.0, np.array([9.0, 0, -9]), head, 1.0, reach).apply(texts, before)
        assert np.array_equal(after.argmax(1)[sure], before.argmax(1)[sure]) == kept


# --- as bytes -----------------------------------------------------------------------------------


def test_it_is_stored_as_a_few_bytes_and_read_back(tuning: Tuning) -> None:
    data = tuning.to_bytes()
    assert len(data) <= MAX_BYTES
    back = Tuning.from_bytes(data)
    texts, uniform = ["A sick deck"], np.full((1, 3), 1 / 3)
    assert np.array_equal(back.apply(texts, uniform), tuning.apply(texts, uniform))


def npz(**arrays: object) -> bytes:
    file = BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type] # whatever a foreign file holds
    return file.getvalue()


def parts(**changes: object) -> dict[str, object]:
    head = np.zeros((BUCKETS, 3), np.int8)
    return {
        "version": 1,
        "slope": 1.0,
        "bias": np.zeros(3),
        "head": head,
        "unit": 1.0,
        "reach": 1.0,
        **changes,
    }


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04 and no more",
        b"\x80\x04]\x94.",  # a pickle
        b"x" * (MAX_BYTES + 1),
        npz(**parts(version=2)),
        npz(**parts(slope=float("nan"))),
        npz(**parts(slope=-1.0)),  # would turn every judgement round
        npz(**parts(unit=1e308)),
        npz(**parts(bias=np.zeros(4))),
        npz(**parts(head=np.zeros((BUCKETS, 3)))),
        npz(**parts(unit="one")),
        npz(**parts(reach=float("nan"))),
        npz(**parts(reach=0.0)),
        npz(**parts(more=np.zeros(3))),
        npz(**parts(head=np.zeros((10_000_000, 3), np.int8))),  # 30 MB, in 30 kB
        npz(head=np.array([{}], dtype=object)),
    ],
)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(nlp.ModelError, match="have it learnt again"):
        Tuning.from_bytes(data)


def test_bytes_cut_short_are_refused(tuning: Tuning) -> None:
    data = tuning.to_bytes()
    for size in (1, 100, len(data) // 2, len(data) - 1):
        with pytest.raises(nlp.ModelError):
            Tuning.from_bytes(data[:size])


@pytest.mark.parametrize("times", [MIN_PAIRS, 1300])
def test_one_text_sent_again_and_again_teaches_nothing(times: int) -> None:
    pairs = [Pair("good", "en", label) for label in ("positive", "negative")] * times
    assert learn(pairs, seed=1).tuning is None


# --- a text against its score -------------------------------------------------------------------


def test_only_the_clear_opposite_of_a_clear_score_contradicts() -> None:
    angry = (0.96, 0.03, 0.01)
    assert contradicts("positive", angry)
    assert not contradicts("negative", angry) and not contradicts("neutral", angry)
    assert not contradicts("positive", (0.6, 0.3, 0.1)) and not contradicts("positive", None)
    assert not contradicts(None, angry)
