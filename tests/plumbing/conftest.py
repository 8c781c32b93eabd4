"""What the tests of the plumbing share."""

import json
from collections.abc import Callable

import pytest
from werkzeug.test import TestResponse

FIELDS = {"type", "title", "status", "code", "detail", "hint", "errors"}


def assert_problem(response: TestResponse, status: int, code: str) -> None:
    assert response.status_code == status, response.get_data(as_text=True)
    assert response.content_type == "application/problem+json"
    problem = json.loads(response.data)
    assert set(problem) == FIELDS
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["type"] == f"urn:soundings:problem:{code}"
    assert problem["title"] and problem["detail"]


@pytest.fixture
def is_problem() -> Callable[[TestResponse, int, str], None]:
    """Assert that an answer is a problem in our one shape."""
    return assert_problem
