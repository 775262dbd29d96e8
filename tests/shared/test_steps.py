"""Steps of a whole job."""

from __future__ import annotations

from factory import reload, submit
from semblante import lifecycle
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
