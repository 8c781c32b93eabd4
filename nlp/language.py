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

# Bokmål is Norwegian; and what ISO 639-2 and -3 call those that are scored.
_SYNONYMS = """
    nb=no eng=en spa=es fra=fr fre=fr deu=de ger=de ita=it por=pt nld=nl dut=nl pol=pl tur=tr
    rus=ru ara=ar hin=hi jpn=ja zho=zh chi=zh ukr=uk swe=sv dan=da kor=ko vie=vi ind=id
"""
_SAME = dict(pair.split("=") for pair in _SYNONYMS.split())
_CODE = re.compile(r"[a-z]{2,3}")


def primary_language(code: str) -> str:
    """Language of a locale: `pt-BR` and `pt_BR` → `pt`, `EN` and `eng` → `en`.

    Raises:
        InputError: the code has no two- or three-letter language at its beginning.
    """
    language = re.split("[-_]", code.strip().lower())[0] if isinstance(code, str) else ""
    if not _CODE.fullmatch(language):
        raise InputError(
            f"{code!r} is not a language code.", hint="use ISO 639 codes, such as 'en' or 'pt-BR'."
        )
    return _SAME.get(language, language)


def candidate_languages(candidates: Iterable[str] | None) -> frozenset[str]:
    """The checked candidates as languages; the default list for None.

    Raises:
        InputError: there is none, or one that detection does not know, or a single `str`.
    """
    if isinstance(candidates, str):
        raise InputError("candidates is a single str.", hint="give a list of codes.")
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
