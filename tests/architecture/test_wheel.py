"""The wheel is all that is needed: installed elsewhere, it makes its own database and pages."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

# Run in the empty environment, away from the checkout.
LOOK = """
from importlib.resources import files
from pathlib import Path
import analytics, nlp, survey_app
from survey_app import db, i18n
from survey_app.app import create_app
from survey_app.config import prepare_data_folder, read_settings
from survey_app.surveys import wording

root = Path(survey_app.__file__).parent
assert "site-packages" in str(root), root
assert db.MIGRATIONS == root / "migrations" and list(db.MIGRATIONS.glob("2*.py"))
assert i18n.SOURCES == root / "locales" and (i18n.SOURCES / "messages.pot").exists()
assert wording.read("nps")["wording"]["ar"] and wording.read("privacy")
app = create_app(prepare_data_folder(read_settings()))
app.jinja_env.get_template("base.html"), app.jinja_env.get_template("responses/survey.html")
client = app.test_client()
for path in ("/s/acme-nps", "/s/acme-nps?locale=ja", "/login", "/embed/v1.js", "/readyz",
             "/static/css/survey.css", "/static/css/app.css"):
    answer = client.get(path)
    assert answer.status_code == 200 and answer.data, path
found = nlp.analyse_many(["The delivery was slow and the staff was rude."], ["en"])[0]
assert found.sentiment == "negative" and found.themes, found
print("complete")
"""


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built with what the lock holds: no network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, root]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = folder.glob("soundings-*.whl")
    return built


def test_it_carries_every_file_of_the_packages_and_nothing_else(root: Path, wheel: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    moved = {"migrations/": "survey_app/migrations/", "locales/": "survey_app/locales/"}
    wanted = set()
    for name in listed:
        top = name.partition("/")[0] + "/"
        if name.startswith("nlp/training/"):  # makes the weights; no part of the product
            continue
        if top in ("survey_app/", "analytics/", "nlp/", *moved) and (root / name).exists():
            wanted.add(name.replace(top, moved.get(top, top), 1))
    with zipfile.ZipFile(wheel) as archive:
        carried = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert carried == wanted
    assert {Path(name).suffix for name in carried} >= {
        ".py",
        ".html",
        ".css",
        ".js",
        ".toml",
        ".pot",
    }


def test_an_empty_environment_needs_nothing_but_the_lock_and_the_wheel(
    root: Path, wheel: Path, tmp_path: Path
) -> None:
    home = tmp_path / "elsewhere"
    home.mkdir()
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SOUNDINGS_", "PYTHON", "VIRTUAL_ENV"))
    }
    environment["SOUNDINGS_DATA_DIR"] = str(tmp_path / "data")

    def run(*command: str | Path, stdin: str = "") -> str:
        result = subprocess.run(
            [str(part) for part in command],
            cwd=home,
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
        return result.stdout

    uv = Path(sys.executable).with_name("uv")
    programs = tmp_path / "venv" / "bin"
    run(uv, "venv", "--quiet", "--python", sys.executable, tmp_path / "venv")
    install = (uv, "pip", "install", "--quiet", "--python", programs / "python")
    run(*install, "--require-hashes", "-r", root / "requirements.lock")
    run(*install, "--no-deps", wheel)
    run(uv, "pip", "check", "--quiet", "--python", programs / "python")

    soundings = programs / "soundings"
    assert run(soundings, "--version").startswith("soundings, version 0.")
    assert run(soundings, "db", "upgrade").startswith("The schema is at ")
    assert run(soundings, "workspace", "create", "acme") == "Created the workspace acme.\n"
    assert run(
        soundings, "survey", "create", "acme-nps", "--workspace", "acme", "--template", "nps"
    ).endswith("/s/acme-nps\n")
    assert run(programs / "python", "-c", LOOK) == "complete\n"
