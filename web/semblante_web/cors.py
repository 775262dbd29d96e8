"""CORS: pages of other origins that a setting names may use the API, by key and never by cookie."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, request

from semblante.settings import Settings
from semblante_web.current import services
from semblante_web.identity import ANYBODY, Identity
from semblante_web.refusals import Forbidden

ANY_ORIGIN = "*"
METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
REQUEST_HEADERS = (
    "Authorization, Content-Type, Idempotency-Key, If-None-Match, Tus-Resumable, Upload-Checksum, "
    "Upload-Length, Upload-Metadata, Upload-Offset"
)
ANSWER_HEADERS = (
    "Content-Disposition, ETag, Location, Retry-After, Tus-Resumable, Upload-Expires, "
    "Upload-Length, Upload-Offset, WWW-Authenticate"
)
KEPT_SECONDS = 600


def register_cors(app: Flask) -> None:
    """Answer preflights of `app`, and say in other answers whose pages may read them."""
    app.before_request(_answer_preflight)
    app.after_request(_say_who_may_read)


def allows_origin(settings: Settings) -> bool:
    """Whether the request at hand comes from a page of another origin that may use the API."""
    origin = foreign_origin()
    if origin is None or not request.path.startswith("/api/"):
        return False
    return ANY_ORIGIN in settings.cors_origins or _is_named(origin, settings)


def refuse_unnamed(sender: Identity, settings: Settings) -> None:
    """Refuse pages of whatever origin where nobody needs a key: they would own the server.

    Raises:
        Forbidden: `foreign_origin`.
    """
    origin = foreign_origin()
    if sender is ANYBODY and allows_origin(settings) and not _is_named(origin, settings):
        raise Forbidden(
            "foreign_origin", "Without a login, SEMBLANTE_CORS_ORIGINS must name the origin."
        )


def foreign_origin() -> str | None:
    """Return the Origin of the request at hand, if it is not this server's own, or is none."""
    origin = request.headers.get("Origin")
    if origin is None:
        return None
    try:
        return None if urlsplit(origin).netloc == request.host else origin
    except ValueError:
        return origin


def _is_named(origin: str | None, settings: Settings) -> bool:
    return origin in {named.rstrip("/") for named in settings.cors_origins}


def _answer_preflight() -> Response | None:
    is_preflight = request.method == "OPTIONS" and (
        "Access-Control-Request-Method" in request.headers
    )
    if not is_preflight or not allows_origin(services().settings):
        return None
    headers = {
        "Access-Control-Allow-Methods": METHODS,
        "Access-Control-Allow-Headers": REQUEST_HEADERS,
        "Access-Control-Max-Age": str(KEPT_SECONDS),
    }
    return Response(status=204, headers=headers)


def _say_who_may_read(response: Response) -> Response:
    settings = services().settings
    if settings.cors_origins:
        response.vary.add("Origin")
    if allows_origin(settings):
        # No Access-Control-Allow-Credentials: browsers send cookies to no answer of ours.
        response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
        response.headers["Access-Control-Expose-Headers"] = ANSWER_HEADERS
    return response
