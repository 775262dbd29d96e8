"""Importing and removing models: what is in `<data>/models/` is always whole and verified."""

from __future__ import annotations

import lzma
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from semblante.bundles import (
    CARD,
    CARD_BYTES,
    PACKAGE_MODELS,
    Bundle,
    corrupt,
    find_bundle,
    parse_card,
    read_bundle,
)
from semblante.errors import BundleError, Conflict, NotFound

FILE_BYTES = 4 * 1024**3
"""Most bytes of one file in a zipped bundle: a bound on what a hostile zip can unpack."""

_DAMAGE = (
    EOFError,
    OSError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def import_bundle(data: Path, folder_or_zip: Path) -> Bundle:
    """Verify a bundle and copy it to `<data>/models/<name>@<digest12>/`, all or nothing.

    Only the card and the files that it names are copied. Importing a bundle again changes nothing.

    Raises:
        BundleError: `corrupt_bundle`, when it is no bundle or a file is not what the card says.
        Conflict: `bundle_in_use`, when a model that comes with Semblante has this name.
    """
    models = data / "models"
    models.mkdir(parents=True, exist_ok=True)
    with _scratch(models) as scratch:
        copy = scratch / "bundle"
        copy.mkdir()
        if folder_or_zip.is_dir():
            _copy_folder(folder_or_zip, copy)
        else:
            _copy_zip(folder_or_zip, copy)
        bundle = read_bundle(copy, verify=True)
        packaged = PACKAGE_MODELS / bundle.card.name
        if packaged.is_dir():
            return _same_or_conflict(packaged, bundle)
        return _move_in(bundle, models / bundle.reference, scratch)


def remove_bundle(data: Path, name: str) -> None:
    """Remove the imported bundle with this reference, or all with this name, damaged ones too.

    Raises:
        NotFound: `model_not_found`.
        Conflict: `bundle_in_use`, for a model that comes with Semblante.
    """
    models = data / "models"
    folders = [f for f in models.iterdir() if _is_called(f, name)] if models.is_dir() else []
    if not folders:
        if find_bundle(data, name).is_packaged:
            raise Conflict("bundle_in_use", f"{name} comes with Semblante and cannot be removed.")
        raise NotFound("model_not_found", f"{name} was not imported.")
    with _scratch(models) as scratch:
        for folder in folders:  # a rename first: no reader ever sees half a bundle
            folder.rename(scratch / folder.name)


def _is_called(folder: Path, name: str) -> bool:
    if folder.name.startswith("."):
        return False
    return name in (folder.name, folder.name.rpartition("@")[0])


@contextmanager
def _scratch(models: Path) -> Iterator[Path]:
    """A folder on the same file system that readers pass over, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=models))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _same_or_conflict(packaged: Path, bundle: Bundle) -> Bundle:
    existing = read_bundle(packaged, verify=False)
    if existing.digest != bundle.digest:
        raise Conflict(
            "bundle_in_use",
            f"A model called {bundle.card.name} comes with Semblante; give yours another name.",
        )
    return existing


def _move_in(bundle: Bundle, target: Path, scratch: Path) -> Bundle:
    """Rename the verified copy to `target`; a good one there stays, a damaged one makes room."""
    try:
        return read_bundle(target, verify=True)
    except BundleError:
        if target.is_dir():
            target.rename(scratch / "damaged")
    try:
        bundle.folder.rename(target)
    except OSError:  # another import of the same bundle was faster
        if not target.is_dir():
            raise
    return read_bundle(target, verify=False)


def _copy_folder(source: Path, target: Path) -> None:
    names = read_bundle(source, verify=False).card.files
    for name in (*names, CARD):
        try:
            shutil.copyfile(source / name, target / name)
        except OSError as error:
            raise corrupt(source / name, f"it cannot be copied: {error}") from error


def _copy_zip(source: Path, target: Path) -> None:
    """Unpack a bundle that lies at the top of a zip, or in the one folder at its top."""
    try:
        with zipfile.ZipFile(source) as archive:
            cards = [n for n in archive.namelist() if n == CARD or n.endswith(f"/{CARD}")]
            if len(cards) != 1 or cards[0].count("/") > 1:
                raise corrupt(source, f"it does not hold one {CARD} at its top")
            prefix = cards[0].removesuffix(CARD)
            _unpack(archive, cards[0], target / CARD, CARD_BYTES)
            card = parse_card((target / CARD).read_bytes(), source / cards[0])
            for name in card.files:
                _unpack(archive, prefix + name, target / name, FILE_BYTES)
    except KeyError as error:
        raise corrupt(source, f"a file that the card names is missing: {error.args[0]}") from error
    except _DAMAGE as error:
        raise corrupt(source, f"it is no folder and no readable zip: {error}") from error
    except (RuntimeError, NotImplementedError) as error:  # encrypted, or an unknown compression
        raise corrupt(source, f"it cannot be unpacked: {error}") from error


def _unpack(archive: zipfile.ZipFile, member: str, target: Path, limit: int) -> None:
    """Unpack one member; zipfile never gives more bytes than the directory says."""
    if archive.getinfo(member).file_size > limit:
        raise corrupt(Path(member), f"it unpacks to more than {limit} bytes")
    with archive.open(member) as packed, target.open("xb") as file:
        shutil.copyfileobj(packed, file, 1024**2)
