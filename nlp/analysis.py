"""The door of the package: many comments in, one analysis each out."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from nlp.errors import InputError
from nlp.language import candidate_languages, detect, primary_language
from nlp.results import SENTIMENTS, CommentAnalysis, Probabilities, Sentiment, ThemeMention
from nlp.sentiment import SCORED_LANGUAGES, label_of, polarity, probabilities_of
from nlp.taxonomies import packaged_languages
from nlp.words import readable

# Longer texts are analysed by their beginning only, in code points.
MAX_ANALYSED = 10_000


def analyse_many(
    texts: Iterable[str],
    languages: Iterable[str | None] | None = None,
    *,
    candidates: Iterable[str] | None = None,
    expected: Iterable[str | None] | None = None,
) -> list[CommentAnalysis]:
    """Analyse comments: one `CommentAnalysis` per text, in order.

    A language outside `nlp.SCORED_LANGUAGES` is *unscored* (sentiment, score, confidence and
    probabilities are None), which is not neutral; one outside `nlp.THEME_LANGUAGES` has no themes.
    Deterministic, and a text's result does not depend on the others in the call. No text raises,
    however odd; of a text longer than `MAX_ANALYSED` code points the beginning is analysed.

    Args:
        texts: the comments.
        languages: per text an ISO 639 code or locale, which skips detection, or None.
        candidates: the codes or locales that detection may return, besides `und`; by default
            `nlp.DEFAULT_CANDIDATES`.
        expected: per text the locale that the survey was shown in, or None; it decides where a
            text says little about its language.

    Raises:
        TypeError: a text is not a `str`; the message names its index.
        InputError: `languages` or `expected` has another length than `texts` or holds what is no
            language code; `candidates` is empty or names a language outside `nlp.LANGUAGES`.

    >>> [found.sentiment for found in analyse_many(["I love it.", "C'est très bien."])]
    ['positive', None]
    """
    given = _checked_texts(texts)
    read = [readable(text[:MAX_ANALYSED]) for text in given]
    allowed = candidate_languages(candidates)
    known = _checked_languages("languages", languages, len(read))
    likely = _checked_languages("expected", expected, len(read))
    codes = [
        code or detect(text, allowed, expected=prior)
        for text, code, prior in zip(read, known, likely, strict=True)
    ]
    themes = _themes(read, codes)
    return [
        _analysis(code, text, found, truncated=len(whole) > len(text))
        for code, text, found, whole in zip(codes, read, themes, given, strict=True)
    ]


def _checked_texts(texts: Iterable[str]) -> list[str]:
    if isinstance(texts, str):
        raise TypeError("texts is a single str: give a list of texts.")
    given = list(texts)
    for index, text in enumerate(given):
        if not isinstance(text, str):
            raise TypeError(f"texts[{index}] is {type(text).__name__}, not str.")
    return given


def _checked_languages(
    name: str, languages: Iterable[str | None] | None, count: int
) -> list[str | None]:
    if languages is None:
        return [None] * count
    if isinstance(languages, str):
        raise TypeError(f"{name} is a single str: give one code or None per text.")
    codes = [None if code is None else primary_language(code) for code in languages]
    if len(codes) != count:
        raise InputError(
            f"There are {count} texts and {len(codes)} {name}.",
            hint="give one code or None per text.",
        )
    return codes


def _themes(texts: Sequence[str], codes: Sequence[str]) -> list[tuple[ThemeMention, ...]]:
    """The mentions in each text, by the taxonomy of its language."""
    found: list[tuple[ThemeMention, ...]] = [()] * len(texts)
    by_language: dict[str, list[int]] = defaultdict(list)
    for number, code in enumerate(codes):
        by_language[code].append(number)
    for code in by_language.keys() & set(packaged_languages()):
        from nlp.themes import packaged_matcher  # noqa: PLC0415 - spaCy takes most of a second

        matcher = packaged_matcher(code)
        for number in by_language[code]:
            text = texts[number]
            found[number] = tuple(
                ThemeMention(
                    mention.code,
                    _polarity(mention.judgement or mention.balance, text, mention.clause, code),
                    mention.start,
                    mention.end,
                )
                for mention in matcher.mentions(text)
            )
    return found


def _polarity(said: int, text: str, clause: tuple[int, int], code: str) -> Sentiment | None:
    """What the words around a mention say; else the clause's sentiment, where we score it."""
    if said:
        return "positive" if said > 0 else "negative"
    if code in SCORED_LANGUAGES:
        for passage in (text[slice(*clause)], text):
            if compound := polarity(passage):
                return label_of(compound)
    return None


def _analysis(
    code: str, text: str, themes: tuple[ThemeMention, ...], *, truncated: bool
) -> CommentAnalysis:
    if code not in SCORED_LANGUAGES:
        return CommentAnalysis(code, themes=themes, truncated=truncated)
    compound = polarity(text)
    sentiment = label_of(compound)
    probabilities: Probabilities = probabilities_of(compound)
    return CommentAnalysis(
        language=code,
        sentiment=sentiment,
        score=compound,
        confidence=probabilities[SENTIMENTS.index(sentiment)],
        probabilities=probabilities,
        themes=themes,
        truncated=truncated,
    )
