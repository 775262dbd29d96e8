"""A person's table of what images really show."""

from __future__ import annotations

from semblante.class_names import ClassNames
from semblante.csv_table import Table, bad_table, require_columns, without_guard
from semblante.errors import Refused
from semblante.message import Message

OTHER_CLASS = -1
"""The number of every class that the model lacks."""


def read_truth(
    table: Table, name: str, names: ClassNames, *, keep_other_classes: bool = False
) -> dict[str, int]:
    """Return the number of the true class by image path; more columns are ignored.

    A truth is that of an image's first face: where there is a column `face_id`, as in what people
    corrected, rows of other faces are passed over. A class that is none of `names` gets
    `OTHER_CLASS` with `keep_other_classes`.

    Raises:
        Refused: `bad_table`, `unknown_class` or `class_not_in_model`, naming table and line;
            `empty_dataset`, when there is no row, or none of a first face.
    """
    require_columns(table, name, "image_path", "emotion")
    truth: dict[str, int] = {}
    has_others = False
    for line, row in table.rows:
        if _is_of_another_face(row):
            has_others = True
            continue
        image = without_guard(row["image_path"])
        emotion = row["emotion"]
        if keep_other_classes and not names.knows(emotion):
            number = OTHER_CLASS
        else:
            number = names.find(emotion, f"{name}, line {line}")
        if truth.setdefault(image, number) != number:
            raise bad_table(
                name,
                line,
                Message("%(image)s has another emotion than on an earlier line", image=image),
            )
    if not truth and has_others:
        raise Refused(
            "empty_dataset", "%(name)s has no row of a first face, with face_id 0.", name=name
        )
    if not truth:
        raise Refused("empty_dataset", "%(name)s has no row below its header.", name=name)
    return truth


def _is_of_another_face(row: dict[str, str]) -> bool:
    face = row.get("face_id", "").strip()
    return face.isascii() and face.isdecimal() and int(face) > 0
