"""What the tests of accounts share."""

from collections.abc import Callable

import pytest
from factories import PASSWORD, csrf_token
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

LogIn = Callable[..., TestResponse]


@pytest.fixture
def attempt(client: FlaskClient) -> LogIn:
    """Try to log in; `address` is the peer's, `headers` what it sends along."""

    def post(
        email: str,
        password: str = PASSWORD,
        *,
        address: str = "192.0.2.1",
        headers: dict[str, str] | None = None,
        target: str = "",
    ) -> TestResponse:
        form = {
            "email": email,
            "password": password,
            "next": target,
            "csrf_token": csrf_token(client),
        }
        return client.post(
            "/login", data=form, headers=headers, environ_overrides={"REMOTE_ADDR": address}
        )

    return post
