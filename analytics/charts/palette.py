"""Which colour a value has. Colours are names: `palette.css` gives them values per theme."""

from bisect import bisect_right
from importlib.resources import files
from typing import Final, Literal, TypeAlias

Standing: TypeAlias = Literal["solid", "few", "weak", "withheld", "none"]

# Lower bounds of the NPS classes 2 … 8; class 1 is everything below.
THRESHOLDS: Final = (-60, -40, -20, 0, 20, 40, 60)
RELIABLE, ENOUGH = 30, 50  # answers: grey below the first, marked "few answers" below the second

NAMES: Final = (
    *("ink", "ink-soft", "surface", "grid", "axis", "outline", "series", "band"),
    *(f"score-{k}" for k in range(1, len(THRESHOLDS) + 2)),
    *("unreliable", "withheld", "land", "promoters", "passives", "detractors"),
    *("negative", "neutral", "positive", "track"),
)


def color(name: str) -> str:
    """The CSS value of a palette name (one of `NAMES`), for a presentation attribute."""
    if name not in NAMES:
        raise KeyError(name)
    return f"var(--{name})"


def score_color(nps: float) -> str:
    """The colour of the class that a score in [-100, 100] falls into; a bound is the upper one's.

    >>> score_color(-75), score_color(0), score_color(60)
    ('var(--score-1)', 'var(--score-5)', 'var(--score-8)')
    """
    return color(f"score-{bisect_right(THRESHOLDS, nps) + 1}")


def standing(nps: float | None, n: int | None, *, suppressed: bool) -> Standing:
    """How far a score may be trusted: `withheld` before `none` before `weak`, `few`, `solid`."""
    if suppressed:
        return "withheld"
    if nps is None or not n:
        return "none"
    return "weak" if n < RELIABLE else "few" if n < ENOUGH else "solid"


def stylesheet() -> str:
    """The text of `palette.css`, for the application to serve."""
    return files(__package__).joinpath("palette.css").read_text(encoding="utf-8")
