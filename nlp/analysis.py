"""The door of the package: many comments in, one analysis each out."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from nlp.errors import InputError
from nlp.language import SCORED_LANGUAGES, candidate_languages, primary_language
from nlp.results import SENTIMENTS, CommentAnalysis, Sentiment, ThemeMention
from nlp.taxonomies import packaged_languages
from nlp.words import is_visible, readable

if TYPE_CHECKING:
    from nlp.detection import Told
    from nlp.encoder import Encoder
    from nlp.own_themes import OwnThemes
    from nlp.sentiment.model import Floats
    from nlp.themes import Mention
    from nlp.tuning import Tuning

# Longer texts are analysed by their beginning only, in code points.
MAX_ANALYSED = 10_000
# A label of less confidence is not given: such a text is unscored.
MIN_CONFIDENCE = 0.4


def analyse_many(
    texts: Iterable[str],
    languages: Iterable[str | None] | None = None,
    *,
    candidates: Iterable[str] | None = None,
    expected: Iterable[str | None] | None = None,
    encoder: "Encoder | None" = None,
    tuning: "Tuning | None" = None,
    own_themes: "OwnThemes | None" = None,
) -> list[CommentAnalysis]:
    """Analyse comments: one `CommentAnalysis` per text, in order.

    A text is *unscored* (sentiment, score and confidence are None), which is not neutral, in a
    language outside `nlp.SCORED_LANGUAGES`, where nothing in it can be seen, and where the most
    probable label has a probability below `nlp.MIN_CONFIDENCE`; then it still has its
    probabilities. A language outside `nlp.THEME_LANGUAGES` has no themes but those of the caller's
    own.
    Deterministic, and a text's result does not depend on the others in the call. No text raises,
    however odd; of a text longer than `MAX_ANALYSED` code points the beginning is analysed.

    Args:
        texts: the comments.
        languages: per text an ISO 639 code or locale, which skips detection, or None.
        candidates: the codes or locales that detection may return, besides `und`; by default
            `nlp.DEFAULT_CANDIDATES`.
        expected: per text the locale that the survey was shown in, or None; it decides where a
            text says little about its language.
        encoder: an opened `nlp.encoder.Encoder`, which then has a say in the sentiment.
        tuning: what `nlp.learning.learn` found, which then corrects each comment's sentiment.
        own_themes: compiled `nlp.own_themes.OwnThemes`, looked for in every language.

    Raises:
        TypeError: a text is not a `str`; the message names its index.
        InputError: `languages` or `expected` has another length than `texts` or holds what is no
            language code; `candidates` is empty or names a language outside `nlp.LANGUAGES`;
            `encoder`, `tuning` or `own_themes` is something else.
        ModelError: the encoder has no head.

    >>> [found.sentiment for found in analyse_many(["I love it.", "C'est très bien."])]
    ['positive', 'positive']
    """
    given = _checked_texts(texts)
    read = [readable(text[:MAX_ANALYSED]) for text in given]
    allowed = candidate_languages(candidates)
    known = _checked_languages("languages", languages, len(read))
    likely = _checked_languages("expected", expected, len(read))
    _check_made(encoder=encoder, tuning=tuning, own_themes=own_themes)
    told = _languages(read, known, allowed, likely)
    return _analyses(_read(read, told, given, own_themes), encoder, tuning)


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


def _check_made(**given: object) -> None:
    """Raises InputError for what another maker made; by what is asked of it, as importing costs."""
    for name, (asked, made) in {
        "encoder": ("averaged", "nlp.Encoder.open gives"),
        "tuning": ("apply", "nlp.learn gives"),
        "own_themes": ("mentions", "nlp.OwnThemes compiles"),
    }.items():
        if given[name] is not None and not hasattr(given[name], asked):
            raise InputError(f"{name} is {type(given[name]).__name__}.", hint=f"give what {made}.")


def _languages(
    texts: Sequence[str],
    known: Sequence[str | None],
    candidates: frozenset[str],
    expected: Sequence[str | None],
) -> list["Told"]:
    """The language of each text: the known one, else the detected."""
    from nlp.detection import Told, detect_many  # noqa: PLC0415 - numpy and py3langid are heavy

    asked = [number for number, code in enumerate(known) if code is None]
    told = iter(
        detect_many(
            [texts[number] for number in asked],
            candidates,
            expected=[expected[number] for number in asked],
        )
    )
    return [Told(code) if code else next(told) for code in known]


@dataclass(frozen=True, slots=True)
class _Read:
    """A text with its language, perhaps a second one, and what was found in it: mentions, and the
    small model's probabilities, shape (3,), where a model reads the language.
    """

    code: str
    also: str | None
    text: str
    truncated: bool
    mentions: Sequence["Mention"] = ()
    judged: "Floats | None" = None


def _read(
    texts: Sequence[str],
    told: Sequence["Told"],
    given: Sequence[str],
    own_themes: "OwnThemes | None",
) -> list[_Read]:
    """Each text with its language and what was found in it."""
    known = frozenset((*SCORED_LANGUAGES, *packaged_languages()))
    searched = [n for n, (code, _) in enumerate(told) if own_themes or code in known]
    found = dict(
        zip(
            searched,
            _found([texts[n] for n in searched], [told[n].language for n in searched], own_themes),
            strict=True,
        )
    )
    return [
        _Read(code, also, text, len(whole) > len(text), *found.get(n, ()))
        for n, (text, (code, also), whole) in enumerate(zip(texts, told, given, strict=True))
    ]


def _found(
    texts: Sequence[str], codes: Sequence[str], own_themes: "OwnThemes | None"
) -> Iterator[tuple[Sequence["Mention"], "Floats"]]:
    """The mentions in each text and its probabilities; both models read the same pieces."""
    if not texts:
        return
    from nlp.sentiment.model import packaged_model  # noqa: PLC0415 - numpy: importing nlp is cheap
    from nlp.theme_classifier import find_in_batch  # noqa: PLC0415 - spaCy takes most of a second

    left = iter(codes)
    for batch in packaged_model().batches(texts):
        mentions = find_in_batch(batch, list(islice(left, len(batch.texts))), own_themes)
        yield from zip(mentions, packaged_model().judged(batch), strict=True)


def _analyses(
    read: Sequence[_Read], encoder: "Encoder | None", tuning: "Tuning | None"
) -> list[CommentAnalysis]:
    """Score what can be scored, all of it and all clauses with mentions at once."""
    scored = [one for one in read if one.code in SCORED_LANGUAGES and is_visible(one.text)]
    if not scored:
        return [_unscored(one) for one in read]
    from nlp.sentiment import with_lexicon  # noqa: PLC0415 - numpy: importing nlp is cheap

    texts, codes = [one.text for one in scored], [one.code for one in scored]
    found = with_lexicon([one.judged for one in scored if one.judged is not None], texts, codes)
    if encoder is not None:  # clauses are left to the small model
        found = encoder.averaged(found, texts, codes)
    guesses = iter(_guesses(scored, found))
    # Learnt from whole comments: mentions are judged without.
    tuned = found if tuning is None else tuning.apply(texts, found)
    rows, known = iter(tuned.tolist()), set(map(id, scored))
    return [
        _scored(one, next(rows), guesses) if id(one) in known else _unscored(one) for one in read
    ]


def _guesses(read: Sequence[_Read], found: "Floats") -> list[Sentiment]:
    """The polarity of each mention that doesn't judge by itself, given the comments' sentiment."""
    from nlp.polarity import polarities  # noqa: PLC0415 - numpy: importing nlp is cheap
    from nlp.sentiment import probabilities  # noqa: PLC0415 - the same

    places: dict[tuple[int, tuple[int, int]], int] = {}  # comment and clause -> place in `clauses`
    unjudged = [
        (number, mention)
        for number, one in enumerate(read)
        for mention in one.mentions
        if not mention.judgement
    ]
    for number, mention in unjudged:
        places.setdefault((number, mention.clause), len(places))
    clauses = probabilities(
        [read[number].text[slice(*clause)] for number, clause in places],
        [read[number].code for number, _ in places],
    )
    return polarities(
        [mention for _, mention in unjudged],
        clauses[[places[number, mention.clause] for number, mention in unjudged]],
        found[[number for number, _ in unjudged]],
    )


def _scored(
    one: _Read, probabilities: Sequence[float], guesses: Iterator[Sentiment]
) -> CommentAnalysis:
    """The analysis; `guesses` are of its mentions that don't judge by themselves, and go on."""
    negative, neutral, positive = probabilities
    confidence = max(probabilities)
    sure = confidence >= MIN_CONFIDENCE
    return CommentAnalysis(
        language=one.code,
        also=one.also,
        sentiment=SENTIMENTS[probabilities.index(confidence)] if sure else None,
        score=positive - negative if sure else None,
        confidence=confidence if sure else None,
        probabilities=(negative, neutral, positive),
        themes=tuple(
            ThemeMention(
                mention.code,
                _by_words(mention.judgement) or next(guesses),
                mention.start,
                mention.end,
            )
            for mention in one.mentions
        ),
        truncated=one.truncated,
    )


def _unscored(one: _Read) -> CommentAnalysis:
    """The analysis where no model reads the language: what the words say, or nothing."""
    themes = tuple(
        ThemeMention(
            mention.code,
            _by_words(mention.judgement or mention.balance),
            mention.start,
            mention.end,
        )
        for mention in one.mentions
    )
    return CommentAnalysis(one.code, one.also, themes=themes, truncated=one.truncated)


def _by_words(balance: int) -> Sentiment | None:
    """What good words less bad ones make; None where they are even."""
    if not balance:
        return None
    return "positive" if balance > 0 else "negative"
