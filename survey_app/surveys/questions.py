"""Question types: small classes that know which answers they take.

A score from JSON is a whole number and nothing else; a form or a file sends text. An empty text
means "not answered" and is None.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from survey_app.errors import N_, FieldError

MAX_COMMENT = 4000
# Control signs that no keyboard writes, and overrides that would turn the page around them.
# Line ends and tabs stay; so do the joiners that Arabic, Indic scripts and emoji need.
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")
# Letters and marks that print as nothing: grapheme joiner, fillers of Hangul and Khmer, variation
# selectors, the blank of Braille. Unicode counts them neither as spaces nor as controls.
_HOLLOW = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)
_INKLESS = ("Zs", "Zl", "Zp", "Cc", "Cf")  # separators, controls and formats


def is_blank(text: str) -> bool:
    """Whether a reader would see nothing: empty, or only spaces, controls and zero-width signs.

    The one place that decides whether a text counts as given, for every channel.
    """
    return all(unicodedata.category(sign) in _INKLESS or _HOLLOW.match(sign) for sign in text)


class WrongAnswer(ValueError):
    """An answer that the question does not take; carries the field error."""

    def __init__(self, error: FieldError) -> None:
        super().__init__(error.message % (error.values or {}))
        self.error = error


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a published version."""

    key: str
    required: bool
    kind: ClassVar[str]
    is_score: ClassVar[bool] = False

    def accept(self, value: object) -> int | str | None:
        """The answer as stored. Raises WrongAnswer."""
        raise NotImplementedError

    def accept_text(self, text: str) -> int | str | None:
        """The same from a form or a file. Raises WrongAnswer."""
        raise NotImplementedError

    def describe(self, wording: Mapping[str, Any]) -> dict[str, Any]:
        """The question in one locale, as the public definition gives it."""
        shown = {key: wording[key] for key in ("text", "low", "high") if key in wording}
        return {"key": self.key, "kind": self.kind, "required": self.required, **shown}

    def _wrong(self, code: str, message: str, **values: object) -> WrongAnswer:
        return WrongAnswer(FieldError(f"answers.{self.key}", code, message, values))


@dataclass(frozen=True, slots=True)
class Scale(Question):
    """Whole numbers from `low` to `high`."""

    low: ClassVar[int]
    high: ClassVar[int]
    is_score: ClassVar[bool] = True

    def accept(self, value: object) -> int | None:
        """A whole number on the scale; true and 8.0 are none."""
        if value is None:
            return None
        if type(value) is not int or not self.low <= value <= self.high:
            raise self._wrong(
                "answer.score",
                N_("Choose a whole number from %(low)s to %(high)s."),
                low=self.low,
                high=self.high,
            )
        return value

    def accept_text(self, text: str) -> int | None:
        """`7`, not `07`; surrounding blanks are forgiven."""
        text = text.strip()
        if not text:
            return None
        return self.accept(int(text) if re.fullmatch(r"0|[1-9][0-9]?", text) else text)

    def describe(self, wording: Mapping[str, Any]) -> dict[str, Any]:
        """Adds the choices, worded where the wording has a label for each."""
        values = range(self.low, self.high + 1)
        labels = wording.get("labels") or [str(value) for value in values]
        choices = [
            {"value": value, "label": label} for value, label in zip(values, labels, strict=True)
        ]
        # The plain call: zero-argument super() does not survive dataclasses with slots.
        return Question.describe(self, wording) | {"choices": choices}


class Nps(Scale):
    """Likelihood to recommend, 0–10."""

    __slots__ = ()
    kind, low, high = "nps", 0, 10


class Csat(Scale):
    """Satisfaction, 1–5."""

    __slots__ = ()
    kind, low, high = "csat", 1, 5


class Ces(Scale):
    """Customer Effort Score 2.0: agreement that it was easy, 1–7."""

    __slots__ = ()
    kind, low, high = "ces", 1, 7


class Comment(Question):
    """Free text, at most 4,000 characters."""

    __slots__ = ()
    kind = "comment"

    def accept(self, value: object) -> str | None:
        """The text, normalised to NFC, without control signs and direction overrides.

        A text in which nothing can be seen (`is_blank`) is none.
        """
        if value is None:
            return None
        if not isinstance(value, str):
            raise self._wrong("answer.text", N_("Send a text."))
        text = _UNSEEN.sub("", unicodedata.normalize("NFC", value).replace("\r\n", "\n")).strip()
        if len(text) > MAX_COMMENT:
            raise self._wrong(
                "answer.too_long",
                N_("Write at most %(most)s characters."),
                most=MAX_COMMENT,
            )
        return None if is_blank(text) else text

    def accept_text(self, text: str) -> str | None:
        """The same as from JSON."""
        return self.accept(text)

    def describe(self, wording: Mapping[str, Any]) -> dict[str, Any]:
        """Adds the greatest length and the placeholder."""
        return Question.describe(self, wording) | {
            "max_length": MAX_COMMENT,
            "placeholder": wording.get("placeholder", ""),
        }


KINDS: Mapping[str, type[Question]] = {kind.kind: kind for kind in (Nps, Csat, Ces, Comment)}


def questions_of(definition: Mapping[str, Any]) -> tuple[Question, ...]:
    """The questions of a published definition, in their order."""
    return tuple(
        KINDS[item["kind"]](key=item["key"], required=item["required"])
        for item in definition["questions"]
    )
