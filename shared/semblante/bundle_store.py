"""The files of imported models in the storage, under the digest of their bundle.

`models/<digest>/card.json` is written last: where it is, the other files are, too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from semblante.bundle_source import BundleSource
from semblante.bundles import CARD, CARD_BYTES, Model, corrupt, parse_card, verified
from semblante.errors import BundleError, NotFound, Unavailable
from semblante.message import Message
from semblante.storage import Storage


def folder_key(digest: str) -> str:
    """Return the storage key below which the files of a bundle lie."""
    return f"models/{digest}"


def store_bundle(storage: Storage, source: BundleSource) -> int:
    """Write the files that the card names, each verified on the way; return their bytes.

    Raises:
        BundleError: `corrupt_bundle`; the file at fault is not written.
    """
    folder = folder_key(source.model.digest)
    names = source.model.card.files
    size = sum(storage.write(f"{folder}/{name}", source.blocks(name)) for name in names)
    return size + storage.write(f"{folder}/{CARD}", [source.card])


def is_stored(storage: Storage, model: Model) -> bool:
    """Whether all files of a model are there; their content is not looked at."""
    try:
        for name in (CARD, *model.card.files):
            storage.size(f"{folder_key(model.digest)}/{name}")
    except NotFound:
        return False
    return True


def stored_files(storage: Storage, digest: str) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield the name and blocks of every file, the card first; each is verified at its end.

    Raises:
        Unavailable: `model_unavailable`, when a file is missing or is not what the card says. The
            blocks raise it, too.
    """
    folder = folder_key(digest)
    card = b"".join(_explained(_card_blocks(storage, digest)))
    yield CARD, iter((card,))
    for name, entry in parse_card(card, Path(folder) / CARD).files.items():
        key = f"{folder}/{name}"
        yield name, _explained(verified(storage.blocks(key), entry.sha256, Path(key)))


def _card_blocks(storage: Storage, digest: str) -> Iterator[bytes]:
    key = f"{folder_key(digest)}/{CARD}"
    card = storage.read(key, 0, CARD_BYTES)
    if hashlib.sha256(card).hexdigest() != digest:
        raise corrupt(Path(key), Message("its sha256 is not the one of the model"))
    yield card


def _explained(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Turn missing and damaged files into the error that work waits for, as for any storage."""
    try:
        yield from blocks
    except (BundleError, NotFound) as error:
        raise Unavailable(
            "model_unavailable",
            "A model cannot be fetched from the storage: %(reason)s Import it again by "
            "`semblante models import`; its jobs go on then.",
            reason=error.said,
        ) from error
