"""The repository keeps what ARCHITECTURE.md promises: paths, layers, sizes, pins."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
CODE = [
    path
    for folder in ("shared", "web", "worker")
    for path in (REPOSITORY / folder).rglob("*.py")
    if "node_modules" not in path.parts
]
FORBIDDEN = {
    "semblante.cli": ("flask", "torch", "openvino", "celery", "sqlalchemy", "httpx"),
    "semblante.cli.jobs": ("flask", "torch", "openvino", "celery", "sqlalchemy"),
    "semblante.client": ("flask", "torch", "openvino", "celery", "sqlalchemy"),
    "semblante.views": ("flask", "torch", "openvino"),
    "semblante_web.app": ("torch", "openvino", "semblante_worker"),
    "semblante_worker.training.command": ("flask", "torch", "torchvision"),
    "semblante_worker.training.dataset_command": ("flask", "torch", "torchvision"),
    "semblante_worker.export.command": ("flask", "torch", "openvino", "nncf"),
    "semblante_worker.engines.openvino_engine": ("flask", "torch", "safetensors", "nncf"),
    "semblante_worker.predict": ("flask", "torch", "openvino"),
    "semblante_worker.tasks": ("flask", "semblante_web", "torch", "openvino"),
}


def test_every_path_that_the_architecture_names_exists() -> None:
    text = (REPOSITORY / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:shared|web|worker|tests|benchmarks|docs)/[\w/.]*)`", text)
    assert len(named) > 15
    assert [path for path in named if not (REPOSITORY / path).exists()] == []


def test_every_step_of_the_data_has_its_row() -> None:
    text = (REPOSITORY / "ARCHITECTURE.md").read_text(encoding="utf-8")
    steps = re.findall(r"^\| (\w+) \| `", text, flags=re.MULTILINE)
    assert steps == [
        "upload",
        "storage",
        "archive",
        "index",
        "chunks",
        "queue",
        "decode",
        "detect",
        "preprocess",
        "batch",
        "predict",
        "results",
        "export",
        "download",
    ]


@pytest.mark.parametrize("module", FORBIDDEN)
def test_importing_a_layer_brings_no_other(module: str) -> None:
    code = f"import sys, {module}; print(*sys.modules, sep='\\n')"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    packages = {name.split(".")[0] for name in run.stdout.splitlines()}
    assert packages & set(FORBIDDEN[module]) == set()


def test_modules_stay_small() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in CODE}
    assert {str(path): lines for path, lines in lengths.items() if lines > 300} == {}


def test_pins_are_exact_and_name_no_address() -> None:
    lines = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert len(lines) > 50
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.]+( ; .*)?", line)] == []


def test_no_file_of_the_project_is_a_pickle_or_a_lock_with_hosts() -> None:
    run = subprocess.run(
        ["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    forbidden = (".pkl", ".pickle", ".pt", ".pth", "uv.lock")
    assert [name for name in run.stdout.splitlines() if name.endswith(forbidden)] == []
