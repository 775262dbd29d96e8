"""Refusals that only HTTP knows: each has its status, and headers that the answer carries."""

from __future__ import annotations

from collections.abc import Mapping

from semblante.errors import Refused
from semblante.message import Message


class HttpRefused(Refused):
    """A refusal whose answer carries headers."""

    def __init__(
        self,
        code: str,
        message: str | Message,
        headers: Mapping[str, str] | None = None,
        /,
        **values: object,
    ) -> None:
        super().__init__(code, message, **values)
        self.headers = dict(headers or {})


class KeyMissing(HttpRefused):
    """No key, or a wrong one; `WWW-Authenticate` says how to send it."""

    http_status = 401


class Forbidden(HttpRefused):
    """A page of another site may not do this."""

    http_status = 403


class UnsupportedVersion(HttpRefused):
    """The client speaks another version of tus."""

    http_status = 412


class UnsupportedMediaType(HttpRefused):
    """The body has a form that the address does not take."""

    http_status = 415


class TooMany(HttpRefused):
    """More at once than the settings allow; `Retry-After` says when to come again."""

    http_status = 429


class ChecksumMismatch(HttpRefused):
    """The bytes received differ from those sent (460 in tus 1.0.0, checksum extension)."""

    http_status = 460
