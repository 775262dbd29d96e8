"""Who holds a lease: the same process whatever the clock says, another one after a boot."""

from __future__ import annotations

import sys

import psutil
import pytest
from sqlalchemy import String

from semblante import holder
from semblante.holder import cannot_work, this_process
from semblante.tables import Chunk

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a start is a time of day")
LONGEST_HOST = 64
LARGEST_PID = 2**22


@LINUX
def test_a_holder_lives_on_when_the_clock_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's time of boot, from which psutil reckons, moves with the clock."""
    own, started, booted = this_process(), psutil.Process().create_time(), psutil.boot_time()
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: booted + 3600)
    assert psutil.Process().create_time() == pytest.approx(started + 3600, abs=5)
    assert not cannot_work(own)


@LINUX
def test_a_process_of_another_boot_or_start_is_another() -> None:
    host, pid, start = this_process().rsplit("/", 2)
    boot, ticks = start.split(".")
    assert not cannot_work(f"{host}/{pid}/{boot}.{ticks}")
    assert cannot_work(f"{host}/{pid}/{'0' * len(boot)}.{ticks}")
    assert cannot_work(f"{host}/{pid}/{boot}.{int(ticks) + 1}")
    longest = f"{'h' * LONGEST_HOST}/{LARGEST_PID}/{boot}.{2**63}"
    column = Chunk.__table__.c.lease_holder.type
    assert isinstance(column, String)
    assert column.length is not None
    assert len(longest) <= column.length


def test_where_a_boot_has_no_name_the_time_of_day_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holder, "_boot_id", lambda: None)
    own = this_process()
    assert own.endswith(f"/{psutil.Process().create_time():.2f}")
    assert not cannot_work(own)


def test_a_process_that_is_gone_cannot_work() -> None:
    host, _, start = this_process().rsplit("/", 2)
    assert cannot_work(f"{host}/{LARGEST_PID + 1}/{start}")
