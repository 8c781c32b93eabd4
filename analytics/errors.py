"""What can go wrong, and nothing else.

AnalyticsError
├── FrameError      a frame or a result table lacks the shape that a metric asks for
└── ArgumentError   an option lies outside its range
"""

from collections.abc import Iterable
from difflib import get_close_matches


class AnalyticsError(ValueError):
    """Anything this package refuses. Messages are for developers, in English, with a hint."""


class ArgumentError(AnalyticsError):
    """An option outside its range: `argument` names it, `hint` says what would do."""

    def __init__(self, argument: str, problem: str, *, hint: str) -> None:
        super().__init__(f"{argument}: {problem}; {hint}")
        self.argument = argument
        self.hint = hint


class FrameError(AnalyticsError):
    """A frame or table of the wrong shape.

    `column` names the culprit (None: the frame as a whole), `hint` says what would do and
    `nearest` is the present column that was perhaps meant, or None.

    >>> print(FrameError("score", "is missing", hint="rename it", present=["scores", "day"]))
    column 'score' is missing; rename it; did you mean 'scores'?
    """

    def __init__(
        self, column: str | None, problem: str, *, hint: str, present: Iterable[str] = ()
    ) -> None:
        near = get_close_matches(str(column), [str(name) for name in present], n=1)
        self.column = column
        self.hint = hint
        self.nearest = near[0] if near else None
        what = "frame" if column is None else f"column {column!r}"
        question = f"; did you mean {self.nearest!r}?" if self.nearest else ""
        super().__init__(f"{what} {problem}; {hint}{question}")
