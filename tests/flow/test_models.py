"""A new model of the same name beside running jobs: each job ends by the model it began with."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bundle_factory import copy_shipped
from flow.conftest import csv_of, submit, wait_until
from semblante.client import Client
from semblante.services import Services
from semblante.settings import Settings
from semblante.stack.stack import embedded_stack

pytestmark = pytest.mark.flow


def models(*words: str | Path, data: Path) -> str:
    command = [sys.executable, "-m", "semblante", "models", *map(str, words), "--data", str(data)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return run.stdout


def models_in(results: bytes) -> set[str]:
    return {row["model"] for row in csv.DictReader(io.StringIO(results.decode()))}


def test_a_running_job_keeps_its_model(
    settings: Settings, archive: Path, tmp_path: Path, opened: Callable[[Settings], Services]
) -> None:
    data = settings.data
    models("import", copy_shipped(tmp_path / "1", version="1"), data=data)
    old = models("default", "mine", data=data).strip()
    with (
        embedded_stack(settings, web=True, predict_worker=False) as stack,
        Client(stack.url) as client,
    ):
        services = opened(stack.settings)
        job_a = submit(services, archive)
        wait_until(services, job_a, lambda job: job.ok > 0)
        client.pause(job_a)

        models("import", copy_shipped(tmp_path / "2", version="2"), data=data)
        new = models("default", data=data).strip()
        assert new != old
        models("remove", old, data=data)
        job_b = client.submit(archive).id
        rows_b = csv_of(services, job_b)
        assert client.job(job_a).counts.finished < client.job(job_a).counts.total

        client.resume(job_a)
        rows_a = csv_of(services, job_a)
        assert (models_in(rows_a), models_in(rows_b)) == ({old}, {new})
        assert rows_a.replace(old.encode(), new.encode()) == rows_b
        wait_until(services, job_a, lambda job: old not in stored_references(services))


def stored_references(services: Services) -> set[str]:
    """Return the references of all models whose bytes are in the storage."""
    folder = services.settings.data / "storage" / "models"
    return {f"mine@{path.name[:12]}" for path in folder.iterdir()}
