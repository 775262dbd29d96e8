"""The services of the application that handles the current request."""

from __future__ import annotations

from flask import Flask, current_app

from semblante.services import Services

EXTENSION = "semblante"


def attach(app: Flask, services: Services) -> None:
    """Make `services` the ones that the requests of `app` work with."""
    app.extensions[EXTENSION] = services


def services() -> Services:
    """Return the services of the application at hand."""
    found: Services = current_app.extensions[EXTENSION]
    return found
