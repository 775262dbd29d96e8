"""Power cuts: every process of the embedded stack is killed at once, repeatedly, in one job."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from faults.checks import processes_of
from faults.site import PROGRAM
from flow.conftest import csv_of, submit, wait_until
from noisy_archive import IMAGES
from semblante.migrations import upgrade
from semblante.services import open_services
from semblante.settings import Settings
from semblante.stack.environment import child_environment
from semblante.stack.stack import embedded_stack

END_SECONDS = 10


def survive(archive: Path, folder: Path, times: int) -> bytes:
    """Cut the power `times` times in a job over `archive`; return its CSV."""
    settings = Settings(
        data=folder / "data",
        port=0,  # a free one at each start: another test may take a port between two
        model="resnet18-raf7-fast",
        chunk_images=10,
        batch_size=8,
        compute_threads=1,
    )
    upgrade(settings.database)
    observed = settings.model_copy(update={"broker_url": "redis://127.0.0.1:1/0"})  # never asked
    services = open_services(observed)
    try:
        job_id = submit(services, archive)
        for number in range(times):
            share = number / times
            with _stack(settings, folder) as stack:
                wait_until(services, job_id, lambda job, least=share: job.ok >= least * IMAGES)  # type: ignore[misc]
                cut_power(stack, folder)
        with _stack(settings, folder):
            return csv_of(services, job_id)
    finally:
        services.queue.app.close()
        services.database.dispose()


def cut_power(stack: psutil.Popen, folder: Path) -> None:
    """Kill everything at once, and wait until nothing is left."""
    processes = [stack, *stack.children(recursive=True)]
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=END_SECONDS)
    deadline = time.monotonic() + END_SECONDS
    while processes_of(folder):
        assert time.monotonic() < deadline, "a process outlives the cut"
        time.sleep(0.05)


@contextmanager
def _stack(settings: Settings, folder: Path) -> Iterator[psutil.Popen]:
    """Run the stack as a process of its own, as `semblante up` does."""
    with (folder / "stack.log").open("ab") as log:
        stack = psutil.Popen(
            [sys.executable, __file__],
            env={**child_environment(settings), "PYTHONPATH": str(Path(__file__).parents[1])},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield stack
    finally:
        with suppress(psutil.NoSuchProcess):
            stack.terminate()
        stack.wait(60)


def main() -> None:
    """Run the stack that its environment describes, with the tests' slow storage."""
    with embedded_stack(Settings(), web=True, predict_worker=False, program=PROGRAM) as stack:
        stack.wait()


if __name__ == "__main__":
    main()
