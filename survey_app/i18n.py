"""Languages: which we speak, how a wish is matched, and catalogues compiled at start.

Respondents are asked in any survey locale; members' pages exist in the interface locales. A locale
from outside is only ever matched against a list, never passed on raw.
"""

import os
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from babel import Locale
from babel.core import get_global
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask, Response, current_app, g, has_request_context, request
from flask_babel import Babel, get_locale

SURVEY_LOCALES = ("en", "de", "fr", "es", "pt", "ja", "ar")
INTERFACE_LOCALES = ("en", "ar")
LOCALE_FORM = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}")
ALIASES = {"no": "nb"}  # the macrolanguage, which CLDR leaves alone
PACKAGE = Path(__file__).parent
# In the wheel the catalogues travel inside the package, in a checkout they lie beside it.
SOURCES = next(
    (path for path in (PACKAGE / "locales", PACKAGE.parent / "locales") if path.is_dir()),
    PACKAGE / "locales",
)
COOKIE = "soundings_language"
YEAR = 365 * 24 * 3600
babel = Babel()


def init_app(app: Flask, catalogues: Path) -> None:
    """Install translations from a folder of compiled catalogues."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(catalogues)
    app.config["BABEL_DEFAULT_LOCALE"] = "en"
    babel.init_app(app, locale_selector=_choose)
    app.after_request(_remember)
    app.jinja_env.globals.update(
        current_locale=current_locale,
        direction=direction,
        native_name=native_name,
        interface_locales=INTERFACE_LOCALES,
    )


def compile_catalogues(target: Path) -> None:
    """Compile every `messages.po` into `target` unless that has been done.

    A compiled catalogue carries its source's time, so that an older release's is noticed too.
    """
    for source in sorted(SOURCES.glob("*/LC_MESSAGES/messages.po")):
        compiled = target / source.relative_to(SOURCES).with_suffix(".mo")
        written = source.stat().st_mtime_ns
        if compiled.exists() and compiled.stat().st_mtime_ns == written:
            continue
        compiled.parent.mkdir(parents=True, exist_ok=True)
        with source.open("rb") as file:
            catalogue = read_po(file)
        # Written aside and renamed: another process may be reading it, or doing the same.
        fresh = compiled.with_suffix(f".{os.getpid()}.new")
        with fresh.open("wb") as out:
            write_mo(out, catalogue)
        os.utime(fresh, ns=(written, written))
        fresh.replace(compiled)


def match_locale(wishes: Iterable[str | None], available: Sequence[str]) -> str | None:
    """The first wish that we have, by language and script (`zh-HK` finds `zh_Hant`, `no` `nb`).

    Malformed or unknown wishes are passed over; None when nothing fits.
    """
    have: dict[tuple[str, str], str] = {}
    for code in available:
        have.setdefault(_language_and_script(code), code)
    for wish in wishes:
        if wish and len(wish) <= 35 and LOCALE_FORM.fullmatch(wish):
            same = wish.replace("-", "_").lower()
            exact = next((code for code in available if code.lower() == same), None)
            found = exact or have.get(_language_and_script(wish))
            if found:
                return found
    return None


@lru_cache(maxsize=1024)
def _language_and_script(code: str) -> tuple[str, str]:
    """Language and likely script of a locale code that has the right form."""
    parts = code.replace("-", "_").split("_")
    language = parts[0].lower()
    alias = ALIASES.get(language) or get_global("language_aliases").get(language, language)
    language = alias.split("_")[0]
    script = next((part.title() for part in parts[1:] if len(part) == 4), None)
    region = next((part.upper() for part in parts[1:] if len(part) in (2, 3)), None)
    if script is None:
        likely = get_global("likely_subtags")
        full = likely.get(f"{language}_{region}") or likely.get(language) or ""
        script = next((part for part in full.split("_")[1:] if len(part) == 4), "")
    return language, script


def accepted_languages() -> list[str]:
    """The browser's wishes, best first."""
    return [value for value, _ in request.accept_languages]


def _choose() -> str | None:
    if not has_request_context():
        return None
    wishes = [
        request.args.get("lang") or request.args.get("locale"),
        request.cookies.get(COOKIE),
        g.get("preferred_locale"),
        *accepted_languages(),
    ]
    return match_locale(wishes, g.get("page_locales", INTERFACE_LOCALES)) or "en"


def _remember(response: Response) -> Response:
    """Keep a member's choice of language; respondents get no cookie."""
    chosen = match_locale([request.args.get("lang")], INTERFACE_LOCALES)
    if chosen and "page_locales" not in g and response.mimetype == "text/html":
        secure = current_app.config["SESSION_COOKIE_SECURE"]
        response.set_cookie(
            COOKIE, chosen, max_age=YEAR, httponly=True, samesite="Lax", secure=secure
        )
    return response


def current_locale() -> str:
    """The code of the page's language."""
    return str(get_locale() or "en")


def direction(code: str) -> str:
    """`rtl` or `ltr`."""
    return "rtl" if Locale.parse(code).text_direction == "rtl" else "ltr"


def native_name(code: str) -> str:
    """A language's name in itself."""
    name = Locale.parse(code).display_name or code
    return name[:1].upper() + name[1:]
