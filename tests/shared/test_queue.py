"""The queue over a real broker: messages leave with the commit, and a dead broker fails nobody."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from factory import submit
from semblante import chunks
from semblante.errors import Unavailable
from semblante.queue import Queue, make_app
from semblante.services import Services
from semblante.settings import Settings
from semblante.tables import Chunk


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


def test_a_broker_that_falls_silent_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As behind a firewall that has forgotten a connection: it takes bytes, and nothing answers."""
    monkeypatch.setattr("semblante.queue.SILENCE_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        queue = Queue(make_app(Settings(data=tmp_path, broker_url=f"redis://127.0.0.1:{port}/0")))
        assert not queue.send("semblante.sweep")
        with pytest.raises(Unavailable, match="does not answer"):
            queue.depth("control")
        queue.app.close()


def test_a_missing_broker_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="SEMBLANTE_BROKER_URL"):
        make_app(Settings(data=tmp_path))


def test_a_small_job_does_not_wait_for_the_chunks_of_a_large_one(services: Services) -> None:
    with services.database.writing() as session:
        for first in (250_000, 20_000, 0):
            chunk = Chunk(job_id=f"large {first}", first=first, count=10)
            chunks.send(session, services.queue, chunk)
        chunks.send(session, services.queue, Chunk(job_id="small", first=512, count=10))
    with services.queue.app.connection() as connection:
        channel = connection.default_channel
        taken = [channel.basic_get("classify").payload[1]["job_id"] for _ in range(4)]
        assert channel.basic_get("classify") is None
    assert taken == ["large 0", "small", "large 20000", "large 250000"]
