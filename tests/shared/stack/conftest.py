"""Helpers for tests with real processes: they poll with a deadline and never sleep blindly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from semblante.stack.component import Component

SLEEPER = """
import pathlib, signal, sys, time
name, folder = sys.argv[1], pathlib.Path(sys.argv[2])
def note(event):
    with (folder / "events").open("a") as file:
        file.write(f"{event} {name}\\n")
def end(*_):
    note("stop")
    sys.exit(0)
signal.signal(signal.SIGTERM, signal.SIG_IGN if "stubborn" in name else end)
note("start")
print("serving as", name, flush=True)
(folder / f"{name}.ready").touch()
while True:
    time.sleep(0.05)
"""


@pytest.fixture
def gone() -> Callable[[int], bool]:
    """Whether the process with this pid has ended."""

    def has_ended(pid: int) -> bool:
        try:
            return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    return has_ended


@pytest.fixture
def sleeper(tmp_path: Path) -> Callable[[str], Component]:
    """Make a component that notes its start and its stop in the file `events`."""
    script = tmp_path / "sleeper.py"
    script.write_text(SLEEPER)

    def make(name: str) -> Component:
        ready = tmp_path / f"{name}.ready"
        return Component(
            name=name,
            command=(sys.executable, str(script), name, str(tmp_path)),
            ready=ready.exists,
            prepare=lambda: ready.unlink(missing_ok=True),
            grace_seconds=20.0,
        )

    return make


@pytest.fixture
def python(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start Python code in a process of its own; it is ended with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(code: str, *arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
