"""Logging in and out, as a browser does it."""

from factories import PASSWORD, Cast, csrf_token, log_in
from flask.testing import FlaskClient


def test_a_member_logs_in_and_out(client: FlaskClient, cast: Cast) -> None:
    log_in(client, cast.member)
    assert client.get("/").headers["Location"].endswith("/w/acme/perception")
    client.post("/logout", data={"csrf_token": csrf_token(client)})
    assert client.get("/").headers["Location"].endswith("/login")


def test_a_wrong_password_says_no_more_than_an_unknown_mail(
    client: FlaskClient, cast: Cast
) -> None:
    answers = {
        client.post(
            "/login",
            data={"email": email, "password": "wrong wrong", "csrf_token": csrf_token(client)},
        ).status_code
        for email in (cast.owner, "nobody@acme.example")
    }
    assert answers == {422}
    assert PASSWORD not in client.get("/login").get_data(as_text=True)
