"""What a request must satisfy before anything looks at it, and the headers of every answer.

Without a session there is no CSRF token to keep: a browser says itself where a request comes from
(Fetch Metadata, Origin), and that cannot be forged by a page of another site.
"""

from __future__ import annotations

import hmac
import ipaddress
from urllib.parse import urlsplit

from flask import Flask, Response, request

from semblante.errors import Refused
from semblante.settings import Settings
from semblante_web.current import services
from semblante_web.refusals import Forbidden, KeyMissing

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
PUBLIC_PATHS = frozenset({"/healthz", "/readyz", "/favicon.ico"})
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
    app.before_request(_check_key)
    app.after_request(_harden)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on `host`."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def check_binding(settings: Settings) -> None:
    """Let other machines in only with a key and a secret.

    Raises:
        Refused: `unsafe_binding`.
    """
    if not is_loopback(settings.host) and not (settings.api_key and settings.secret_key):
        raise Refused(
            "unsafe_binding",
            f"{settings.host} can be reached from other machines: set SEMBLANTE_API_KEY and "
            "SEMBLANTE_SECRET_KEY, or listen on 127.0.0.1.",
        )


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
            f"This server is not known as {request.host!r}; add it to SEMBLANTE_TRUSTED_HOSTS.",
        )


def _check_origin() -> None:
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("Sec-Fetch-Site", "none")
    origin = request.headers.get("Origin")
    foreign = origin is not None and urlsplit(origin).netloc != request.host
    if foreign or site in {"cross-site", "same-site"}:
        raise Forbidden("foreign_origin", "Only Semblante's own pages may send this request.")


def _check_key() -> None:
    key = services().settings.api_key
    if key is None or request.path in PUBLIC_PATHS or request.endpoint == "static":
        return
    if not hmac.compare_digest(_given_key().encode(), key.encode()):
        is_api = request.path.startswith("/api/")
        scheme = "Bearer" if is_api else 'Basic realm="Semblante", charset="UTF-8"'
        raise KeyMissing(
            "unauthorized",
            "Send the API key as `Authorization: Bearer`, or as the password of any user name.",
            {"WWW-Authenticate": scheme},
        )


def _given_key() -> str:
    """Return the key of the request; a browser that has it for the pages sends it as Basic."""
    authorization = request.authorization
    if authorization is None:
        return ""
    return authorization.token or str(authorization.password or "")


def _harden(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    return response
