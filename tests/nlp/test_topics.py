"""Topics that no theme explains: found where they are, and nowhere else."""

import random
from collections.abc import Callable, Sequence

import numpy as np
import pytest

import nlp
from nlp import corpus
from nlp.stems import stems_of
from nlp.topics import Topic, find_topics

CpuSeconds = Callable[[Callable[[], object]], float]
# By language: what a new subject is written with, and syllables or signs for all other words.
PLANTED = {
    "en": (["smell", "box", "chemical", "gloves"], "ba be bi lo lu ma mo ne ni ra ri so su ta ti"),
    "fi": (["haju", "pakkaus", "kumi"], "va ve vi lo ly ma mu ne ni ra ri sy su ta ti"),
    "ar": (["رائحة", "علبة", "قفازات"], "با بي بو لا لي ما مو نا ني را ري سا سو تا تي"),
    "zh": (["气味", "盒子", "塑胶"], "甲 乙 丙 丁 戊 己 庚 辛 壬 癸 寅 卯 辰 巳 午 未 申 酉 戌 亥"),
}


def unrelated(language: str, count: int, seed: int = 1) -> list[str]:
    """Comments of words that have nothing to do with each other, some words far more frequent."""
    drawn = random.Random(seed)
    parts = PLANTED[language][1].split()
    size = 2 if language == "zh" else 3
    words = sorted({"".join(drawn.choices(parts, k=size)) for _ in range(900)})
    weights = [1 / (rank + 5) for rank in range(len(words))]
    blank = "，" if language == "zh" else " "
    return [blank.join(drawn.choices(words, weights, k=drawn.randint(3, 25))) for _ in range(count)]


def search(
    texts: Sequence[str], language: str = "en", now: Sequence[bool] | None = None
) -> tuple[Topic, ...]:
    is_now = [at % 4 == 0 for at in range(len(texts))] if now is None else now
    return find_topics(texts, [language] * len(texts), [()] * len(texts), is_now=is_now)


@pytest.mark.parametrize("language", PLANTED)
def test_a_new_subject_is_found_with_its_words_first(language: str) -> None:
    subject, drawn = PLANTED[language][0], random.Random(2)
    texts = unrelated(language, 800)
    blank = "，" if language == "zh" else " "
    for at in range(40):
        texts[at * 20] += blank + blank.join(drawn.sample(subject, k=len(subject) - 1))
    (topic,) = search(texts, language)
    assert set(topic.words[language][: len(subject)]) == set(subject)
    assert set(topic.members) == set(range(0, 800, 20))
    assert (topic.now, topic.before, topic.all_now, topic.all_before) == (40, 0, 200, 600)
    assert topic.grew
    assert topic.p_value < 1e-9


@pytest.mark.parametrize("language", PLANTED)
def test_comments_without_a_common_subject_have_no_topics(language: str) -> None:
    found = [bool(search(unrelated(language, 300, seed), language)) for seed in range(20)]
    assert sum(found) <= 1


def test_shuffled_comments_of_customers_have_no_topics() -> None:
    words = [word for one in corpus.read("en") for *_, word in stems_of(one.text, "en")]
    lengths = [len(one.text.split()) for one in corpus.read("en")]
    found = 0
    for seed in range(20):
        left = words.copy()
        random.Random(seed).shuffle(left)
        found += bool(search([" ".join(left.pop() for _ in range(min(size, len(left))))
                              for size in lengths]))  # fmt: skip
    assert found <= 1


def test_one_word_is_a_topic_where_it_grew() -> None:
    texts = unrelated("en", 800)
    for at in range(0, 800, 20):
        texts[at] += " parking"
    grew = [at % 20 == 0 or at % 7 == 0 for at in range(800)]
    (topic,) = search(texts, now=grew)
    assert topic.words == {"en": ("parking",)}
    assert topic.grew
    assert search(texts, now=[at // 20 % 4 == 0 for at in range(800)]) == ()


def test_a_subject_that_was_there_before_did_not_grow() -> None:
    texts = unrelated("en", 800)
    for at in range(0, 800, 20):
        texts[at] += " smell box chemical"
    (topic,) = search(texts, now=[at // 20 % 4 == 0 for at in range(800)])
    assert (topic.now, topic.before, topic.grew) == (10, 30, False)


def test_what_themes_explain_and_too_few_comments_are_no_topics() -> None:
    texts = unrelated("en", 400)
    few = list(texts)
    for at in range(0, 400, 10):
        texts[at] += " smell box chemical"
    for at in range(0, 400, 45):
        few[at] += " smell box chemical"
    spans = [[(text.find("smell"), len(text))] if "smell" in text else [] for text in texts]
    now = [True] * 200 + [False] * 200
    assert len(search(texts, now=now)) == 1
    assert find_topics(texts, ["en"] * 400, spans, is_now=now) == ()
    assert search(few, now=now) == ()


def test_topics_of_several_languages_that_mean_the_same_become_one() -> None:
    texts = unrelated("en", 400) + unrelated("fi", 400) + unrelated("ar", 400)
    for at in range(0, 400, 20):
        texts[at] += " smell box chemical"
        texts[at + 10] += " queue cashier line"
        texts[at + 400] += " haju pakkaus kumi"
        texts[at + 800] += " رائحة علبة قفازات"
    subjects = [("smell", "haju", "رائحة"), ("queue",)]

    def vectors(some: Sequence[str]) -> np.ndarray:
        axes = [[any(word in text for word in words) for words in subjects] for text in some]
        return np.array([[*map(float, row), 1.0] for row in axes])

    languages = ["en"] * 400 + ["fi"] * 400 + ["ar"] * 400
    now = [at % 2 == 0 for at in range(1200)]
    apart = find_topics(texts, languages, [()] * 1200, is_now=now)
    joined = find_topics(texts, languages, [()] * 1200, is_now=now, vectors=vectors)
    assert sorted("".join(one.words) for one in apart) == ["ar", "en", "en", "fi"]
    assert sorted(len(one.words) for one in joined) == [1, 3]
    whole = next(one for one in joined if len(one.words) == 3)
    assert len(whole.members) == len(set(whole.members)) == 60
    assert whole.all_now + whole.all_before == 1200
    assert {at // 400 for at in whole.members[:3]} == {0, 1, 2}


def test_time_is_linear_where_words_are_not_spaced(cpu_seconds: CpuSeconds) -> None:
    texts = ["ก" * 100_000] * 10  # took minutes
    search(texts[:1], "th")
    assert cpu_seconds(lambda: search(texts, "th")) < 2


def test_odd_comments_are_read() -> None:
    odd = ["", "\ud800", "\x00", "😀" * 50, "ก" * 3000, "字" * 3000, "a " * 5000, "הנה ببب あああ"]
    spans = [[(0, 10**6), (5, 2)]] * len(odd)
    languages = ["und", "xx", "en", "en", "th", "zh", "en", "he"]
    assert find_topics(odd, languages, spans, is_now=[True] * len(odd)) == ()
    assert find_topics([], [], [], is_now=[]) == ()
    assert search(["same words in every comment"] * 500) == ()
    with pytest.raises(nlp.InputError, match="differ in length"):
        find_topics(["a"], ["en"], [], is_now=[True])
