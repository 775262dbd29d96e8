"""The whole way over PostgreSQL gives the same CSV as over SQLite."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from flow.conftest import csv_of, submit
from semblante.services import Services
from semblante.settings import Settings
from semblante.stack.stack import embedded_stack

pytestmark = pytest.mark.flow


def test_the_csv_is_the_same_on_postgresql(
    settings: Settings,
    archive: Path,
    postgresql: str,
    opened: Callable[[Settings], Services],
) -> None:
    files = []
    for url in (None, postgresql):
        chosen = settings.model_copy(update={"database_url": url, "worker_processes": 2})
        with embedded_stack(chosen, web=False, predict_worker=False) as stack:
            services = opened(stack.settings)
            files.append(csv_of(services, submit(services, archive)))
    assert files[0] == files[1]
