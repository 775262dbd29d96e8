"""The product's own CSV, compared with the truth: the labels that people have already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from semblante.class_names import ClassNames
from semblante.csv_table import (
    Table,
    bad_table,
    opened_table,
    require_columns,
    without_guard,
)
from semblante.emotions import EMOTIONS, Emotion
from semblante.errors import Refused
from semblante.export import AFTER_CLASSES, BEFORE_CLASSES
from semblante.message import Message
from semblante.truth_table import OTHER_CLASS, read_truth
from semblante_worker.evaluation.measured import Measured

_Rank = tuple[bool, int]

ClassesOf = Callable[[str], Sequence[Emotion] | None]
"""Gives the classes of a model by its reference, None when it is not installed."""


@dataclass(frozen=True)
class Compared:
    """The images that both files name, and how many only one of them does."""

    model: str
    classes: tuple[Emotion, ...]
    measured: Measured
    only_in_results: int
    only_in_truth: int
    other_classes: int
    """Images of both that are left out, because the model lacks their class."""


@dataclass(frozen=True)
class _Found:
    """An image of the results: its label and probabilities, or the code of why it has none."""

    label: int
    probabilities: tuple[float, ...]
    code: str | None = None


def compare_results(
    results: Path, truth: Path, classes_of: ClassesOf, *, skip_other_classes: bool = False
) -> Compared:
    """Compare the CSV `results` of a job with the CSV `truth`; an image's least `face_id` counts.

    With `skip_other_classes` images whose class the model lacks are left out.

    Raises:
        Refused: `bad_table`, `unknown_class` or `class_not_in_model`, naming file and line;
            `nothing_to_measure`, when no image is in both, or none of the model's classes.
    """
    with opened_table(results) as table:
        require_columns(table, str(results), *BEFORE_CLASSES, *AFTER_CLASSES)
        ids = _class_columns(table, str(results))
        model, classes, found = _read(table, ids, str(results), classes_of)
    names = ClassNames(classes)
    with opened_table(truth) as table:
        wanted = read_truth(table, str(truth), names, keep_other_classes=skip_other_classes)
    both = [path for path in found if path in wanted]
    if not both:
        raise Refused(
            "nothing_to_measure",
            f"No image_path of {truth} is in {results}: paths must be written as in the CSV.",
        )
    known = [path for path in both if wanted[path] != OTHER_CLASS]
    if not known:
        raise Refused(
            "nothing_to_measure",
            f"No image of {truth} that is in {results} has one of the model's classes.",
        )
    return Compared(
        model=model,
        classes=classes,
        measured=_join(known, found, wanted, len(classes)),
        only_in_results=len(found) - len(both),
        only_in_truth=len(wanted) - len(both),
        other_classes=len(both) - len(known),
    )


def _class_columns(table: Table, name: str) -> tuple[str, ...]:
    first, last = table.columns.index(BEFORE_CLASSES[-1]), table.columns.index(AFTER_CLASSES[0])
    ids = table.columns[first + 1 : last]
    if len(ids) < 2:
        raise bad_table(
            name, 1, Message("there is no column per class between confidence and face_x")
        )
    return ids


def _read(
    table: Table, ids: Sequence[str], name: str, classes_of: ClassesOf
) -> tuple[str, tuple[Emotion, ...], dict[str, _Found]]:
    model, classes = "", _named(ids, None)
    names = ClassNames(classes)
    found: dict[str, _Found] = {}
    ranks: dict[str, _Rank] = {}
    for line, row in table.rows:
        if not model:
            model = without_guard(row["model"])
            classes = _named(ids, classes_of(model))
            names = ClassNames(classes)
        elif without_guard(row["model"]) != model:
            raise _another_model(model, without_guard(row["model"]), name, line)
        path, rank = without_guard(row["image_path"]), _rank(row, name, line)
        one = _found(row, ids, names, name, line)
        if path not in found or rank < ranks[path]:
            found[path], ranks[path] = one, rank
    return model, classes, found


def _rank(row: dict[str, str], name: str, line: int) -> _Rank:
    """Return what the row of an image that counts has least of, in whatever order rows are.

    A second member with the same name is not the image that the first one is.
    """
    face = row["face_id"]
    if face and not (face.isascii() and face.isdecimal()):
        raise bad_table(name, line, Message("face_id is no number: %(face)r", face=face))
    return row["error_code"] == "duplicate_path", int(face or 0)


def _another_model(first: str, model: str, name: str, line: int) -> Refused:
    return bad_table(
        name,
        line,
        Message(
            "the model is %(model)s, but %(first)s before; give the rows of one model at a time",
            model=model,
            first=first,
        ),
    )


def _found(
    row: dict[str, str], ids: Sequence[str], names: ClassNames, name: str, line: int
) -> _Found:
    status = row["status"]
    if status == "no_face":
        return _Found(-1, (), "no_face")
    if status == "failed":
        return _Found(-1, (), row["error_code"] or "failed")
    if status != "ok":
        raise bad_table(
            name, line, Message("status is %(status)r, not ok, no_face or failed", status=status)
        )
    try:
        probabilities = tuple(float(row[one]) for one in ids)
    except ValueError as error:
        raise bad_table(
            name, line, Message("a probability is no number: %(reason)s", reason=error)
        ) from None
    for one, probability in zip(ids, probabilities, strict=True):
        if not 0 <= probability <= 1:  # nan, too
            raise bad_table(
                name,
                line,
                Message("%(one)s is no probability: %(cell)r", one=one, cell=row[one]),
            )
    if abs(sum(probabilities) - 1) > 0.001 * max(1, len(ids) / 20):
        raise bad_table(
            name,
            line,
            Message("the probabilities sum to %(sum).4f, not 1", sum=sum(probabilities)),
        )
    return _Found(names.find(row["emotion"], f"{name}, line {line}"), probabilities)


def _named(ids: Sequence[str], known: Sequence[Emotion] | None) -> tuple[Emotion, ...]:
    """Give the classes of the columns their names: the model's, or else the seven emotions'."""
    by_id = {emotion.id: emotion for emotion in (known or EMOTIONS)}
    return tuple(by_id.get(one, Emotion(one, one, one)) for one in ids)


def _join(
    paths: Sequence[str], found: dict[str, _Found], truth: dict[str, int], classes: int
) -> Measured:
    labelled = [path for path in paths if found[path].code is None]
    codes = {path: code for path in paths if (code := found[path].code) is not None}
    probabilities = np.array([found[path].probabilities for path in labelled], np.float32)
    return Measured(
        numbers=np.arange(len(labelled)),
        paths=tuple(labelled),
        truth=np.array([truth[path] for path in labelled], np.int64),
        predicted=np.array([found[path].label for path in labelled], np.int64),
        probabilities=probabilities.reshape(len(labelled), classes),
        failed=dict(sorted(Counter(codes.values()).items())),
        failed_truth=np.array([truth[path] for path in codes], np.int64),
    )
