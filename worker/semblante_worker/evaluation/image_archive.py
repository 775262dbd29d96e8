"""A data set in a zip or tar, read as the product reads uploads; never unpacked to the disk."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from semblante.archive import Limits, Member, Source, detect_kind, list_members, read_members
from semblante.emotions import Emotion
from semblante.errors import IMAGE_ERROR_CODES, ImageError, Refused
from semblante.settings import Settings
from semblante.storage import LocalStorage, StoredSource
from semblante_worker.evaluation.class_names import ClassNames
from semblante_worker.evaluation.dataset import Content, Dataset
from semblante_worker.evaluation.layout import Split, arrange
from semblante_worker.evaluation.manifest import read_manifest
from semblante_worker.evaluation.table import bad_table, read_table

MANIFEST = "manifest.csv"
MANIFEST_BYTES = 256 * 1024**2
READ_AT_ONCE = 256
"""Images per call of `read_members`, so that no more than a chunk's bytes are in memory."""


class MemberReader:
    """Reads members of an archive; one that is damaged, or None for not there, yields why."""

    def __init__(
        self, source: Source, members: Sequence[Member | None], max_image_bytes: int
    ) -> None:
        self._source = source
        self._members = tuple(members)
        self._max_image_bytes = max_image_bytes

    def read(self, numbers: Iterable[int]) -> Iterator[tuple[int, Content]]:
        """Yield each member asked for, with its bytes or with why it has none, in that order."""
        wanted = list(numbers)
        for first in range(0, len(wanted), READ_AT_ONCE):
            group = wanted[first : first + READ_AT_ONCE]
            members = [member for number in group if (member := self._members[number])]
            contents = read_members(self._source, members, self._max_image_bytes)
            for number in group:
                yield number, next(contents)[1] if self._members[number] else _not_there()


def list_archive(path: Path, settings: Settings) -> tuple[Source, list[Member]]:
    """Return the archive `path` as a source, and the images in it.

    Raises:
        ArchiveError: `not_an_archive`, `corrupt_archive`, or a limit of the settings.
        Refused: `empty_dataset`, when it is compressed as a whole or a single image.
    """
    source = StoredSource(LocalStorage(path.parent), path.name)
    kind = detect_kind(source)
    if kind in ("image", "tar.gz"):
        raise Refused(
            "empty_dataset", f"{path}: a data set is a folder, a zip, a tar or a manifest's CSV."
        )
    limits = Limits.from_settings(settings)
    return source, list(list_members(source, kind, path.name, limits))


def open_archive(
    path: Path, classes: Sequence[Emotion], split: Split | None, settings: Settings
) -> Dataset:
    """Find the labelled images of an archive: by the manifest at its top, or by class folders.

    Raises:
        ArchiveError: see `list_archive`.
        Refused: `empty_dataset`, `unknown_class` or `class_not_in_model`; the message names the
            folder. See also `read_manifest`.
    """
    source, members = list_archive(path, settings)
    manifest = _manifest_lines(path)
    if manifest is not None:
        name = f"{path}/{MANIFEST}"
        paths, truth = read_manifest(read_table(manifest, name), name, classes, split)
        by_path = {member.path: member for member in reversed(members)}
        found = [by_path.get(one) for one in paths]
        reader = MemberReader(source, found, settings.max_image_bytes)
        return Dataset(str(path), split, paths, truth, reader)
    names = ClassNames(classes)
    layout = arrange([member.path for member in members], split, names.knows, str(path))
    numbers = sorted(layout.folders)
    labels = {
        name: names.find(name, f"{path}, folder {layout.prefix}{name}")
        for name in sorted(set(layout.folders.values()))
    }
    chosen = [members[number] for number in numbers]
    return Dataset(
        name=str(path),
        split=layout.split,
        paths=tuple(member.path for member in chosen),
        truth=np.array([labels[layout.folders[number]] for number in numbers], np.int64),
        reader=MemberReader(source, chosen, settings.max_image_bytes),
        outside=layout.outside,
    )


def _manifest_lines(path: Path) -> io.StringIO | None:
    """Return the manifest at the top of a zip, None when there is none.

    Python's own reader, because `semblante.archive` lists nothing but images.
    """
    if not zipfile.is_zipfile(path):
        return None
    name = f"{path}/{MANIFEST}"
    try:
        with zipfile.ZipFile(path) as archive:
            if MANIFEST not in archive.NameToInfo:
                return None
            with archive.open(MANIFEST) as file:
                data = file.read(MANIFEST_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, OSError) as error:
        raise bad_table(name, 1, f"it cannot be unpacked: {error}") from error
    if len(data) > MANIFEST_BYTES:
        raise bad_table(name, 1, f"it has more than {MANIFEST_BYTES} bytes")
    try:
        return io.StringIO(data.decode("utf-8-sig"), newline="")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise bad_table(name, line, "it is not UTF-8; save the table as CSV UTF-8") from error


def _not_there() -> ImageError:
    return ImageError("unreadable_file", IMAGE_ERROR_CODES["unreadable_file"])
