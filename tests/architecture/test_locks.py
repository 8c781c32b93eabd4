"""The locks hold hashes and nothing of the machine that made them, and fit pyproject.toml."""

import re
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

LOCKS = ("requirements.lock", "requirements-dev.lock")
PIN = re.compile(r"([a-z0-9][a-z0-9-]*)==([^ ;]+)(?: ; .+)? \\\n((?:    --hash=\S+(?: \\)?\n)+)")


def pins(root: Path, name: str) -> dict[str, list[Version]]:
    """Locked versions by package; several where they differ by platform."""
    found: dict[str, list[Version]] = {}
    for match in PIN.finditer((root / name).read_text(encoding="utf-8")):
        found.setdefault(match[1], []).append(Version(match[2]))
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_is_pins_with_hashes_and_nothing_else(root: Path, name: str) -> None:
    text = (root / name).read_text(encoding="utf-8")
    assert PIN.sub("", text).strip() == ""
    assert set(re.findall(r"--hash=(\w+):", text)) == {"sha256"}
    assert all(re.fullmatch("[0-9a-f]{64}", item) for item in re.findall(r"sha256:(\S+)", text))


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_index_address_and_no_local_path(root: Path, name: str) -> None:
    text = (root / name).read_text(encoding="utf-8")
    assert re.findall(r"://|--index|--find-links|--extra|file:|@ |/\S*", text) == []


@pytest.mark.parametrize(
    ("name", "group"), [("requirements.lock", "build"), ("requirements-dev.lock", "dev")]
)
def test_a_lock_holds_what_the_project_asks_for(
    root: Path, project: dict[str, Any], name: str, group: str
) -> None:
    locked = pins(root, name)
    asked = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["postgres"],
        *(item for item in project["dependency-groups"][group] if isinstance(item, str)),
    ]
    for text in asked:
        requirement = Requirement(text)
        versions = locked.get(canonicalize_name(requirement.name), [])
        assert versions, f"make lock: {requirement.name} is missing in {name}"
        for version in versions:
            assert version in requirement.specifier, f"make lock: {requirement} against {version}"


def test_tests_run_on_the_versions_that_people_get(root: Path) -> None:
    runtime, dev = (pins(root, name) for name in LOCKS)
    assert {name: versions for name, versions in runtime.items() if dev.get(name) != versions} == {}


def test_no_spacy_model_is_a_dependency(root: Path) -> None:
    """Third parties squat those names on the index."""
    assert [name for name in pins(root, LOCKS[1]) if re.match(r"[a-z]{2}-core-", name)] == []
