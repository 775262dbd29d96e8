"""Which images a folder, or several paths, hold, and how they are sent: as one stored zip."""

from __future__ import annotations

import logging
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from semblante.archive.magic import MAGIC_BYTES, looks_like_image
from semblante.archive.names import is_image_name
from semblante.errors import Refused
from semblante.zip_stream import BLOCK_BYTES, zip_blocks

ARCHIVE_STARTS = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b")
TAR_MARK = slice(257, 262)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PackedFile:
    """An image on this machine, and the name that it gets in the zip and in the CSV."""

    name: str
    path: Path
    size: int
    mtime_ns: int

    def blocks(self) -> Iterator[bytes]:
        """Yield the file's bytes, never more than were there when it was found.

        A file that cannot be read is packed as far as it can, and named in the log: it becomes a
        failed row, not a loss. The row can only tell that there is no whole image.
        """
        left = self.size
        try:
            with self.path.open("rb", buffering=0) as source:
                while left and (block := source.read(min(left, BLOCK_BYTES))):
                    left -= len(block)
                    yield block
        except OSError as error:
            reason = error.strerror
            _log.warning(
                "%s cannot be read: %s. Its row will be a failed one.", _shown(self.path), reason
            )


@dataclass(frozen=True)
class Packing:
    """What is to be packed, sorted by name; files that are no images are only counted."""

    filename: str
    files: tuple[PackedFile, ...]
    left_out: int

    @property
    def size(self) -> int:
        """The sum of the images' bytes."""
        return sum(file.size for file in self.files)

    def blocks(self) -> Iterator[bytes]:
        """Yield the zip of all files, the same bytes on every run."""
        return zip_blocks((file.name, file.blocks()) for file in self.files)


def is_sent_as_it_is(paths: list[Path]) -> bool:
    """Whether `paths` name one file, an archive or an image, which needs no packing."""
    return len(paths) == 1 and not paths[0].is_dir()


def refuse_special(path: Path) -> None:
    """Raise Refused (`invalid_request`) for a pipe or device, which can be read only once or never.

    Raises:
        OSError: There is no such file.
    """
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise Refused("invalid_request", f"{path} is no file or folder: write it to a file first.")


def plan_packing(paths: list[Path]) -> Packing:
    """Find the images below `paths`.

    Names are relative to the folder, if `paths` is one folder, and else to the deepest folder that
    holds all of them. Links to folders are not followed.

    Raises:
        Refused: `invalid_request`, when one of several paths is an archive, a pipe or a device, or
            there is no image.
        OSError: One of `paths` is not there.
    """
    for path in paths:
        refuse_special(path)
    absolute = _absolute(paths)
    if not paths:
        raise Refused("invalid_request", "Name an archive, a folder, or images.")
    if len(paths) == 1:
        root = absolute[0]
    else:
        root = Path(os.path.commonpath([path.parent for path in absolute]))
        _refuse_archives(absolute)
    found: dict[Path, PackedFile] = {}
    left_out = 0
    for path in absolute:
        for file in _files(path):
            packed = _describe(file, root, explicit=file == path)
            if packed is None:
                left_out += 1
            else:
                found[file] = packed
    if not found:
        raise Refused("invalid_request", f"There is no image in {', '.join(map(str, paths))}.")
    return Packing(f"{root.name or 'images'}.zip", _named_apart(found.values()), left_out)


@contextmanager
def opened(paths: list[Path]) -> Iterator[tuple[str, BinaryIO, int]]:
    """Open what is to be sent as (filename, file, size), packed to a temporary file if needed.

    Raises:
        Refused: `invalid_request`, as `plan_packing` does.
        OSError: When the file cannot be read.
    """
    if is_sent_as_it_is(paths):
        refuse_special(paths[0])
        with paths[0].open("rb") as file:
            yield paths[0].name, file, paths[0].stat().st_size
        return
    packing = plan_packing(paths)
    with tempfile.TemporaryFile(prefix="semblante-", suffix=".zip") as packed:
        for block in packing.blocks():
            packed.write(block)
        yield packing.filename, packed, packed.tell()


def _absolute(paths: Sequence[Path]) -> list[Path]:
    """Return `paths` from the root on, without `..`, which no name in an archive may have."""
    if not any(".." in path.parts for path in paths):
        return [path.absolute() for path in paths]
    return [
        path.resolve() if path.name == ".." else path.parent.resolve() / path.name for path in paths
    ]


def _named_apart(files: Iterable[PackedFile]) -> tuple[PackedFile, ...]:
    """Sort by name; names that differ only in bytes that are no UTF-8 are told apart by numbers."""
    named: dict[str, PackedFile] = {}
    last: dict[str, int] = {}
    for file in sorted(files, key=lambda file: (file.name, os.fsencode(file.path))):
        place, name = PurePosixPath(file.name), file.name
        while name in named:
            last[file.name] = last.get(file.name, 1) + 1
            name = str(place.with_name(f"{place.stem} ({last[file.name]}){place.suffix}"))
        if name != file.name:
            _log.warning("The name of %s is no UTF-8; its row has %s.", _shown(file.path), name)
        named[name] = replace(file, name=name)
    return tuple(named[name] for name in sorted(named))


def _shown(path: Path | str) -> str:
    """Return a path as logs can have it: bytes that are no UTF-8 as escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _refuse_archives(paths: list[Path]) -> None:
    for path in paths:
        if path.is_file() and _is_archive(_head(path, TAR_MARK.stop)):
            raise Refused(
                "invalid_request",
                f"{path} is an archive: give one archive at a time, or images and folders.",
            )


def _is_archive(head: bytes) -> bool:
    return head.startswith(ARCHIVE_STARTS) or head[TAR_MARK] == b"ustar"


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for folder, _folders, names in os.walk(path, onerror=_tell_left_out):
        for name in names:
            yield Path(folder, name)


def _tell_left_out(error: OSError) -> None:
    """Name a folder whose images nobody can know."""
    _log.warning("%s cannot be read: %s. It is left out.", _shown(error.filename), error.strerror)


def _describe(path: Path, root: Path, *, explicit: bool) -> PackedFile | None:
    """Return the file if it is an image; one that the person named is never left out."""
    try:
        status = path.stat()
    except OSError:  # a broken link, or removed meanwhile
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    name = os.fsencode(path.relative_to(root).as_posix()).decode("utf-8", "replace")
    if not explicit:
        image = is_image_name(name)
        if image is None:
            image = looks_like_image(_head(path, MAGIC_BYTES))
        if not image:
            return None
    return PackedFile(name, path, status.st_size, status.st_mtime_ns)


def _head(path: Path, length: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(length)
    except OSError:
        return b""
