"""How a worker shares cores and devices among its children."""

from __future__ import annotations

import multiprocessing
import os
import pty
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from celery.exceptions import WorkerShutdown
from celery.worker import state
from sqlalchemy import select

from semblante.errors import Unavailable
from semblante.queue import Queue
from semblante.services import Services
from semblante.settings import Settings
from semblante.stack.environment import child_environment
from semblante.stack.ready_file import ready_file
from semblante.stack.stack import PROGRAM
from semblante.worker_tables import RunningWorker
from semblante_worker import shares
from semblante_worker.ending import TaskLock, wake_when_idle
from semblante_worker.shares import share_cores, with_device


def answers(queue: Queue) -> bool:
    with suppress(Unavailable):
        queue.check_worker()
        return True
    return False


def test_children_take_the_devices_in_turn() -> None:
    settings = Settings(device="cpu")
    devices = ["cuda:0", "cuda:1"]
    taken = [with_device(settings, devices, child).device for child in (0, 1, 2, None)]
    assert taken == ["cuda:0", "cuda:1", "cuda:0", "cuda:0"]
    assert with_device(settings, [], 1) is settings


def test_threads_that_are_set_are_kept_and_others_share_the_cores() -> None:
    shared = share_cores(Settings(worker_processes=1_000, decode_threads=3))
    assert (shared.compute_threads, shared.decode_threads) == (1, 3)


def test_an_idle_worker_ends_with_its_children_when_asked(
    services: Services, until: Callable[[Callable[[], object]], None]
) -> None:
    """`services` has made the database that its first sweep looks into."""
    settings = services.settings.model_copy(update={"worker_processes": 2})
    ready = ready_file(settings.data, "batch")
    with subprocess.Popen(
        [*PROGRAM, "worker", "--name", "batch"], env=child_environment(settings)
    ) as worker:
        until(lambda: ready.exists() or worker.poll() is not None)
        children = psutil.Process(worker.pid).children()
        assert len(children) == 2
        worker.terminate()
    assert worker.returncode == 0
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []


def test_a_worker_that_cannot_go_on_says_so_to_whoever_restarts_it(
    services: Services, until: Callable[[Callable[[], object]], None]
) -> None:
    """A message that is none is one of the errors after which Celery ends."""
    settings = services.settings.model_copy(update={"worker_processes": 1})
    ready = ready_file(settings.data, "batch")
    command = [*PROGRAM, "worker", "--name", "batch"]
    with subprocess.Popen(command, env=child_environment(settings)) as worker:
        until(lambda: ready.exists() or worker.poll() is not None)
        services.queue.app.backend.client.lpush("classify", "no message")
    assert worker.returncode == 1


def test_a_worker_outlives_a_broker_that_is_a_replica_for_a_while(
    services: Services, tmp_path: Path, until: Callable[[Callable[[], object]], None]
) -> None:
    settings = services.settings.model_copy(update={"worker_processes": 1})
    ready, log = ready_file(settings.data, "batch"), tmp_path / "log"
    broker = services.queue.app.backend.client
    command = [*PROGRAM, "worker", "--name", "batch"]
    with (
        log.open("w") as file,
        subprocess.Popen(command, env=child_environment(settings), stderr=file) as worker,
    ):
        until(lambda: ready.exists() or worker.poll() is not None)
        try:
            broker.replicaof("127.0.0.1", "1")
            until(lambda: "ReadOnlyError" in log.read_text() or worker.poll() is not None)
            with pytest.raises(Unavailable):
                services.queue.check_worker()
        finally:
            broker.replicaof("NO", "ONE")
        until(lambda: answers(services.queue))
        worker.terminate()
    assert worker.returncode == 0


def test_a_worker_ends_in_order_when_its_terminal_is_closed(
    services: Services, until: Callable[[Callable[[], object]], None]
) -> None:
    """The kernel sends SIGHUP to the worker and its children then, and no write succeeds."""
    settings = services.settings.model_copy(update={"worker_processes": 1})
    ready = ready_file(settings.data, "batch")
    pid, terminal = pty.fork()
    if pid == 0:
        command = [*PROGRAM, "worker", "--name", "batch"]
        os.execve(command[0], command, child_environment(settings))
    os.set_blocking(terminal, False)
    said = bytearray()

    def is_ready() -> bool:
        with suppress(BlockingIOError):  # which it said nothing for
            said.extend(os.read(terminal, 65536))
        return ready.exists()

    until(is_ready)
    [child] = psutil.Process(pid).children()
    with services.database.reading() as session:
        assert len(session.scalars(select(RunningWorker)).all()) == 1
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    psutil.wait_procs([child], timeout=30)
    assert not child.is_running()
    with services.database.reading() as session:
        assert session.scalars(select(RunningWorker)).all() == [], "it has said that it ends"


def test_a_hang_up_without_a_terminal_ends_a_worker_too(
    services: Services, until: Callable[[Callable[[], object]], None]
) -> None:
    settings = services.settings.model_copy(update={"worker_processes": 1})
    ready = ready_file(settings.data, "batch")
    command = [*PROGRAM, "worker", "--name", "batch"]
    with subprocess.Popen(
        command, env=child_environment(settings), stdout=subprocess.PIPE, text=True
    ) as worker:
        until(lambda: ready.exists() or worker.poll() is not None)
        worker.send_signal(signal.SIGHUP)
        assert worker.stdout is not None
        assert "Restarting" not in worker.stdout.read()
    assert worker.returncode == 0
    with services.database.reading() as session:
        assert session.scalars(select(RunningWorker)).all() == []


def test_a_worker_under_nohup_outlives_a_hang_up(
    services: Services, until: Callable[[Callable[[], object]], None]
) -> None:
    settings = services.settings.model_copy(update={"worker_processes": 1})
    ready = ready_file(settings.data, "batch")
    command = ["nohup", *PROGRAM, "worker", "--name", "batch"]
    with subprocess.Popen(command, env=child_environment(settings)) as worker:
        until(lambda: ready.exists() or worker.poll() is not None)
        worker.send_signal(signal.SIGHUP)
        until(lambda: answers(services.queue))
        assert worker.poll() is None
        worker.terminate()
    assert worker.returncode == 0


def test_a_worker_does_not_end_in_the_middle_of_a_task() -> None:
    lock, context = TaskLock(), multiprocessing.get_context("fork")
    here, there = context.Pipe()

    def work() -> None:
        lock.share()
        there.send("at work")
        there.send(there.recv())
        lock.release()

    child = context.Process(target=work)
    child.start()
    assert here.recv() == "at work"
    ending = threading.Thread(target=lock.take)
    ending.start()
    ending.join(0.2)
    assert ending.is_alive()
    here.send("done")
    assert here.recv() == "done"
    ending.join()
    child.join()
    assert child.exitcode == 0


def test_a_held_worker_ends_with_whoever_holds_it(services: Services) -> None:
    command = [*PROGRAM, "worker", "--name", "batch", "--held"]
    environment = child_environment(services.settings)
    ended = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False)
    assert ended.returncode == 0
    assert not ready_file(services.settings.data, "batch").exists()


def test_a_stop_is_noted_where_python_drops_what_its_handler_raises(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Once the signal came in a weak reference's callback, and the worker went on for good."""
    dropped: list[BaseException | None] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda what: dropped.append(what.exc_value))
    monkeypatch.setattr(state, "should_stop", None)
    watched = type("Watched", (), {})()
    dying = weakref.ref(watched, lambda _: wake_when_idle())
    del watched
    assert dying() is None
    assert [type(error) for error in dropped] == [WorkerShutdown]
    with pytest.raises(WorkerShutdown):
        state.maybe_shutdown()


def test_two_children_share_two_cores_and_more_cores_have_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def share_of(cores: int) -> tuple[int, int]:
        monkeypatch.setattr(shares, "usable_cores", lambda: cores)
        shared = share_cores(Settings())
        return shared.worker_processes, shared.compute_threads

    assert [share_of(cores) for cores in (1, 2, 4, 16)] == [(1, 1), (2, 1), (2, 2), (4, 4)]
