"""The connection of the commands that talk to a server."""

from __future__ import annotations

from semblante.cli.options import make_settings
from semblante.client import Client


def connect(server: str | None, api_key: str | None) -> Client:
    """Return a client of the server that options, or else the settings, name."""
    settings = make_settings(server=server, api_key=api_key)
    return Client(settings.server, settings.api_key)
