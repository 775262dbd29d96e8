"""The truth about a job's images: a CSV with `image_path` and `emotion`."""

from __future__ import annotations

from pathlib import Path

from semblante.errors import Refused
from semblante_worker.datasets.class_names import ClassNames
from semblante_worker.datasets.table import (
    bad_table,
    opened_table,
    require_columns,
    without_guard,
)


def read_truth(path: Path, names: ClassNames) -> dict[str, int]:
    """Return the number of the true class by image path; more columns are ignored.

    Raises:
        Refused: `bad_table`, `unknown_class` or `class_not_in_model`, naming file and line.
    """
    truth: dict[str, int] = {}
    with opened_table(path) as table:
        require_columns(table, str(path), "image_path", "emotion")
        for line, row in table.rows:
            image = without_guard(row["image_path"])
            number = names.find(row["emotion"], f"{path}, line {line}")
            if truth.setdefault(image, number) != number:
                raise bad_table(
                    str(path), line, f"{image} has another emotion than on an earlier line"
                )
    if not truth:
        raise Refused("empty_dataset", f"{path} has no row below its header.")
    return truth
