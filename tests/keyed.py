"""A web with keys, and clients that carry them."""

from __future__ import annotations

from flask.testing import FlaskClient

from semblante import keys
from semblante.services import Services
from semblante.tables import Scope
from semblante_web.app import create_app


def make_key(
    services: Services, name: str, scope: Scope = "submit", owner: str | None = None
) -> str:
    """Return the token of a new key."""
    with services.database.writing() as session:
        return keys.create(session, name, scope, owner)[1]


def client_of(services: Services, token: str | None) -> FlaskClient:
    """Return a client whose requests carry `token`."""
    client = create_app(services.settings, services).test_client()
    if token is not None:
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client


def changed(services: Services, **settings: object) -> Services:
    """Return the same services with other settings."""
    updated = services.settings.model_copy(update=settings)
    return Services(updated, services.database, services.storage, services.queue)
