"""The survey templates and the privacy notice say the same things in every language."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

WORDING = Path(__file__).parents[2] / "survey_app" / "surveys" / "wording"
LOCALES = ["en", "de", "fr", "es", "pt", "ja", "ar"]
POINTS = {"csat": 5, "ces": 7}
KINDS = {"nps": "relational", "csat": "transactional", "ces": "transactional"}
SCRIPTS = {"ja": "[\u3040-\u30ff\u4e00-\u9fff]", "ar": "[\u0600-\u06ff]"}


def read(name: str) -> dict[str, Any]:
    return tomllib.loads((WORDING / f"{name}.toml").read_text(encoding="utf-8"))


def texts(part: object) -> Iterator[str]:
    """Every text inside a piece of wording."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict):
        for value in part.values():
            yield from texts(value)
    elif isinstance(part, list):
        for value in part:
            yield from texts(value)


def shape(part: object) -> object:
    """A piece of wording without its words: keys, and how long each list is."""
    if isinstance(part, dict):
        return {key: shape(value) for key, value in part.items()}
    return len(part) if isinstance(part, list) else type(part).__name__


def test_these_are_all_the_files() -> None:
    assert {path.stem for path in WORDING.glob("*.toml")} == {*KINDS, "privacy", "anonymous"}


@pytest.mark.parametrize("name", KINDS)
def test_a_template_asks_its_question_and_for_a_comment(name: str) -> None:
    template = read(name)
    assert template["kind"] == KINDS[name]
    assert template["questions"] == [
        {"key": name, "kind": name, "required": True},
        {"key": "comment", "kind": "comment", "required": False},
    ]
    expected = {"text": "str", "low": "str", "high": "str"}
    points = {"labels": POINTS[name]} if name in POINTS else {}
    assert shape(template["wording"]["en"]) == {
        "title": "str",
        "thanks": "str",
        name: expected | points,
        "comment": {"text": "str", "placeholder": "str"},
    }


@pytest.mark.parametrize("name", [*KINDS, "privacy", "anonymous"])
def test_every_locale_says_the_same_things_in_its_own_words(name: str) -> None:
    wording = read(name)["wording"]
    assert list(wording) == LOCALES
    for locale in LOCALES:
        assert shape(wording[locale]) == shape(wording["en"])
        for text in texts(wording[locale]):
            assert text == text.strip() != ""
            assert re.search(SCRIPTS.get(locale, "[A-Za-z]"), text)
            # Wording is generic: nothing is filled in, so nothing can be left unfilled.
            assert not re.search(r"[{}%<>]", text)
    spoken = [tuple(texts(wording[locale])) for locale in LOCALES]
    assert len(set(spoken)) == len(LOCALES)


@pytest.mark.parametrize("name", POINTS)
@pytest.mark.parametrize("locale", LOCALES)
def test_labels_are_distinct_and_the_ends_agree_with_them(name: str, locale: str) -> None:
    question = read(name)["wording"][locale][name]
    assert len(set(question["labels"])) == POINTS[name]
    assert (question["low"], question["high"]) == (question["labels"][0], question["labels"][-1])


@pytest.mark.parametrize("locale", LOCALES)
def test_a_question_ends_as_one(locale: str) -> None:
    mark = {"ar": "؟", "ja": "。"}.get(locale, "?")
    for name in ("nps", "csat"):
        wording = read(name)["wording"][locale]
        assert wording[name]["text"].endswith(mark)
        assert wording["comment"]["text"].endswith(mark)


def test_effort_is_a_statement_to_agree_with_in_quotation_marks() -> None:
    quoted = {"de": "„.+“", "fr": "«.+»", "es": "«.+»", "ar": "«.+»", "ja": "「.+」"}
    for locale, wording in read("ces")["wording"].items():
        assert re.search(quoted.get(locale, "“.+”"), wording["ces"]["text"])


def test_address_is_formal() -> None:
    """The familiar forms of address occur nowhere."""
    familiar = {
        "de": r"\b(du|dich|dir|dein\w*|euch|euer|eure\w*)\b",
        "fr": r"\b(tu|te|toi|ton|ta|tes)\b",
        "es": r"\b(tú|tu|tus|te|ti|vosotros|vuestr\w+)\b",
        "pt": r"\b(tu|te|ti|teu|tua|teus|tuas)\b",
    }
    for name in [*KINDS, "privacy", "anonymous"]:
        for locale, pattern in familiar.items():
            for text in texts(read(name)["wording"][locale]):
                assert not re.search(pattern, text, re.IGNORECASE), text
