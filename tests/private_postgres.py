"""A private PostgreSQL server, for tests and for benchmarks: a folder and a port of its own."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from factories import free_port
from sqlalchemy.engine import URL


@dataclass(frozen=True)
class Postgres:
    """A private server: its data folder and how to reach it."""

    folder: Path
    port: int

    def url(self, database: str) -> URL:
        return URL.create(
            "postgresql+psycopg",
            username="soundings",
            host="127.0.0.1",
            port=self.port,
            database=database,
        )

    def execute(self, *statements: str) -> None:
        engine = sa.create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(sa.text(statement))
        engine.dispose()


@contextmanager
def private_postgres(*options: str) -> Iterator[Postgres]:
    """A fresh server that is gone afterwards; `options` as in `-c work_mem=64MB`.

    Raises LookupError where the server's programs are missing.
    """
    programs = _programs()
    # Not pytest's own folder: another session's clean-up would pull it from under the server.
    folder = Path(tempfile.mkdtemp(prefix="soundings-postgres-"))
    folder.chmod(0o755)
    data, port = folder / "data", free_port()
    _as_unprivileged(
        folder,
        programs / "initdb",
        "-D",
        data,
        "-U",
        "soundings",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
    )
    every = [
        f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off",
        *options,
    ]
    start = ["-w", "-o", " ".join(every), "-l", folder / "server.log", "start"]
    _as_unprivileged(folder, programs / "pg_ctl", "-D", data, *start)
    try:
        yield Postgres(folder, port)
    finally:
        _as_unprivileged(folder, programs / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder)


def _programs() -> Path:
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        raise LookupError(
            "PostgreSQL's server programs are missing: install the package postgresql"
        )
    return found[-1].parent


def _as_unprivileged(folder: Path, *command: str | Path) -> None:
    """Run a program of PostgreSQL, which refuses to be root."""
    if os.getuid() == 0:
        account = pwd.getpwnam("nobody")
        os.chown(folder, account.pw_uid, account.pw_gid)
        options = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    else:
        options = {}
    with (folder / "commands.log").open("ab") as log:
        subprocess.run(
            [str(part) for part in command],
            check=True,
            stdout=log,
            stderr=log,
            cwd=folder,
            **options,
        )
