"""How a worker shares cores and devices among its children."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable

import psutil
import pytest
from celery.exceptions import WorkerShutdown
from celery.worker import state

from semblante.services import Services
from semblante.settings import Settings
from semblante.stack.environment import child_environment
from semblante.stack.ready_file import ready_file
from semblante.stack.stack import PROGRAM
from semblante_worker import shares
from semblante_worker.ending import TaskLock, wake_when_idle
from semblante_worker.shares import share_cores, with_device


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
