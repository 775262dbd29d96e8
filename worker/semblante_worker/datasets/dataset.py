"""Data sets: which pictures there are, their parts (train, val, test) and their labels.

Three layouts are read, from a folder, a zip or a tar:

- `[FOLDER/]train/<class>/...`, and `val` and `test` beside `train` if there are any;
- `[FOLDER/]<class>/...`: all pictures are for training;
- a manifest: `[FOLDER/]manifest.csv` beside the pictures, or a CSV file itself (see `manifest.py`).

Labels are kept as they are written; who reads a data set makes classes of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Literal

from semblante.archive import Limits
from semblante.class_names import ClassNames
from semblante.emotions import EMOTIONS
from semblante.errors import Refused
from semblante_worker.datasets.archive_store import open_archive
from semblante_worker.datasets.entry import SPLIT_NAMES, Entry, Split
from semblante_worker.datasets.folder_store import FolderStore
from semblante_worker.datasets.layout import Arrangement, Knows, arrange
from semblante_worker.datasets.manifest import PARTS, read_manifest
from semblante_worker.datasets.manifest_file import (
    ManifestFile,
    find_in_archive,
    find_in_folder,
    listed_file,
)
from semblante_worker.datasets.picture_store import GENEROUS, PictureStore

Layout = Literal["parts", "classes", "manifest"]


@dataclass(frozen=True)
class Dataset:
    """A data set as it lies on the disk; nothing is decoded yet.

    `has_parts` says whether it names parts at all. `outside` counts, by part, the pictures in no
    class folder, which are no entries. Folders have an `arrangement`, a manifest `manifest`.
    """

    origin: Path
    layout: Layout
    store: PictureStore
    entries: tuple[Entry, ...]
    empty_folders: tuple[str, ...] = ()
    has_parts: bool = False
    outside: Mapping[Split | None, int] = field(default_factory=dict)
    arrangement: Arrangement | None = None
    manifest: ManifestFile | None = None

    def counts(self) -> dict[Split, dict[str, int]]:
        """Return the number of pictures by part and label, labels sorted."""
        result: dict[Split, dict[str, int]] = {}
        for split in ("train", "val", "test"):
            found = Counter(entry.label for entry in self.entries if entry.split == split)
            if found:
                result[split] = dict(sorted(found.items()))
        return result

    def empty_classes(self, split: Split | None) -> tuple[str, ...]:
        """Return the empty folders that stand where those of classes do, in `split` if given."""
        arrangement = self.arrangement
        if arrangement is None:
            return ()
        return tuple(
            folder
            for folder in self.empty_folders
            if arrangement.folder_of(f"{folder}/_") == folder
            and arrangement.split_of(f"{folder}/_") in ((split,) if split else SPLIT_NAMES.values())
        )

    def without(self, names: Iterable[str]) -> Dataset:
        """Return the data set without the pictures whose file name (or whole path) is in `names`.

        Endings do not count: the same list serves a copy in another format.
        """
        left_out = {_stem(name) for name in names}
        kept = tuple(
            entry
            for entry in self.entries
            if _stem(entry.path) not in left_out
            and _stem(PurePosixPath(entry.path).name) not in left_out
        )
        return replace(self, entries=kept)


def read_dataset(
    path: Path, knows: Knows | None = None, *, limits: Limits = GENEROUS, is_strict: bool = True
) -> Dataset:
    """List a data set; `knows` tells the names of classes, those of the seven emotions by default.

    When it is strict, every picture must lie in a class folder, and a manifest's pictures exist.

    Raises:
        Refused: `empty_dataset`, `bad_table`, `unknown_class` or the code of a damaged archive's
            error; the message names the folder, file or line.
    """
    knows = knows or ClassNames(EMOTIONS).knows
    if path.is_dir() or path.suffix.lower() == ".csv":
        listed = find_in_folder(path) if path.is_dir() else path
        if listed is None:
            return _in_folders(path, FolderStore(path, limits), knows, is_strict=is_strict)
        beside = FolderStore(listed.parent, limits, is_listed=False)
        return _listed(path, beside, listed_file(listed), knows, is_strict=is_strict)
    store = open_archive(path, limits)
    manifest = find_in_archive(path, store.kind, store.pictures)
    if manifest is None:
        return _in_folders(path, store, knows, is_strict=is_strict)
    return _listed(path, store.below(manifest.folder), manifest, knows, is_strict=is_strict)


def _listed(
    path: Path, store: PictureStore, manifest: ManifestFile, knows: Knows, *, is_strict: bool
) -> Dataset:
    with manifest.open() as table:
        entries = read_manifest(table, manifest.name, knows, store.has if is_strict else None)
        has_parts = any(column in table.columns for column in PARTS)
    return Dataset(path, "manifest", store, entries, has_parts=has_parts, manifest=manifest)


def _in_folders(path: Path, store: PictureStore, knows: Knows, *, is_strict: bool) -> Dataset:
    if not store.pictures:
        raise Refused(
            "empty_dataset", f"There is no image in {path}. It holds no image{_WHERE_IMAGES_BELONG}"
        )
    arrangement = arrange(store.pictures, knows)
    entries: list[Entry] = []
    outside: Counter[Split | None] = Counter()
    where = f"Folder {path}/" if path.is_dir() else f"{path}, folder "
    for picture in store.pictures:
        folder, split = arrangement.folder_of(picture), arrangement.split_of(picture)
        if folder is not None and split is not None:
            label = folder.rpartition("/")[2]
            entries.append(Entry(picture, split, label, place=where + folder))
        elif is_strict:
            raise _stray(path, picture, arrangement)
        else:
            outside[split] += 1
    if not entries:
        raise Refused("empty_dataset", f"{path} has no image{_WHERE_IMAGES_BELONG}")
    return Dataset(
        origin=path,
        layout="parts" if arrangement.has_parts else "classes",
        store=store,
        entries=tuple(entries),
        empty_folders=_empty(store),
        has_parts=arrangement.has_parts,
        outside=outside,
        arrangement=arrangement,
    )


_WHERE_IMAGES_BELONG = (
    " in a class folder; it needs <class>/image.jpg, or train, val or test with such folders."
)


def _stray(path: Path, picture: str, arrangement: Arrangement) -> Refused:
    where = "no folder of a class"
    if arrangement.split_of(picture) is None:
        where = "none of the folders train, val and test"
    return Refused("unknown_class", f"{path}: {picture} lies in {where}; move it or remove it.")


def _stem(path: str) -> str:
    return str(PurePosixPath(path).with_suffix(""))


def _empty(store: PictureStore) -> tuple[str, ...]:
    filled: set[str] = set()
    for picture in store.pictures:
        filled.update(str(parent) for parent in PurePosixPath(picture).parents)
    return tuple(folder for folder in store.folders if folder not in filled)
