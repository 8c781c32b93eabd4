"""How many guesses at passwords are allowed, so that nobody can lock somebody else out cheaply.

Guesses are counted three times: for an account from one network (few), from a network at all, and
for an account from anywhere (many), which bounds those who guess from everywhere. A browser that
has logged in to the account before is counted by itself, whatever others do: a signed cookie, worth
nothing for another account, says so.
"""

import secrets
from datetime import timedelta

from flask import current_app, request
from itsdangerous import BadSignature, TimestampSigner
from werkzeug.wrappers import Response

from survey_app.http import client_network, pseudonym

DEVICE = "soundings_device"
DEVICE_LASTS = timedelta(days=90)
FROM_A_NETWORK = 5
AT_AN_ACCOUNT = 10


def limits_for(email: str) -> dict[str, int]:
    """The names that this guess counts for, each with its limit; the same for made-up accounts."""
    limit: int = current_app.config["SETTINGS"].login_limit
    if device := _known_device(email):
        return {f"login:device:{pseudonym(f'{device} {email}')}": limit}
    network = client_network()
    return {
        f"login:pair:{pseudonym(f'{network} {email}')}": limit,
        f"login:network:{network}": limit * FROM_A_NETWORK,
        f"login:account:{pseudonym(email)}": limit * AT_AN_ACCOUNT,
    }


def remember_device(response: Response, email: str) -> None:
    """Let this browser be told apart from strangers at the next log-in to this account."""
    response.set_cookie(
        DEVICE,
        _signer(email).sign(secrets.token_urlsafe(16)).decode(),
        max_age=DEVICE_LASTS,
        path="/login",
        httponly=True,
        samesite="Lax",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
    )


def _known_device(email: str) -> str | None:
    try:
        signed = _signer(email).unsign(
            request.cookies.get(DEVICE, ""), max_age=int(DEVICE_LASTS.total_seconds())
        )
    except BadSignature:
        return None
    return signed.decode()


def _signer(email: str) -> TimestampSigner:
    # The account is part of the salt: the cookie doesn't say whose it is.
    secret: str = current_app.config["SECRET_KEY"]
    return TimestampSigner(secret, salt=f"soundings.device:{email}", key_derivation="hmac")
