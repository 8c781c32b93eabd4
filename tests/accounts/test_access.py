"""Who may call which route: a matrix over the whole URL map, so that new routes are in it too."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

import pytest
from factories import Cast, csrf_token, log_in
from flask import Blueprint, Flask, jsonify
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from survey_app import http
from survey_app.accounts import access
from survey_app.app import create_app
from survey_app.config import Settings
from survey_app.db import db
from survey_app.http import Access, access_of, check_every_route_is_classified

JSON = {"Accept": "application/json"}
# Public writes that read no cookie, so that no other site can borrow one.
WITHOUT_TOKEN = {"responses.receive_form", "responses_api.receive"}


def throwaway() -> Blueprint:
    """Routes of every class, since a young application may lack some."""
    blueprint = Blueprint("throwaway", __name__)

    for mark in (http.public, http.member, http.owner):
        name = mark.__name__
        view = mark(lambda **_: jsonify(done=True))
        blueprint.add_url_rule(
            f"/w/<workspace>/throwaway-{name}", name, view, methods=["GET", "POST"]
        )
    blueprint.add_url_rule("/throwaway", "homeless", http.member(lambda: jsonify(done=True)))
    return blueprint


@pytest.fixture
def app(app: Flask) -> Flask:
    app.register_blueprint(throwaway())
    check_every_route_is_classified(app)
    return app


def path_of(rule: Rule, workspace: str) -> str:
    """An address of the rule in a workspace; other parts are made up."""
    filled = rule.rule.replace("<workspace>", workspace)
    return re.sub(r"<(?:int:)[^>]+>", "1", re.sub(r"<(?!int:)[^>]+>", "made-up", filled))


def routes(app: Flask, *classes: Access) -> Iterator[tuple[Rule, str]]:
    """Every route of these classes with each of its methods."""
    for rule in app.url_map.iter_rules():
        if access_of(app, rule.endpoint) in classes:
            for method in sorted((rule.methods or set()) - {"OPTIONS"}):
                yield rule, method


def call(
    client: FlaskClient, rule: Rule, method: str, workspace: str, **headers: str
) -> TestResponse:
    """Call a route, a write with the token that the browser's forms have."""
    data = {} if method in http.SAFE_METHODS else {"csrf_token": csrf_token(client)}
    return client.open(path_of(rule, workspace), method=method, data=data, headers=headers)


def test_members_routes_lie_under_their_workspace(app: Flask) -> None:
    outside = {
        rule.rule
        for rule, _ in routes(app, Access.MEMBER, Access.OWNER)
        if not rule.rule.startswith("/w/<workspace>/")
    }
    assert outside == {"/throwaway"}


def test_the_matrix_is_not_empty(app: Flask) -> None:
    assert {rule.rule for rule, _ in routes(app, Access.MEMBER)} >= {"/w/<workspace>/perception"}
    assert len(list(routes(app, Access.PUBLIC))) > 10


def test_a_stranger_is_sent_to_log_in(app: Flask, client: FlaskClient, cast: Cast) -> None:
    for rule, method in routes(app, Access.MEMBER, Access.OWNER):
        page = call(client, rule, method, cast.workspace)
        assert page.status_code == 302, (rule, method)
        assert page.headers["Location"].partition("?")[0] == "/login", (rule, method)
        program = call(client, rule, method, cast.workspace, **JSON)
        assert program.status_code == 401, (rule, method)
        if method != "HEAD":
            assert program.json is not None and program.json["code"] == "session.none"


def test_another_workspaces_member_gets_what_a_made_up_one_gets(
    app: Flask, client: FlaskClient, cast: Cast
) -> None:
    log_in(client, cast.rival_owner)
    for rule, method in routes(app, Access.MEMBER, Access.OWNER):
        for headers in ({}, JSON):
            theirs = call(client, rule, method, cast.workspace, **headers)
            made_up = call(client, rule, method, "no-such-workspace", **headers)
            assert theirs.status_code == made_up.status_code == 404, (rule, method)
            assert theirs.data == made_up.data, (rule, method)
            assert dict(theirs.headers) == dict(made_up.headers), (rule, method)


def test_a_member_may_not_what_only_an_owner_may(
    app: Flask, client: FlaskClient, cast: Cast
) -> None:
    log_in(client, cast.member)
    for rule, method in routes(app, Access.OWNER):
        assert call(client, rule, method, cast.workspace).status_code == 403, (rule, method)
        assert call(client, rule, method, cast.rival).status_code == 404, (rule, method)


@pytest.mark.parametrize("who", ["owner", "member"])
def test_whoever_belongs_there_comes_in(
    app: Flask, client: FlaskClient, cast: Cast, who: str
) -> None:
    log_in(client, getattr(cast, who))
    open_to = {"owner": ["member", "owner"], "member": ["member"]}[who]
    for name in (*open_to, "public"):
        path = f"/w/{cast.workspace}/throwaway-{name}"
        assert client.get(path).json == {"done": True}
        assert client.post(path, data={"csrf_token": csrf_token(client)}).json == {"done": True}
    for rule, method in routes(app, *(Access(name) for name in open_to)):
        if rule.rule != "/throwaway":
            answer = call(client, rule, method, cast.workspace)
            assert answer.status_code not in (302, 401, 403), (rule, method)


def test_a_members_route_without_workspace_opens_to_nobody(
    client: FlaskClient, app: Flask, cast: Cast
) -> None:
    log_in(client, cast.owner)
    assert client.get("/throwaway").status_code == 404


def test_a_write_without_form_token_is_refused(app: Flask, client: FlaskClient, cast: Cast) -> None:
    log_in(client, cast.owner)
    checked = set()
    for rule, method in routes(app, *Access):
        if method in http.SAFE_METHODS or rule.endpoint in WITHOUT_TOKEN:
            continue
        for data in ({}, {"csrf_token": "made-up"}):
            answer = client.open(path_of(rule, cast.workspace), method=method, data=data)
            assert answer.status_code == 400, (rule, method)
        checked.add(rule.endpoint)
    assert checked >= {"accounts.log_in", "accounts.log_out", "throwaway.owner", "throwaway.member"}


def test_json_sent_as_text_does_not_pass_as_a_form(
    client: FlaskClient, app: Flask, cast: Cast
) -> None:
    log_in(client, cast.owner)
    for kind in ("text/plain", "application/json"):
        answer = client.post(
            "/w/acme/throwaway-owner", data='{"csrf_token": "x"}', content_type=kind
        )
        assert answer.status_code == 400


def test_public_writes_need_no_token_and_read_no_cookie(
    app: Flask, client: FlaskClient, cast: Cast
) -> None:
    public = {
        rule.endpoint
        for rule, method in routes(app, Access.PUBLIC)
        if method not in http.SAFE_METHODS
    }
    assert public >= WITHOUT_TOKEN
    log_in(client, cast.owner)
    for path in ("/s/acme-nps", "/api/v1/public/surveys/acme-nps/responses"):
        with_cookie = client.post(path)
        without = app.test_client().post(path)
        assert with_cookie.status_code == without.status_code != 400
        assert "Set-Cookie" not in with_cookie.headers


def test_public_pages_are_open_and_set_no_cookie(
    app: Flask, client: FlaskClient, cast: Cast
) -> None:
    for rule, method in routes(app, Access.PUBLIC):
        if method == "GET" and rule.endpoint != "accounts.show_login":
            answer = client.get(path_of(rule, cast.workspace))
            answer.close()
            assert answer.status_code not in (401, 403, 500), rule
            assert "Set-Cookie" not in answer.headers, rule


def test_head_and_options_reveal_nothing(app: Flask, client: FlaskClient, cast: Cast) -> None:
    methods: dict[str, set[str]] = defaultdict(set)  # a form and its acceptance share an address
    for rule in app.url_map.iter_rules():
        methods[rule.rule] |= rule.methods or set()
    for rule, _ in routes(app, Access.MEMBER, Access.OWNER):
        for method in ("HEAD", "OPTIONS"):
            theirs = client.open(path_of(rule, cast.workspace), method=method)
            made_up = client.open(path_of(rule, "no-such-workspace"), method=method)
            known = 302 if method in methods[rule.rule] else 405
            assert theirs.status_code == made_up.status_code == known
            assert theirs.data == made_up.data or method == "OPTIONS"


# --- the build ----------------------------------------------------------------------------------


def test_a_route_that_nobody_classified_fails_the_build(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    careless = Blueprint("careless", __name__)
    careless.add_url_rule("/careless", view_func=lambda: "open to all?", endpoint="view")
    monkeypatch.setattr("survey_app.app.demo.blueprint", careless)
    with pytest.raises(RuntimeError, match=r"unclassified routes \['/careless'\]: mark the view"):
        create_app(replace(settings))


def test_a_route_added_later_is_closed(app: Flask, client: FlaskClient, cast: Cast) -> None:
    """Should a route slip past the check of the build, it is not there for anybody."""
    app.add_url_rule("/w/<workspace>/later", "later", lambda workspace: "secret")
    log_in(client, cast.owner)
    assert client.get(f"/w/{cast.workspace}/later").status_code == 404


def test_the_guard_runs_before_the_check_of_tokens(app: Flask) -> None:
    """Else a stranger could tell routes that exist from those that don't."""
    order = [function.__name__ for function in app.before_request_funcs[None]]
    assert order.index(access._guard.__name__) < order.index("csrf_protect")


def test_the_reader_serves_pages_and_the_writer_writes(app: Flask, cast: Cast) -> None:
    engines = {}

    @http.public
    @http.without_csrf
    def which() -> str:
        engines[db.session.get_bind() is db.get_engine("reader")] = True
        return "ok"

    app.add_url_rule("/which", view_func=which, methods=["GET", "POST"])
    for method, is_reader in (("GET", True), ("HEAD", True), ("POST", False)):
        engines.clear()
        app.test_client().open("/which", method=method)
        assert engines == {is_reader: True}, method
