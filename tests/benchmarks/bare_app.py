"""The least that could be called a survey server: Flask, one INSERT, one durable commit.

Run as `python bare_app.py PORT DATABASE THREADS`; it serves under the same settings of the same
server as the product, so that the difference is what the product does.
"""

import sqlite3
import sys
import threading

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from waitress import serve

SCHEMA = "CREATE TABLE IF NOT EXISTS answers (id TEXT PRIMARY KEY, score INTEGER, comment TEXT)"


def connect(path: str) -> sqlite3.Connection:
    """A connection as durable as the product's."""
    connection = sqlite3.connect(path, timeout=30, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def make_app(path: str) -> Flask:
    """One route that stores what it gets."""
    app = Flask(__name__)
    local = threading.local()

    @app.post("/responses")
    def receive() -> ResponseReturnValue:
        if not hasattr(local, "connection"):
            local.connection = connect(path)
        body = request.get_json()
        answers = body["answers"]
        local.connection.execute("BEGIN IMMEDIATE")
        local.connection.execute(
            "INSERT INTO answers VALUES (?, ?, ?)",
            (body["id"], answers["nps"], answers.get("comment")),
        )
        local.connection.execute("COMMIT")
        return jsonify(id=body["id"]), 201

    return app


if __name__ == "__main__":
    port, database, threads = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    connect(database).execute(SCHEMA)
    serve(
        make_app(database),
        host="127.0.0.1",
        port=port,
        threads=threads,
        ident=None,
        connection_limit=1000,
        channel_timeout=30,
        max_request_body_size=1024 * 1024,
        asyncore_use_poll=True,
        clear_untrusted_proxy_headers=False,
    )
