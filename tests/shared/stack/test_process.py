from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from semblante.stack import process as process_module
from semblante.stack.component import Component
from semblante.stack.process import ChildProcess

# A master with one child that ignores SIGTERM, as a pool's child may.
MASTER = """
import pathlib, signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import signal, time\\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\\ntime.sleep(600)"])
path = pathlib.Path(sys.argv[1])
path.with_suffix(".new").write_text(str(child.pid))
path.with_suffix(".new").rename(path)
time.sleep(600)
"""

Until = Callable[[Callable[[], object]], None]


def start(component: Component, folder: Path) -> ChildProcess:
    return ChildProcess(component.command, folder / "logs" / f"{component.name}.log")


def test_a_program_gives_way_to_others(
    tmp_path: Path, sleeper: Callable[[str], Component], until: Until
) -> None:
    one = sleeper("one")
    child = ChildProcess(one.command, tmp_path / "one.log", niceness=7)
    until((tmp_path / "one.ready").exists)
    group = Path(f"/proc/{child.pid}/autogroup")
    niceness = psutil.Process(child.pid).nice()
    of_group = group.read_text() if group.exists() else "nice 7\n"
    child.stop(10)
    assert niceness == os.nice(0) + 7
    assert of_group.endswith("nice 7\n")  # else its session has as much of the cores as any other


def test_stop_lets_the_program_end_itself(
    tmp_path: Path, sleeper: Callable[[str], Component], until: Until
) -> None:
    child = start(sleeper("one"), tmp_path)
    until((tmp_path / "one.ready").exists)
    child.stop(20.0)
    assert child.status == 0
    assert (tmp_path / "events").read_text() == "start one\nstop one\n"
    assert child.last_lines() == "serving as one"


def test_stop_kills_after_the_grace(
    tmp_path: Path, sleeper: Callable[[str], Component], until: Until
) -> None:
    child = start(sleeper("stubborn"), tmp_path)
    until((tmp_path / "stubborn.ready").exists)
    begin = time.monotonic()
    child.stop(0.3)
    assert child.status == -signal.SIGKILL
    assert 0.3 <= time.monotonic() - begin < 10


def test_hurry_ends_the_grace(
    tmp_path: Path, sleeper: Callable[[str], Component], until: Until
) -> None:
    child = start(sleeper("stubborn"), tmp_path)
    until((tmp_path / "stubborn.ready").exists)
    hurry = threading.Event()
    hurry.set()
    child.stop(600.0, hurry)
    assert child.status == -signal.SIGKILL


def test_stop_of_an_ended_program_does_nothing(tmp_path: Path, until: Until) -> None:
    child = ChildProcess((sys.executable, "-c", "raise SystemExit(7)"), tmp_path / "x.log")
    until(child.reap)
    child.stop(0.0)
    assert child.status == 7
    assert child.reap()


def test_program_has_a_session_of_its_own(tmp_path: Path) -> None:
    child = ChildProcess((sys.executable, "-c", "import time; time.sleep(600)"), tmp_path / "x.log")
    try:
        assert os.getsid(child.pid) == child.pid
        assert not child.reap()
    finally:
        child.stop(0.0)


@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_children_of_the_program_do_not_stay(
    tmp_path: Path, until: Until, gone: Callable[[int], bool], how: str
) -> None:
    path = tmp_path / "grandchild"
    child = ChildProcess((sys.executable, "-c", MASTER, str(path)), tmp_path / "x.log")
    until(path.exists)
    grandchild = int(path.read_text())
    assert not gone(grandchild)
    if how == "killed":
        os.kill(child.pid, signal.SIGKILL)
        until(child.reap)
        assert child.status == -signal.SIGKILL
    else:
        child.stop(20.0)
        assert child.status == -signal.SIGTERM
    until(lambda: gone(grandchild))


def test_environment_replaces_ours(tmp_path: Path, until: Until) -> None:
    code = "import os; print(os.environ['WORD'], 'HOME' in os.environ)"
    child = ChildProcess((sys.executable, "-c", code), tmp_path / "x.log", {"WORD": "given"})
    until(child.reap)
    assert child.last_lines() == "given False"
    assert child.status == 0


def test_last_lines_are_those_of_this_start(tmp_path: Path, until: Until) -> None:
    log = tmp_path / "x.log"
    for text in ("first", "second"):
        code = f"for i in range(30): print('{text}', i)"
        child = ChildProcess((sys.executable, "-c", code), log)
        until(child.reap)
    lines = child.last_lines().splitlines()
    assert len(lines) == 20
    assert lines[0] == "second 10"
    assert lines[-1] == "second 29"
    assert log.read_text().startswith("first 0\n")


def test_large_log_is_put_aside(
    tmp_path: Path, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_module, "LOG_BYTES", 10)
    log = tmp_path / "x.log"
    log.write_text("more than ten bytes")
    child = ChildProcess((sys.executable, "-c", "print('new')"), log)
    until(child.reap)
    assert log.read_text() == "new\n"
    assert (tmp_path / "x.log.1").read_text() == "more than ten bytes"


def test_missing_program_is_told_by_status_and_log(tmp_path: Path, until: Until) -> None:
    child = ChildProcess((str(tmp_path / "absent"),), tmp_path / "x.log")
    until(child.reap)
    assert child.status == 1
    assert "No such file or directory" in child.last_lines()


def test_nothing_but_the_program_runs(
    tmp_path: Path, sleeper: Callable[[str], Component], until: Until
) -> None:
    child = start(sleeper("one"), tmp_path)
    until((tmp_path / "one.ready").exists)
    try:
        process = psutil.Process(child.pid)
        assert process.ppid() == os.getpid()
        assert "sleeper.py" in process.cmdline()[1]
    finally:
        child.stop(20.0)
