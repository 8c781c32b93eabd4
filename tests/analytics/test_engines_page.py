"""docs/engines.md names every engine there is, and what to install for it."""

import tomllib
from pathlib import Path

import pytest

from survey_app.config import ENGINES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "engines.md").read_text(encoding="utf-8")
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_page_has_a_row_for_the_engine(engine: str) -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{engine}` ")]
    assert ("soundings[" in row) == (engine in EXTRAS)
