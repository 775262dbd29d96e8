"""Importing and removing models: rows and bytes together, so that neither is left alone."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from sqlalchemy.exc import IntegrityError

from semblante import registry
from semblante.bundle_source import BundleSource, open_source
from semblante.bundle_store import folder_key, is_stored, store_bundle
from semblante.bundles import Model, shipped_bundles
from semblante.database import Database
from semblante.errors import Conflict
from semblante.storage import Storage


def import_bundle(database: Database, storage: Storage, folder_or_zip: Path) -> Model:
    """Verify a bundle and copy it to the storage, all or nothing; return its model.

    Only the card and the files that it names are copied. Importing a bundle again mends its stored
    files, and makes its name mean it again.

    Raises:
        BundleError: `corrupt_bundle`, when it is no bundle or a file is not what the card says.
        Conflict: `bundle_in_use`, when a model that comes with Semblante has this name.
    """
    with open_source(folder_or_zip) as source:
        if _is_shipped(source):
            return source.model
        try:
            return _store(database, storage, source)
        except BaseException:
            discard_unused(database, storage, failed_import=source.model.digest)
            raise


def discard_unused(
    database: Database, storage: Storage, *, failed_import: str | None = None
) -> None:
    """Delete the bytes and rows of removed models that no unfinished job needs."""
    with database.writing() as session:
        for row in registry.unused(session, failed_import=failed_import):
            # Before the commit: an import of the same bundle must not find the row gone first.
            storage.delete(folder_key(row.sha256))
            session.delete(row)


def _is_shipped(source: BundleSource) -> bool:
    """Whether this very bundle comes with Semblante; refuse another one of that name."""
    for bundle in shipped_bundles():
        if bundle.card.name == source.model.card.name:
            if bundle.digest == source.model.digest:
                return True
            raise Conflict(
                "bundle_in_use",
                "A model called %(name)s comes with Semblante: give yours another `name` in "
                "%(card)s.",
                name=bundle.card.name,
                card=source.card_path,
            )
    return False


def _store(database: Database, storage: Storage, source: BundleSource) -> Model:
    """Announce, store, add: wherever this ends, a sweep deletes what nobody can name."""
    with suppress(IntegrityError), database.writing() as session:  # another import was faster
        registry.announce(session, source.model, source.card)
    size = store_bundle(storage, source)
    with database.writing() as session:
        model = registry.add(session, source.model, source.card, size)
    if not is_stored(storage, model):  # something deleted it before `add`; now it is safe
        store_bundle(storage, source)
    return model
