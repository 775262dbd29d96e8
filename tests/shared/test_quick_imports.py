from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator

import pytest

from semblante.quick_imports import begin_imports, end_imports


@pytest.fixture
def collection() -> Iterator[None]:
    """Leave the test process' garbage collection as it was."""
    yield
    gc.unfreeze()
    gc.enable()


@pytest.mark.usefixtures("collection")
def test_imports_are_kept_out_of_later_looks_for_garbage() -> None:
    begin_imports()
    assert not gc.isenabled()
    end_imports()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0


@pytest.mark.usefixtures("collection")
def test_an_end_without_a_begin_keeps_nothing() -> None:
    before = gc.get_freeze_count()
    end_imports()
    assert gc.get_freeze_count() == before


def test_a_command_runs_with_garbage_collection_and_without_its_imports_in_it() -> None:
    code = (
        "import atexit, gc, sys\n"
        "from semblante.cli import main\n"
        "atexit.register(lambda: print(gc.isenabled(), gc.get_freeze_count() > 10_000))\n"
        "sys.argv[1:] = ['models', 'list', '--help']\n"
        "main()"
    )
    command = [sys.executable, "-c", code]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert output.rstrip().endswith("True True")
