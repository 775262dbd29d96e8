"""Requests to addresses that strangers gave: the form of the URL, and the guarded connection."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import httpcore
import httpx

from semblante.errors import Refused
from semblante.guarded_network import GuardedBackend
from semblante.public_address import Network

SILENCE_SECONDS = 15.0
"""A server that says nothing for so long is given up, whatever time is left."""
FIRST_FREE_PORT, LAST_PORT = 1024, 65535
WEB_PORTS = (80, 443)
FAILURES = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError)
"""What a connection may end with."""


def parse(url: str) -> httpx.URL:
    """Return `url` if its form is one that may be asked.

    Raises:
        Refused: `invalid_url`.
    """
    try:
        address = httpx.URL(url)
        host = address.host
    except (httpx.InvalidURL, UnicodeError) as error:  # the second: a name that is no Punycode
        raise Refused("invalid_url", "The URL cannot be read: %(reason)s.", reason=error) from error
    if address.scheme not in ("http", "https") or not host:
        raise Refused("invalid_url", "The URL must begin with http:// or https:// and name a host.")
    if address.userinfo:
        raise Refused("invalid_url", "The URL must not carry a name or a password.")
    port = address.port
    if port is not None and port not in WEB_PORTS and not FIRST_FREE_PORT <= port <= LAST_PORT:
        raise Refused(
            "invalid_url", "Port %(port)s is another service's, not the web's.", port=port
        )
    return address


@contextmanager
def guarded_pool(networks: Sequence[Network], seconds: float) -> Iterator[httpcore.ConnectionPool]:
    """Open connections to public addresses and `networks` only, which all end after `seconds`."""
    backend = GuardedBackend(networks, time.monotonic() + seconds)
    context = httpx.create_ssl_context(trust_env=False)
    with httpcore.ConnectionPool(network_backend=backend, ssl_context=context) as pool:
        yield pool


def request_to(
    address: httpx.URL,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
) -> httpcore.Request:
    """Return a request that is answered once, without compression."""
    sent: dict[bytes | str, bytes | str] = {
        "Host": address.netloc,
        "Accept": "*/*",
        "Accept-Encoding": "identity",  # the bytes counted are the bytes kept
        "User-Agent": "semblante",
        "Connection": "close",
    }
    sent.update(headers or {})
    if content is not None:
        sent["Content-Length"] = str(len(content))
    timeouts = dict.fromkeys(("connect", "read", "write", "pool"), SILENCE_SECONDS)
    target = httpcore.URL(
        scheme=address.raw_scheme,
        host=address.raw_host,
        port=address.port,
        target=address.raw_path,
    )
    return httpcore.Request(
        method, target, headers=sent, content=content, extensions={"timeout": timeouts}
    )
