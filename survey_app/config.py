"""Settings: environment variables `SOUNDINGS_*`, each also as `SOUNDINGS_*_FILE`.

Reading them touches nothing but the files that `*_FILE` names. A wrong or misspelt setting stops
the process with its name and what to write instead; docs/settings.md lists them all.
"""

import ipaddress
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from survey_app.errors import N_, SettingError

PREFIX = "SOUNDINGS_"
ENGINES = ("duckdb", "pandas", "polars", "spark")


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return parse


def _database(text: str) -> URL:
    try:
        url = make_url(text)
    except ArgumentError:
        raise ValueError("sqlite:////path/to/file.db or postgresql://user@host/name") from None
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise ValueError("a sqlite: or postgresql: address; others are not supported")
    if url.get_backend_name() == "postgresql" and url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise ValueError("a SQLite file; a database in memory would lose every answer")
    return url


def _address(text: str) -> str:
    if not re.fullmatch(r"https?://[A-Za-z0-9.\-\[\]:]+", text.rstrip("/")):
        raise ValueError("an address such as https://feedback.example.org, without a path")
    return text.rstrip("/")


def _header(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]+", text):
        raise ValueError("the name of an HTTP header, such as CF-IPCountry")
    return text


def _host(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.\-\[\]:]+", text):
        raise ValueError("an address or host name, such as 127.0.0.1 or 0.0.0.0")
    return text


def _engine(text: str) -> str:
    if text not in ENGINES:
        raise ValueError(f"one of {', '.join(ENGINES)}")
    return text


def _master(text: str) -> str:
    if not re.fullmatch(r"local(\[(\d{1,3}|\*)\])?|spark://[A-Za-z0-9.\-\[\]:]+:\d{1,5}", text):
        raise ValueError("a Spark master such as spark://host:7077 or local[2]")
    return text


def _folder(text: str) -> Path:
    if not text or "\0" in text:
        raise ValueError("the path of a folder")
    return Path(text)


def _secret(text: str) -> str:
    if len(text) < 32:
        raise ValueError(
            "at least 32 random characters (python -c 'import secrets; "
            "print(secrets.token_urlsafe(48))')"
        )
    return text


def _setting(parse: Callable[[str], Any], default: object, meaning: str) -> Any:
    """Declare one setting: how its text is read, its default and what it means."""
    return field(default=default, metadata={"parse": parse, "meaning": meaning})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that differs between two installations, read once at start."""

    data_dir: Path = _setting(
        _folder,
        Path("soundings-data"),
        "folder for the database, the lake, secrets and compiled catalogues",
    )
    database_url: URL | None = _setting(
        _database, None, "SQLite or PostgreSQL address; default: soundings.db in the data folder"
    )
    host: str = _setting(_host, "127.0.0.1", "address to listen on")
    port: int = _setting(_whole(1, 65535), 8000, "port to listen on")
    base_url: str | None = _setting(
        _address, None, "public address, used in printed and mailed links; default: host and port"
    )
    secret_key: str | None = _setting(
        _secret, None, "signs cookies; needed unless the host is a loopback address"
    )
    proxy_hops: int = _setting(
        _whole(0, 8), 0, "how many trusted proxies stand in front and add X-Forwarded-For"
    )
    country_header: str | None = _setting(
        _header, None, "header in which a trusted proxy puts the visitor's country (alpha-2)"
    )
    public_limit: int = _setting(
        _whole(1, 1_000_000), 120, "answers a minute that one address may send"
    )
    login_limit: int = _setting(
        _whole(1, 1_000),
        10,
        "failed log-ins in 15 minutes to one account from one network (see below)",
    )
    encoder_dir: Path | None = _setting(
        _folder, None, "model directory of the accurate tier (see docs/language.md)"
    )
    analytics_engine: str = _setting(
        _engine, "duckdb", "what counts answers: duckdb, pandas, polars or spark"
    )
    analytics_memory: int = _setting(
        _whole(64, 1_000_000), 256, "megabytes that counting takes before it uses the disk"
    )
    spark_master: str = _setting(
        _master, "local[2]", "Spark's master, such as spark://host:7077, where the engine is spark"
    )
    threads: int = _setting(_whole(1, 64), 8, "requests served at the same time")

    @property
    def database(self) -> URL:
        """The database's address, the default filled in (an absolute SQLite path)."""
        path = self.data_dir.absolute() / "soundings.db"
        return self.database_url or URL.create("sqlite", database=str(path))

    @property
    def public_url(self) -> str:
        """The address that people use, without a trailing slash."""
        return self.base_url or f"http://{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_loopback_host(self.host)


def is_loopback_host(host: str) -> bool:
    """Whether a host name or address is this machine itself."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment.

    Raises SettingError naming the variable for an unknown name, an unreadable file, a value of the
    wrong form, or a secret that is missing where other machines can reach the server.
    """
    env = os.environ if environ is None else environ
    known = {PREFIX + item.name.upper(): item for item in fields(Settings)}
    values: dict[str, Any] = {}
    for variable in sorted(name for name in env if name.startswith(PREFIX)):
        name = variable.removesuffix("_FILE") if variable not in known else variable
        if name not in known:
            raise _unknown(variable, list(known))
        if variable != name and name in env:
            raise SettingError(
                "setting.twice",
                N_("%(name)s and %(name)s_FILE are both set."),
                hint=N_("Keep one of them."),
                name=name,
            )
        text = _text_of(env, variable, from_file=variable != name)
        try:
            values[known[name].name] = known[name].metadata["parse"](text)
        except ValueError as error:
            raise SettingError(
                "setting.invalid",
                N_("%(name)s is not usable."),
                hint=N_("Write %(wanted)s."),
                name=variable,
                wanted=str(error),
            ) from None
    settings = Settings(**values)
    if settings.secret_key is None and not settings.is_loopback:
        raise SettingError(
            "setting.secret_missing",
            N_("SOUNDINGS_SECRET_KEY is not set, and %(host)s can be reached from outside."),
            hint=N_("Set it (or SOUNDINGS_SECRET_KEY_FILE) to at least 32 random characters."),
            host=settings.host,
        )
    return settings


def _unknown(variable: str, known: list[str]) -> SettingError:
    # The prefix is no likeness.
    names = [name.removeprefix(PREFIX) for name in known]
    near = get_close_matches(variable.removeprefix(PREFIX), names, n=1)
    return SettingError(
        "setting.unknown",
        N_("%(name)s is not a setting."),
        hint=N_("Did you mean %(near)s?") if near else N_("docs/settings.md lists them."),
        name=variable,
        near=PREFIX + near[0] if near else "",
    )


def _text_of(env: Mapping[str, str], variable: str, *, from_file: bool) -> str:
    if not from_file:
        return env[variable].strip()
    try:
        return Path(env[variable]).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(
            "setting.file",
            N_("%(name)s names a file that can't be read: %(reason)s."),
            name=variable,
            reason=str(error),
        ) from None


def prepare_data_folder(settings: Settings) -> Settings:
    """Make the data folder and, where no secret is set, a random one kept in it.

    Nobody else on this machine may read answers and secrets: what is ours in the folder, and the
    folder, is for its owner only. Only the command line calls this: building the application has
    no side effects.
    """
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        _keep_to_owner(settings.data_dir)
        _prepare_database_file(settings)
    except OSError as error:
        raise SettingError(
            "setting.data_dir",
            N_("SOUNDINGS_DATA_DIR can't be used: %(reason)s."),
            hint=N_("Name a folder that this user may write."),
            reason=str(error),
        ) from None
    if settings.secret_key is not None:
        return settings
    return replace(settings, secret_key=kept_secret(settings, "secret_key"))


def _prepare_database_file(settings: Settings) -> None:
    """Make SQLite's file before SQLite does, which would let everybody read it.

    A file elsewhere is left to whoever put it there.
    """
    if settings.database_url is None:
        path = Path(str(settings.database.database))
        if not path.exists():
            path.touch(mode=0o600)
        for suffix in ("", "-wal", "-shm"):
            _keep_to_owner(path.with_name(path.name + suffix))


def _keep_to_owner(path: Path) -> None:
    """Take the others' rights from a file or folder that is ours alone."""
    with suppress(OSError):  # there is none, or the file system knows no rights
        found = path.stat()
        is_ours = found.st_uid == os.geteuid() and not found.st_mode & stat.S_ISVTX
        if is_ours and found.st_mode & 0o077:
            path.chmod(found.st_mode & 0o700)


def kept_secret(settings: Settings, name: str) -> str:
    """A random text made once and kept in the data folder, readable by its owner only.

    Raises SettingError for a file that can't be read or holds less than a secret.
    """
    path = settings.data_dir / name
    if not path.exists():
        # Written aside (mkstemp: for its owner only) and linked: it appears whole, and the first
        # of two processes that start together decides.
        handle, fresh = tempfile.mkstemp(dir=settings.data_dir)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(48))
        with suppress(FileExistsError):
            os.link(fresh, path)
        Path(fresh).unlink()
    _keep_to_owner(path)
    try:
        return _secret(path.read_text(encoding="utf-8").strip())
    except (OSError, ValueError):
        raise SettingError(
            "setting.kept_secret",
            N_("The file %(path)s holds no secret that can be used."),
            hint=N_("Bring it back from a copy, or remove it: a new one is made."),
            path=str(path),
        ) from None
