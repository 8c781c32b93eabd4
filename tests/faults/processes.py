"""The product as processes of their own, to be killed."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from factories import SECRET, free_port
from sqlalchemy.engine import URL

ROOT = Path(__file__).parents[2]


def environment(folder: Path, url: URL, **settings: object) -> dict[str, str]:
    """The environment of an installation in a folder."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SOUNDINGS_")}
    given = {
        "data_dir": folder,
        "database_url": url.render_as_string(hide_password=False),
        "secret_key": SECRET,
        **settings,
    }
    return clean | {f"SOUNDINGS_{name.upper()}": str(value) for name, value in given.items()}


def command(environ: dict[str, str], *words: object, **options: Any) -> subprocess.Popen[bytes]:
    """Start `soundings WORDS`."""
    line = [sys.executable, "-m", "survey_app", *map(str, words)]
    return subprocess.Popen(line, env=environ, cwd=ROOT, **options)


def run(environ: dict[str, str], *words: object) -> tuple[int, str]:
    """Run `soundings WORDS` to its end; its status and everything it printed."""
    process = command(environ, *words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output, _ = process.communicate(timeout=120)
    return process.returncode, output.decode()


def wait_for(happened: Callable[[], object], *, seconds: float = 60) -> None:
    """Wait until something is true; fail loudly when it never is."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, f"still not true after {seconds} s"
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    """The processes that this one started, from any of its threads."""
    found = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(child) for some in found for child in some]


def is_alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@dataclass
class Group:
    """`soundings serve --with-worker` on a free port, started as often as it is killed."""

    environ: dict[str, str]
    log: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start web and worker; returns when it is ready."""
        environ = self.environ | {"SOUNDINGS_PORT": str(self.port)}
        with self.log.open("ab") as log:
            self.process = command(environ, "serve", "--with-worker", stdout=log, stderr=log)
        wait_for(self._is_ready)

    def pids(self) -> list[int]:
        """The web process and its worker."""
        assert self.process is not None
        return [self.process.pid, *children(self.process.pid)]

    def kill(self) -> None:
        """SIGKILL the web and its worker."""
        assert self.process is not None
        for pid in reversed(self.pids()):
            os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM the web; its status once it has ended."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(60)

    def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.ask("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def ask(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """One request on its own connection: status, headers, body. Raises OSError or
        HTTPException where the connection breaks."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            data = None if body is None else json.dumps(body)
            if data is not None:
                headers = {"Content-Type": "application/json", **headers}
            connection.request(method, path, data, headers)
            reply = connection.getresponse()
            return reply.status, dict(reply.getheaders()), reply.read()
        finally:
            connection.close()
