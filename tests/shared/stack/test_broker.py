from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from celery import Celery
from redis import Redis

from semblante.errors import Unavailable
from semblante.stack import broker as broker_module
from semblante.stack.broker import Broker
from semblante.stack.process import ChildProcess
from semblante.stack.supervisor import Supervisor

Until = Callable[[Callable[[], object]], None]


@contextmanager
def running(folder: Path) -> Iterator[Broker]:
    broker = Broker(folder / "broker")
    with Supervisor(folder / "logs", [[broker.component()]]):
        yield broker


def client(broker: Broker) -> Redis:
    return Redis(unix_socket_path=str(broker.socket), decode_responses=True)


def test_only_this_user_can_reach_the_broker(tmp_path: Path) -> None:
    with running(tmp_path) as broker:
        assert broker.answers()
        assert broker.socket == tmp_path / "broker" / "valkey.sock"
        assert broker.socket.stat().st_mode & 0o777 == 0o700
        assert (tmp_path / "broker").stat().st_mode & 0o777 == 0o700
        with client(broker) as redis:
            settings = redis.config_get()
    assert {name: settings[name] for name in ("port", "appendonly", "appendfsync", "save")} == {
        "port": "0",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
    }
    assert settings["maxmemory-policy"] == "noeviction"
    assert settings["databases"] == "1"
    assert settings["dir"] == str(tmp_path / "broker")
    assert not broker.answers()


@pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")  # Celery's
@pytest.mark.parametrize(
    "name", ["plain", "with space", "ñandú", 'quo"te', "back\\slash", "100%41", "a#b?c=d&e+f"]
)
def test_celery_understands_the_url_of_any_folder(tmp_path: Path, name: str) -> None:
    with running(tmp_path / name) as broker:
        app = Celery("test", broker=broker.url, backend=broker.url, set_as_current=False)
        with app, app.connection_for_write() as connection:
            queue = connection.SimpleQueue("classify")
            queue.put({"job": "one"})
            message = queue.get(timeout=10)
            message.ack()
            queue.close()
            assert message.payload == {"job": "one"}
            app.backend.store_result("task", {"faces": 1}, "SUCCESS")
            assert app.backend.get_result("task") == {"faces": 1}
            app.backend.client.close()


def test_url_is_literal(tmp_path: Path) -> None:
    broker = Broker(Path("/tmp") / tmp_path.relative_to("/") / "b")
    assert broker.url.startswith("redis+socket:///tmp/")
    assert broker.url.endswith("/b/valkey.sock?virtual_host=0")


@pytest.mark.parametrize("tail", [bytes(4096), bytes(3_000_000), b"*3\r\n$5\r\nlpu" + bytes(9)])
def test_the_end_of_the_log_after_a_power_cut(tmp_path: Path, tail: bytes) -> None:
    with running(tmp_path) as broker, client(broker) as redis:
        redis.lpush("classify", "message")
    (log,) = (tmp_path / "broker" / "appendonlydir").glob("*.incr.aof")
    with log.open("ab") as file:
        file.write(tail)
    with running(tmp_path) as broker, client(broker) as redis:
        assert redis.lrange("classify", 0, -1) == ["message"]


def test_messages_survive_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as broker, client(broker) as redis:
        redis.lpush("classify", "message")
    with running(tmp_path) as broker, client(broker) as redis:
        assert redis.lrange("classify", 0, -1) == ["message"]


def test_broker_left_by_a_killed_stack_is_shut_down_first(tmp_path: Path, until: Until) -> None:
    broker = Broker(tmp_path / "broker")
    component = broker.component()
    component.prepare()
    stale = ChildProcess(component.command, tmp_path / "stale.log")
    try:
        until(broker.answers)
        with client(broker) as redis:
            redis.lpush("classify", "message")
        with running(tmp_path) as again, client(again) as redis:
            assert stale.reap()
            assert stale.status == 0
            assert redis.info()["process_id"] != stale.pid
            assert redis.lrange("classify", 0, -1) == ["message"]
    finally:
        stale.stop(0.0)


def test_stuck_broker_is_told(
    tmp_path: Path, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_module, "STALE_SECONDS", 0.2)
    monkeypatch.setattr(broker_module, "REPLY_SECONDS", 0.2)
    broker = Broker(tmp_path / "broker")
    component = broker.component()
    component.prepare()
    stale = ChildProcess(component.command, tmp_path / "stale.log")
    try:
        until(broker.answers)
        os.kill(stale.pid, 19)  # SIGSTOP
        with pytest.raises(Unavailable, match="does not end") as raised:
            component.prepare()
        assert raised.value.code == "component_failed"
    finally:
        stale.stop(0.0)


def test_failed_start_tells_the_end_of_the_log(tmp_path: Path) -> None:
    (tmp_path / "broker" / "appendonlydir").mkdir(parents=True)
    manifest = tmp_path / "broker" / "appendonlydir" / "appendonly.aof.manifest"
    manifest.write_text("nonsense\n")
    with (
        pytest.raises(Unavailable, match="broker ended with status 1") as raised,
        running(tmp_path),
    ):
        pytest.fail("the broker started")
    assert raised.value.code == "component_failed"
    assert "manifest" in raised.value.message
