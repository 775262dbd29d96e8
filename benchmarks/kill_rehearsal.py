"""The main job on a real archive while processes are killed with -9: the CSV must not change.

    .venv/bin/python benchmarks/kill_rehearsal.py ../shared/datasets/rafdb_train.zip

Kills the worker twice, the broker once and the web once, and prints how long each took to recover.
"""

from __future__ import annotations

import argparse
import os
import signal
import tempfile
import time
from pathlib import Path

from semblante import jobs, uploads
from semblante.default_model import choose
from semblante.lifecycle import OPEN_STATES
from semblante.services import Services, open_services
from semblante.settings import Settings
from semblante.stack.stack import embedded_stack
from semblante.tables import Job

KILLS = ((0.2, "batch"), (0.4, "broker"), (0.6, "web"), (0.8, "batch"))


def main() -> None:
    """Run the job undisturbed, then disturbed, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    archive = parser.parse_args().archive
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=Path(folder), port=0)
        with embedded_stack(settings, web=True, predict_worker=False) as stack:
            services = open_services(stack.settings)
            calm_id = submit(services, archive)
            wait(services, calm_id, 1.0)
            job_id = submit(services, archive)
            for share, name in KILLS:
                wait(services, job_id, share)
                before = stack.supervisor.restarts(name)
                pid = stack.supervisor.pid(name)
                if pid is None:
                    raise RuntimeError(f"{name} does not run")
                done, started = job_of(services, job_id).ok, time.perf_counter()
                os.kill(pid, signal.SIGKILL)
                while job_of(services, job_id).ok == done or (
                    stack.supervisor.restarts(name) == before
                ):
                    time.sleep(0.02)
                print(f"{name} killed at {done}: rows again {time.perf_counter() - started:.1f} s")
            wait(services, job_id, 1.0)
            same = csv_of(services, calm_id) == csv_of(services, job_id)
            print(f"{job_of(services, job_id).state}; the CSV is {'the same' if same else 'OTHER'}")


def submit(services: Services, archive: Path) -> str:
    """Create a job over the archive; return its id."""
    with services.database.writing() as session:
        upload = uploads.begin(session, archive.name, archive.stat().st_size)
        services.storage.adopt(upload.storage_key, archive)
        uploads.finish(upload, upload.size_bytes)
        session.flush()
        model = jobs.ModelOfJob.of(choose(session, services.settings))
        return jobs.create(session, services.queue, upload, model).id


def job_of(services: Services, job_id: str) -> Job:
    """Return the job as the database has it now."""
    with services.database.reading() as session:
        return jobs.get(session, job_id)


def wait(services: Services, job_id: str, share: float) -> None:
    """Wait until `share` of the images have rows; 1.0 waits for the end of the job."""
    while True:
        job = job_of(services, job_id)
        if job.state not in OPEN_STATES or (
            share < 1 and job.total and job.ok >= share * job.total
        ):
            return
        time.sleep(0.02)


def csv_of(services: Services, job_id: str) -> bytes:
    """Return the finished job's CSV."""
    return b"".join(services.storage.blocks(f"{jobs.results_folder(job_id)}/results.csv"))


if __name__ == "__main__":
    main()
