"""Settings fail loudly: with the variable's name and with what to write instead."""

import os
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from survey_app.app import create_app
from survey_app.config import (
    Settings,
    is_loopback_host,
    kept_secret,
    prepare_data_folder,
    read_settings,
)
from survey_app.db import db, upgrade_schema
from survey_app.errors import SettingError

SECRET = "s" * 32
PUBLIC = {"SOUNDINGS_HOST": "0.0.0.0", "SOUNDINGS_SECRET_KEY": SECRET}
# One usable text for each setting, and what it is read as.
USABLE = {
    "data_dir": ("/srv/soundings", Path("/srv/soundings")),
    "database_url": ("postgresql://me@db/name", "postgresql+psycopg://me@db/name"),
    "host": ("::1", "::1"),
    "port": ("8123", 8123),
    "base_url": ("https://feedback.example.org/", "https://feedback.example.org"),
    "secret_key": (SECRET, SECRET),
    "proxy_hops": ("2", 2),
    "country_header": ("CF-IPCountry", "CF-IPCountry"),
    "public_limit": ("60", 60),
    "login_limit": ("5", 5),
    "encoder_dir": ("/srv/encoder", Path("/srv/encoder")),
    "analytics_engine": ("polars", "polars"),
    "analytics_memory": ("2048", 2048),
    "spark_master": ("spark://cluster:7077", "spark://cluster:7077"),
    "threads": ("4", 4),
}
UNUSABLE = {
    "data_dir": ["", "a\0b"],
    "database_url": ["", "mysql://db/name", "soundings.db", "sqlite://", "sqlite:///:memory:"],
    "host": ["", "a b", "http://here"],
    "port": ["", "0", "65536", "8000.0", "-1", "1e3", "eighty"],
    "base_url": ["", "survey.example.com", "https://host/path", "javascript:alert(1)"],
    "secret_key": ["", "s" * 31],
    "proxy_hops": ["", "-1", "9", "yes"],
    "country_header": ["", "X Country", "X-Country:", "Länder"],
    "public_limit": ["", "0", "1000001"],
    "login_limit": ["", "0", "1001"],
    "encoder_dir": ["", "a\0b"],
    "analytics_engine": ["", "sqlite", "DuckDB"],
    "analytics_memory": ["", "63", "1GB"],
    "spark_master": ["", "cluster:7077", "local[two]", "spark://cluster", "yarn"],
    "threads": ["", "0", "65"],
}


def refusal(environ: dict[str, str]) -> SettingError:
    with pytest.raises(SettingError) as caught:
        read_settings(environ)
    return caught.value


def test_the_tables_above_cover_every_setting() -> None:
    assert set(USABLE) == set(UNUSABLE) == {item.name for item in fields(Settings)}


def test_nothing_set_gives_the_documented_defaults() -> None:
    settings = read_settings({"PATH": "/bin", "HOME": "/"})
    assert settings == Settings()
    assert (settings.host, settings.port, settings.proxy_hops) == ("127.0.0.1", 8000, 0)
    assert settings.database.database == str(Path.cwd() / "soundings-data" / "soundings.db")
    assert settings.public_url == "http://127.0.0.1:8000"


@pytest.mark.parametrize("name", USABLE)
def test_each_setting_is_read_from_its_variable_or_from_a_file(name: str, tmp_path: Path) -> None:
    text, value = USABLE[name]
    file = tmp_path / "value"
    file.write_text(f"{text}\n", encoding="utf-8")
    variable = f"SOUNDINGS_{name.upper()}"
    for environ in ({variable: f" {text} "}, {f"{variable}_FILE": str(file)}):
        found = getattr(read_settings(environ), name)
        assert (str(found) if name == "database_url" else found) == value


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, texts in UNUSABLE.items() for text in texts]
)
def test_an_unusable_value_is_refused_by_name_with_what_to_write(name: str, text: str) -> None:
    error = refusal({f"SOUNDINGS_{name.upper()}": text})
    assert error.code == "setting.invalid"
    assert f"SOUNDINGS_{name.upper()} is not usable. Write " in str(error)
    assert len(text) < 6 or text not in str(error), "a value may be a secret"


@pytest.mark.parametrize(
    ("variable", "near"),
    [
        ("SOUNDINGS_PROT", "SOUNDINGS_PORT"),
        ("SOUNDINGS_DATABASE", "SOUNDINGS_DATABASE_URL"),
        ("SOUNDINGS_SECRETKEY", "SOUNDINGS_SECRET_KEY"),
    ],
)
def test_an_unknown_name_gets_the_nearest_one_as_hint(variable: str, near: str) -> None:
    error = refusal({variable: "x"})
    assert error.code == "setting.unknown"
    assert str(error) == f"{variable} is not a setting. Did you mean {near}?"


def test_a_name_like_no_other_points_to_the_documentation() -> None:
    assert "docs/settings.md" in str(refusal({"SOUNDINGS_QQQ_ZZZ": "x"}))
    assert refusal({"SOUNDINGS_FILE": "x"}).code == "setting.unknown"


def test_a_setting_given_both_ways_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "port"
    file.write_text("8000")
    error = refusal({"SOUNDINGS_PORT": "9000", "SOUNDINGS_PORT_FILE": str(file)})
    assert error.code == "setting.twice"
    assert "SOUNDINGS_PORT and SOUNDINGS_PORT_FILE" in str(error)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_refused_by_name(
    tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    error = refusal({"SOUNDINGS_SECRET_KEY_FILE": str(file)})
    assert error.code == "setting.file"
    assert "SOUNDINGS_SECRET_KEY_FILE" in str(error)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "feedback.example.org"])
def test_without_a_secret_only_a_loopback_host_starts(host: str) -> None:
    error = refusal({"SOUNDINGS_HOST": host})
    assert error.code == "setting.secret_missing"
    assert "SOUNDINGS_SECRET_KEY" in str(error)
    assert read_settings({"SOUNDINGS_HOST": host, "SOUNDINGS_SECRET_KEY": SECRET}).host == host


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("localhost.example.org", False),
        ("", False),
    ],
)
def test_which_hosts_are_this_machine(host: str, is_loopback: bool) -> None:
    assert is_loopback_host(host) is is_loopback


@given(st.text(max_size=50))
def test_no_port_is_ever_guessed(text: str) -> None:
    try:
        port = read_settings({"SOUNDINGS_PORT": text}).port
    except SettingError:
        return
    assert str(port) == text.strip().lstrip("0") or int(text) == port


# --- the data folder ----------------------------------------------------------------------------


def test_a_missing_secret_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "new" / "folder")
    first = prepare_data_folder(settings).secret_key
    assert first == prepare_data_folder(settings).secret_key
    assert first is not None and len(first) >= 32
    file = settings.data_dir / "secret_key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {path.name for path in settings.data_dir.iterdir()} == {"secret_key", "soundings.db"}


def test_a_given_secret_is_written_nowhere(tmp_path: Path) -> None:
    address = make_url("postgresql://me@db/name")
    settings = Settings(data_dir=tmp_path, secret_key=SECRET, database_url=address)
    assert prepare_data_folder(settings) == settings
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content", [b"", b" \n", b"short", b"s" * 31, b"s" * 31 + b"\n", b"\xff" * 64]
)
def test_a_kept_secret_that_is_none_stops_the_start(tmp_path: Path, content: bytes) -> None:
    """A file that a full disk or a careless hand cut short must not sign anything."""
    file = tmp_path / "secret_key"
    file.write_bytes(content)
    with pytest.raises(SettingError, match="remove it") as caught:
        prepare_data_folder(Settings(data_dir=tmp_path))
    assert caught.value.code == "setting.kept_secret"
    assert str(file) in str(caught.value) and file.read_bytes() == content
    file.unlink()
    assert prepare_data_folder(Settings(data_dir=tmp_path)).secret_key


def test_a_kept_secret_may_end_with_a_line(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text(f"{SECRET}\n")
    assert prepare_data_folder(Settings(data_dir=tmp_path)).secret_key == SECRET


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_an_old_data_folder_is_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    names = ("soundings.db", "soundings.db-wal", "soundings.db-shm", "secret_key", "demo_password")
    for name in names:
        (folder / name).write_text(SECRET)
        (folder / name).chmod(0o644)
    folder.chmod(0o755)
    kept_secret(prepare_data_folder(Settings(data_dir=folder)), "demo_password")
    assert {name: mode(folder / name) for name in names} == dict.fromkeys(names, 0o600)
    assert mode(folder) == 0o700
    assert (folder / "soundings.db").read_text() == SECRET, "nothing is written over"


def test_a_new_database_is_for_its_owner_only(tmp_path: Path) -> None:
    settings = prepare_data_folder(Settings(data_dir=tmp_path, secret_key=SECRET))
    app = create_app(settings)
    with app.app_context():
        upgrade_schema()
        files = [path for path in tmp_path.iterdir() if path.name.startswith("soundings.db")]
        assert {mode(path) for path in files} == {0o600}
        for engine in db.engines.values():
            engine.dispose()


def test_what_lies_elsewhere_is_left_alone(tmp_path: Path) -> None:
    elsewhere = tmp_path / "shared"
    elsewhere.mkdir(mode=0o755)
    database = elsewhere / "soundings.db"
    database.touch(mode=0o664)
    database.chmod(0o664)
    address = make_url(f"sqlite:///{database}")
    prepare_data_folder(Settings(data_dir=tmp_path / "data", database_url=address))
    assert (mode(elsewhere), mode(database)) == (0o755, 0o664)
    missing = make_url(f"sqlite:///{elsewhere}/other.db")
    prepare_data_folder(Settings(data_dir=tmp_path / "data", database_url=missing))
    assert [path.name for path in elsewhere.iterdir()] == ["soundings.db"]


@pytest.mark.parametrize("whose", ["others", "everybody's"])
def test_a_folder_that_is_not_ours_is_left_alone(
    tmp_path: Path, whose: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(0o1777 if whose == "everybody's" else 0o777)
    if whose == "others":
        me = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    before = mode(folder)
    prepare_data_folder(Settings(data_dir=folder))
    assert mode(folder) == before
    assert mode(folder / "secret_key") == mode(folder / "soundings.db") == 0o600


def test_a_file_system_without_rights_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_self: Path, _mode: int) -> None:
        raise PermissionError("no such thing here")

    tmp_path.chmod(0o755)
    monkeypatch.setattr(Path, "chmod", refuse)
    assert prepare_data_folder(Settings(data_dir=tmp_path)).secret_key


def test_processes_that_start_together_agree_on_the_secret(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: kept_secret(settings, "secret_key"), range(32)))
    assert len(found) == 1
    assert len(found.pop()) >= 32


def test_a_folder_that_cannot_be_made_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SettingError, match="SOUNDINGS_DATA_DIR") as caught:
        prepare_data_folder(Settings(data_dir=tmp_path / "file" / "folder"))
    assert caught.value.code == "setting.data_dir"


def test_reading_the_settings_touches_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    read_settings({})
    assert list(tmp_path.iterdir()) == []


# --- the documentation --------------------------------------------------------------------------


def test_docs_list_exactly_the_settings_with_their_defaults_and_meanings() -> None:
    page = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `SOUNDINGS_(\w+)` \| (.*?) \| (.*?) \|$", page, re.MULTILINE)
    expected = [
        (
            item.name.upper(),
            "" if item.default is None else f"`{item.default}`",
            item.metadata["meaning"],
        )
        for item in fields(Settings)
    ]
    assert [(name, default.strip(), meaning) for name, default, meaning in rows] == expected
    named = set(re.findall(r"SOUNDINGS_([A-Z_]+?)(?:_FILE)?\b", page))
    assert named <= {name for name, _, _ in expected}
