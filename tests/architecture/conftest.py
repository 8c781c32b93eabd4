"""What the rules of the house are checked on."""

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("survey_app", "analytics", "nlp")


@dataclass(frozen=True)
class Source:
    """A Python file of ours: its path in the project, its text and its syntax tree."""

    path: str
    text: str
    tree: ast.Module

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node


def read_sources(*folders: str) -> list[Source]:
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    texts = {path: path.read_text(encoding="utf-8") for path in paths}
    return [
        Source(str(path.relative_to(ROOT)), text, ast.parse(text)) for path, text in texts.items()
    ]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def sources() -> list[Source]:
    """The three packages."""
    return read_sources(*PACKAGES)


@pytest.fixture(scope="session")
def all_sources(sources: list[Source]) -> list[Source]:
    """The three packages and the tests."""
    return sources + read_sources("tests")


@pytest.fixture(scope="session")
def project() -> dict[str, Any]:
    """pyproject.toml, read."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
