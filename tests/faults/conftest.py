"""Fixtures of the fault runs: servers, archive and expected CSV, once for each test process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.servers import Servers
from faults.undisturbed import undisturbed_csv
from noisy_archive import write_archive


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Start each dear server when it is first asked for."""
    with Servers() as servers:
        yield servers


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a zip of small pictures."""
    path = tmp_path_factory.mktemp("archive") / "faces.zip"
    write_archive(path)
    return path


@pytest.fixture(scope="session")
def expected(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the CSV of a job that nothing disturbed."""
    return undisturbed_csv(archive, tmp_path_factory.mktemp("undisturbed") / "site")
