"""The parts that every process works with, built once from its settings by its entry point."""

from __future__ import annotations

from dataclasses import dataclass

from semblante import webhooks
from semblante.database import Database
from semblante.queue import Queue, make_app
from semblante.settings import Settings
from semblante.storage import Storage, open_storage


@dataclass(frozen=True)
class Services:
    """Settings, database, storage and queue; opening them connects to nothing yet."""

    settings: Settings
    database: Database
    storage: Storage
    queue: Queue


def open_services(settings: Settings) -> Services:
    """Return the services that `settings` describe.

    Raises:
        Unavailable: `broker_unavailable`, when no broker is named.
    """
    services = Services(
        settings=settings,
        database=Database(settings.database, settings.lease_seconds),
        storage=open_storage(settings),
        queue=Queue(make_app(settings)),
    )
    webhooks.send_on_commit(services.database, services.queue)
    return services
