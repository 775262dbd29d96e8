"""A stack killed whole goes on at its next start; `bin/faults --power-cuts 20` does it often."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.power_cut import survive

pytestmark = pytest.mark.flow


def test_a_job_survives_power_cuts(archive: Path, expected: bytes, tmp_path: Path) -> None:
    assert survive(archive, tmp_path, times=2) == expected
