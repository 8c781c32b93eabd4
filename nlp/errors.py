"""Errors of the package, each with a hint.

NlpError
├── InputError (also ValueError)     an argument other than a text is wrong
├── ModelError (also ValueError)     the weights of a model can't be used
├── TaxonomyError (also ValueError)  a taxonomy file is wrong; names theme and key
└── LicenceError (also ValueError)   a text may not teach weights (only `nlp.training` raises it)

A text that is not a `str` raises the builtin `TypeError`. No *text* ever raises.
"""


class NlpError(Exception):
    """Base of every error of this package.

    `hint` says what to do about it and is part of the message.
    """

    def __init__(self, message: str, *, hint: str) -> None:
        """Keep the hint apart, so that a caller can show it on its own."""
        super().__init__(f"{message} Hint: {hint}")
        self.hint = hint


class InputError(NlpError, ValueError):
    """An argument other than a text is wrong: lengths, a language code, candidates."""


class ModelError(NlpError, ValueError):
    """The weights of a model are missing, cut off or of another version."""


class TaxonomyError(NlpError, ValueError):
    """A taxonomy of themes, or a theme of the caller's own, cannot be used.

    `reason` says in a stable code what is wrong with a phrase or a pattern (else it is empty), and
    `values` what belongs into its words, for callers who speak another language.
    """

    def __init__(self, message: str, *, hint: str, reason: str = "", **values: object) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason
        self.values = values
