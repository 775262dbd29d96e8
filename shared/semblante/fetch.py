"""Files from URLs that a stranger sent: bounded in place, type, size, time and redirects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote

import httpcore
import httpx

from semblante.errors import Refused, TooLarge
from semblante.guarded_request import FAILURES, guarded_pool, parse, request_to
from semblante.message import Message
from semblante.public_address import Network

MAX_REDIRECTS = 5
REDIRECTS = (301, 302, 303, 307, 308)
OK = 200

BINARY = frozenset({"", "application/octet-stream", "binary/octet-stream"})
ARCHIVES = frozenset(
    f"application/{name}"
    for name in ("zip", "x-zip", "x-zip-compressed", "tar", "x-tar", "x-gtar", "gzip", "x-gzip")
)


@dataclass(frozen=True)
class FetchLimits:
    """What one fetch may take."""

    size_bytes: int
    seconds: float
    """From the first connection to the last byte."""
    networks: Sequence[Network] = ()
    """Addresses that are allowed though they are not public."""
    archives: bool = False
    """Whether an archive is as welcome as an image."""


@dataclass(frozen=True)
class Fetched:
    """An answer whose body is still to come."""

    filename: str
    """The last part of the address's path; may be empty."""
    blocks: Iterator[bytes]
    """Raises TooLarge or Refused, as `fetch` does."""


@contextmanager
def fetch(url: str, limits: FetchLimits) -> Iterator[Fetched]:
    """Request `url`, follow its redirects, and give the answer's bytes as they arrive.

    Raises:
        Refused: `invalid_url`, `url_not_public`, `url_type` or `url_failed`.
        TooLarge: `too_large_upload`.
    """
    with guarded_pool(limits.networks, limits.seconds) as pool:
        try:
            address, response = _follow(pool, parse(url))
        except FAILURES as error:
            raise _failed(error) from error
        try:
            _check(response, limits)
            name = PurePosixPath(unquote(address.path)).name
            yield Fetched(name, _blocks(response, limits.size_bytes))
        finally:
            response.close()


def _follow(
    pool: httpcore.ConnectionPool, address: httpx.URL
) -> tuple[httpx.URL, httpcore.Response]:
    for _ in range(MAX_REDIRECTS + 1):
        response = pool.handle_request(request_to(address))
        location = _header(response, "location")
        if response.status not in REDIRECTS or not location:
            return address, response
        response.close()
        address = parse(_joined(address, location))
    raise Refused(
        "url_failed",
        "The URL leads through more than %(most)s redirects.",
        most=MAX_REDIRECTS,
    )


def _joined(address: httpx.URL, location: str) -> str:
    try:
        return str(address.join(location))
    except httpx.InvalidURL as error:
        raise Refused("invalid_url", "The URL redirects to what is no URL.") from error


def _check(response: httpcore.Response, limits: FetchLimits) -> None:
    if response.status != OK:
        raise Refused(
            "url_failed", "The URL answers with status %(status)s.", status=response.status
        )
    kind = _header(response, "content-type").partition(";")[0].strip().lower()
    is_welcome = kind in BINARY or kind.startswith("image/")
    if not is_welcome and not (limits.archives and kind in ARCHIVES):
        wanted = Message("an image or an archive") if limits.archives else Message("an image")
        raise Refused(
            "url_type", "The URL gives %(kind)r, not %(wanted)s.", kind=kind, wanted=wanted
        )
    if _header(response, "content-encoding").lower() not in ("", "identity"):
        raise Refused("url_type", "The URL gives its bytes encoded, though plain ones were asked.")
    length = _header(response, "content-length")
    if length.isdigit() and int(length) > limits.size_bytes:
        raise _too_large(limits.size_bytes)


def _blocks(response: httpcore.Response, size: int) -> Iterator[bytes]:
    left = size
    try:
        for block in response.iter_stream():
            left -= len(block)
            if left < 0:
                raise _too_large(size)
            yield block
    except FAILURES as error:
        raise _failed(error) from error


def _header(response: httpcore.Response, name: str) -> str:
    wanted = name.encode()
    for key, value in response.headers:
        if key.lower() == wanted:
            return str(value.decode("latin-1"))
    return ""


def _too_large(size: int) -> TooLarge:
    return TooLarge(
        "too_large_upload", "The URL gives more than the %(size)s bytes allowed.", size=size
    )


def _failed(error: Exception) -> Refused:
    if isinstance(error, httpcore.TimeoutException):
        return Refused(
            "url_failed", "Fetching the URL took too long: check that it can be downloaded."
        )
    return Refused("url_failed", "Fetching the URL failed: check that it can be downloaded.")
