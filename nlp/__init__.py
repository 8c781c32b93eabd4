"""Understanding short customer comments on this machine: language, sentiment, themes.

The folder's law: text in, frozen values out. Codes and numbers, never translated words. No
clock, no network, no database, no file besides the package's own data, nothing of the app. A
language that was not evaluated is *unscored*, never guessed. Importing is cheap; models are
loaded by the first call that needs them and kept.

>>> import nlp
>>> found, = nlp.analyse_many(["Support was friendly, but the parcel came too late."])
>>> found.language, found.sentiment
('en', 'neutral')
>>> [(mention.code, mention.polarity) for mention in found.themes]
[('theme.support.staff', 'positive'), ('theme.delivery.speed', 'negative')]
"""

from importlib import resources
from importlib.metadata import version
from typing import TYPE_CHECKING

from nlp.analysis import MAX_ANALYSED, MIN_CONFIDENCE, SCORED_LANGUAGES, analyse_many
from nlp.errors import InputError, ModelError, NlpError, TaxonomyError
from nlp.language import DEFAULT_CANDIDATES, LANGUAGES, UNDETERMINED
from nlp.results import CommentAnalysis, Probabilities, Sentiment, ThemeMention
from nlp.taxonomies import fingerprint, packaged_languages, taxonomy_source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nlp.encoder import Encoder, Manifest
    from nlp.evaluation import Labelled, Report

# To be raised when a change of this code can change a result.
_RULES = "5"

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


def evaluate(
    comments: "Iterable[Labelled] | None" = None, *, encoder: "Encoder | None" = None
) -> "Report":
    """How good the analysis is on labelled comments; by default the unseen part of our corpus.

    See `nlp.evaluation` for what is measured and how.
    """
    from nlp import evaluation  # noqa: PLC0415 - a tenth of a second that only measuring needs

    rows = evaluation.own_corpus() if comments is None else comments
    return evaluation.evaluate(rows, encoder=encoder)


# Languages whose comments are searched for themes.
THEME_LANGUAGES: tuple[str, ...] = packaged_languages()

__all__ = [
    "DEFAULT_CANDIDATES",
    "ENGINE_VERSION",
    "LANGUAGES",
    "MAX_ANALYSED",
    "MIN_CONFIDENCE",
    "SCORED_LANGUAGES",
    "THEME_LANGUAGES",
    "UNDETERMINED",
    "CommentAnalysis",
    "InputError",
    "ModelError",
    "NlpError",
    "Probabilities",
    "Sentiment",
    "TaxonomyError",
    "ThemeMention",
    "analyse_many",
    "engine_version",
    "evaluate",
]
