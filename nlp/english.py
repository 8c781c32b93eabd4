"""The English pipeline: spaCy's blank English with our stems and our two components.

Components leave their results in `doc.user_data` under `POLARITY` and `THEMES`. No trained
spaCy model is involved. Text goes in through `readable`, which keeps every offset.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from threading import Lock

import spacy
from spacy.attrs import NORM  # type: ignore[import-not-found] # compiled, has no stub
from spacy.language import Language
from spacy.tokens import Doc

from nlp.mentions import ThemeMatcher
from nlp.results import Reading
from nlp.sentiment import polarity
from nlp.taxonomies import english_source, parse_taxonomy

POLARITY = "soundings.polarity"
THEMES = "soundings.themes"
TEXT = "soundings.text"
BATCH = 256

# A memory zone belongs to one thread at a time.
_ONE_AT_A_TIME = Lock()

_CONTROLS = [*range(9), *range(0x0E, 0x20), *range(0x7F, 0xA0)]
_DIRECTIONS = [0x200E, 0x200F, 0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_READABLE = (
    dict.fromkeys(range(0xD800, 0xE000), "\ufffd")
    | dict.fromkeys(_CONTROLS + _DIRECTIONS, " ")
    | dict.fromkeys(map(ord, "\u2018\u2019\u02bc\u00b4`"), "'")
    | dict.fromkeys(map(ord, "\u201c\u201d\u201e"), '"')
)
# spaCy strips punctuation off a token one by one and looks at the rest each time: quadratic.
_PUNCTUATION_RUN = re.compile(r"([^\w\s]{15})[^\w\s]")
_ENDLESS_TOKEN = re.compile(r"\S{200,}")
_SYMBOL = re.compile(r"[^\w\s]")


def readable(text: str) -> str:
    """`text` as the pipeline can read it, code point for code point of the same length.

    Lone surrogates, control characters and direction marks give way, curly quotes become
    straight, and unbroken runs that no word has get spaces, so that tokenising stays linear.
    """
    text = text.translate(_READABLE)
    text = _PUNCTUATION_RUN.sub(r"\1 ", text)
    return _ENDLESS_TOKEN.sub(lambda run: _SYMBOL.sub(" ", run[0]), text)


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """Lower-cased word without plural, -ing, -ed, final -e and doubled last letter.

    Far gentler than Porter's stemmer, since phrases are listed in the taxonomy: what matters
    is that the forms of a word fall together and different words do not.

    >>> [stem(w) for w in ("Charges", "charging", "charge", "delivery", "deliveries", "bus")]
    ['charg', 'charg', 'charg', 'delivery', 'delivery', 'bus']
    """
    word = word.lower()
    if not (word.isascii() and word.isalpha()) or len(word) < 4:
        return word
    word = _without_plural(word)
    if word.endswith("ied") and len(word) > 4:
        word = word[:-3] + "y"
    # A final -e of a short word tells it from another: fare and far.
    for ending, least in (("ing", 3), ("ed", 3), ("e", 4)):
        rest = word.removesuffix(ending)
        if rest != word and len(rest) >= least and any(vowel in rest for vowel in "aeiouy"):
            word = rest
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "eo" else word


def _without_plural(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ses", "xes", "zes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and word[-2] not in "siu" else word


def _document(pipeline: Language, text: str) -> Doc:
    doc = pipeline.make_doc(text)
    doc.user_data[TEXT] = text
    return doc


def _text(doc: Doc) -> str:
    """Text of a document; spaCy would join it again from the tokens at each call."""
    return str(doc.user_data.get(TEXT) or doc.text)


@Language.component("soundings_sentiment")
def _sentiment(doc: Doc) -> Doc:
    doc.user_data[POLARITY] = polarity(_text(doc))
    return doc


@Language.factory("soundings_themes")
class _Themes:
    """spaCy component around the matcher of the packaged English taxonomy."""

    def __init__(self, nlp: Language, name: str) -> None:
        self.name = name
        self._matcher = ThemeMatcher(nlp, parse_taxonomy(english_source()), judge=polarity)

    def __call__(self, doc: Doc) -> Doc:
        doc.user_data[THEMES] = self._matcher.mentions(doc, _text(doc))
        return doc


@lru_cache(maxsize=1)
def english_pipeline() -> Language:
    """The pipeline, built at the first call and then shared."""
    pipeline = spacy.blank("en")
    # NORM of a word is its stem: computed once per distinct word, by spaCy's vocabulary.
    pipeline.vocab.lex_attr_getters[NORM] = stem  # type: ignore[attr-defined] # not in the stub
    for lexeme in pipeline.vocab:
        lexeme.norm_ = stem(lexeme.orth_)
    pipeline.add_pipe("soundings_sentiment")
    pipeline.add_pipe("soundings_themes")
    return pipeline


def read_english(texts: Iterable[str]) -> list[Reading]:
    """(compound polarity, mentions) of each text, in order. Never raises for a text."""
    pipeline = english_pipeline()
    # What the comments bring into spaCy's vocabulary leaves with them: workers run for weeks.
    with _ONE_AT_A_TIME, pipeline.memory_zone():
        documents = (_document(pipeline, readable(text)) for text in texts)
        return [
            (doc.user_data[POLARITY], doc.user_data[THEMES])
            for doc in pipeline.pipe(documents, batch_size=BATCH)
        ]
