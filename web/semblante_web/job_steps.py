"""The steps of a job's work, as its page shows them: what is done, at hand, to come or stopped."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple

from semblante.job_view import JobView
from semblante.lifecycle import State

STEPS: tuple[State, ...] = ("validating", "in_progress", "finalizing")
Progress = Literal["done", "now", "todo", "stopped"]


class Step(NamedTuple):
    """One step; `seconds` it took, where it is done."""

    state: State
    progress: Progress
    seconds: float | None


def steps_of(job: JobView) -> list[Step]:
    """Return the steps of the work in their order."""
    began = [job.validating_at, job.in_progress_at, job.finalizing_at]
    ended = [job.in_progress_at, job.finalizing_at, job.completed_at]
    if job.state in STEPS:  # a retry comes back to a step that was done before
        at = STEPS.index(job.state)
        ended[at:] = [None] * (len(STEPS) - at)
        began[at + 1 :] = [None] * (len(STEPS) - at - 1)
    return [
        Step(state, _progress(job, state, start, end), _seconds(start, end))
        for state, start, end in zip(STEPS, began, ended, strict=True)
    ]


def _progress(job: JobView, state: State, start: datetime | None, end: datetime | None) -> Progress:
    if end is not None:
        return "done"
    if start is None:
        return "todo"
    return "now" if job.state == state else "stopped"


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    if start is None or end is None or end < start:
        return None
    return (end - start).total_seconds()
