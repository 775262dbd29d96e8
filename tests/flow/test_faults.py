"""Whatever is killed in the middle of a job, the job completes by itself with the same CSV."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from redis import Redis

from flow.conftest import IMAGES, csv_of, submit, wait_until
from semblante.services import Services
from semblante.settings import Settings
from semblante.stack.socket_path import choose_socket_path
from semblante.stack.stack import Stack, embedded_stack

pytestmark = pytest.mark.flow


def kill(stack: Stack, name: str) -> None:
    pid = stack.supervisor.pid(name)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def kill_child(stack: Stack) -> None:
    pid = stack.supervisor.pid("batch")
    assert pid is not None
    [child] = psutil.Process(pid).children()
    child.kill()


def forget_everything(stack: Stack) -> None:
    socket = choose_socket_path(stack.settings.data / "broker")
    with Redis(unix_socket_path=str(socket)) as client:
        client.flushall()


FAULTS: list[tuple[str, Callable[[Stack], None]]] = [
    ("worker", lambda stack: kill(stack, "batch")),
    ("worker's child", kill_child),
    ("broker", lambda stack: kill(stack, "broker")),
    ("worker again", lambda stack: kill(stack, "batch")),
    ("web", lambda stack: kill(stack, "web")),
    ("messages", forget_everything),
]


def test_the_csv_is_the_same_whatever_is_killed(
    settings: Settings, archive: Path, opened: Callable[[Settings], Services]
) -> None:
    with embedded_stack(settings, web=True, predict_worker=False) as stack:
        services = opened(stack.settings)
        calm = csv_of(services, submit(services, archive))
        job_id = submit(services, archive)
        for number, (_name, fault) in enumerate(FAULTS, 1):
            done = IMAGES * number // (len(FAULTS) + 2)
            wait_until(services, job_id, lambda job, done=done: job.ok >= done)  # type: ignore[misc]
            fault(stack)
        disturbed = csv_of(services, job_id)
    assert calm.count(b"\r\n") == IMAGES + 2
    assert disturbed == calm


def test_a_stack_killed_whole_goes_on_at_its_next_start(
    settings: Settings, archive: Path, opened: Callable[[Settings], Services]
) -> None:
    with embedded_stack(settings, web=False, predict_worker=False) as stack:
        services = opened(stack.settings)
        calm = csv_of(services, submit(services, archive))
        job_id = submit(services, archive)
        wait_until(services, job_id, lambda job: job.ok >= IMAGES // 3)
        for name in ("batch", "broker"):
            kill(stack, name)
    with embedded_stack(settings, web=False, predict_worker=False) as stack:
        services = opened(stack.settings)
        assert csv_of(services, job_id) == calm
