"""From what the person names to what is measured: one part of a data set, with true classes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from semblante.archive import Limits
from semblante.class_names import ClassNames
from semblante.csv_table import bad_table
from semblante.emotions import Emotion
from semblante.errors import Refused
from semblante.message import Message
from semblante.settings import Settings
from semblante_worker.datasets.dataset import Dataset as Listed
from semblante_worker.datasets.dataset import read_dataset
from semblante_worker.datasets.entry import Entry, Split
from semblante_worker.datasets.name_list import read_names
from semblante_worker.datasets.picture_store import Content, PictureStore
from semblante_worker.evaluation.dataset import Dataset, check_classes

SPLITS: tuple[Split, ...] = ("test", "val", "train")
"""In the order in which a split is looked for when none is asked for."""


class StoreReader:
    """Reads the pictures at `paths` of a store."""

    def __init__(self, store: PictureStore, paths: Sequence[str]) -> None:
        self._store = store
        self._paths = tuple(paths)

    def read(self, numbers: Iterable[int]) -> Iterator[tuple[int, Content]]:
        """Yield each picture asked for, with its bytes or with why it has none, in that order."""
        wanted = list(numbers)
        contents = self._store.read_many(self._paths[number] for number in wanted)
        yield from zip(wanted, contents, strict=True)


def open_dataset(
    path: Path,
    classes: Sequence[Emotion],
    split: Split | None,
    settings: Settings,
    *,
    folders: Mapping[str, Sequence[str]] | None = None,
    exclude: Path | None = None,
    skip_other_classes: bool = False,
) -> Dataset:
    """Open the data set `path` with labels from `classes`, whose `folders` see `ClassNames`.

    Without a `split`, folders give the first of test, val and train that is there, a manifest all.
    Pictures that the list `exclude` names are left out; so are, with `skip_other_classes`, those
    with labels that are none of `classes`.

    Raises:
        Refused: see `read_dataset`; `empty_class`, `unknown_class`, `class_not_in_model` or
            `one_class_only`; the message names the folder, or file and line.
    """
    names = ClassNames(classes, folders)
    limits = Limits.from_settings(settings)
    listed = read_dataset(path, names.knows, limits=limits, is_strict=False)
    if exclude is not None:
        listed = listed.without(read_names(exclude))
    chosen, entries = _select(listed, split)
    of_part = len(entries)
    if skip_other_classes:
        entries = _known(listed, entries, names)
    _refuse_empty_classes(listed, chosen, names)
    paths = tuple(entry.path for entry in entries)
    truth = _truth(entries, names)
    dataset = Dataset(
        name=str(path),
        split=chosen,
        paths=paths,
        truth=np.array(truth, np.int64),
        reader=StoreReader(listed.store, paths),
        outside=listed.outside.get(chosen or "train", 0),
        other_classes=of_part - len(entries),
    )
    check_classes(dataset.truth, dataset.name)
    return dataset


def _select(listed: Listed, split: Split | None) -> tuple[Split | None, list[Entry]]:
    """Return the split that is measured, None for everything, and its entries.

    Raises:
        Refused: `empty_dataset`, or `bad_table` for a manifest that names no parts.
    """
    if split is not None and not listed.has_parts:
        if listed.layout == "manifest":
            raise bad_table(str(listed.origin), 1, Message("there is no column split or usage"))
        raise Refused(
            "empty_dataset",
            f"{listed.origin} has no folder {split!r} with class folders; leave --split out.",
        )
    there = {entry.split for entry in listed.entries}
    if split is None and listed.layout == "parts":
        split = next((one for one in SPLITS if one in there), None)
    entries = [entry for entry in listed.entries if split in (None, entry.split)]
    if not entries:
        raise Refused(
            "empty_dataset",
            f"{listed.origin} has no images of the split {split!r}; "
            f"it has: {', '.join(one for one in SPLITS if one in there)}."
            if there
            else f"{listed.origin}: every image is left out.",
        )
    return split, entries


def _known(listed: Listed, entries: Sequence[Entry], names: ClassNames) -> list[Entry]:
    """Return the entries with labels of the model's classes.

    Raises:
        Refused: `empty_dataset`, when there is none.
    """
    known = [entry for entry in entries if names.knows(entry.label)]
    if not known:
        raise Refused("empty_dataset", f"{listed.origin} has no image of the model's classes.")
    return known


def _truth(entries: Sequence[Entry], names: ClassNames) -> list[int]:
    try:
        return [names.find(entry.label, entry.place) for entry in entries]
    except Refused as refusal:
        raise Refused(
            refusal.code, f"{refusal.message} Such images are left out by --skip-other-classes."
        ) from refusal


def _refuse_empty_classes(listed: Listed, split: Split | None, names: ClassNames) -> None:
    for folder in listed.empty_classes(split):
        if names.knows(folder.rpartition("/")[2]):
            raise Refused(
                "empty_class",
                f"{listed.origin / folder} holds no image: put images into it, or remove the "
                "folder.",
            )
