"""Data sets: which pictures there are, their parts (train, val, test) and their labels.

Three layouts are read, from a folder or a zip:

- `[FOLDER/]train/<class>/...`, and `val` and `test` beside `train` if there are any;
- `[FOLDER/]<class>/...`: all pictures are for training;
- a manifest: `manifest.csv` beside the pictures, or a CSV file itself (see `manifest.py`).

Labels are kept as they are written; `labels.py` makes classes of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal

from semblante.errors import TrainingError
from semblante_worker.training.entry import SPLIT_NAMES, Entry, Split
from semblante_worker.training.manifest import MANIFEST, read_manifest
from semblante_worker.training.picture_store import FolderStore, PictureStore, open_store

Layout = Literal["parts", "classes", "manifest"]


@dataclass(frozen=True)
class Dataset:
    """A data set as it lies on the disk; nothing is decoded yet."""

    origin: Path
    layout: Layout
    store: PictureStore
    entries: tuple[Entry, ...]
    empty_folders: tuple[str, ...]

    def counts(self) -> dict[Split, dict[str, int]]:
        """Return the number of pictures by part and label, labels sorted."""
        result: dict[Split, dict[str, int]] = {}
        for split in ("train", "val", "test"):
            found = Counter(entry.label for entry in self.entries if entry.split == split)
            if found:
                result[split] = dict(sorted(found.items()))
        return result

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


def read_dataset(path: Path) -> Dataset:
    """List a data set.

    Raises:
        TrainingError: `invalid_dataset`; the message names the folder or file.
    """
    if path.suffix.lower() == ".csv":
        store: PictureStore = FolderStore(path.parent)
        text = store.read_text(path.name)
    else:
        store = open_store(path)
        text = store.read_text(MANIFEST)
    if text is not None:
        entries = read_manifest(text, path, store.pictures)
        return Dataset(path, "manifest", store, entries, ())
    if not store.pictures:
        raise invalid(f"{path} holds no image")
    has_parts = any(_place(picture) is not None for picture in store.pictures)
    entries = tuple(_entry(path, picture, has_parts) for picture in store.pictures)
    layout: Layout = "parts" if has_parts else "classes"
    return Dataset(path, layout, store, entries, _empty(store))


def read_names(path: Path) -> list[str]:
    """Return the lines of a list of file names.

    Raises:
        TrainingError: `invalid_dataset`, when it cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise invalid(f"the list {path} cannot be read: {error}") from error
    return [line.strip() for line in lines if line.strip()]


def invalid(what: str) -> TrainingError:
    """Return the error for a data set that cannot be used."""
    return TrainingError("invalid_dataset", f"The data set cannot be used: {what}.")


def _stem(path: str) -> str:
    return str(PurePosixPath(path).with_suffix(""))


def _place(picture: str) -> int | None:
    """Return where the name of a part stands in a path: at its top, or one folder below."""
    parts = picture.split("/")[:-1]
    for place, part in enumerate(parts[:2]):
        if part.lower() in SPLIT_NAMES:
            return place
    return None


def _entry(origin: Path, picture: str, has_parts: bool) -> Entry:
    parts = picture.split("/")
    place = _place(picture)
    if not has_parts:
        if len(parts) < 2:
            raise invalid(f"{origin}: {picture} lies in no folder of a class")
        return Entry(picture, "train", parts[-2])
    if place is None:
        raise invalid(f"{origin}: {picture} lies in none of the folders train, val and test")
    if len(parts) < place + 3:
        raise invalid(f"{origin}: {picture} lies in no folder of a class")
    return Entry(picture, SPLIT_NAMES[parts[place].lower()], parts[place + 1])


def _empty(store: PictureStore) -> tuple[str, ...]:
    filled: set[str] = set()
    for picture in store.pictures:
        filled.update(str(parent) for parent in PurePosixPath(picture).parents)
    return tuple(folder for folder in store.folders if folder not in filled)
