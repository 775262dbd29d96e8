"""The states of a job and the one table of legal transitions (DESIGN section 5)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, get_args

from semblante.errors import Conflict

if TYPE_CHECKING:
    from semblante.tables import Job

State = Literal[
    "validating",
    "in_progress",
    "finalizing",
    "completed",
    "failed",
    "cancelling",
    "cancelled",
    "expired",
]
STATES: tuple[State, ...] = get_args(State)

TRANSITIONS: dict[State, frozenset[State]] = {
    "validating": frozenset({"in_progress", "failed", "cancelling", "expired"}),
    "in_progress": frozenset({"finalizing", "failed", "cancelling", "expired"}),
    "finalizing": frozenset({"completed", "failed", "cancelling", "expired"}),
    "completed": frozenset({"in_progress", "expired"}),  # in_progress: retry of failed images
    "failed": frozenset({"expired"}),
    "cancelling": frozenset({"cancelled", "finalizing"}),  # finalizing: of a cancelled retry
    "cancelled": frozenset({"expired"}),
    "expired": frozenset(),
}

OPEN_STATES: frozenset[State] = frozenset({"validating", "in_progress", "finalizing", "cancelling"})
"""States in which a worker still has something to do."""

PAUSABLE_STATES: frozenset[State] = frozenset({"validating", "in_progress"})


def move(job: Job, state: State) -> None:
    """Bring `job` into `state` and stamp `<state>_at`.

    Raises:
        Conflict: `illegal_transition`, when the table does not allow it.
    """
    if state not in TRANSITIONS[job.state]:
        raise Conflict(
            "illegal_transition",
            "A job that is %(state)s cannot become %(wanted)s.",
            state=job.state,
            wanted=state,
        )
    job.state = state
    setattr(job, f"{state}_at", datetime.now(UTC))
    if state not in PAUSABLE_STATES:
        job.paused = False


def set_paused(job: Job, paused: bool) -> None:
    """Raise or lower the flag beside the state.

    Raises:
        Conflict: `illegal_transition`, when the job has no work left to pause.
    """
    if job.state not in PAUSABLE_STATES:
        raise Conflict(
            "illegal_transition",
            "A job that is %(state)s cannot be paused or resumed.",
            state=job.state,
        )
    job.paused = paused
