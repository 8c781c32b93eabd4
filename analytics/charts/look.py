"""How a chart is dressed: the reader's words and digits, its width and reading direction."""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from analytics.errors import ArgumentError

OVERRIDES = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
PHONE = 520  # pixels: below this width charts take their narrow form


def plain_number(value: float) -> str:
    """A whole number with a true minus and narrow spaces between thousands, read everywhere.

    >>> plain_number(-12.4), plain_number(-0.2), plain_number(0.5)
    ('−12', '0', '0')
    """
    return f"{round(value):,}".replace("-", "−").replace(",", "\N{NARROW NO-BREAK SPACE}")


def plain_percent(share: float) -> str:
    """A share in [0, 1] as whole percent.

    >>> plain_percent(0.256)
    '26%'
    """
    return f"{round(100 * share)}%"


@dataclass(frozen=True)
class Look:
    """What is the same for every chart of a page.

    `labels` holds the reader's words by code (each chart's docstring lists its codes); `width` is
    the chart's width in CSS pixels; `rtl` mirrors everything that runs along a line (time, bars,
    label columns) but not the map; `number` writes scores and counts, `percent` shares in [0, 1].
    """

    labels: Mapping[str, str]
    width: int = 720
    rtl: bool = False
    number: Callable[[float], str] = field(default=plain_number)
    percent: Callable[[float], str] = field(default=plain_percent)

    def __post_init__(self) -> None:
        if not 240 <= self.width <= 2400:
            raise ArgumentError("width", f"is {self.width}", hint="draw 240 to 2400 pixels wide")

    @property
    def narrow(self) -> bool:
        """Whether the chart is for a phone."""
        return self.width < PHONE

    def word(self, code: str) -> str:
        """The reader's word for a code; `ArgumentError` when the caller gave none."""
        try:
            return self.labels[code]
        except KeyError:
            hint = "give the word in the reader's language"
            raise ArgumentError("labels", f"lack {code!r}", hint=hint) from None

    def text(self, words: str) -> str:
        """Words as they must be drawn, so that two writing directions in one line don't scramble.

        SVG text is laid out left to right here; a line with right-to-left letters is isolated,
        in the page's direction when that is right to left, else in that of its first letter.
        Control characters and direction overrides that came with the words are dropped.
        """
        words = "".join(c for c in words if not _unprintable(c))
        if not any(unicodedata.bidirectional(c) in {"R", "AL", "AN"} for c in words):
            return words
        opening = "\N{RIGHT-TO-LEFT ISOLATE}" if self.rtl else "\N{FIRST STRONG ISOLATE}"
        return f"{opening}{words}\N{POP DIRECTIONAL ISOLATE}"

    def fitted(self, words: str, room: float, *, size: float = 12) -> str:
        """Words cut to the room in pixels, with an ellipsis where something is lost."""
        if text_width(words, size) <= room:
            return self.text(words)
        kept = words
        while kept and text_width(kept + "…", size) > room:
            kept = kept[:-1]
        return self.text(kept.rstrip() + "…")


def _unprintable(c: str) -> bool:
    return unicodedata.category(c) in {"Cc", "Cs"} or c in OVERRIDES


def text_width(words: str, size: float = 12) -> float:
    """A generous guess of the width of words in pixels in the sans-serif of any system."""
    return sum(_em(c) for c in words) * size


def _em(c: str) -> float:
    if unicodedata.east_asian_width(c) in "WF":
        return 1.0
    if unicodedata.combining(c):
        return 0.0
    if c in " .,:;'|!ijlIft()\N{NARROW NO-BREAK SPACE}":
        return 0.32
    if c in "mwMW%@":
        return 0.88
    return 0.66 if c.isupper() else 0.56


def wrapped(words: str, room: float, *, size: float = 12) -> list[str]:
    """Words broken at spaces into lines of at most `room` pixels, a long word left whole."""
    lines: list[str] = []
    for word in words.split():
        if lines and text_width(f"{lines[-1]} {word}", size) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
