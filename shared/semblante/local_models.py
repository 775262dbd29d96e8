"""Models for commands that run without the stack, on this machine's data folder."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from semblante.bundle_cache import open_cache
from semblante.bundle_store import stored_files
from semblante.bundles import Bundle, read_bundle, shipped_bundle
from semblante.database import Database
from semblante.default_model import choose
from semblante.errors import Unavailable
from semblante.registry import ListedModel
from semblante.settings import Settings
from semblante.storage import open_storage
from semblante.tables import Table


@contextmanager
def local_database(
    settings: Settings, *, create: bool = False, migrate: bool = True
) -> Iterator[Database]:
    """Open the database for a while.

    The embedded one is brought to the newest schema if `migrate`; where it is missing and `create`
    is False, an empty one takes its place, so that looking leaves nothing behind.

    Raises:
        Unavailable: `database_unavailable`.
    """
    with tempfile.TemporaryDirectory(prefix="semblante-") as scratch:
        database = _open(settings, Path(scratch), create=create, migrate=migrate)
        try:
            yield database
        except DBAPIError as error:
            raise Unavailable(
                "database_unavailable",
                f"The database does not answer as it should ({error.orig}): start it, or run "
                "`semblante migrate`.",
            ) from error
        finally:
            database.dispose()


def find_local_model(settings: Settings, name: str | None, *, migrate: bool = True) -> ListedModel:
    """Return the model called `name`, or the default.

    Raises:
        NotFound: `model_not_found`.
        Unavailable: `database_unavailable`.
    """
    with (
        local_database(settings, migrate=migrate) as database,
        database.reading() as session,
    ):
        return choose(session, settings, name)


def fetch_local_bundle(settings: Settings, name: str | None) -> Bundle:
    """Return the bundle of the model called `name`, or of the default, to be loaded at once.

    Raises:
        NotFound: `model_not_found`.
        Unavailable: `database_unavailable` or `model_unavailable`.
    """
    digest = find_local_model(settings, name).digest
    with open_cache(settings, open_storage(settings)).hold(digest) as bundle:
        return bundle


def verify_local_model(settings: Settings, model: ListedModel) -> None:
    """Compare the hashes of all files of a model, where they lie.

    Raises:
        BundleError: `corrupt_bundle`, for a model that comes with Semblante.
        Unavailable: `model_unavailable`, for an imported one.
    """
    if model.origin == "shipped":
        read_bundle(shipped_bundle(model.reference).folder, verify=True)
        return
    for _name, blocks in stored_files(open_storage(settings), model.digest):
        for _block in blocks:
            pass


def _open(settings: Settings, scratch: Path, *, create: bool, migrate: bool) -> Database:
    embedded = settings.data / "semblante.sqlite3"
    if settings.database_url is not None:
        return Database(settings.database)
    if not create and not embedded.exists():
        empty = Database(f"sqlite:///{scratch / 'empty.sqlite3'}")
        Table.metadata.create_all(empty.engine)
        return empty
    database = Database(settings.database)
    if migrate:
        from semblante.migrations import upgrade  # Alembic is slow to import

        upgrade(settings.database)
    return database
