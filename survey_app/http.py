"""The HTTP face: who may call a route, strict JSON at the door, one error shape, safe headers.

Slices mark every view with `public`, `member` or `owner`; a view without a mark stops the
application from being built. One commit per request happens here, before the answer leaves.
"""

import gzip
import hmac
import ipaddress
import re
from collections.abc import Callable, Sequence
from enum import Enum
from functools import lru_cache
from typing import Any, TypeVar

from flask import Flask, Response, current_app, g, render_template, request
from flask_babel import gettext
from flask_wtf.csrf import CSRFError, CSRFProtect
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from survey_app import errors
from survey_app.config import Settings
from survey_app.db import DATABASE_AWAY, db
from survey_app.errors import N_, SoundingsError
from survey_app.strict_json import parse_json

View = TypeVar("View", bound=Callable[..., Any])
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CSP = (
    "default-src 'none'; script-src 'self' {foreign}; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self' {foreign}; form-action 'self'; base-uri 'none'; "
    "require-trusted-types-for 'script'; frame-ancestors {ancestors}"
)
STATUS: dict[type[SoundingsError], int] = {
    errors.Malformed: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Gone: 410,
    errors.TooLarge: 413,
    errors.Unsupported: 415,
    errors.Invalid: 422,
    errors.TooMany: 429,
}
TITLES = {
    400: N_("The request can't be read"),
    401: N_("Please log in"),
    403: N_("Not allowed"),
    404: N_("Not found"),
    405: N_("Not possible here"),
    409: N_("Conflict"),
    410: N_("No longer here"),
    413: N_("Too large"),
    415: N_("Unknown content type"),
    422: N_("Please check what you entered"),
    429: N_("Too many requests"),
    500: N_("Something broke on our side"),
    503: N_("Busy, please try again"),
}
# Routes that send a file of the package, the same to everybody.
FILES = frozenset({"static", "responses.widget"})
ADDRESS = re.compile(r"\[(.+)\](?::\d{1,5})?|([^:]+):\d{1,5}|(.+)")  # with or without a port
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
csrf = CSRFProtect()


class Access(Enum):
    """Who may call a route."""

    PUBLIC = "public"
    MEMBER = "member"
    OWNER = "owner"


def public(view: View) -> View:
    """Anyone may call this view."""
    return _classify(view, Access.PUBLIC)


def member(view: View) -> View:
    """Members and owners of the workspace in the path may call this view."""
    return _classify(view, Access.MEMBER)


def owner(view: View) -> View:
    """Only owners of the workspace in the path may call this view."""
    return _classify(view, Access.OWNER)


def without_csrf(view: View) -> View:
    """A public write that reads no cookie and so has no authority to forge."""
    csrf.exempt(view)
    return view


def _classify(view: View, access: Access) -> View:
    view.access = access  # type: ignore[attr-defined]  # a mark on the function, read below
    return view


def access_of(app: Flask, endpoint: str) -> Access | None:
    """How a route is classified; None if nobody said."""
    if endpoint == "static":
        return Access.PUBLIC
    return getattr(app.view_functions[endpoint], "access", None)


def init_app(app: Flask, settings: Settings) -> None:
    """Install proxy handling, headers, the error shape and the commit at the boundary."""
    if settings.proxy_hops:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # Flask's documented way
            app.wsgi_app, x_for=settings.proxy_hops, x_proto=settings.proxy_hops
        )
    app.before_request(_note_whether_it_writes)
    app.before_request(_refuse_nul)
    app.after_request(_commit)
    app.after_request(_secure)
    app.after_request(_compress)
    app.register_error_handler(SoundingsError, _on_domain_error)
    app.register_error_handler(HTTPException, _on_http_error)
    for kind in DATABASE_AWAY:
        app.register_error_handler(kind, _on_database_error)
    app.register_error_handler(Exception, _on_bug)


def check_every_route_is_classified(app: Flask) -> None:
    """Raise RuntimeError naming the routes that nobody marked public, member or owner."""
    open_ends = {
        rule.rule for rule in app.url_map.iter_rules() if access_of(app, rule.endpoint) is None
    }
    if open_ends:
        raise RuntimeError(
            f"unclassified routes {sorted(open_ends)}: mark the view with http.public, "
            "http.member or http.owner"
        )


def _note_whether_it_writes() -> None:
    g.read_only = request.method in SAFE_METHODS


def _refuse_nul() -> None:
    """PostgreSQL's texts can't hold NUL, so no address and no form may; JSON is checked apart."""
    query = request.query_string
    if "\0" in request.path or b"%00" in query or b"\0" in query:
        raise errors.NotFound("http.404", N_("There is no such page."))


def _commit(response: Response) -> Response:
    if not g.get("read_only", True) and not g.get("failed", False):
        try:
            db.session.commit()
        except DATABASE_AWAY as error:
            # The answer keeps its headers (who may read it) and says the truth instead.
            failure = _on_database_error(error)
            response.status_code, response.content_type = 503, failure.content_type
            response.headers["Retry-After"] = failure.headers["Retry-After"]
            response.set_data(failure.get_data())
    return response


def _secure(response: Response) -> Response:
    ancestors = g.get("frame_ancestors", "'none'")
    policy = CSP.format(ancestors=ancestors, foreign=g.get("foreign_origin", ""))
    response.headers.setdefault("Content-Security-Policy", policy)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
    response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
    if ancestors == "'none'":
        response.headers.setdefault("X-Frame-Options", "DENY")
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _compress(response: Response) -> Response:
    """Send files compressed; pages never are, since they hold tokens beside what a URL says.

    (Gluck, Harris, Prado 2013, "BREACH": the length of such a page gives the token away.)
    """
    if response.status_code == 200 and request.endpoint in FILES and _is_text(response):
        response.vary.add("Accept-Encoding")
        if request.accept_encodings["gzip"] > 0:
            response.direct_passthrough = False
            response.set_data(_compressed(response.get_data()))
            response.headers["Content-Encoding"] = "gzip"
            response.set_etag(response.get_etag()[0] or "", weak=True)
    return response


def _is_text(response: Response) -> bool:
    kind = response.mimetype or ""
    return kind.startswith("text/") or kind == "image/svg+xml"


@lru_cache(maxsize=32)
def _compressed(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


# --- errors -------------------------------------------------------------------------------------


def wants_json() -> bool:
    """Whether the caller is a program: an API path, or JSON preferred over HTML."""
    accepts = request.accept_mimetypes
    return request.path.startswith("/api/") or (accepts["application/json"] > accepts["text/html"])


def problem(
    status: int, code: str, detail: str, *, hint: str = "", errors: Sequence[Any] = ()
) -> Response:
    """One error shape for programs (RFC 9457); `errors` are the wrong fields."""
    body = {
        "type": f"urn:soundings:problem:{code}",
        "title": gettext(TITLES.get(status, TITLES[500])),
        "status": status,
        "code": code,
        "detail": detail,
        "hint": hint,
        "errors": errors,
    }
    text = current_app.json.dumps(body)
    return Response(text, status=status, content_type="application/problem+json")


def _on_domain_error(error: SoundingsError) -> Response:
    _give_up()
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
    detail = gettext(error.message, **error.values)
    hint = gettext(error.hint, **error.values) if error.hint else ""
    fields = [
        {
            "field": item.field,
            "code": item.code,
            "message": gettext(item.message, **(item.values or {})),
        }
        for item in error.errors
    ]
    response = _answer(status, error.code, detail, hint=hint, errors=fields)
    if isinstance(error, errors.TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _on_http_error(error: HTTPException) -> Response | HTTPException:
    _give_up()
    status = error.code or 500
    if status < 400:
        return error
    code = "csrf" if isinstance(error, CSRFError) else f"http.{status}"
    hint = gettext("Please check the address.") if status == 404 else ""
    response = _answer(status, code, gettext(TITLES.get(status, TITLES[500])), hint=hint)
    for name, value in error.get_headers(request.environ):
        if name.lower() in ("allow", "retry-after"):
            response.headers[name] = value
    return response


def _on_database_error(error: SQLAlchemyError) -> Response:
    """The database is away, full or busy: nothing was stored, and trying again may help."""
    _give_up()
    current_app.logger.error("the database failed: %s", getattr(error, "orig", error))
    response = _answer(503, "database.unavailable", gettext(TITLES[503]))
    response.headers["Retry-After"] = "5"
    return response


def _on_bug(error: Exception) -> Response:
    _give_up()
    if current_app.testing:
        raise error
    current_app.logger.exception("unhandled error")
    return _answer(500, "http.500", gettext(TITLES[500]))


def _give_up() -> None:
    """What a failed request wrote is undone."""
    g.failed = True
    db.session.rollback()


def _answer(
    status: int, code: str, detail: str, *, hint: str = "", errors: Sequence[Any] = ()
) -> Response:
    if wants_json():
        return problem(status, code, detail, hint=hint, errors=errors)
    title = gettext(TITLES.get(status, TITLES[500]))
    page = render_template("error.html", status=status, title=title, detail=detail, hint=hint)
    return Response(page, status=status, mimetype="text/html")


# --- strict JSON --------------------------------------------------------------------------------


def read_json(*, limit: int) -> Any:
    """The request's JSON body, at most `limit` bytes, refused where databases would differ.

    Raises TooLarge before anything is parsed; Unsupported for another content type; Malformed as
    `strict_json.parse_json` says.
    """
    if request.content_length is not None and request.content_length > limit:
        raise _too_large(limit)
    if request.mimetype != "application/json":
        raise errors.Unsupported(
            "request.content_type",
            N_("The body must be JSON."),
            hint=N_("Send Content-Type: application/json."),
        )
    body = request.stream.read(limit + 1)
    if len(body) > limit:
        raise _too_large(limit)
    return parse_json(body)


def _too_large(limit: int) -> errors.TooLarge:
    return errors.TooLarge(
        "request.too_large", N_("The body is larger than %(limit)s bytes."), limit=limit
    )


# --- who is asking -------------------------------------------------------------------------------


def client_network() -> str:
    """A name of the caller's network for counting, the same for all of its addresses."""
    return pseudonym(network_of(request.remote_addr or ""))


def pseudonym(name: str) -> str:
    """What is stored instead of a name that is only counted.

    Without the secret, nobody finds out whose it is, not even by trying all addresses.
    """
    secret: str = current_app.config["SECRET_KEY"]
    return hmac.digest(secret.encode(), f"soundings.counters:{name}".encode(), "sha256").hex()[:32]


def network_of(peer: str) -> str:
    """The network that an address counts as: an IPv4 address, or the /64 of an IPv6 one.

    The address may have a port behind it, as some proxies write it. Where an IPv6 address says
    which IPv4 address stands behind it, that one counts: a tunnel gives everybody a multitude of
    networks, a translator one network to everybody. What is no address is "unknown".
    """
    found = ADDRESS.fullmatch(peer.strip())
    try:
        address = ipaddress.ip_address(found[found.lastindex or 0] if found else "")
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    behind = _ipv4_behind(address)
    return str(behind or ipaddress.IPv6Network((int(address), 64), strict=False))


def _ipv4_behind(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
