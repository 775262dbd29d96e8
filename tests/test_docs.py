"""The reference is complete: what the code has, docs/ says."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from factory import CLASSES
from semblante import errors
from semblante.export import csv_header
from semblante.tables import Job

REPOSITORY = Path(__file__).parents[1]
DOCS = REPOSITORY / "docs"
METRICS = (
    "web/semblante_web/metrics.py",
    "worker/semblante_worker/metrics.py",
    "worker/semblante_worker/gpu_memory.py",
)


@pytest.mark.parametrize("name", ["settings.md", "errors.md", "cli.md", "api.md", "recipes.md"])
def test_a_generated_page_is_fresh(name: str) -> None:
    pages = runpy.run_path(str(DOCS / "generate.py"))["pages"]()
    stored = (DOCS / name).read_text(encoding="utf-8")
    assert stored == pages[name], "run `make docs` and commit"


def test_every_csv_column_is_documented() -> None:
    text = (DOCS / "csv.md").read_text(encoding="utf-8")
    documented = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)))
    assert documented == csv_header(Job(classes=CLASSES))


def test_every_metric_is_documented() -> None:
    defined = {
        name
        for path in METRICS
        for name in re.findall(r'"(semblante_\w+)"', (REPOSITORY / path).read_text("utf-8"))
    }
    text = (DOCS / "operations.md").read_text(encoding="utf-8")
    documented = {name.removesuffix("_total") for name in re.findall(r"`(semblante_\w+)", text)}
    assert len(defined) == 10
    assert defined - documented == set()


def test_every_code_that_is_raised_is_in_the_tables() -> None:
    raising = "|".join(
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.SemblanteError)
    )
    pattern = re.compile(rf'(?:{raising})\(\s*"([a-z_]+)"')
    raised = {
        code
        for folder in ("shared", "web", "worker")
        for path in (REPOSITORY / folder).rglob("*.py")
        for code in pattern.findall(path.read_text(encoding="utf-8"))
    }
    assert len(raised) > 20
    assert raised - set(errors.ERROR_CODES) == set()
