"""The step `index` on an archive of many tiny entries: seconds, and memory above the idle process.

.venv/bin/python benchmarks/index_job.py --entries 100000

--each looks for no repeated images; --same makes all images one, the dearest case of looking.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import resource
import tempfile
import time
import zipfile
from pathlib import Path

import psutil
from PIL import Image as Picture

from semblante import jobs, uploads
from semblante.emotions import EMOTIONS
from semblante.migrations import upgrade
from semblante.services import open_services
from semblante.settings import Settings
from semblante.stack.broker import Broker
from semblante.stack.supervisor import Supervisor
from semblante_worker.index import index_job
from semblante_worker.process import tune_interpreter

MIB = 1024**2


def main() -> None:
    """Write the archive, index it, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--each", action="store_true")
    parser.add_argument("--same", action="store_true")
    given = parser.parse_args()
    entries = given.entries
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "tiny.zip"
        # In a process of its own: the writer keeps its whole directory in memory.
        writer = multiprocessing.get_context("spawn").Process(
            target=write_archive, args=(archive, entries, given.same)
        )
        writer.start()
        writer.join()
        broker = Broker(Path(folder) / "broker")
        with Supervisor(Path(folder) / "logs", [[broker.component()]]):
            settings = Settings(
                data=Path(folder) / "data", broker_url=broker.url, reuse_duplicates=not given.each
            )
            measure(settings, archive, entries)


def write_archive(path: Path, entries: int, is_same: bool) -> None:
    """Write a zip of one tiny JPEG again and again, unless `is_same` with a number behind it."""
    buffer = io.BytesIO()
    Picture.new("L", (8, 8), 128).save(buffer, "JPEG")
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(entries):
            data = buffer.getvalue() + (b"" if is_same else number.to_bytes(4))
            archive.writestr(f"folder {number // 1000}/face {number}.jpg", data)


def measure(settings: Settings, archive: Path, entries: int) -> None:
    """Run the step in this process, as a worker's child does."""
    upgrade(settings.database)
    services = open_services(settings)
    with services.database.writing() as session:
        upload = uploads.begin(session, archive.name, archive.stat().st_size)
        services.storage.adopt(upload.storage_key, archive)
        uploads.finish(upload, upload.size_bytes)
        session.flush()
        model = jobs.ModelOfJob("none", [emotion._asdict() for emotion in EMOTIONS])
        job_id = jobs.create(session, services.queue, upload, model).id
    process = psutil.Process()
    before = process.memory_info().rss
    tune_interpreter()
    started = time.perf_counter()
    index_job(services, job_id)
    seconds = time.perf_counter() - started
    peak = peak_memory() - before
    with services.database.reading() as session:
        job = jobs.get(session, job_id)
    print(f"{job.total} of {entries} entries, {job.state}: {seconds:.2f} s")
    print(f"peak memory above the idle process: {peak / MIB:.0f} MiB")


def peak_memory() -> int:
    """Return this process's peak resident memory in bytes (Linux)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
