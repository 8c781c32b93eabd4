"""How good the analysis is, measured on labelled comments and told per language and set.

The sentiment of a text that is left unscored counts with its most probable label, and coverage
stands beside it, so that being silent never makes a figure better.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from time import process_time
from typing import TYPE_CHECKING, TypeVar

from nlp import corpus
from nlp.analysis import analyse_many
from nlp.errors import InputError
from nlp.language import primary_language
from nlp.redaction import PersonalData, find_personal
from nlp.results import SENTIMENTS, CommentAnalysis, Sentiment

if TYPE_CHECKING:
    from nlp.encoder import Encoder

BINS = 10
_THEME = "theme."
Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A comment with what should be found; None where nobody said.

    Attributes:
        text, language: the comment and its ISO 639 code or locale.
        source: the set it belongs to.
        label: its sentiment.
        themes: code → polarity of the themes it speaks of.
        personal: places of personal data.
    """

    text: str
    language: str
    source: str
    label: Sentiment | None = None
    themes: Mapping[str, Sentiment] | None = None
    personal: Sequence[PersonalData] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SentimentFigures:
    """Sentiment on one set of one language, in percent but for `calibration_error`.

    Attributes:
        n: labelled comments.
        macro_f1: mean F1 of the classes that occur among the labels.
        recall: of each class that occurs.
        coverage: comments that were scored.
        calibration_error: expected calibration error of the most probable label over 10 bins, in
            [0, 1] (Naeini, Cooper, Hauskrecht, AAAI 2015).
    """

    n: int
    macro_f1: float
    recall: Mapping[Sentiment, float]
    coverage: float
    calibration_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFigures:
    """Things found against things that should be found, micro-averaged, in percent."""

    expected: int
    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 where both are."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How many of `n` are right, in percent."""

    n: int
    percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The figures of an evaluation, by (source, language); None where nothing was labelled.

    Attributes:
        sentiment: see `SentimentFigures`.
        language: share of comments whose language was told right, in percent.
        themes, parts: mentions of themes, and of their parts, per comment.
        polarity: themes found whose polarity is right.
        personal: places of personal data; one counts as found where it is touched.
        comments_per_second: of the whole analysis, per CPU second of one core.
    """

    sentiment: Mapping[tuple[str, str], SentimentFigures] = field(default_factory=dict)
    language: Mapping[tuple[str, str], float] = field(default_factory=dict)
    themes: Mapping[tuple[str, str], FoundFigures] = field(default_factory=dict)
    parts: Mapping[tuple[str, str], FoundFigures] = field(default_factory=dict)
    polarity: Mapping[tuple[str, str], Share] = field(default_factory=dict)
    personal: Mapping[tuple[str, str], FoundFigures] = field(default_factory=dict)
    comments_per_second: float = 0.0

    def mean_macro_f1(self, languages: Iterable[str]) -> float:
        """Mean over these languages of the mean over their sets, in percent."""
        by_language: dict[str, list[float]] = defaultdict(list)
        for (_, language), figures in self.sentiment.items():
            by_language[language].append(figures.macro_f1)
        means = [
            sum(by_language[code]) / len(by_language[code])
            for code in languages
            if code in by_language
        ]
        return sum(means) / len(means) if means else 0.0


def own_corpus(part: corpus.Part = "test") -> list[Labelled]:
    """The comments of the project's corpus that are kept for this."""
    return [
        Labelled(
            text=comment.text,
            language=comment.language,
            source="own",
            label=comment.label,
            themes=dict(comment.themes),
            personal=comment.personal,
        )
        for language in corpus.languages()
        for comment in corpus.read(language)
        if comment.part == part
    ]


def evaluate(
    comments: Iterable[Labelled] | None = None, *, encoder: "Encoder | None" = None
) -> Report:
    """Analyse comments as the application does and compare with what should be found.

    By default the part of our own corpus that was kept aside. Locales count as their language.

    Raises:
        InputError: a language, a label or a theme is none.
    """
    by_set: dict[tuple[str, str], list[Labelled]] = defaultdict(list)
    for comment in own_corpus() if comments is None else comments:
        by_set[comment.source, _checked(comment)].append(comment)
    for (_, language), rows in by_set.items():  # what is loaded once is not timed
        analyse_many([rows[0].text], [language], encoder=encoder)
    began, total = process_time(), sum(map(len, by_set.values()))
    found = {
        key: analyse_many([one.text for one in rows], [key[1]] * len(rows), encoder=encoder)
        for key, rows in sorted(by_set.items())
    }
    seconds = max(process_time() - began, 1e-9)
    detected = {
        key: [one.language for one in analyse_many([row.text for row in by_set[key]])]
        for key in found
    }
    return Report(
        sentiment=_told({key: _sentiment(by_set[key], found[key]) for key in found}),
        language={
            key: _percent(code == key[1] for code in codes) for key, codes in detected.items()
        },
        themes=_told({key: _themes(by_set[key], found[key], levels=2) for key in found}),
        parts=_told({key: _themes(by_set[key], found[key], levels=3) for key in found}),
        polarity=_told({key: _polarity(by_set[key], found[key]) for key in found}),
        personal=_told({key: _personal(by_set[key]) for key in found}),
        comments_per_second=total / seconds,
    )


def _checked(comment: Labelled) -> str:
    """The language of a comment whose labels and themes are such."""
    themes = comment.themes or {}
    if wrong := {comment.label, *themes.values()} - {None, *SENTIMENTS}:
        raise InputError(
            f"{', '.join(map(repr, wrong))} is no sentiment.",
            hint=f"say {', '.join(SENTIMENTS)}, or None.",
        )
    if strange := [code for code in themes if not code.startswith(_THEME)]:
        raise InputError(
            f"{strange[0]!r} is no theme.", hint="write codes such as 'theme.delivery.speed'."
        )
    return primary_language(comment.language)


def _told(figures: Mapping[Key, Value | None]) -> dict[Key, Value]:
    return {key: value for key, value in figures.items() if value is not None}


def _percent(rights: Iterable[bool]) -> float:
    counted = list(rights)
    return 100 * sum(counted) / len(counted)


def _guess(found: CommentAnalysis) -> Sentiment:
    """The most probable label, also of an unscored text; neutral where no model ran."""
    if found.probabilities is None:
        return found.sentiment or "neutral"
    return SENTIMENTS[found.probabilities.index(max(found.probabilities))]


def _sentiment(
    rows: Sequence[Labelled], found: Sequence[CommentAnalysis]
) -> SentimentFigures | None:
    pairs = [(row.label, one) for row, one in zip(rows, found, strict=True) if row.label]
    if not pairs:
        return None
    gold = [label for label, _ in pairs]
    guesses = [_guess(one) for _, one in pairs]
    recall: dict[Sentiment, float] = {}
    f1 = []
    for label in SENTIMENTS:
        if expected := gold.count(label):
            right = sum(a == b == label for a, b in zip(gold, guesses, strict=True))
            recall[label] = 100 * right / expected
            f1.append(200 * right / (expected + guesses.count(label)))
    return SentimentFigures(
        n=len(pairs),
        macro_f1=sum(f1) / len(f1),
        recall=recall,
        coverage=_percent(one.sentiment is not None for _, one in pairs),
        calibration_error=_calibration_error(pairs),
    )


def _calibration_error(pairs: Sequence[tuple[Sentiment | None, CommentAnalysis]]) -> float:
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for label, one in pairs:
        if one.probabilities is not None:
            top = max(one.probabilities)
            bins[min(int(top * BINS), BINS - 1)].append((top, _guess(one) == label))
    judged = sum(map(len, bins.values()))
    return sum(
        abs(sum(top for top, _ in held) - sum(right for _, right in held)) / judged
        for held in bins.values()
    )


def _cut(codes: Iterable[str], levels: int) -> set[str]:
    """The codes cut to a level; of the third level only those that have it."""
    split = [code.split(".") for code in codes]
    return {".".join(parts[:levels]) for parts in split if levels < 3 or len(parts) == levels}


def _themes(
    rows: Sequence[Labelled], found: Sequence[CommentAnalysis], *, levels: int
) -> FoundFigures | None:
    pairs = [
        (_cut(row.themes, levels), _cut((mention.code for mention in one.themes), levels))
        for row, one in zip(rows, found, strict=True)
        if row.themes is not None
    ]
    return _micro(pairs)


def _micro(pairs: Sequence[tuple[set[str], set[str]]]) -> FoundFigures | None:
    expected, seen = (sum(len(pair[side]) for pair in pairs) for side in (0, 1))
    right = sum(len(gold & got) for gold, got in pairs)
    return _figures(expected, seen, met=right, right=right)


def _figures(expected: int, seen: int, *, met: int, right: int) -> FoundFigures | None:
    """Of the expected so many were met, of those seen so many are right."""
    if not expected:
        return None
    return FoundFigures(
        expected=expected,
        precision=100 * right / seen if seen else 0.0,
        recall=100 * met / expected,
    )


def _polarity(rows: Sequence[Labelled], found: Sequence[CommentAnalysis]) -> Share | None:
    """Over the themes that were found rightly: of several mentions the majority, or the first."""
    rights = []
    for row, one in zip(rows, found, strict=True):
        for code, polarity in (row.themes or {}).items():
            said = [mention.polarity for mention in one.themes if mention.code == code]
            if said:
                rights.append(max(said, key=said.count) == polarity)
    return Share(n=len(rights), percent=_percent(rights)) if rights else None


def _personal(rows: Sequence[Labelled]) -> FoundFigures | None:
    expected = seen = met = right = 0
    for row in rows:
        if row.personal is None:
            continue
        found = find_personal(row.text)
        expected, seen = expected + len(row.personal), seen + len(found)
        met += sum(any(_touch(gold, one) for one in found) for gold in row.personal)
        right += sum(any(_touch(gold, one) for gold in row.personal) for one in found)
    return _figures(expected, seen, met=met, right=right)


def _touch(one: PersonalData, other: PersonalData) -> bool:
    return one.start < other.end and other.start < one.end
