"""Whether the web's port can be had, and whether the web answers on it."""

from __future__ import annotations

import http.client
import socket
import time

from semblante.errors import Unavailable
from semblante.settings import Settings

REPLY_SECONDS = 2.0
PORT_SECONDS = 3.0
UNSPECIFIED = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
"""Addresses to listen on that are none to connect to, with the one to connect to instead."""


def free_port(settings: Settings) -> int:
    """Return the port the web is to listen on: the setting, or any free one when that is 0.

    A port just left by a killed stack is waited for, at most 3 s.

    Raises:
        Unavailable: `component_failed`, when another program has the port.
    """
    deadline = time.monotonic() + PORT_SECONDS
    while True:
        try:
            return _bind(settings.host, settings.port)
        except OSError as error:
            if time.monotonic() >= deadline:
                raise Unavailable(
                    "component_failed",
                    f"The web cannot listen on {settings.host}, port {settings.port} "
                    f"({error.strerror}); name another port with --port.",
                ) from error
        time.sleep(0.1)


def _bind(host: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as gunicorn does
        listener.bind((host, port))
        return int(listener.getsockname()[1])


def web_answers(settings: Settings) -> bool:
    """Whether GET /healthz answers 200."""
    host = UNSPECIFIED.get(settings.host, settings.host)
    trusted = settings.trusted_hosts[0].lstrip(".") if settings.trusted_hosts else host
    connection = http.client.HTTPConnection(host, settings.port, timeout=REPLY_SECONDS)
    try:
        connection.request("GET", "/healthz", headers={"Host": trusted})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
