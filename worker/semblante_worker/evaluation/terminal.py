"""An evaluation as people read it on a terminal."""

from __future__ import annotations

from itertools import zip_longest

import rich.box
from rich.console import Console
from rich.table import Table

from semblante_worker.evaluation.bootstrap import Estimate
from semblante_worker.evaluation.figures import Evaluation, Scores
from semblante_worker.evaluation.subject import Subject

WIDE = 120
"""Columns that all intervals need; narrower terminals get fewer of them."""


def print_evaluation(console: Console, evaluation: Evaluation, subject: Subject) -> None:
    """Print headline figures, the table of classes, and what was left out."""
    split = f", split {subject.split}" if subject.split else ""
    engine = f", by {subject.engine}" if subject.engine else ""
    console.print(
        f"{subject.model} on {subject.data}{split}{engine}", markup=False, highlight=False
    )
    console.print(_headline(evaluation))
    console.print(_classes(evaluation, is_wide=console.width >= WIDE))
    for line in notes(evaluation, subject):
        console.print(line, markup=False, highlight=False)


def notes(evaluation: Evaluation, subject: Subject) -> list[str]:
    """Say in sentences what the tables do not."""
    lines = []
    if evaluation.failed:
        codes = ", ".join(f"{code} {count:,}" for code, count in evaluation.failed.items())
        count = evaluation.images - evaluation.labelled
        lines.append(f"{count:,} of {evaluation.images:,} images got no label: {codes}.")
    if subject.only_in_results or subject.only_in_truth:
        lines.append(
            f"Not measured: {subject.only_in_results:,} paths are only in the results, "
            f"{subject.only_in_truth:,} only in the truth."
        )
    if subject.outside:
        lines.append(f"Not measured: {subject.outside:,} images lie in no class folder.")
    if subject.other_classes:
        lines.append(f"Not measured: {subject.other_classes:,} images of classes it does not know.")
    absent = [one.emotion.id for one in evaluation.per_class if one.support == 0]
    if absent:
        lines.append(f"No image of: {', '.join(absent)}. Means go over the other classes.")
    lines.append("Ranges are 95 % bootstrap intervals. ECE and Brier: lower is better.")
    return lines


def _headline(evaluation: Evaluation) -> Table:
    columns = [_column(evaluation.labelled, evaluation.scores)]
    titles = ["all images"]
    if evaluation.failed:
        columns.append(_column(evaluation.images, evaluation.scores_with_failed))
        titles = ["failed left out", "failed counted as wrong"]
    columns[0] += [_plain(evaluation.calibration_error), _plain(evaluation.brier)]
    table = Table("", *titles, box=rich.box.SIMPLE_HEAD)
    for column in table.columns[1:]:
        column.justify = "right"
    names = ("images", "accuracy", "mean recall", "macro-F1", "ECE", "Brier")
    for name, *cells in zip_longest(names, *columns, fillvalue=""):
        table.add_row(name, *cells)
    return table


def _classes(evaluation: Evaluation, *, is_wide: bool) -> Table:
    names = ("class", "clase") if is_wide else ("class",)
    titles = (*names, "images", "predicted", "precision", "recall", "F1")
    table = Table(*titles, box=rich.box.SIMPLE_HEAD)
    for column in table.columns[len(names) :]:
        column.justify = "right"
    for one in evaluation.per_class:
        table.add_row(
            *(one.emotion.en, one.emotion.es)[: len(names)],
            f"{one.support:,}",
            f"{one.predicted:,}",
            _share(one.precision, with_range=is_wide),
            _share(one.recall),
            _share(one.f1, with_range=is_wide),
        )
    return table


def _column(images: int, scores: Scores) -> list[str]:
    shares = (scores.accuracy, scores.mean_recall, scores.macro_f1)
    return [f"{images:,}", *map(_share, shares)]


def _share(estimate: Estimate | None, *, with_range: bool = True) -> str:
    if estimate is None:
        return "-"
    value, low, high = (100 * one for one in (estimate.value, estimate.low, estimate.high))
    return f"{value:.1f} %" + (f" ({low:.1f}-{high:.1f})" if with_range else "")


def _plain(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} ({estimate.low:.3f}-{estimate.high:.3f})"
