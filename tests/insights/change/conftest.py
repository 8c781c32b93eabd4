"""One database: all numbers come through `insights.tables`, which is tried on both."""

import pytest
from sqlalchemy.engine import URL


@pytest.fixture
def database_url(sqlite_url: URL) -> URL:
    return sqlite_url
