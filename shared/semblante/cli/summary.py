"""What a person reads when a job has ended: counts, speed, emotions, failures."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping

import click

from semblante.duration import duration
from semblante.errors import IMAGE_ERROR_CODES
from semblante.job_view import JobView

BAR_CELLS = 24


def print_summary(view: JobView, failures: Mapping[str, int], *, err: bool = False) -> None:
    """Print what became of a job that has ended.

    Args:
        view: The job.
        failures: Failed images by error code; empty when it is not known.
        err: Print on stderr, because stdout carries data.
    """
    for line in summary_lines(view, failures):
        click.echo(line, err=err)


def summary_lines(view: JobView, failures: Mapping[str, int]) -> Iterator[str]:
    """Yield the lines of the summary."""
    if view.state != "completed":
        reason = f": {view.error.detail} [{view.error.code}]" if view.error else "."
        yield f"The job over {view.filename} is {view.state}{reason}"
        return
    counts = view.counts
    yield f"{view.filename}: {counts.total:,} images{_speed(view)}, model {view.model}"
    yield (
        f"  labelled {counts.ok:,}, without a face {counts.no_face:,}, "
        f"failed {counts.failed:,}, skipped (no images) {counts.skipped:,}"
    )
    if view.detectors:
        yield f"  faces {counts.faces:,}, found by {' and '.join(view.detectors)}"
    yield from bar_lines(view.emotions)
    if failures:
        yield "  Failed images:"
        for code, number in failures.items():
            yield f"    {number:>7,}  {code}: {IMAGE_ERROR_CODES.get(code, '')}"


def bar_lines(faces: Mapping[str, int]) -> Iterator[str]:
    """Yield one line with a bar per emotion, in the given order."""
    total = sum(faces.values())
    if not total:
        return
    width = max(map(len, faces))
    for emotion, number in faces.items():
        share = number / total
        yield f"    {emotion:<{width}}  {bar(share)}  {number:>9,}  {100 * share:5.1f} %"


def bar(share: float) -> str:
    """Return a bar of fixed width for a share between 0 and 1."""
    full, rest = _cells()
    cells = round(share * BAR_CELLS)
    return full * cells + rest * (BAR_CELLS - cells)


def _cells() -> tuple[str, str]:
    """Block characters, or plain ones where the output cannot show them."""
    try:
        "█░".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return "#", "."
    return "█", "░"


def _speed(view: JobView) -> str:
    if view.in_progress_at is None or view.completed_at is None:
        return ""
    seconds = (view.completed_at - view.in_progress_at).total_seconds()
    speed = f", {view.images_per_second:,.1f} images/s" if view.images_per_second else ""
    return f" in {duration(seconds)}{speed}"
