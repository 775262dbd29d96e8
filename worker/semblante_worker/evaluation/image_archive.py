"""A data set in a zip or tar, read as the product reads uploads; never unpacked to the disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from semblante.archive import Limits, Member, Source, detect_kind, list_members, read_members
from semblante.errors import Refused
from semblante.settings import Settings
from semblante.storage import LocalStorage, StoredSource
from semblante_worker.evaluation.class_names import ClassNames
from semblante_worker.evaluation.dataset import Content, Dataset
from semblante_worker.evaluation.layout import Split, arrange

READ_AT_ONCE = 256
"""Members per call of `read_members`, so that no more than a chunk's bytes are in memory."""


class MemberReader:
    """Reads members of an archive; one that is damaged yields why."""

    def __init__(self, source: Source, members: Sequence[Member], max_image_bytes: int) -> None:
        self._source = source
        self._members = tuple(members)
        self._max_image_bytes = max_image_bytes

    def read(self, numbers: Iterable[int]) -> Iterator[tuple[int, Content]]:
        """Yield each member asked for, with its bytes or with why it has none, in that order."""
        wanted = list(numbers)
        for first in range(0, len(wanted), READ_AT_ONCE):
            group = wanted[first : first + READ_AT_ONCE]
            members = [self._members[number] for number in group]
            contents = read_members(self._source, members, self._max_image_bytes)
            for number, (_member, content) in zip(group, contents, strict=True):
                yield number, content


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


def open_archive(path: Path, names: ClassNames, split: Split | None, settings: Settings) -> Dataset:
    """Find the labelled images of an archive in ImageFolder layout.

    Raises:
        ArchiveError: see `list_archive`.
        Refused: `empty_dataset`, `unknown_class` or `class_not_in_model`; the message names the
            folder.
    """
    source, members = list_archive(path, settings)
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
