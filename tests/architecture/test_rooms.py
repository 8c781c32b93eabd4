"""The order of rooms: the contracts in pyproject.toml hold, and each of them can fail."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    # The copy in the folder is looked at, not the installed project.
    environment = os.environ | {"PYTHONPATH": str(folder), "NO_COLOR": "1", "COLUMNS": "200"}
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_contracts_are_kept(root: Path) -> None:
    result = lint_imports(root)
    assert result.returncode == 0, result.stdout
    assert "6 kept, 0 broken" in result.stdout


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("survey_app/surveys/models.py", "import survey_app.insights", "The order of rooms"),
        ("survey_app/payments/__init__.py", "", "The order of rooms"),
        ("survey_app/lifecycle/models.py", "import survey_app.lifecycle.queries", "No circles"),
        ("analytics/nps.py", "import sqlalchemy", "analytics and nlp are pure"),
        ("nlp/language.py", "import flask_babel", "analytics and nlp are pure"),
        ("nlp/language.py", "import analytics.errors", "analytics and nlp don't know"),
        ("survey_app/responses/operations.py", "import nlp", "Only insights speaks"),
        ("survey_app/surveys/queries.py", "from flask import request", "never see a request"),
        ("survey_app/responses/stamps.py", "import survey_app.http", "never see a request"),
    ],
)
def test_each_contract_notices_a_breach(
    root: Path, tmp_path: Path, file: str, line: str, contract: str
) -> None:
    for package in ("survey_app", "analytics", "nlp"):
        shutil.copytree(root / package, tmp_path / package)
    shutil.copy(root / "pyproject.toml", tmp_path)
    target = tmp_path / file
    target.parent.mkdir(exist_ok=True)
    before = target.read_text(encoding="utf-8") if target.exists() else '"""New."""\n'
    target.write_text(f"{before}\n{line}\n", encoding="utf-8")
    result = lint_imports(tmp_path)
    assert result.returncode == 1, result.stdout + result.stderr
    broken = [row for row in result.stdout.splitlines() if row.endswith("BROKEN")]
    assert any(contract in row for row in broken), result.stdout


def test_the_page_on_architecture_names_every_room(root: Path) -> None:
    page = (root / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in row.split("|")[1].replace("`", "").split()}
    rooms = {
        path.stem
        for path in (root / "survey_app").iterdir()
        if (path / "__init__.py").exists() or path.suffix == ".py"
    }
    assert named == {room for room in rooms if not room.startswith("__")}


def test_the_makefile_explains_every_target(root: Path) -> None:
    result = subprocess.run(["make", "help"], cwd=root, capture_output=True, text=True, check=True)
    listed = {line.split()[1] for line in result.stdout.splitlines()}
    assert listed == {
        "help",
        "run",
        "test",
        "test-long",
        "check",
        "fix",
        "migration",
        "migrate",
        "strings",
        "lock",
        "benchmark",
        "clean",
    }
