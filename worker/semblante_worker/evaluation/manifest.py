"""Manifests: data sets listed by a CSV with `path,label`, and votes where there are any."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from semblante.emotions import EMOTIONS, Emotion
from semblante.errors import Refused
from semblante_worker.evaluation.class_names import ClassNames
from semblante_worker.evaluation.dataset import Dataset
from semblante_worker.evaluation.image_files import FileReader
from semblante_worker.evaluation.layout import Split
from semblante_worker.evaluation.metrics import Labels
from semblante_worker.evaluation.table import Table, bad_table, opened_table, require_columns

_SPLIT_NAMES = {"valid": "val", "validation": "val"}


def read_manifest(
    table: Table, name: str, classes: Sequence[Emotion], split: Split | None
) -> tuple[tuple[str, ...], Labels]:
    """Return the paths [n] and true classes, int64 [n], that a manifest lists.

    `label` names a class as folders do. Where it is empty, the class with most votes counts:
    columns named like classes, or `p1` to `p7` in the order of RAF-DB's folders. With a `split`,
    only rows count whose column of that name has it. `name` is the file's, for messages.

    Raises:
        Refused: `bad_table`, `unknown_class` or `class_not_in_model`, naming file and line;
            `empty_dataset`, when no row is of the split.
    """
    names = ClassNames(classes)
    paths: list[str] = []
    truth: list[int] = []
    require_columns(table, name, "path", "label", *(("split",) if split else ()))
    votes = _vote_columns(table, classes, names)
    for line, row in table.rows:
        if split is not None and not _is_of(row, split):
            continue
        if not row["path"].strip():
            raise bad_table(name, line, "the path is empty")
        paths.append(row["path"].strip())
        label = row["label"].strip()
        if label:
            truth.append(names.find(label, f"{name}, line {line}"))
        else:
            truth.append(_majority(row, votes, name, line))
    if not paths:
        wanted = f" of the split {split!r}" if split else ""
        raise Refused("empty_dataset", f"{name} lists no image{wanted}.")
    return tuple(paths), np.array(truth, np.int64)


def open_manifest(
    path: Path, classes: Sequence[Emotion], split: Split | None, max_image_bytes: int
) -> Dataset:
    """Open the data set that the manifest `path` lists; its paths are relative to its folder.

    Raises:
        Refused: see `read_manifest`.
    """
    with opened_table(path) as table:
        paths, truth = read_manifest(table, str(path), classes, split)
    reader = FileReader([path.parent / one for one in paths], max_image_bytes)
    return Dataset(str(path), split, paths, truth, reader)


def _is_of(row: dict[str, str], split: Split) -> bool:
    named = row.get("split", "").strip().casefold()
    return _SPLIT_NAMES.get(named, named) == split


def _vote_columns(table: Table, classes: Sequence[Emotion], names: ClassNames) -> dict[str, int]:
    """Return the number of the class that each column of votes is for."""
    columns = {
        f"p{number}": names.find(emotion.id, "")
        for number, emotion in enumerate(EMOTIONS, 1)
        if names.knows(emotion.id)
    }
    columns |= {emotion.id: number for number, emotion in enumerate(classes)}
    return {column: columns[column] for column in table.columns if column in columns}


def _majority(row: dict[str, str], votes: dict[str, int], name: str, line: int) -> int:
    shares: dict[int, float] = {}
    for column, number in votes.items():
        try:
            shares[number] = float(row[column] or 0)
        except ValueError:
            raise bad_table(name, line, f"{column} is no number: {row[column]!r}") from None
    best = max(shares.values(), default=0.0)
    winners = [number for number, share in shares.items() if share == best]
    if best <= 0 or len(winners) > 1:
        raise bad_table(name, line, "it has neither a label nor a majority of votes")
    return winners[0]
