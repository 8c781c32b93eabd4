"""Scripts: how much of a text is written in which, and which languages are written in them."""

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

# script: (ranges of a regular expression's class, languages written in it). Languages that
# stand in none of these rows are written in Latin letters.
_TABLE: dict[str, tuple[str, str]] = {
    "arabic": (
        "\u0620-\u065f\u066e-\u06ef\u06fa-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufefc",
        "ar ary arz fa ps sdh ug ur",
    ),
    "cyrillic": ("\u0400-\u052f\u1c80-\u1c8f", "ba be bg kk ky mk mn ru sr tg tt uk"),
    "kana": ("\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9d", "ja"),
    "han": ("\u3005\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff", "ja wuu yue zh"),
    "hangul": ("\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3", "ko"),
    "greek": ("\u0370-\u03ff\u1f00-\u1fff", "el grc"),
    "hebrew": ("\u0591-\u05f4\ufb1d-\ufb4f", "hbo he"),
    "devanagari": ("\u0900-\u0963\u0971-\u097f\ua8e0-\ua8ff", "gom hi mr ne sa"),
    "bengali": ("\u0980-\u09e3\u09f0-\u09f1", "as bn"),
    "gurmukhi": ("\u0a01-\u0a5e\u0a70-\u0a75", "pa"),
    "gujarati": ("\u0a81-\u0ae3\u0af9-\u0aff", "gu"),
    "oriya": ("\u0b01-\u0b63\u0b71", "or"),
    "tamil": ("\u0b82-\u0bd7", "ta"),
    "telugu": ("\u0c00-\u0c63", "te"),
    "kannada": ("\u0c80-\u0ce3", "kn"),
    "malayalam": ("\u0d00-\u0d63\u0d7a-\u0d7f", "ml"),
    "sinhala": ("\u0d82-\u0df3", "si"),
    "thai": ("\u0e01-\u0e3a\u0e40-\u0e4e", "th"),
    "lao": ("\u0e81-\u0ecd\u0edc-\u0edf", "lo"),
    "tibetan": ("\u0f00\u0f40-\u0fbc", "dz"),
    "burmese": ("\u1000-\u103f\u1050-\u109d", "my"),
    "georgian": ("\u10a0-\u10ff\u1c90-\u1cbf\u2d00-\u2d2d", "ka"),
    "ethiopic": ("\u1200-\u137f", "am"),
    "khmer": ("\u1780-\u17d3", "km"),
    "armenian": ("\u0531-\u0587\ufb13-\ufb17", "hy"),
    # Last: of two scripts of equal weight the other one counts, as names of goods are in Latin.
    "latin": ("A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff", ""),
}
# Written in Latin letters as well as in the row above.
_TWO_SCRIPTS = frozenset({"sr", "gom", "kk", "tt", "ug"})
_OTHERS = frozenset(code for _, codes in _TABLE.values() for code in codes.split()) - _TWO_SCRIPTS

# Rows of `written_in` and columns of `script_weights`; the first is of what is no letter.
SCRIPTS: tuple[str, ...] = ("none", "other", *_TABLE)
LATIN = SCRIPTS.index("latin")
_KANA, _HAN = SCRIPTS.index("kana"), SCRIPTS.index("han")
# A character of these writes a syllable or a word, so that it weighs as several letters:
# "iPhone 很好用" is Chinese.
_SYLLABLES = {"none": 0, "kana": 2, "han": 3, "hangul": 3}
_WEIGHTS = np.array([_SYLLABLES.get(name, 1) for name in SCRIPTS])
_LAST_CODE = 0x3FFFF


def script_weights(texts: Sequence[str]) -> NDArray[np.int64]:
    """How much each script has of each text, in letters, shape (len(texts), len(SCRIPTS))."""
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    owners = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    places = owners * len(SCRIPTS) + _script_of_code()[np.minimum(codes, _LAST_CODE)]
    signs = np.bincount(places, minlength=len(texts) * len(SCRIPTS))
    weights: NDArray[np.int64] = signs.reshape(-1, len(SCRIPTS)) * _WEIGHTS
    japanese = weights[:, _KANA] > 0  # only Japanese mixes the two
    weights[japanese, _KANA] += weights[japanese, _HAN]
    weights[japanese, _HAN] = 0
    return weights


def letters_of(text: str, script: int) -> str:
    """The text with a space for every sign that is no letter of the script."""
    scripts = _script_of_code()
    return "".join(sign if scripts[min(ord(sign), _LAST_CODE)] == script else " " for sign in text)


@lru_cache(maxsize=64)
def written_in(languages: tuple[str, ...]) -> NDArray[np.bool_]:
    """Whether a language is written in a script, shape (len(SCRIPTS), len(languages))."""
    rows = [
        [
            code not in _OTHERS
            if name == "latin"
            else code in _TABLE.get(name, ("", ""))[1].split()
            for code in languages
        ]
        for name in SCRIPTS
    ]
    return np.array(rows)


@lru_cache(maxsize=1)
def _script_of_code() -> NDArray[np.uint8]:
    """By code point: the number of its script, 0 for what is no letter."""
    signs = map(chr, range(_LAST_CODE + 1))
    letters = (sign.isalnum() and not sign.isdecimal() for sign in signs)
    found = np.fromiter(letters, np.uint8, _LAST_CODE + 1)
    for name, (ranges, _) in _TABLE.items():
        for first, last in re.findall("(.)(?:-(.))?", ranges):
            found[ord(first) : ord(last or first) + 1] = SCRIPTS.index(name)
    return found
