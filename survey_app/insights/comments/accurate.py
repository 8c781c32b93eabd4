"""The accurate tier: the sentence encoder that the installation names, if it does."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import nlp
from nlp.errors import NlpError
from survey_app.config import Settings
from survey_app.errors import N_, SettingError

if TYPE_CHECKING:
    from nlp.encoder import Encoder


def open_encoder(settings: Settings) -> "Encoder | None":
    """Load the encoder that `SOUNDINGS_ENCODER_DIR` names; for processes that analyse.

    Raises SettingError where it can't be used: it was asked for, so it is not left out in silence.
    """
    if settings.encoder_dir is None:
        return None
    from nlp.encoder import Encoder  # noqa: PLC0415 - only for those who analyse

    try:
        encoder = Encoder.open(settings.encoder_dir)
        encoder.probabilities(["."])
    except NlpError as error:
        raise _unusable(error) from None
    return encoder


def engine_version(settings: Settings) -> str:
    """The version that this installation's worker stores beside results; loads no model.

    What can't be read counts as no encoder: the worker is the one to complain.
    """
    if settings.encoder_dir is None:
        return nlp.engine_version()
    return _version(settings.encoder_dir)


@lru_cache(maxsize=8)
def _version(directory: Path) -> str:
    from nlp.encoder import read_manifest  # noqa: PLC0415 - as above

    try:
        return nlp.engine_version(read_manifest(directory))
    except NlpError:
        return nlp.engine_version()


def check_encoder(settings: Settings) -> None:
    """Raise SettingError where `open_encoder` would, as far as can be told without loading it."""
    if settings.encoder_dir is None:
        return
    from nlp.encoder import check_directory  # noqa: PLC0415 - as above

    try:
        check_directory(settings.encoder_dir)
    except NlpError as error:
        raise _unusable(error) from None


def _unusable(error: NlpError) -> SettingError:
    return SettingError(
        "setting.encoder",
        N_("SOUNDINGS_ENCODER_DIR can't be used: %(reason)s"),
        reason=str(error),
    )
