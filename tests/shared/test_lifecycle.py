"""The life of a job as a state machine: no sequence of moves leaves the table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semblante.errors import Conflict
from semblante.lifecycle import OPEN_STATES, STATES, TRANSITIONS, State, move, set_paused
from semblante.tables import Job

FINAL = {"completed", "failed", "cancelled", "expired"}


def test_every_state_has_its_transitions() -> None:
    assert set(TRANSITIONS) == set(STATES)
    assert set(STATES) - OPEN_STATES == FINAL


@given(st.lists(st.sampled_from(STATES)))
def test_moves_follow_the_table_and_stamp_the_time(states: list[State]) -> None:
    job = Job(state="validating", paused=False)
    for state in states:
        before = job.state
        if state in TRANSITIONS[before]:
            move(job, state)
            assert job.state == state
            assert getattr(job, f"{state}_at") is not None
        else:
            with pytest.raises(Conflict) as refusal:
                move(job, state)
            assert refusal.value.code == "illegal_transition"
            assert job.state == before


def test_every_state_is_reached() -> None:
    reached: set[State] = {"validating"}
    for _ in STATES:
        reached |= {after for state in reached for after in TRANSITIONS[state]}
    assert reached == set(STATES)


@pytest.mark.parametrize("state", STATES)
def test_only_a_job_with_work_left_is_paused(state: State) -> None:
    job = Job(state=state, paused=False)
    if state in {"validating", "in_progress"}:
        set_paused(job, True)
        assert job.paused
    else:
        with pytest.raises(Conflict):
            set_paused(job, True)


def test_a_job_that_is_cancelled_is_not_paused() -> None:
    job = Job(state="in_progress", paused=True)
    move(job, "cancelling")
    assert not job.paused
