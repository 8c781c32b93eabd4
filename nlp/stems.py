"""Stems of words, by which comments in any script are compared, and which of them tell nothing."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache

from nlp.taxonomies import packaged_languages, parse_taxonomy, taxonomy_source
from nlp.words import readable, without_clitics, words_of

STEM = 6  # letters by which inflected words are compared
COMMON_DOMAINS = 5  # of the eight of our corpus: such a word belongs to no subject
_SIGN = re.compile("[\u3005-\u3007\u30a1-\u30fa\u30fc\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_KATAKANA = re.compile("[\u30a1-\u30fa\u30fc]")
_HIRAGANA = re.compile("[\u3041-\u309f]")
# Thai, Lao, Burmese and Khmer write no spaces either, and their signs are letters.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
_GRAM = 4


def stems_of(text: str, language: str) -> Iterator[tuple[int, int, str, str]]:
    """(start, end, stem, word as written) of each word of two letters or more.

    Chinese characters count by twos, katakana by runs, hiragana (which is mostly grammar) not.
    """
    run: list[tuple[int, int, str]] = []
    for start, end, word in words_of(text):
        if _SIGN.fullmatch(word):
            kana = bool(_KATAKANA.match(word))
            if run and (run[-1][1] != start or bool(_KATAKANA.match(run[-1][2])) != kana):
                yield from _grams(run)
                run = []
            run.append((start, end, word))
            continue
        yield from _grams(run)
        run = []
        if len(word) > 1 and not _HIRAGANA.match(word) and any(map(str.isalpha, word)):
            yield from _spaced(text, (start, end, word), language)
    yield from _grams(run)


def _grams(run: Sequence[tuple[int, int, str]]) -> Iterator[tuple[int, int, str, str]]:
    if len(run) > 1:
        size = len(run) if _KATAKANA.match(run[0][2]) else 2
        for at in range(len(run) - size + 1):
            gram = "".join(sign for _, _, sign in run[at : at + size])
            yield run[at][0], run[at + size - 1][1], gram, gram


def _spaced(
    text: str, place: tuple[int, int, str], language: str
) -> Iterator[tuple[int, int, str, str]]:
    start, end, word = place
    if _UNSPACED.match(word):
        for at in range(len(word) - _GRAM + 1):
            yield start, end, word[at : at + _GRAM], word[at : at + _GRAM]
        return
    bare = word
    if language == "ar":  # one letter less is as often the word's own
        bare = next((one for one in without_clitics(word) if len(word) - len(one) > 1), word)
    yield start, end, bare[:STEM], text[start:end].lower()[len(word) - len(bare) :]


def overlap(one: str, other: str) -> bool:
    """Whether two stems share a character where words are not spaced: then one may hold the other.

    >>> overlap("包装", "装盒"), overlap("pack", "box")
    (True, False)
    """
    unspaced = _SIGN.match(one) or _UNSPACED.match(one)
    return bool(unspaced) and not set(one).isdisjoint(other)


@lru_cache(maxsize=32)
def common_stems(language: str) -> frozenset[str]:
    """Stems of no subject: in most domains of our corpus, or words such as *not* and *but*."""
    from nlp import corpus  # noqa: PLC0415 - compiles patterns for half a second, for few callers

    domains: dict[str, set[str]] = defaultdict(set)
    for comment in corpus.read(language) if language in corpus.languages() else ():
        for _, _, stem, _ in stems_of(readable(comment.text), language):
            domains[stem].add(comment.domain)
    common = {stem for stem, seen in domains.items() if len(seen) >= COMMON_DOMAINS}
    if language in packaged_languages():
        words = parse_taxonomy(taxonomy_source(language)).words
        for role in ("negators", "contrasts"):
            for phrase in words.get(role, ()):
                stems = [stem for _, _, stem, _ in stems_of(phrase, language)]
                common.update(stems if len(stems) == 1 else ())
    return frozenset(common)


def signs_of(text: str) -> set[str]:
    """The Chinese and Japanese characters of a text, but hiragana."""
    return set(_SIGN.findall(text))
