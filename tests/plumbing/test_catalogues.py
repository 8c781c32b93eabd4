"""The catalogues against the code: complete where people read them, and safe to fill and show."""

import inspect
import re
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from babel import Locale
from babel.messages import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po
from factories import Cast
from flask.testing import FlaskClient

from survey_app.accounts import operations as accounts
from survey_app.i18n import INTERFACE_LOCALES, SURVEY_LOCALES

ROOT = Path(__file__).parents[2]
LOCALES = ROOT / "locales"
CODES = sorted(path.name for path in LOCALES.iterdir() if path.is_dir())
SOURCE = "en"  # the language of the code needs no catalogue
KEYWORDS = DEFAULT_KEYWORDS | {"_l": None, "lazy_gettext": None}
# What somebody reads who answers a survey, visits the demo shop or calls the public API.
RESPONDENTS = (
    "survey_app/http.py",
    "survey_app/responses/definition.py",
    "survey_app/responses/operations.py",
    "survey_app/responses/public.py",
    "survey_app/responses/schemas.py",
    "survey_app/responses/stamps.py",
    "survey_app/surveys/questions.py",
    "survey_app/templates/base.html",
    "survey_app/templates/demo/",
    "survey_app/templates/error.html",
    "survey_app/templates/responses/",
)
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%%")
MARKUP = re.compile(r"<[a-zA-Z/!]|&#?\w+;")
OVERRIDES = re.compile("[\u202a-\u202e]")
ISOLATES, CLOSES = re.compile("[\u2066-\u2068]"), "\u2069"

Text = str | tuple[str, ...]  # one sentence, or its singular and its plural


@pytest.fixture(scope="module")
def marked() -> dict[Text, set[str]]:
    """Every text that the code marks for translation, with the files that do."""
    with (LOCALES / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    found: dict[Text, set[str]] = {}
    for name, _, text, *_ in extract_from_dir(ROOT, methods, options, keywords=KEYWORDS):
        found.setdefault(text, set()).add(name)
    return found


@pytest.fixture(scope="module")
def respondents_texts(marked: dict[Text, set[str]]) -> set[Text]:
    """The texts that respondents read."""
    used = {name for names in marked.values() for name in names}
    for start in RESPONDENTS:
        assert any(name.startswith(start) for name in used), f"{start} marks nothing any more"
    # Of the accounts' sentences a respondent meets only the one that says: too often.
    source = inspect.getsource(accounts._too_many).encode()
    throttled: set[Text] = {
        str(text) for _, text, *_ in extract("python", BytesIO(source), KEYWORDS)
    }
    assert throttled
    return throttled | {
        text for text, names in marked.items() if any(n.startswith(RESPONDENTS) for n in names)
    }


@pytest.fixture(scope="module", params=CODES)
def catalogue(request: pytest.FixtureRequest) -> Catalog:
    return read(request.param)


def read(code: str) -> Catalog:
    with (LOCALES / code / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=code, abort_invalid=True)


def translated(catalogue: Catalog) -> Iterator[Message]:
    return (message for message in catalogue if message.id and all(forms(message)))


def forms(message: Message) -> tuple[str, ...]:
    """The translation, or each of its plural forms."""
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)


def missing(catalogue: Catalog, texts: set[Text]) -> set[Text]:
    have = {message.id for message in translated(catalogue) if not message.fuzzy}
    return texts - have


def test_every_language_but_the_codes_own_has_a_catalogue() -> None:
    assert set(CODES) == {*SURVEY_LOCALES, *INTERFACE_LOCALES} - {SOURCE}


def test_the_template_holds_what_the_code_marks(marked: dict[Text, set[str]]) -> None:
    with (LOCALES / "messages.pot").open("rb") as file:
        template = {message.id for message in read_po(file, abort_invalid=True) if message.id}
    assert template == marked.keys(), "run: make strings"


def test_a_catalogue_holds_what_the_code_marks(
    catalogue: Catalog, marked: dict[Text, set[str]]
) -> None:
    assert {message.id for message in catalogue if message.id} == marked.keys(), "run: make strings"
    assert not catalogue.obsolete


def test_a_catalogues_header_fits_its_language(catalogue: Catalog) -> None:
    path = LOCALES / str(catalogue.locale) / "LC_MESSAGES" / "messages.po"
    headers = dict(read(path.parts[-3]).mime_headers)
    assert headers["Language"] == path.parts[-3]
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    expected = Catalog(locale=Locale.parse(path.parts[-3]))
    assert headers["Plural-Forms"] == expected.plural_forms


def test_nothing_is_fuzzy(catalogue: Catalog) -> None:
    assert [message.id for message in catalogue if message.id and message.fuzzy] == []


@pytest.mark.parametrize("code", [code for code in INTERFACE_LOCALES if code != SOURCE])
def test_an_interface_language_is_complete(code: str, marked: dict[Text, set[str]]) -> None:
    assert missing(read(code), set(marked)) == set()


@pytest.mark.parametrize("code", [code for code in SURVEY_LOCALES if code != SOURCE])
def test_respondents_read_their_own_language(code: str, respondents_texts: set[Text]) -> None:
    assert missing(read(code), respondents_texts) == set()


def test_placeholders_survive_translation(catalogue: Catalog) -> None:
    for message in translated(catalogue):
        whole = message.id if isinstance(message.id, str) else message.id[-1]
        expected = Counter(PLACEHOLDER.findall(whole))
        for text in forms(message):
            found = Counter(PLACEHOLDER.findall(text))
            # "one comment" needs no number, but a form may bring no other than the plural's.
            assert found <= expected and (text != forms(message)[-1] or found == expected), whole
            if message.python_format:
                assert "%" not in PLACEHOLDER.sub("", text), whole


def test_a_language_has_all_its_plural_forms(catalogue: Catalog) -> None:
    several = [message for message in translated(catalogue) if isinstance(message.id, tuple)]
    assert all(len(forms(message)) == catalogue.num_plurals for message in several)


def test_a_translation_brings_no_markup_and_turns_no_page_around(catalogue: Catalog) -> None:
    for text in (text for message in translated(catalogue) for text in forms(message)):
        assert not MARKUP.search(text), text
        assert not OVERRIDES.search(text), text
        depth = 0
        for sign in text:
            depth += bool(ISOLATES.match(sign)) - (sign == CLOSES)
            assert 0 <= depth <= 1, text
        assert depth == 0, text
        assert text == text.strip(), text


def test_right_to_left_sentences_hold_technical_words_together() -> None:
    """A minus, a dash or two hyphens at the edge of a Latin word would jump to its other side."""
    latin = re.compile(r"--\w|\d+-\d+|\w+_\w+|[a-z]/[a-z]", re.IGNORECASE)
    for text in (text for message in translated(read("ar")) for text in forms(message)):
        outside = re.sub("[\u2066\u2068].*?\u2069", "", text)
        outside = PLACEHOLDER.sub("", outside)
        assert not latin.search(outside), text


def test_catalogues_reach_the_page(client: FlaskClient, cast: Cast) -> None:
    for code in CODES:
        words = {message.id: forms(message)[0] for message in translated(read(code))}
        page = client.get(f"/s/{cast.workspace}-nps?locale={code}").get_data(as_text=True)
        for source in ("Send answer", "Language"):
            assert words[source] in page, code
            assert source not in page, code
