r"""Words of a text in any script, with their places.

A word is a run of anything that is neither space, punctuation nor symbol, so that the vowel signs
of Indic scripts stay inside their words (Python's own `\w` drops them). Chinese and Japanese don't
write spaces: there every sign is a word, and a phrase is a run of signs.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TypeVar

_CONTROLS = [*range(9), *range(0x0E, 0x20), *range(0x7F, 0xA0)]
_DIRECTIONS = [0x200E, 0x200F, 0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_READABLE = (
    dict.fromkeys(range(0xD800, 0xE000), "\ufffd")
    | dict.fromkeys(_CONTROLS + _DIRECTIONS, " ")
    | dict.fromkeys(map(ord, "\u2018\u2019\u02bc\u00b4`"), "'")
    | dict.fromkeys(map(ord, "\u201c\u201d\u201e"), '"')
)
_SIGN = (
    "\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9d"
)
_BREAK = (
    r"\s!-/:-@\[-`{-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7\u00f7"
    r"\u055a-\u055f\u0589\u05be\u060c\u061b\u061f\u066a-\u066d\u06d4\u0964\u0965"
    r"\u2000-\u200b\u200e-\u206f\u20a0-\u2bff\u3000-\u3004\u3008-\u3040\u30fb\u3131-\u318e"
    r"\ufe00-\ufe6f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\ufffd"
    "\U0001f000-\U0001faff"
)
_WORD = re.compile(f"([{_SIGN}]|[^{_BREAK}{_SIGN}]+)")
# Letters that people write the same: the forms of alef, ya and ta marbuta, and the filler.
_SAME = str.maketrans("أإآٱىةёıđł", "اااايهеidl", "ـ\u200c\u200d")
_FOLDED = ("LATIN", "ARABIC")  # scripts whose marks people leave out
# Written together with the Arabic word behind them: and, with, for, as, so, the.
_CLITICS = ("وال", "بال", "كال", "فال", "ولل", "لل", "ال", "و", "ب", "ل", "ك", "ف")
_LEAST_ARABIC = 3
LONGEST_KEPT = 40
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # letters and symbols without ink
Value = TypeVar("Value")


def kept(function: Callable[[str], Value], *, most: int) -> Callable[[str], Value]:
    """The function of a word with its results kept, of at most `most` words.

    A word of more than `LONGEST_KEPT` signs is not kept, so that odd ones don't fill the memory.
    """
    short = lru_cache(maxsize=most)(function)
    return lambda word: short(word) if len(word) <= LONGEST_KEPT else function(word)


def readable(text: str) -> str:
    """`text` as it can be read, code point for code point of the same length.

    Lone surrogates, control characters and direction marks give way; curly quotes become straight.
    Raises TypeError for what is no `str`.
    """
    if not isinstance(text, str):
        raise TypeError(f"A text is {type(text).__name__}, not str.")
    return text.translate(_READABLE)


def is_visible(text: str) -> bool:
    """Whether there is a letter, a digit, a mark of punctuation or a symbol to be seen."""
    return any(unicodedata.category(sign)[0] in "LNPS" and sign not in _BLANK for sign in text)


def words_of(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, folded word) of each word, by position; linear time for any text."""
    for found in _WORD.finditer(text):
        yield found.start(), found.end(), _kept_fold(found[0])


def cut(text: str) -> list[str]:
    """The words as written at odd places, at even ones what stands between them, perhaps nothing.

    >>> cut("So, 4,5!")
    ['', 'So', ', ', '4', ',', '5', '!']
    """
    return _WORD.split(text)


def fold(word: str) -> str:
    """The word as it is compared: lower case, without the marks that people leave out.

    >>> fold("Schön"), fold("ÇOK"), fold("Ёлка"), fold("रुपये")
    ('schon', 'cok', 'елка', 'रुपये')
    """
    lower = word.lower()
    if lower.isascii():
        return lower
    apart = unicodedata.normalize("NFKD", lower.translate(_SAME))
    if not any(map(unicodedata.combining, apart)):
        return unicodedata.normalize("NFC", apart).translate(_SAME)
    kept: list[str] = []
    for sign in apart:
        marked = unicodedata.combining(sign) and kept
        if not (marked and unicodedata.name(kept[-1], "").startswith(_FOLDED)):
            kept.append(sign)
    return unicodedata.normalize("NFC", "".join(kept)).translate(_SAME)


_kept_fold = kept(fold, most=10_000)


def without_clitics(word: str) -> Iterator[str]:
    """An Arabic word as written and without what is written together with it."""
    yield word
    for clitic in _CLITICS:
        if word.startswith(clitic) and len(word) - len(clitic) >= _LEAST_ARABIC:
            yield word[len(clitic) :]
