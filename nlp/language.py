"""Language of a comment: its script first, then py3langid among the candidates left.

Many scripts are written by one or few languages, so the script narrows the candidates and
often decides alone; where none of the candidates is written in the text's script, the answer
is `und` and not the least unlikely of the wrong ones. py3langid then compares byte n-grams.
"""

import copy
import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from nlp.errors import InputError

UNDETERMINED = "und"

# How much likelier than another language that of the survey is, before the comment is read.
EXPECTED_ODDS = 10.0
# How much of a text is read to tell its language: more changes nothing and costs time.
MAX_READ = 1_000

# Every label of py3langid 0.4's model (a test compares), without its `zxx` (no language).
_LABELS = """
    ace af am an ar ary arz as az ba bcl be bg bn br bs ca crh cs cy da de dz el en eo es et eu
    ext fa fi fo fr fuv fy ga gcf gcr gd gl gom grc gu gug guw ha hbo he hi hr ht hu hy id ig is
    it ja jv ka kab kik kk km kn ko ku ky la lb lg lij ln lo lt ltg lv mg mk ml mn mr ms mt my ne
    nl nn no nso oc om or pa pcm pl ps pt qu ro ru rw sa sdh se si sk sl sn so sq sr st sv sw ta
    te tg th tk tl tr tt ug uk ur uz uzs vec vi vo wa wuu xh yo yue zh zu
"""
LANGUAGES: tuple[str, ...] = tuple(_LABELS.split())

# What detection may return unless told otherwise: languages of large markets. Those below the
# line have a script to themselves (among these), so they cost the others no accuracy. Close
# relatives (hr/sr/bs, cs/sk, da/no) are left to workspaces that name their own languages.
_LARGE_MARKETS = """
    da de en es fr id it nl pl pt sv tr vi ru uk
    ar el he hi ja ko th zh
"""
DEFAULT_CANDIDATES: tuple[str, ...] = tuple(_LARGE_MARKETS.split())

# script: (ranges of a regular expression's class, languages written in it). Languages that
# stand in none of these rows are written in Latin letters.
_SCRIPTS: dict[str, tuple[str, str]] = {
    "latin": ("A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff", ""),
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
}
_WRITTEN_IN = {name: frozenset(languages.split()) for name, (_, languages) in _SCRIPTS.items()}
# Written in Latin letters as well as in the row above.
_TWO_SCRIPTS = frozenset({"sr", "gom", "kk", "tt", "ug"})
_NOT_LATIN = frozenset().union(*_WRITTEN_IN.values()) - _TWO_SCRIPTS
_WRITTEN_IN["latin"] = frozenset(LANGUAGES) - _NOT_LATIN

_RUN = re.compile(
    "|".join(f"(?P<{name}>[{ranges}]+)" for name, (ranges, _) in _SCRIPTS.items())
    + r"|(?P<other>[^\W\d_]+)"
)
# A character of these writes a syllable or a word, so that it weighs as several letters:
# "iPhone 很好用" is Chinese.
_WEIGHT = {"kana": 2, "han": 3, "hangul": 3}

_CODE = re.compile(r"[a-z]{2,3}")


def primary_language(code: str) -> str:
    """Language of a locale: `pt-BR` and `pt_BR` → `pt`, `EN` → `en`.

    Raises:
        InputError: the code has no two- or three-letter language at its beginning.
    """
    language = re.split("[-_]", code.strip().lower(), maxsplit=1)[0]
    if not _CODE.fullmatch(language):
        raise InputError(
            f"{code!r} is not a language code.", hint="use ISO 639 codes, such as 'en' or 'pt-BR'."
        )
    return "no" if language == "nb" else language


def candidate_languages(candidates: Iterable[str] | None) -> frozenset[str]:
    """The checked candidates as languages; the default list for None.

    Raises:
        InputError: there is none, or one that detection does not know.
    """
    chosen = frozenset(
        map(primary_language, DEFAULT_CANDIDATES if candidates is None else candidates)
    )
    if not chosen:
        raise InputError("There are no candidates.", hint="leave them out for the default list.")
    if unknown := chosen.difference(LANGUAGES):
        raise InputError(
            f"Languages that detection does not know: {', '.join(sorted(unknown))}.",
            hint="keep to nlp.LANGUAGES.",
        )
    return chosen


def detect(text: str, candidates: frozenset[str], *, expected: str | None = None) -> str:
    """Language of `text` among checked `candidates`, or `und`.

    `expected` is the language that the survey was shown in: held for `EXPECTED_ODDS` times as
    likely as any other before the text is read, so that it decides where a text says little.
    `und` means: no letters, a script that no candidate is written in, or nothing that would
    tell the candidates apart. Reads at most `MAX_READ` code points; never raises.
    """
    read = text[:MAX_READ]
    left = candidates & _languages_of(_script(read))
    if len(left) < 2:
        return next(iter(left), UNDETERMINED)
    ranked = _identifier(left).rank(read)
    best, probability = ranked[0]
    if expected in left and expected != best:
        likely = next(share for language, share in ranked if language == expected)
        if likely * EXPECTED_ODDS >= probability:
            return str(expected)
    # Equal shares: the identifier has met nothing that it knows.
    known = probability > 1.0001 / len(ranked) or expected == best
    return str(best) if known else UNDETERMINED


def _languages_of(script: str) -> frozenset[str]:
    return _WRITTEN_IN.get(script, frozenset())


def _script(text: str) -> str:
    """The script with the greatest weight in `text`; "" where there is no letter."""
    weights: Counter[str] = Counter()
    for run in _RUN.finditer(text):
        script = str(run.lastgroup)
        weights[script] += (run.end() - run.start()) * _WEIGHT.get(script, 1)
    if weights["kana"] and weights["han"]:
        # Only Japanese mixes the two.
        weights["kana"] += weights.pop("han")
    return max(weights, key=weights.__getitem__) if weights.total() else ""


@lru_cache(maxsize=1)
def _full_identifier() -> Any:
    # Read late: the model takes half a second, and `import nlp` is to be cheap.
    from py3langid.langid import (  # noqa: PLC0415 - as said above
        MODEL_FILE,
        LanguageIdentifier,
    )

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


@lru_cache(maxsize=64)
def _identifier(candidates: frozenset[str]) -> Any:
    """An identifier of our own limited to `candidates`; the module's global one stays as it is."""
    limited = copy.copy(_full_identifier())
    limited.set_languages(candidates)
    return limited
