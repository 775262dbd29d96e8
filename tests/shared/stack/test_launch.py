from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from semblante.stack import launch

Until = Callable[[Callable[[], object]], None]
Python = Callable[..., subprocess.Popen[str]]

# A master that forks: its child is tied to it, as a worker's pool process is.
FORKING = """
import os, sys, time
from semblante.stack.launch import die_with_parent
master = os.getpid()
if os.fork() == 0:
    die_with_parent(master)
    print(os.getpid(), flush=True)
time.sleep(600)
"""

WRONG_PARENT = """
from semblante.stack.launch import die_with_parent
die_with_parent(4194305)
print("alive", flush=True)
"""

# A parent that starts the guard in a session of its own and tells the guard's pid.
PARENT = """
import os, subprocess, sys, time
code = "import sys; from semblante.stack.launch import guard; sys.exit(guard(%d, sys.argv[1:]))"
guard = subprocess.Popen(
    [sys.executable, "-c", code % os.getpid(), *sys.argv[1:]], start_new_session=True)
print(guard.pid, flush=True)
time.sleep(600)
"""

PROGRAM = """
import os, pathlib, sys, time
path = pathlib.Path(sys.argv[1])
path.with_suffix(".new").write_text(str(os.getpid()))
path.with_suffix(".new").rename(path)
time.sleep(600)
"""


def test_fork_dies_with_its_killed_parent(
    python: Python, until: Until, gone: Callable[[int], bool]
) -> None:
    master = python(FORKING)
    assert master.stdout is not None
    child = int(master.stdout.readline())
    assert not gone(child)
    os.kill(master.pid, signal.SIGKILL)
    until(lambda: gone(child))


def test_process_whose_parent_already_ended_dies_at_once(python: Python) -> None:
    orphan = python(WRONG_PARENT)
    assert orphan.communicate()[0] == ""
    assert orphan.returncode == -signal.SIGKILL


@pytest.mark.parametrize(("code", "status"), [("exit(5)", 5), ("__import__('os').abort()", 134)])
def test_guard_returns_the_status(code: str, status: int) -> None:
    program = (
        "import sys, os; from semblante.stack.launch import guard; "
        "sys.exit(guard(os.getppid(), sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, sys.executable, "-c", code],
        check=False,
        stderr=subprocess.DEVNULL,
    )
    assert done.returncode == status


def test_guard_kills_its_program_with_the_parent(
    tmp_path: Path, python: Python, until: Until, gone: Callable[[int], bool]
) -> None:
    path = tmp_path / "pid"
    parent = python(PARENT, sys.executable, "-c", PROGRAM, path)
    assert parent.stdout is not None
    guard = int(parent.stdout.readline())
    until(path.exists)
    program = int(path.read_text())
    assert not gone(program)
    os.kill(parent.pid, signal.SIGKILL)
    until(lambda: gone(guard) and gone(program))


def test_guard_passes_sigterm_on(
    tmp_path: Path, python: Python, until: Until, gone: Callable[[int], bool]
) -> None:
    path = tmp_path / "pid"
    parent = python(PARENT, sys.executable, "-c", PROGRAM, path)
    assert parent.stdout is not None
    guard = int(parent.stdout.readline())
    until(path.exists)
    program = int(path.read_text())
    os.kill(guard, signal.SIGTERM)
    until(lambda: gone(guard) and gone(program))
    assert not gone(parent.pid)


def test_elsewhere_a_thread_watches_the_parent(
    python: Python, until: Until, gone: Callable[[int], bool]
) -> None:
    code = FORKING.replace("import os, sys, time", "import os, sys, time; sys.platform = 'darwin'")
    master = python(code)
    assert master.stdout is not None
    child = int(master.stdout.readline())
    assert not gone(child)
    os.kill(master.pid, signal.SIGKILL)
    until(lambda: gone(child))


def test_launch_needs_no_package() -> None:
    code = f"import runpy, sys; runpy.run_path({launch.__file__!r}); print(sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    assert "'semblante" not in done.stdout
    assert "ctypes" in done.stdout
