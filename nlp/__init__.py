"""Understanding short customer comments on this machine: language, sentiment, themes.

The folder's law: text in, frozen values out. Codes and numbers, never translated words. No
clock, no network, no database, no file besides the package's own data, nothing of the app. A
language that was not evaluated is *unscored*, never guessed. Importing is cheap; models are
loaded by the first call that needs them and kept.

>>> import nlp
>>> found, = nlp.analyse_many(["Support was friendly, but the parcel came too late."])
>>> found.language, found.sentiment
('en', 'positive')
>>> [(mention.code, mention.polarity) for mention in found.themes]
[('theme.support', 'positive'), ('theme.delivery', 'negative')]
"""

from importlib.metadata import version

from nlp.analysis import MAX_ANALYSED, analyse_many
from nlp.errors import InputError, NlpError, TaxonomyError
from nlp.language import DEFAULT_CANDIDATES, LANGUAGES, UNDETERMINED
from nlp.results import CommentAnalysis, Probabilities, Sentiment, ThemeMention
from nlp.taxonomies import english_source, fingerprint

# To be raised when a change of this code can change a result.
_RULES = "2"

# Stored beside every result: it changes when results can, so that comments are analysed again;
# also with the taxonomy and with the libraries that results rest on.
ENGINE_VERSION: str = f"{_RULES}-" + fingerprint(
    english_source(), *map(version, ("spacy", "vaderSentiment", "py3langid"))
)

# Languages whose comments get a sentiment and themes.
SCORED_LANGUAGES: tuple[str, ...] = ("en",)

__all__ = [
    "DEFAULT_CANDIDATES",
    "ENGINE_VERSION",
    "LANGUAGES",
    "MAX_ANALYSED",
    "SCORED_LANGUAGES",
    "UNDETERMINED",
    "CommentAnalysis",
    "InputError",
    "NlpError",
    "Probabilities",
    "Sentiment",
    "TaxonomyError",
    "ThemeMention",
    "analyse_many",
]
