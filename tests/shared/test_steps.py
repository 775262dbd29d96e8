"""Steps of a whole job."""

from __future__ import annotations

import errno

import pytest

from factory import reload, submit
from semblante import lifecycle
from semblante.errors import Unavailable
from semblante.services import Services
from semblante.steps import take_step


def test_the_lease_ends_in_the_transaction_that_ends_the_step(services: Services) -> None:
    job = submit(services, b"x")
    with take_step(services.database, services.settings, job.id, "validating") as step:
        assert step is not None
        assert reload(services, job).lease_token == step.token
        with step.writing() as (_session, row):
            lifecycle.move(row, "in_progress")
        after = reload(services, job)
    assert (after.lease_token, after.attempts) == (None, 0)


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("storage_unavailable", "The storage does not answer."),
        OSError(errno.EIO, "Input/output error"),
    ],
)
def test_a_storage_that_is_away_for_long_fails_no_job(services: Services, error: Exception) -> None:
    job = submit(services, b"x")
    for _attempt in range(services.settings.max_attempts + 1):
        with (
            pytest.raises(type(error)),
            take_step(services.database, services.settings, job.id, "validating"),
        ):
            raise error
        after = reload(services, job)
        assert (after.state, after.attempts, after.lease_token) == ("validating", 0, None)


def test_any_other_error_counts_and_the_last_one_fails_the_job(services: Services) -> None:
    job = submit(services, b"x")
    for attempt in range(1, services.settings.max_attempts + 1):
        with (
            pytest.raises(ZeroDivisionError),
            take_step(services.database, services.settings, job.id, "validating"),
        ):
            raise ZeroDivisionError
        assert reload(services, job).attempts == attempt
    with take_step(services.database, services.settings, job.id, "validating") as step:
        assert step is None
    assert reload(services, job).error_code == "step_crash"
