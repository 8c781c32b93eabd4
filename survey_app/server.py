"""Serving: one process that buffers slow clients, and a worker that lives and ends with it."""

import os
import select
import signal
import subprocess
import sys
import threading
import time
from types import FrameType
from typing import Any

import click
from flask import Flask
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import BaseWSGIServer, create_server
from waitress.task import ErrorTask, Task, WSGITask
from waitress.utilities import RequestEntityTooLarge

from survey_app.config import Settings
from survey_app.errors import N_, SettingError

GRACE_SECONDS = 20
QUIET_SECONDS = 0.5  # a request may be on its way over a connection that looks idle
RESTART_SECONDS = 1.0
LOOK_SECONDS = 0.2
MAX_HEAD = 32 * 1024
MAX_BODY = 1024 * 1024 + 1  # one more than the application takes, so that it is what refuses


def stop_on_signals() -> None:
    """End the process in an orderly way on SIGTERM and on Ctrl-C, without a trace."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def serve(app: Flask, *, with_worker: bool) -> None:
    """Serve until stopped; then let nobody new in and answer whoever is connected.

    Raises SettingError when the address is taken.
    """
    settings: Settings = app.config["SETTINGS"]
    sockets: dict[int, Any] = {}  # everything that is open, by file descriptor
    http_server = _listen(app, settings, sockets)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopping.set())
    keeper = threading.Thread(target=_keep_worker, args=(stopping,), daemon=True)
    if with_worker:
        keeper.start()
    click.echo(f"Soundings is at {settings.public_url}", err=True)
    while not stopping.is_set():
        wasyncore.loop(timeout=LOOK_SECONDS, use_poll=True, map=sockets, count=1)
    _answer_the_last(sockets)
    http_server.task_dispatcher.shutdown(cancel_pending=False, timeout=GRACE_SECONDS)
    http_server.close()
    if with_worker:
        keeper.join(GRACE_SECONDS)


def _listen(app: Flask, settings: Settings, sockets: dict[int, Any]) -> Any:
    try:
        http_server = create_server(
            app,
            map=sockets,
            host=settings.host,
            port=settings.port,
            threads=settings.threads,
            ident=None,
            connection_limit=1000,
            channel_timeout=30,
            max_request_header_size=MAX_HEAD,
            max_request_body_size=MAX_BODY,
            clear_untrusted_proxy_headers=False,
        )
    except OSError as error:
        raise SettingError(
            "server.address",
            N_("%(host)s:%(port)s can't be used: %(reason)s."),
            hint=N_("Stop what uses it, or set SOUNDINGS_PORT to another."),
            host=settings.host,
            port=settings.port,
            reason=error.strerror or str(error),
        ) from None
    for door in [item for item in sockets.values() if isinstance(item, BaseWSGIServer)]:
        door.channel_class = _Channel
    return http_server


class _LastTask(WSGITask):  # type: ignore[misc]  # waitress ships no types
    """A reply that says that the connection ends with it."""

    def execute(self) -> None:
        """Answer and hang up."""
        self.set_close_on_finish()
        super().execute()


def _refusal(channel: HTTPChannel, request: HTTPRequestParser) -> Task:
    """A body that is too large is not received; the application says so, in its own shape."""
    too_large = isinstance(request.error, RequestEntityTooLarge)
    return (_LastTask if too_large else ErrorTask)(channel, request)


class _Channel(HTTPChannel):  # type: ignore[misc]  # waitress ships no types
    error_task_class = staticmethod(_refusal)


def _answer_the_last(sockets: dict[int, Any]) -> None:
    """Close the door, answer every request that has begun to arrive, hang up where none has."""
    for door in [item for item in sockets.values() if isinstance(item, BaseWSGIServer)]:
        while select.select([door.socket], [], [], 0)[0]:
            door.handle_accept()  # who waits in line would be cut off by closing
        wasyncore.dispatcher.close(door)
    now = time.monotonic()
    quiet, latest = now + QUIET_SECONDS, now + GRACE_SECONDS
    while (now := time.monotonic()) < latest:
        channels = [item for item in sockets.values() if isinstance(item, HTTPChannel)]
        if not channels:
            break
        for channel in channels:
            channel.task_class = _LastTask
            is_idle = not (channel.requests or channel.request or channel.total_outbufs_len)
            if is_idle and now >= quiet:
                channel.will_close = True
        wasyncore.loop(timeout=LOOK_SECONDS / 4, use_poll=True, map=sockets, count=1)


def _keep_worker(stopping: threading.Event) -> None:
    """Run a worker as a child; start another when it dies. It watches for our end by itself."""
    # Ctrl-C goes to the whole group: the child inherits that it is not meant, we end it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    while not stopping.is_set():
        child = subprocess.Popen(  # noqa: S603 - our own program with fixed arguments
            [sys.executable, "-m", "survey_app", "worker", "--parent", str(os.getpid())]
        )
        while child.poll() is None and not stopping.wait(LOOK_SECONDS):
            pass
        if child.poll() is not None:
            stopping.wait(RESTART_SECONDS)
        else:
            child.terminate()
            child.wait()
