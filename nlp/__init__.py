"""Understanding short customer comments on this machine: language, sentiment, themes.

The folder's law: text in, frozen values out. Codes and numbers, never translated words. No
network, no database, nothing of the app; no file besides the package's own data and the directory
that `Encoder.open` is given; no clock besides the one that `evaluate` tells the speed by. A
language that was not evaluated is *unscored*, never guessed. Importing is cheap; models, and what
`__all__` names beyond the analysis, are loaded by the first call that needs them and kept.

>>> import nlp
>>> found, = nlp.analyse_many(["Support was friendly, but the parcel came too late."])
>>> found.language, found.sentiment
('en', 'neutral')
>>> [(mention.code, mention.polarity) for mention in found.themes]
[('theme.support.staff', 'positive'), ('theme.delivery.speed', 'negative')]
"""

from importlib import import_module, resources
from importlib.metadata import version
from typing import TYPE_CHECKING

from nlp.analysis import MAX_ANALYSED, MIN_CONFIDENCE, analyse_many
from nlp.contradiction import contradicts
from nlp.errors import InputError, ModelError, NlpError, TaxonomyError
from nlp.language import DEFAULT_CANDIDATES, LANGUAGES, SCORED_LANGUAGES, UNDETERMINED
from nlp.results import CommentAnalysis, Probabilities, Sentiment, ThemeMention
from nlp.taxonomies import (
    MAX_OWN_PATTERN,
    MAX_OWN_THEMES,
    MAX_OWN_WORDS,
    fingerprint,
    packaged_languages,
    taxonomy_source,
)

if TYPE_CHECKING:
    from nlp.detection import Told, detect_many
    from nlp.encoder import Encoder, Manifest
    from nlp.evaluation import Labelled, Report, evaluate
    from nlp.learning import Learnt, Pair, learn
    from nlp.own_themes import OwnTheme, OwnThemes
    from nlp.redaction import PersonalData, find_personal, redact
    from nlp.sentiment import WordWeight, explain
    from nlp.topics import Topic, find_topics
    from nlp.tuning import Tuning
else:
    # What an engine stands behind, by its module: loaded when it is asked for (PEP 562).
    _LATER = {
        name: module
        for module, names in {
            "detection": ("Told", "detect_many"),
            "encoder": ("Encoder", "Manifest"),
            "evaluation": ("Labelled", "Report", "evaluate"),
            "learning": ("Learnt", "Pair", "learn"),
            "own_themes": ("OwnTheme", "OwnThemes"),
            "redaction": ("PersonalData", "find_personal", "redact"),
            "sentiment": ("WordWeight", "explain"),
            "topics": ("Topic", "find_topics"),
            "tuning": ("Tuning",),
        }.items()
        for name in names
    }

    def __getattr__(name):
        """Load one of the names above, or its module."""
        if name in _LATER:
            return getattr(import_module(f"nlp.{_LATER[name]}"), name)
        if name in _LATER.values():
            return import_module(f"nlp.{name}")
        raise AttributeError(f"module 'nlp' has no attribute {name!r}")

    def __dir__():
        return sorted({*globals(), *_LATER, *_LATER.values()})


# To be raised when a change of this code can change a result.
_RULES = "6"

# Stored beside every result: it changes when results can, so that comments are analysed again;
# also with the taxonomies, the weights and the libraries that results rest on.
ENGINE_VERSION: str = f"{_RULES}-" + fingerprint(
    *map(taxonomy_source, packaged_languages()),
    (resources.files("nlp") / "sentiment" / "weights.npz").read_bytes(),
    (resources.files("nlp") / "themes.npz").read_bytes(),
    *map(version, ("spacy", "vaderSentiment", "py3langid")),
)


def engine_version(encoder: "Encoder | Manifest | None" = None) -> str:
    """The version to store beside results: `ENGINE_VERSION`, with an encoder also its own."""
    return ENGINE_VERSION if encoder is None else f"{ENGINE_VERSION}+{encoder.version}"


# Languages whose comments are searched for themes.
THEME_LANGUAGES: tuple[str, ...] = packaged_languages()

__all__ = [
    "DEFAULT_CANDIDATES",
    "ENGINE_VERSION",
    "LANGUAGES",
    "MAX_ANALYSED",
    "MAX_OWN_PATTERN",
    "MAX_OWN_THEMES",
    "MAX_OWN_WORDS",
    "MIN_CONFIDENCE",
    "SCORED_LANGUAGES",
    "THEME_LANGUAGES",
    "UNDETERMINED",
    "CommentAnalysis",
    "Encoder",
    "InputError",
    "Labelled",
    "Learnt",
    "Manifest",
    "ModelError",
    "NlpError",
    "OwnTheme",
    "OwnThemes",
    "Pair",
    "PersonalData",
    "Probabilities",
    "Report",
    "Sentiment",
    "TaxonomyError",
    "ThemeMention",
    "Told",
    "Topic",
    "Tuning",
    "WordWeight",
    "analyse_many",
    "contradicts",
    "detect_many",
    "engine_version",
    "evaluate",
    "explain",
    "find_personal",
    "find_topics",
    "learn",
    "redact",
]
