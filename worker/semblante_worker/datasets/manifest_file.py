"""Where a data set's manifest lies: at the top, or below folders that hold everything."""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from semblante.archive import BufferedSource, Kind
from semblante.archive.names import is_image_name, without_dot_folder
from semblante.archive.tar_listing import tar_entries
from semblante.csv_table import Table, bad_table, opened_table, read_table
from semblante.message import Message
from semblante_worker.datasets.archive_store import FileSource

MANIFEST = "manifest.csv"
MANIFEST_BYTES = 256 * 1024**2


class ManifestFile(NamedTuple):
    """A manifest: `name` for messages, the `folder` in the archive that its paths begin in.

    `open` opens its table, as often as one likes; it raises what `opened_table` does.
    """

    name: str
    folder: str
    open: Callable[[], AbstractContextManager[Table]]


def listed_file(path: Path) -> ManifestFile:
    """Return the manifest in the file `path`."""
    return ManifestFile(str(path), "", partial(opened_table, path))


def find_in_folder(folder: Path) -> Path | None:
    """Return the path of the manifest of a folder, None when there is none."""
    inner: Path | None = folder
    while inner is not None:
        if (inner / MANIFEST).is_file():
            return inner / MANIFEST
        inner = _only_folder(inner)
    return None


def find_in_archive(path: Path, kind: Kind, pictures: Sequence[str]) -> ManifestFile | None:
    """Return the manifest of the zip or tar `path` with these `pictures`, None when there is none.

    Raises:
        ArchiveError: `corrupt_archive`.
    """
    members = _tar_manifests(path) if kind == "tar" else _zip_manifests(path)
    for name in sorted(members, key=len):
        folder = name.removesuffix(MANIFEST)
        if all(picture.startswith(folder) for picture in pictures):
            whole = f"{path}/{name}"
            return ManifestFile(whole, folder, partial(_opened, members[name], whole))
    return None


_Read = Callable[[], bytes]
"""Returns a member's bytes, one more than `MANIFEST_BYTES` at most."""


def _only_folder(folder: Path) -> Path | None:
    """Return the one folder in `folder`, None where there are several or images beside it.

    Links are not followed: one could lead back here.
    """
    inner = []
    with os.scandir(folder) as found:
        for one in found:
            if one.is_dir(follow_symlinks=False):
                inner += [] if one.name.startswith(".") or one.name == "__MACOSX" else [one.path]
            elif is_image_name(one.name):
                return None
    return Path(inner[0]) if len(inner) == 1 else None


def _is_manifest(name: str) -> bool:
    return name.rpartition("/")[2] == MANIFEST


def _tar_manifests(path: Path) -> dict[str, _Read]:
    source = FileSource(path)
    return {
        without_dot_folder(entry.name): partial(
            source.read, entry.offset, min(entry.size, MANIFEST_BYTES + 1)
        )
        for entry in tar_entries(BufferedSource(source))
        if entry.is_file and not entry.is_sparse and _is_manifest(entry.name)
    }


def _zip_manifests(path: Path) -> dict[str, _Read]:
    """Python's own reader, because `semblante.archive` lists nothing but images."""
    with zipfile.ZipFile(path) as archive:
        return {
            without_dot_folder(name): partial(_read_zipped, path, name)
            for name in archive.namelist()
            if _is_manifest(name)
        }


def _read_zipped(path: Path, member: str) -> bytes:
    with zipfile.ZipFile(path) as archive, archive.open(member) as file:
        return file.read(MANIFEST_BYTES + 1)


@contextmanager
def _opened(read: _Read, name: str) -> Iterator[Table]:
    """Open a member's table.

    Raises:
        Refused: `bad_table`; reading rows may raise it, too.
    """
    try:
        data = read()
    except (zipfile.BadZipFile, zlib.error, RuntimeError, OSError) as error:
        raise bad_table(
            name, 1, Message("it cannot be unpacked: %(reason)s", reason=error)
        ) from error
    if len(data) > MANIFEST_BYTES:
        raise bad_table(
            name,
            1,
            Message("it has more than %(manifest_bytes)s bytes", manifest_bytes=MANIFEST_BYTES),
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise bad_table(
            name, line, Message("it is not UTF-8; save the table as CSV UTF-8")
        ) from error
    yield read_table(io.StringIO(text, newline=""), name)
