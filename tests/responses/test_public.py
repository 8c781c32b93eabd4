"""The public door: definition and answers."""

import uuid

from factories import Cast
from flask.testing import FlaskClient

URL = "/api/v1/public/surveys/acme-nps"


def test_an_answer_is_taken_once(client: FlaskClient, cast: Cast) -> None:
    body = {"id": str(uuid.uuid4()), "status": "complete", "answers": {"nps": 9}, "locale": "de"}
    first = client.post(f"{URL}/responses", json=body)
    again = client.post(f"{URL}/responses", json=body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json == again.json
    other = client.post(f"{URL}/responses", json=body | {"answers": {"nps": 1}})
    assert other.status_code == 409
    assert other.json is not None and other.json["code"] == "response.conflict"
