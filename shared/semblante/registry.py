"""The models that jobs can name: those that come with Semblante, and imported ones by their rows.

Only rows here; `bundle_store.py` keeps the bytes, `bundle_import.py` brings both together.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from semblante.bundles import CARD, Model, parse_card, shipped_bundles, unknown
from semblante.errors import BundleError, Conflict
from semblante.lifecycle import OPEN_STATES
from semblante.tables import ImportedModel, Job

Origin = Literal["shipped", "imported"]
ANNOUNCED = 0
"""The size of a model whose import has not ended."""
IMPORT_TIME = timedelta(hours=6)
"""An import that takes longer was interrupted."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ListedModel(Model):
    """A model that a new job can name."""

    origin: Origin
    size_bytes: int


def models(session: Session, *, lock: bool = False) -> list[ListedModel]:
    """Return all models, the shipped ones by name, then the imported ones, the newest first.

    A row that is not understood is logged and left out: it must not hide the others. With `lock`
    no model can be removed before the end of the transaction.
    """
    return list(_listed(session, lock=lock))


def find(session: Session, name_or_reference: str, *, lock: bool = False) -> ListedModel:
    """Return the model with this name (the last imported of several) or this exact reference.

    Raises:
        NotFound: `model_not_found`.
    """
    listed = []
    for model in _listed(session, lock=lock):
        if model.is_called(name_or_reference):
            return model
        listed.append(model)
    raise unknown(name_or_reference, listed)


def announce(session: Session, model: Model, card: bytes) -> None:
    """Note a model whose bytes are on their way; until they are there, no job can name it."""
    row = session.get(ImportedModel, model.digest, with_for_update=True)
    if row is None or row.removed_at is not None:
        session.merge(_row(model, card, ANNOUNCED, removed_at=datetime.now(UTC)))


def add(session: Session, model: Model, card: bytes, size_bytes: int) -> ListedModel:
    """Let jobs name a model whose bytes are stored; its name means this import from now on."""
    session.merge(_row(model, card, size_bytes, removed_at=None))
    return ListedModel(model.card, model.digest, "imported", size_bytes)


def remove(session: Session, name_or_reference: str) -> list[str]:
    """Let no new job name the imported model with this reference, or all with this name.

    Jobs that run it go on. Returns the references of what was removed.

    Raises:
        NotFound: `model_not_found`.
        Conflict: `bundle_in_use`, for a model that comes with Semblante.
    """
    query = select(ImportedModel).where(ImportedModel.removed_at.is_(None)).with_for_update()
    rows = [row for row in session.scalars(query) if name_or_reference in (row.name, row.reference)]
    if not rows:
        find(session, name_or_reference)
        raise Conflict(
            "bundle_in_use",
            "%(name)s comes with Semblante and cannot be removed.",
            name=name_or_reference,
        )
    for row in rows:
        row.removed_at = datetime.now(UTC)
    session.flush()
    return [row.reference for row in rows]


def unused(session: Session, *, failed_import: str | None = None) -> list[ImportedModel]:
    """Return the removed rows, locked, that no unfinished job needs.

    Imports have their time to end, but for the one whose digest is `failed_import`.
    """
    gone = or_(
        ImportedModel.size_bytes != ANNOUNCED,
        ImportedModel.removed_at < datetime.now(UTC) - IMPORT_TIME,
        ImportedModel.sha256 == failed_import,
    )
    query = select(ImportedModel).where(ImportedModel.removed_at.is_not(None), gone)
    rows = list(session.scalars(query.with_for_update(skip_locked=True)))
    if not rows:
        return []
    # A query of its own, after the lock: a retry that was committed in between must be seen.
    running = select(Job.model).where(Job.state.in_(OPEN_STATES)).distinct()
    needed = set(session.scalars(running))
    return [row for row in rows if row.reference not in needed]


def _row(
    model: Model, card: bytes, size_bytes: int, *, removed_at: datetime | None
) -> ImportedModel:
    return ImportedModel(
        sha256=model.digest,
        name=model.card.name,
        card=card.decode(),
        size_bytes=size_bytes,
        imported_at=datetime.now(UTC),
        removed_at=removed_at,
    )


def _listed(session: Session, *, lock: bool) -> Iterator[ListedModel]:
    """Yield the shipped models before the database is asked: a prediction seldom needs more."""
    for bundle in shipped_bundles():
        yield ListedModel(bundle.card, bundle.digest, "shipped", bundle.size_bytes)
    query = select(ImportedModel).where(ImportedModel.removed_at.is_(None))
    query = query.order_by(ImportedModel.imported_at.desc(), ImportedModel.sha256)
    yield from _understood(session.scalars(query.with_for_update(read=True) if lock else query))


def _understood(rows: Iterable[ImportedModel]) -> Iterator[ListedModel]:
    for row in rows:
        try:
            card = parse_card(row.card.encode(), Path(row.reference) / CARD)
        except BundleError as error:
            _log.warning("model left out: %s", error.message)
        else:
            yield ListedModel(card, row.sha256, "imported", row.size_bytes)
