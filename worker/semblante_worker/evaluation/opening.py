"""From what the person names to a data set: a folder, an archive or a manifest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from semblante.emotions import Emotion
from semblante.settings import Settings
from semblante_worker.evaluation.class_names import ClassNames
from semblante_worker.evaluation.dataset import Dataset, check_classes
from semblante_worker.evaluation.image_archive import MANIFEST, open_archive
from semblante_worker.evaluation.image_files import open_folder
from semblante_worker.evaluation.layout import Split
from semblante_worker.evaluation.manifest import open_manifest


def open_dataset(
    path: Path, classes: Sequence[Emotion], split: Split | None, settings: Settings
) -> Dataset:
    """Open the data set `path` with labels from `classes`.

    A folder or zip with `manifest.csv` at its top is read by that, any other by class folders.

    Raises:
        ArchiveError: see `list_archive`.
        Refused: see `open_folder`, `open_archive`, `open_manifest` and `check_classes`.
    """
    if path.is_dir() and (path / MANIFEST).is_file():
        path = path / MANIFEST
    if path.is_dir():
        dataset = open_folder(path, ClassNames(classes), split, settings.max_image_bytes)
    elif path.suffix.lower() == ".csv":
        dataset = open_manifest(path, classes, split, settings.max_image_bytes)
    else:
        dataset = open_archive(path, classes, split, settings)
    check_classes(dataset.truth, dataset.name)
    return dataset
