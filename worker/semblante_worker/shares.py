"""What each child process of a worker gets: its device, and its part of the cores."""

from __future__ import annotations

from collections.abc import Sequence

from semblante.settings import Settings
from semblante_worker.decode import usable_cores

CORES_PER_CHILD = 4


def with_device(settings: Settings, devices: Sequence[str], child: int | None) -> Settings:
    """Return the settings of a child; a child that takes a dead one's place has its number."""
    if not devices:
        return settings
    return settings.model_copy(update={"device": devices[(child or 0) % len(devices)]})


def share_cores(settings: Settings) -> Settings:
    """Give each child its part of the cores: threads that outnumber them wait for one another.

    While one child writes rows or reads an archive another one computes, so that two share even
    two cores; more cores need more children, because threads of one share an interpreter.
    """
    cores = usable_cores()
    processes = settings.worker_processes or max(min(2, cores), cores // CORES_PER_CHILD)
    part = max(1, cores // processes)
    return settings.model_copy(
        update={
            "worker_processes": processes,
            "compute_threads": settings.compute_threads or part,
            "decode_threads": settings.decode_threads or part,
        }
    )
