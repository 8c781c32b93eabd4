"""A wish for a language is matched against a list, never passed on; catalogues are sound."""

import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.checkers import num_plurals, python_format
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from survey_app import i18n
from survey_app.i18n import (
    INTERFACE_LOCALES,
    SURVEY_LOCALES,
    compile_catalogues,
    direction,
    match_locale,
    native_name,
)

ROOT = Path(__file__).parents[2]
# What respondents read.
RESPONDENTS = re.compile(r"survey_app/(templates/responses/|surveys/questions\.py)")
CATALOGUES = sorted((ROOT / "locales").glob("*/LC_MESSAGES/messages.po"))


@pytest.mark.parametrize(
    ("wish", "available", "found"),
    [
        ("de", SURVEY_LOCALES, "de"),
        ("de-AT", SURVEY_LOCALES, "de"),
        ("de_CH", SURVEY_LOCALES, "de"),
        ("DE", SURVEY_LOCALES, "de"),
        ("pt-BR", SURVEY_LOCALES, "pt"),
        ("pt-BR", ("pt", "pt_BR"), "pt_BR"),
        ("pt-PT", ("pt", "pt_BR"), "pt"),
        ("zh-HK", ("zh_Hans", "zh_Hant"), "zh_Hant"),
        ("zh-TW", ("zh_Hans", "zh_Hant"), "zh_Hant"),
        ("zh", ("zh_Hant", "zh_Hans"), "zh_Hans"),
        ("zh-Hant-CN", ("zh_Hans", "zh_Hant"), "zh_Hant"),
        ("no", ("en", "nb"), "nb"),
        ("iw", ("en", "he"), "he"),
        ("sr-Latn", ("sr",), None),
        ("ar-EG", SURVEY_LOCALES, "ar"),
        ("ja-JP-u-ca-japanese", SURVEY_LOCALES, None),
        ("fi", SURVEY_LOCALES, None),
        ("*", SURVEY_LOCALES, None),
        ("", SURVEY_LOCALES, None),
        (None, SURVEY_LOCALES, None),
        ("../../etc/passwd", SURVEY_LOCALES, None),
        ("de\0", SURVEY_LOCALES, None),
        ("de\n", SURVEY_LOCALES, None),
        ("ｄｅ", SURVEY_LOCALES, None),
        ("<script>", SURVEY_LOCALES, None),
        ("d" * 10_000, SURVEY_LOCALES, None),
        ("de-" * 3_333 + "AT", SURVEY_LOCALES, None),
    ],
)
def test_a_wish_finds_what_speaks_its_language_and_script(
    wish: str | None, available: tuple[str, ...], found: str | None
) -> None:
    assert match_locale([wish], available) == found


def test_the_first_wish_that_fits_wins() -> None:
    assert match_locale([None, "xx", "no", "fr-CA", "de"], SURVEY_LOCALES) == "fr"


@given(st.lists(st.text(max_size=40), max_size=5))
def test_whatever_is_wished_only_the_list_comes_back(wishes: list[str]) -> None:
    assert match_locale(wishes, SURVEY_LOCALES) in {*SURVEY_LOCALES, None}


def test_direction_and_names() -> None:
    assert [direction(code) for code in SURVEY_LOCALES] == ["ltr"] * 6 + ["rtl"]
    assert [native_name(code) for code in ("de", "ja", "ar")] == ["Deutsch", "日本語", "العربية"]


@pytest.mark.parametrize(
    "accept", ["x" * 10_000, "de;q=abc", ",;,;", "ar;q=0", "\xff\xfe", "en,*;q=1"]
)
def test_a_mad_accept_language_is_no_error(client: FlaskClient, accept: str) -> None:
    page = client.get("/login", headers={"Accept-Language": accept})
    assert page.status_code == 200
    assert re.search(r'<html lang="(en|ar)"', page.get_data(as_text=True))


def test_a_page_speaks_the_language_asked_for(client: FlaskClient) -> None:
    for path, language in (("/login", "ar-EG"), ("/login?lang=ar", "en")):
        page = client.get(path, headers={"Accept-Language": language}).get_data(as_text=True)
        assert '<html lang="ar" dir="rtl">' in page


# --- catalogues ---------------------------------------------------------------------------------

PO = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "Hi"\nmsgstr "%s"\n'


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of catalogues with one German text."""
    file = tmp_path / "locales" / "de" / "LC_MESSAGES" / "messages.po"
    file.parent.mkdir(parents=True)
    file.write_text(PO % "Hallo", encoding="utf-8")
    monkeypatch.setattr(i18n, "SOURCES", tmp_path / "locales")
    return file


def compiled_text(target: Path) -> str:
    with (target / "de" / "LC_MESSAGES" / "messages.mo").open("rb") as file:
        message = read_mo(file).get("Hi")
    assert message is not None
    return str(message.string)


def test_a_catalogue_is_compiled_once(sources: Path, tmp_path: Path) -> None:
    target = tmp_path / "made"
    compile_catalogues(target)
    assert compiled_text(target) == "Hallo"
    made = (target / "de" / "LC_MESSAGES" / "messages.mo").stat().st_ino
    compile_catalogues(target)
    assert (target / "de" / "LC_MESSAGES" / "messages.mo").stat().st_ino == made


@pytest.mark.parametrize("seconds", [60, -60])
def test_a_newer_and_an_older_source_are_both_noticed(
    sources: Path, tmp_path: Path, seconds: int
) -> None:
    """Older: an installation that went back to the release before."""
    target = tmp_path / "made"
    compile_catalogues(target)
    moment = sources.stat().st_mtime + seconds
    sources.write_text(PO % "Servus", encoding="utf-8")
    os.utime(sources, (moment, moment))
    compile_catalogues(target)
    assert compiled_text(target) == "Servus"


def test_compiling_leaves_a_whole_file_or_the_old_one(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "made"
    compile_catalogues(target)
    os.utime(sources, (1, 1))

    def dies_midway(file: object, catalogue: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(i18n, "write_mo", dies_midway)
    with pytest.raises(OSError, match="no space"):
        compile_catalogues(target)
    assert compiled_text(target) == "Hallo"


def test_readers_never_see_half_a_catalogue(sources: Path, tmp_path: Path) -> None:
    target = tmp_path / "made"
    compile_catalogues(target)

    def recompile(turn: int) -> str:
        if turn % 4 == 0:
            os.utime(sources, (turn + 1, turn + 1))
            compile_catalogues(target)
        return compiled_text(target)

    with ThreadPoolExecutor(1) as writer, ThreadPoolExecutor(3) as readers:
        writing = writer.map(recompile, range(0, 200, 4))
        assert set(readers.map(lambda _: compiled_text(target), range(200))) == {"Hallo"}
        assert set(writing) == {"Hallo"}


def read_catalogue(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3] if path.suffix == ".po" else None)


def test_the_template_holds_what_the_code_says_now() -> None:
    keywords = {
        "_": None,
        "N_": None,
        "_l": None,
        "gettext": None,
        "lazy_gettext": None,
        "ngettext": (1, 2),
    }
    with (ROOT / "locales" / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    said = {
        message if isinstance(message, str) else message[0]
        for _, _, message, _, _ in extract_from_dir(ROOT, methods, options, keywords)
    }
    template = read_catalogue(ROOT / "locales" / "messages.pot")
    kept = {item.id if isinstance(item.id, str) else item.id[0] for item in template if item.id}
    assert kept == said, "run: make strings"


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_a_catalogue_is_complete_and_keeps_its_placeholders(path: Path) -> None:
    catalogue = read_catalogue(path)
    is_interface = path.parts[-3] in INTERFACE_LOCALES
    for message in catalogue:
        places = {file for file, _ in message.locations}
        if not message.id or not (is_interface or any(map(RESPONDENTS.match, places))):
            continue  # members' pages exist in the interface locales only
        texts = message.string if isinstance(message.string, tuple) else (message.string,)
        assert all(texts), f"untranslated: {message.id}"
        assert not message.fuzzy, f"unsure: {message.id}"
        python_format(catalogue, message)
        num_plurals(catalogue, message)
    template = read_catalogue(ROOT / "locales" / "messages.pot")
    assert {item.id for item in catalogue} == {item.id for item in template}, "run: make strings"
