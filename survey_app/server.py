"""Serving: one process that buffers slow clients, and a worker that lives and ends with it."""

import os
import signal
import subprocess
import sys
import threading
from types import FrameType

import click
from flask import Flask
from waitress.server import create_server

from survey_app.config import Settings
from survey_app.errors import N_, SettingError

GRACE_SECONDS = 20
RESTART_SECONDS = 1.0
LOOK_SECONDS = 0.2
MAX_BODY = 1024 * 1024


def stop_on_signals() -> None:
    """End the process in an orderly way on SIGTERM and on Ctrl-C, without a trace."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def serve(app: Flask, *, with_worker: bool) -> None:
    """Serve until stopped; requests under way are finished first.

    Raises SettingError when the address is taken.
    """
    settings: Settings = app.config["SETTINGS"]
    stop_on_signals()
    try:
        http_server = create_server(
            app,
            host=settings.host,
            port=settings.port,
            threads=settings.threads,
            ident=None,
            connection_limit=1000,
            channel_timeout=30,
            max_request_body_size=MAX_BODY,
            asyncore_use_poll=True,
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
    stopping = threading.Event()
    keeper = threading.Thread(target=_keep_worker, args=(stopping,), daemon=True)
    if with_worker:
        keeper.start()
    click.echo(f"Soundings is at {settings.public_url}", err=True)
    try:
        http_server.run()
    finally:
        stopping.set()
        http_server.task_dispatcher.shutdown(cancel_pending=False, timeout=GRACE_SECONDS)
        http_server.close()
        if with_worker:
            keeper.join(GRACE_SECONDS)


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
