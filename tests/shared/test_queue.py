"""The queue over a real broker: messages leave with the commit, and a dead broker fails nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from factory import submit
from semblante.errors import Unavailable
from semblante.queue import Queue, make_app
from semblante.services import Services
from semblante.settings import Settings


def test_a_message_leaves_only_with_the_commit(services: Services) -> None:
    with services.database.writing() as session:
        services.queue.send_on_commit(session, "semblante.sweep")
        assert services.queue.depth("control") == 0
    assert services.queue.depth("control") == 1


def test_a_message_of_a_rolled_back_transaction_never_leaves(services: Services) -> None:
    def request() -> None:
        with services.database.writing() as session:
            services.queue.send_on_commit(session, "semblante.sweep")
            raise RuntimeError("the request failed")

    with pytest.raises(RuntimeError):
        request()
    assert services.queue.depth("control") == 0


def test_a_job_is_stored_though_the_broker_is_away(tmp_path: Path, services: Services) -> None:
    away = Settings(data=tmp_path, broker_url=f"redis+socket://{tmp_path}/nothing.sock")
    queue = Queue(make_app(away))
    job = submit(Services(services.settings, services.database, services.storage, queue), b"x")
    assert job.state == "validating"
    assert not queue.send("semblante.sweep")
    with pytest.raises(Unavailable, match="does not answer"):
        queue.depth("control")
    queue.app.close()


def test_a_missing_broker_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="SEMBLANTE_BROKER_URL"):
        make_app(Settings(data=tmp_path))
