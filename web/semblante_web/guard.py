"""What a request must satisfy before anything looks at it, and the headers of every answer.

There is no CSRF token to keep: a browser says itself where a request comes from (Fetch Metadata,
Origin), and that cannot be forged by a page of another site. `access.py` refuses changes by cookie
that come without; the cookie is SameSite=Lax besides.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, request

from semblante.errors import Refused
from semblante.settings import Settings
from semblante_web.cors import allows_origin, foreign_origin
from semblante_web.current import services
from semblante_web.refusals import Forbidden

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
UNSPECIFIED = frozenset({"0.0.0.0", "::"})  # noqa: S104 (addresses to compare with)
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def register_guard(app: Flask) -> None:
    """Check every request of `app`, and harden every answer."""
    app.before_request(_check_host)
    app.before_request(_check_origin)
    app.after_request(_harden)


def host_is_trusted(host: str, settings: Settings) -> bool:
    """Whether the Host header `host` (with or without a port) names this server.

    Names of `trusted_hosts` that begin with a dot also stand for all their subdomains. The address
    that the server was told to listen on is trusted, too.
    """
    try:
        name = (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return False
    known = {trusted.strip("[]").lower() for trusted in settings.trusted_hosts}
    known |= {settings.host.strip("[]").lower()} - UNSPECIFIED
    if not name or name in known:
        return bool(name)
    return any(entry[0] == "." and f".{name}".endswith(entry) for entry in known if entry)


def _check_host() -> None:
    if not host_is_trusted(request.host, services().settings):
        raise Refused(
            "unknown_host",
            "This server is not known as %(host)r; add it to SEMBLANTE_TRUSTED_HOSTS.",
            host=request.host,
        )


def _check_origin() -> None:
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("Sec-Fetch-Site", "none")
    is_foreign = foreign_origin() is not None or site in {"cross-site", "same-site"}
    if is_foreign and not allows_origin(services().settings):
        raise Forbidden("foreign_origin", "Only Semblante's own pages may send this request.")


def _harden(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    return response
