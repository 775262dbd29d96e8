"""The services and the thumbnails of the application that handles the current request."""

from __future__ import annotations

from flask import Flask, current_app

from semblante.services import Services
from semblante.thumbnail_cache import ThumbnailCache, open_thumbnails

EXTENSION = "semblante"
THUMBNAILS = "semblante_thumbnails"


def attach(app: Flask, services: Services) -> None:
    """Make `services` the ones that the requests of `app` work with."""
    app.extensions[EXTENSION] = services
    app.extensions[THUMBNAILS] = open_thumbnails(services.settings)


def services() -> Services:
    """Return the services of the application at hand."""
    found: Services = current_app.extensions[EXTENSION]
    return found


def thumbnails() -> ThumbnailCache:
    """Return the thumbnails kept by the application at hand."""
    found: ThumbnailCache = current_app.extensions[THUMBNAILS]
    return found
