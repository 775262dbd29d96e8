"""Data sets of image files: a folder, and the rows of a manifest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from semblante.errors import IMAGE_ERROR_CODES, ImageError, Refused
from semblante.packing import plan_packing
from semblante_worker.evaluation.class_names import ClassNames
from semblante_worker.evaluation.dataset import Content, Dataset
from semblante_worker.evaluation.layout import Layout, Split, arrange


class FileReader:
    """Reads image files; one that is too large or unreadable yields why."""

    def __init__(self, files: Sequence[Path], max_image_bytes: int) -> None:
        self._files = tuple(files)
        self._max_image_bytes = max_image_bytes

    def read(self, numbers: Iterable[int]) -> Iterator[tuple[int, Content]]:
        """Yield each file asked for, with its bytes or with why it has none, in that order."""
        for number in numbers:
            yield number, self._read(self._files[number])

    def _read(self, path: Path) -> Content:
        try:
            with path.open("rb") as file:
                data = file.read(self._max_image_bytes + 1)
        except OSError:
            return _known("unreadable_file")
        return _known("too_large") if len(data) > self._max_image_bytes else data


def open_folder(
    folder: Path, names: ClassNames, split: Split | None, max_image_bytes: int
) -> Dataset:
    """Find the labelled images of a folder in ImageFolder layout.

    Raises:
        Refused: `empty_dataset`, `empty_class`, `unknown_class` or `class_not_in_model`; the
            message names the folder.
    """
    try:
        files = plan_packing([folder]).files
    except Refused as error:
        raise Refused("empty_dataset", f"There is no image in {folder}.") from error
    layout = arrange([file.name for file in files], split, names.knows, str(folder))
    _refuse_empty_classes(folder / layout.prefix, layout, names)
    numbers = sorted(layout.folders)
    labels = {
        name: names.find(name, f"Folder {folder / layout.prefix / name}")
        for name in sorted(set(layout.folders.values()))
    }
    return Dataset(
        name=str(folder),
        split=layout.split,
        paths=tuple(files[number].name for number in numbers),
        truth=np.array([labels[layout.folders[number]] for number in numbers], np.int64),
        reader=FileReader([files[number].path for number in numbers], max_image_bytes),
        outside=layout.outside,
    )


def _refuse_empty_classes(parent: Path, layout: Layout, names: ClassNames) -> None:
    used = set(layout.folders.values())
    for folder in sorted(parent.iterdir()):
        if folder.name not in used and names.knows(folder.name) and folder.is_dir():
            raise Refused(
                "empty_class",
                f"{folder} holds no image: put images into it, or remove the folder.",
            )


def _known(code: str) -> ImageError:
    return ImageError(code, IMAGE_ERROR_CODES[code])
