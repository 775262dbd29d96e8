"""Where the web may listen: for other machines only behind a login."""

from __future__ import annotations

import ipaddress

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from semblante import keys
from semblante.database import Database
from semblante.errors import Refused
from semblante.settings import Settings


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on `host`."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def serves_others(settings: Settings) -> bool:
    """Whether the web can be reached from other machines, directly or through a proxy."""
    return settings.proxy_hops > 0 or not is_loopback(settings.host)


def needs_login(session: Session, settings: Settings) -> bool:
    """Whether requests must say who sends them.

    On loopback they need not, as long as no key was ever made.
    """
    if settings.login != "auto":
        return settings.login == "on"
    is_closed = serves_others(settings) or settings.api_key is not None
    return is_closed or keys.any_exists(session)


def check_binding(settings: Settings) -> None:
    """Let other machines in only with a login, unless a setting says that they need none.

    Raises:
        Refused: `unsafe_binding`.
    """
    if settings.login == "off" or not serves_others(settings):
        return
    if not settings.secret_key or not (settings.api_key or _has_keys(settings)):
        raise Refused(
            "unsafe_binding",
            f"{settings.host} can be reached from other machines: set SEMBLANTE_SECRET_KEY, make a "
            "key by `semblante keys create`, or listen on 127.0.0.1.",
        )


def _has_keys(settings: Settings) -> bool:
    if settings.database_url is None and not (settings.data / "semblante.sqlite3").exists():
        return False
    database = Database(settings.database)
    try:
        with database.reading() as session:
            return keys.any_exists(session)
    except DBAPIError:  # no table yet, or no database: nobody could log in
        return False
    finally:
        database.dispose()
