"""What the README tells a newcomer to type, typed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from semblante.settings import Settings
from semblante.stack.stack import embedded_stack

pytestmark = pytest.mark.flow
REPOSITORY = Path(__file__).parents[2]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def test_every_command_of_the_readme_exists() -> None:
    """Whole runs of them are CI's first step and tests/flow/test_label.py."""
    commands = re.findall(r"^(bin/[^\n]*)$", README, flags=re.MULTILINE)
    assert commands == [
        "bin/semblante label examples/faces.zip -o results.csv",
        "bin/test",
        "bin/semblante up",
    ]
    for command in commands:
        assert (REPOSITORY / command.split()[0]).stat().st_mode & 0o100
    for script in re.findall(r"`(benchmarks/\w+\.py)", README):
        assert (REPOSITORY / script).is_file()


def test_the_python_client_of_the_readme(tmp_path: Path, settings: Settings) -> None:
    [code] = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(code.splitlines()) <= 15
    shutil.copytree(REPOSITORY / "examples", tmp_path / "examples")
    with embedded_stack(settings, web=True, predict_worker=False) as stack:
        code = code.replace("http://127.0.0.1:8000", stack.url)
        run = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
        )
    assert run.returncode == 0, run.stderr
    assert "total=22 ok=21 no_face=0 failed=1" in run.stdout
    assert "100%" in run.stdout
    assert len((tmp_path / "labelled.csv").read_text(encoding="utf-8").splitlines()) == 22
