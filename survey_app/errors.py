"""One exception tree; every error carries a code, a sentence and a hint.

SoundingsError
├── SettingError      a setting is missing or wrong; the process does not start
├── Malformed         the request can't be read                      (HTTP 400)
├── Unauthenticated   nobody is logged in                            (HTTP 401)
├── Forbidden         the person's role does not allow it            (HTTP 403)
├── NotFound          no such thing, or not yours                    (HTTP 404)
├── Conflict          it contradicts what is already there           (HTTP 409)
├── Gone              it was there and has ended                     (HTTP 410)
├── TooLarge          more than we take                              (HTTP 413)
├── Unsupported       not a content type we read                     (HTTP 415)
├── Invalid           understood, but wrong; has field errors        (HTTP 422)
└── TooMany           slow down; says how long                       (HTTP 429)

Sentences and hints are gettext message ids with named placeholders; `http` translates them for
pages, the command line prints them in English.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


def N_(message: str) -> str:  # noqa: N802 - gettext's customary name for "extract, translate later"
    """Mark a message id for extraction without translating it here."""
    return message


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: its path (`answers.nps`), a stable code and a sentence."""

    field: str
    code: str
    message: str
    values: Mapping[str, object] | None = None


class SoundingsError(Exception):
    """Base of every error that a person may read.

    `code` is stable and machine-readable; `message` and `hint` are message ids that `values` fill.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        hint: str = "",
        errors: Sequence[FieldError] = (),
        **values: object,
    ) -> None:
        super().__init__(message % values if values else message)
        self.code = code
        self.message = message
        self.hint = hint
        self.errors = tuple(errors)
        self.values = values

    def __str__(self) -> str:
        hint = self.hint % self.values if self.values else self.hint
        return f"{self.args[0]} {hint}".strip()


class SettingError(SoundingsError):
    """A setting is missing or wrong."""


class Malformed(SoundingsError):
    """The request can't be read at all."""


class Unauthenticated(SoundingsError):
    """Nobody is logged in."""


class Forbidden(SoundingsError):
    """The person is known, but the role does not allow it."""


class NotFound(SoundingsError):
    """No such thing, or not in a workspace of yours: the two are never told apart."""


class Conflict(SoundingsError):
    """It contradicts what is already stored."""


class Gone(SoundingsError):
    """It existed and has ended."""


class TooLarge(SoundingsError):
    """More bytes than we take."""


class Unsupported(SoundingsError):
    """A content type that we don't read."""


class Invalid(SoundingsError):
    """Understood, but wrong; `errors` names the fields."""


class TooMany(SoundingsError):
    """The caller is over its limit; `retry_after` is in seconds."""

    def __init__(self, code: str, message: str, *, retry_after: int, hint: str = "") -> None:
        super().__init__(code, message, hint=hint)
        self.retry_after = retry_after


def inert(text: str) -> str:
    """A text from outside as a terminal may show it: what can't be seen is spelt out.

    So nothing in a cell or a file name moves the cursor, turns the line around, starts a new one or
    hides. Everything that a command says in words of others goes through it.
    """
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii")
        for sign in text
    )
