"""Languages that detection may return, and how people name them: `nlp.detection` does the work."""

import re
from collections.abc import Iterable

from nlp.errors import InputError

UNDETERMINED = "und"

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

# Languages whose comments get a sentiment: those that it was evaluated in.
SCORED_LANGUAGES: tuple[str, ...] = (
    "en", "es", "fr", "de", "it", "pt", "nl", "pl", "tr", "ru", "ar", "hi", "ja", "zh",
    "uk", "sv", "da", "ko", "vi", "id",
)  # fmt: skip

# ISO 639-2 and -3 codes of these.
_LONG = dict(
    zip(
        "eng spa fra fre deu ger ita por nld dut pol tur rus ara hin jpn zho chi ukr swe dan kor vie ind".split(),
        "en es fr fr de de it pt nl nl pl tr ru ar hi ja zh zh uk sv da ko vi id".split(),
        strict=True,
    )
)
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
