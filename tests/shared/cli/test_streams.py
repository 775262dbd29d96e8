"""Commands whose standard streams were closed by whoever started them (`>&-`)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from factory import jpeg

FILENOS = """
import sys
from semblante.cli.streams import open_closed_streams
open_closed_streams()
sys.exit([stream.fileno() for stream in (sys.stdin, sys.stdout, sys.stderr)] != [0, 1, 2])
"""


def run(closed: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    shell = ("sh", "-c", f'"$@" {closed}', "sh", sys.executable)
    return subprocess.run(
        (*shell, *map(str, words)), capture_output=True, text=True, timeout=240, check=False
    )


@pytest.mark.parametrize("closed", ["", "<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_keep_their_numbers(closed: str) -> None:
    assert run(closed, "-c", FILENOS).returncode == 0


@pytest.mark.flow
@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_label_needs_no_stream(tmp_path: Path, closed: str) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    words = ("label", tmp_path / "a.jpg", "-o", tmp_path / "r.csv", "--data", tmp_path / "data")
    result = run(closed, "-m", "semblante", *words)
    assert result.returncode == 0, result.stderr
    assert len((tmp_path / "r.csv").read_text().splitlines()) == 2


def test_results_do_not_vanish_in_a_closed_stdout(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    words = ("label", tmp_path / "a.jpg", "-o", "-", "--data", tmp_path / "data")
    result = run(">&-", "-m", "semblante", *words)
    assert (result.returncode, result.stderr) == (
        2,
        "Error: stdout is closed; name a file with -o.\n",
    )
    assert not (tmp_path / "data").exists()
