"""The door of the package: many comments in, one analysis each out."""

from collections.abc import Iterable, Iterator

from nlp.errors import InputError
from nlp.language import candidate_languages, detect, primary_language
from nlp.results import SENTIMENTS, CommentAnalysis, Reading
from nlp.sentiment import label_of, probabilities_of

# Longer texts are analysed by their beginning only, in code points.
MAX_ANALYSED = 10_000

ENGLISH = "en"


def analyse_many(
    texts: Iterable[str],
    languages: Iterable[str | None] | None = None,
    *,
    candidates: Iterable[str] | None = None,
) -> list[CommentAnalysis]:
    """Analyse comments: one `CommentAnalysis` per text, in order.

    English is scored and searched for themes; every other language is *unscored* (sentiment,
    score, confidence and probabilities are None), which is not neutral. Deterministic, and a
    text's result does not depend on the others in the call. No text raises, however odd; of a
    text longer than `MAX_ANALYSED` code points the beginning is analysed.

    Args:
        texts: the comments.
        languages: per text an ISO 639 code or locale, which skips detection, or None.
        candidates: the codes or locales that detection may return, besides `und`; by default
            `nlp.DEFAULT_CANDIDATES`.

    Raises:
        TypeError: a text is not a `str`; the message names its index.
        InputError: `languages` has another length than `texts` or holds what is no language
            code; `candidates` is empty or names a language outside `nlp.LANGUAGES`.

    >>> [found.sentiment for found in analyse_many(["I love it.", "C'est très bien."])]
    ['positive', None]
    """
    given = _checked_texts(texts)
    read = [text[:MAX_ANALYSED] for text in given]
    allowed = candidate_languages(candidates)
    codes = [
        code or detect(text, allowed)
        for text, code in zip(read, _checked_languages(languages, len(read)), strict=True)
    ]
    english = [text for text, code in zip(read, codes, strict=True) if code == ENGLISH]
    readings = _readings(english)
    return [
        _analysis(
            code, next(readings) if code == ENGLISH else None, truncated=len(whole) > len(part)
        )
        for code, whole, part in zip(codes, given, read, strict=True)
    ]


def _checked_texts(texts: Iterable[str]) -> list[str]:
    if isinstance(texts, str):
        raise TypeError("texts is a single str: give a list of texts.")
    given = list(texts)
    for index, text in enumerate(given):
        if not isinstance(text, str):
            raise TypeError(f"texts[{index}] is {type(text).__name__}, not str.")
    return given


def _checked_languages(languages: Iterable[str | None] | None, count: int) -> list[str | None]:
    if languages is None:
        return [None] * count
    if isinstance(languages, str):
        raise TypeError("languages is a single str: give one code or None per text.")
    codes = [None if code is None else primary_language(code) for code in languages]
    if len(codes) != count:
        raise InputError(
            f"There are {count} texts and {len(codes)} languages.",
            hint="give one code or None per text.",
        )
    return codes


def _readings(texts: list[str]) -> Iterator[Reading]:
    if not texts:
        return iter(())
    from nlp.english import read_english  # noqa: PLC0415 - spaCy takes most of a second

    return iter(read_english(texts))


def _analysis(code: str, reading: Reading | None, *, truncated: bool) -> CommentAnalysis:
    if reading is None:
        return CommentAnalysis(code, truncated=truncated)
    compound, themes = reading
    sentiment, probabilities = label_of(compound), probabilities_of(compound)
    return CommentAnalysis(
        language=code,
        sentiment=sentiment,
        score=compound,
        confidence=probabilities[SENTIMENTS.index(sentiment)],
        probabilities=probabilities,
        themes=themes,
        truncated=truncated,
    )
