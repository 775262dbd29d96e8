from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from semblante.errors import Conflict
from semblante.stack.lock import hold_folder

HOLDER = """
import pathlib, sys, time
from semblante.stack.lock import hold_folder
with hold_folder(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_second_holder_is_refused_and_told_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with hold_folder(folder), pytest.raises(Conflict) as raised, hold_folder(folder):
        pytest.fail("two holders")
    assert raised.value.code == "already_running"
    message = raised.value.message
    assert str(folder) in message
    assert f"process {os.getpid()}" in message
    assert "semblante submit" in message
    assert "--data" in message


def test_folder_is_free_after_the_block_and_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="inside"), hold_folder(tmp_path):
        raise ValueError("inside")
    with hold_folder(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_two_folders_are_held_side_by_side(tmp_path: Path) -> None:
    with hold_folder(tmp_path / "one"), hold_folder(tmp_path / "two"):
        assert (tmp_path / "one" / "lock").exists()
        assert (tmp_path / "two" / "lock").exists()


def test_new_folder_is_private(tmp_path: Path) -> None:
    with hold_folder(tmp_path / "a" / "data"):
        assert (tmp_path / "a" / "data").stat().st_mode & 0o777 == 0o700


def test_other_process_holds_until_kill_9(
    tmp_path: Path, python: Callable[..., subprocess.Popen[str]]
) -> None:
    holder = python(HOLDER, tmp_path)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(Conflict, match=f"process {holder.pid}"), hold_folder(tmp_path):
        pytest.fail("two holders")
    holder.kill()
    holder.wait()
    with hold_folder(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
