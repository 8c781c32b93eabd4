"""What an analysis returns: frozen values that hold codes and numbers, never words."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

Sentiment: TypeAlias = Literal["negative", "neutral", "positive"]
# In the order of `Probabilities`.
SENTIMENTS: tuple[Sentiment, ...] = get_args(Sentiment)
Probabilities: TypeAlias = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class ThemeMention:
    """One place where a comment speaks of a theme.

    Attributes:
        code: the theme and its part, e.g. `theme.delivery.speed`, or the theme alone.
        polarity: how the comment speaks of it *there*; None where nothing tells.
        start: first code point of the mention in the text as given.
        end: one past the last code point, so that `text[start:end]` is the mention.
    """

    code: str
    polarity: Sentiment | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class CommentAnalysis:
    """What was understood of one comment.

    Attributes:
        language: ISO 639 code, or `und` where it cannot be told.
        also: a second language that a substantial part is written in; None where the language was
            given and not detected.
        sentiment: the label, or None: *unscored*, which is not neutral.
        score: polarity in [-1, 1]; None when unscored.
        confidence: probability of `sentiment`, in [0, 1]; None when unscored.
        probabilities: of (negative, neutral, positive), summing to 1, wherever a model ran.
        themes: mentions in order of position; empty for languages without a taxonomy.
        truncated: only the beginning of the text was analysed, see `MAX_ANALYSED`.
    """

    language: str
    also: str | None = None
    sentiment: Sentiment | None = None
    score: float | None = None
    confidence: float | None = None
    probabilities: Probabilities | None = None
    themes: tuple[ThemeMention, ...] = ()
    truncated: bool = False
