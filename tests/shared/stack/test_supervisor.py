from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from semblante.errors import Unavailable
from semblante.stack import supervised as supervised_module
from semblante.stack.component import Component
from semblante.stack.supervisor import Supervisor

Until = Callable[[Callable[[], object]], None]
Sleeper = Callable[[str], Component]

# A process with a supervisor over two programs; it tells their pids and waits for a signal.
SUPERVISING = """
import pathlib, sys
from semblante.logs import configure_logs
from semblante.settings import Settings
from semblante.stack.component import Component
from semblante.stack.signals import interrupt_on_termination
from semblante.stack.supervisor import Supervisor
configure_logs(Settings(log_level="ERROR"))
folder = pathlib.Path(sys.argv[1])
stages = [[Component(name, (sys.executable, str(folder / "sleeper.py"), name, str(folder)),
    (folder / f"{name}.ready").exists, grace_seconds=600)] for name in sys.argv[2:]]
with interrupt_on_termination(), Supervisor(folder / "logs", stages) as supervisor:
    try:
        print(*(supervisor.pid(name) for name in sys.argv[2:]), flush=True)
        supervisor.wait()
    except KeyboardInterrupt:  # it came before wait()
        pass
    print("stopping", flush=True)
"""


def events(folder: Path) -> list[str]:
    return (folder / "events").read_text().splitlines()


def restarted(supervisor: Supervisor, name: str, times: int) -> bool:
    return supervisor.restarts(name) == times


def test_stages_start_in_order_and_stop_in_reverse(tmp_path: Path, sleeper: Sleeper) -> None:
    stages = [[sleeper("broker")], [sleeper("worker")], [sleeper("web")]]
    with Supervisor(tmp_path / "logs", stages) as supervisor:
        assert supervisor.pid("web") is not None
        assert (tmp_path / "web.ready").exists()
    assert events(tmp_path) == [
        "start broker",
        "start worker",
        "start web",
        "stop web",
        "stop worker",
        "stop broker",
    ]
    assert (tmp_path / "logs" / "worker.log").read_text() == "serving as worker\n"


def test_a_stage_starts_together(tmp_path: Path, sleeper: Sleeper) -> None:
    # Neither is ready before both have started: one after the other would never end.
    def both() -> bool:
        return (tmp_path / "one.ready").exists() and (tmp_path / "two.ready").exists()

    stage = [replace(sleeper(name), ready=both) for name in ("one", "two")]
    with Supervisor(tmp_path / "logs", [stage]) as supervisor:
        assert supervisor.pid("one") != supervisor.pid("two")
    assert sorted(events(tmp_path)) == ["start one", "start two", "stop one", "stop two"]


# Notes what it does; it serves once it has read a line.
HELD = """
import pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
def note(event):
    with (folder / "events").open("a") as file:
        file.write(event + chr(10))
note("import")
(folder / "held.started").touch()
if not sys.stdin.readline():
    note("end")
    sys.exit(0)
note("begin")
(folder / "held.ready").touch()
time.sleep(600)
"""


@pytest.fixture
def held(tmp_path: Path) -> Component:
    script, ready = tmp_path / "held.py", tmp_path / "held.ready"
    script.write_text(HELD)
    return Component(
        name="held",
        command=(sys.executable, str(script), str(tmp_path)),
        ready=ready.exists,
        prepare=lambda: ready.unlink(missing_ok=True),
        is_held=True,
    )


def test_a_held_program_starts_first_and_begins_in_its_stage(
    tmp_path: Path, sleeper: Sleeper, held: Component, until: Until
) -> None:
    # The first stage is not ready before the held program runs, nor that before the preparation.
    first = replace(sleeper("first"), ready=(tmp_path / "held.started").exists)

    def prepare() -> None:
        until((tmp_path / "held.started").exists)
        assert "begin" not in events(tmp_path)

    with Supervisor(tmp_path / "logs", [[first], [held]], prepare=prepare):
        assert "begin" in events(tmp_path)


def test_a_held_program_begins_at_once_when_it_is_started_again(
    tmp_path: Path, held: Component, until: Until
) -> None:
    with Supervisor(tmp_path / "logs", [[], [held]]) as supervisor:
        pid = supervisor.pid("held")
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        until(partial(restarted, supervisor, "held", 1))
        until((tmp_path / "held.ready").exists)
    assert events(tmp_path) == ["import", "begin"] * 2


def test_a_preparation_that_fails_leaves_nothing_running(
    tmp_path: Path, held: Component, until: Until, gone: Callable[[int], bool]
) -> None:
    pids: list[int | None] = []

    def prepare() -> None:
        until((tmp_path / "held.started").exists)
        pids.append(supervisor.pid("held"))
        raise Unavailable("database_unavailable", "no database")

    supervisor = Supervisor(tmp_path / "logs", [[], [held]], prepare=prepare)
    with pytest.raises(Unavailable, match="no database"), supervisor:
        pytest.fail("it must not begin")
    assert pids[0] is not None
    assert gone(pids[0])
    assert "begin" not in events(tmp_path)


def test_a_held_program_that_ends_early_is_reported(tmp_path: Path, held: Component) -> None:
    broken = replace(held, command=(sys.executable, "-c", "raise SystemExit('no such module')"))
    with (
        pytest.raises(Unavailable, match="no such module"),
        Supervisor(tmp_path / "logs", [[], [broken]]),
    ):
        pytest.fail("it must not begin")


def test_killed_program_is_started_again_and_again(
    tmp_path: Path, sleeper: Sleeper, until: Until
) -> None:
    with Supervisor(tmp_path / "logs", [[sleeper("one")], [sleeper("two")]]) as supervisor:
        other = supervisor.pid("one")
        for times in (1, 2):
            pid = supervisor.pid("two")
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            until(partial(restarted, supervisor, "two", times))
            until((tmp_path / "two.ready").exists)
            assert supervisor.pid("two") not in (None, pid)
        assert supervisor.pid("one") == other
        assert supervisor.restarts("one") == 0
    assert events(tmp_path).count("start two") == 3
    assert events(tmp_path)[-2:] == ["stop two", "stop one"]


def test_waiting_before_a_restart_doubles_and_is_forgotten_after_a_healthy_life(
    tmp_path: Path, sleeper: Sleeper, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervised_module, "LAST_BACKOFF_SECONDS", 0.7)
    one = supervised_module.Supervised(sleeper("one"), tmp_path / "one.log")
    one.start()
    waits: list[float] = []
    for times, healthy in ((1, 30.0), (2, 30.0), (3, 30.0), (4, 0.0)):
        monkeypatch.setattr(supervised_module, "HEALTHY_SECONDS", healthy)
        assert one.pid is not None
        os.kill(one.pid, signal.SIGKILL)

        def ended() -> bool:
            one.watch()
            return one.pid is None

        until(ended)
        begin = time.monotonic()

        def again(times: int = times) -> bool:
            one.watch()
            return one.restarts == times

        until(again)
        waits.append(time.monotonic() - begin)
    one.stop(threading.Event())
    assert 0.15 < waits[0] < 0.38
    assert 0.38 < waits[1] < 0.65
    assert waits[2] > 0.65
    assert waits[3] < waits[2]


def test_failed_restart_is_tried_again(tmp_path: Path, sleeper: Sleeper, until: Until) -> None:
    attempts: list[int] = []
    component = sleeper("one")

    def prepare() -> None:
        attempts.append(1)
        component.prepare()
        if len(attempts) == 2:
            raise OSError("no space left")

    with Supervisor(tmp_path / "logs", [[replace(component, prepare=prepare)]]) as supervisor:
        pid = supervisor.pid("one")
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        until(lambda: len(attempts) == 3)
        until((tmp_path / "one.ready").exists)
        supervisor.check()
        assert supervisor.restarts("one") == 2


def test_program_that_ends_at_once_fails_the_start(tmp_path: Path, sleeper: Sleeper) -> None:
    code = "import sys; print('reason: the port is taken', file=sys.stderr); sys.exit(4)"
    broken = Component("web", (sys.executable, "-c", code), lambda: False)
    supervisor = Supervisor(tmp_path / "logs", [[sleeper("worker")], [broken]])
    with pytest.raises(Unavailable, match="web ended with status 4") as raised, supervisor:
        pytest.fail("started")
    assert raised.value.code == "component_failed"
    assert raised.value.message.endswith("web.log:\nreason: the port is taken")
    assert events(tmp_path) == ["start worker", "stop worker"]
    assert supervisor.pid("worker") is None


def test_program_that_is_never_ready_fails_the_start(tmp_path: Path, sleeper: Sleeper) -> None:
    slow = replace(sleeper("slow"), ready=lambda: False, ready_seconds=1.5)
    supervisor = Supervisor(tmp_path / "logs", [[slow]])
    with pytest.raises(Unavailable, match=r"slow was not ready within 1\.5 s"), supervisor:
        pytest.fail("started")
    assert supervisor.pid("slow") is None


def test_the_last_stage_need_not_be_ready_and_its_failure_is_told_later(
    tmp_path: Path, sleeper: Sleeper, until: Until
) -> None:
    fails = threading.Event()

    def ready() -> bool:
        if fails.is_set():
            raise Unavailable("component_failed", "It will never be ready.")
        return False

    stages = [[sleeper("broker")], [replace(sleeper("worker"), ready=ready)]]
    with Supervisor(tmp_path / "logs", stages, awaits_last=False) as supervisor:
        assert (tmp_path / "broker.ready").exists()
        assert supervisor.pid("worker") is not None
        supervisor.check()
        fails.set()
        with pytest.raises(Unavailable, match="never be ready"):
            until(supervisor.check)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_defect_in_the_supervisor_is_no_silent_end(tmp_path: Path, sleeper: Sleeper) -> None:
    def broken() -> bool:
        raise RuntimeError("a defect")

    supervisor = Supervisor(tmp_path / "logs", [[replace(sleeper("one"), ready=broken)]])
    with pytest.raises(Unavailable, match="ended by a defect"), supervisor:
        pytest.fail("started")
    assert supervisor.pid("one") is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_in_reverse(
    tmp_path: Path,
    sleeper: Sleeper,
    python: Callable[..., subprocess.Popen[str]],
    gone: Callable[[int], bool],
    number: signal.Signals,
) -> None:
    sleeper("broker")
    process = python(SUPERVISING, tmp_path, "broker", "web")
    assert process.stdout is not None
    pids = [int(pid) for pid in process.stdout.readline().split()]
    process.send_signal(number)
    assert process.wait(30) == 0
    assert events(tmp_path)[-2:] == ["stop web", "stop broker"]
    assert [gone(pid) for pid in pids] == [True, True]


def test_second_interrupt_kills_at_once(
    tmp_path: Path,
    sleeper: Sleeper,
    python: Callable[..., subprocess.Popen[str]],
    gone: Callable[[int], bool],
) -> None:
    sleeper("stubborn")
    process = python(SUPERVISING, tmp_path, "stubborn-one", "stubborn-two")
    assert process.stdout is not None
    pids = [int(pid) for pid in process.stdout.readline().split()]
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "stopping\n"
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert [gone(pid) for pid in pids] == [True, True]


def test_kill_9_of_the_supervisor_leaves_nothing(
    tmp_path: Path,
    sleeper: Sleeper,
    python: Callable[..., subprocess.Popen[str]],
    until: Until,
    gone: Callable[[int], bool],
) -> None:
    sleeper("broker")
    process = python(SUPERVISING, tmp_path, "broker", "stubborn")
    assert process.stdout is not None
    pids = [int(pid) for pid in process.stdout.readline().split()]
    assert [gone(pid) for pid in pids] == [False, False]
    process.kill()
    for pid in pids:
        until(partial(gone, pid))
    assert events(tmp_path) == ["start broker", "start stubborn"]
