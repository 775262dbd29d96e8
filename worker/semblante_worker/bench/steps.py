"""The steps of the product, each alone, on pictures in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from celery import Celery

from semblante import jobs, results, uploads
from semblante.bundles import Bundle
from semblante.database import Database
from semblante.migrations import upgrade
from semblante.queue import Queue
from semblante.results import ResultRow
from semblante.settings import Settings
from semblante_worker.bench.rate import Rate, measure_rate
from semblante_worker.bench.sample import Sample
from semblante_worker.decode import open_whole, usable_cores
from semblante_worker.decode_many import SLICE_IMAGES
from semblante_worker.engines import load_engine
from semblante_worker.preprocess import prepare_pixels

Item = TypeVar("Item")

DATABASE_ROWS = 20_000


def measure_steps(sample: Sample, bundle: Bundle, settings: Settings) -> Iterator[Rate]:
    """Yield the rates of decode, preprocess and engine; threads as `settings` say."""
    threads = settings.decode_threads or usable_cores()
    with ThreadPoolExecutor(threads) as executor:
        yield _decode(sample, bundle, settings, executor)
        yield _preprocess(sample, bundle, settings, executor)
    yield _engine(bundle, settings)


def measure_database(bundle: Bundle, settings: Settings, folder: Path) -> Rate:
    """Return how fast rows are written to a new SQLite database, in chunks as a worker does."""
    url = f"sqlite:///{folder / 'bench.sqlite3'}"
    database = Database(url)
    upgrade(url)
    queue = Queue(Celery(broker="memory://"))  # its messages go nowhere
    share = np.full(len(bundle.classes), 1 / len(bundle.classes), "<f4").tobytes()
    digest = hashlib.sha256(b"").digest()
    with database.writing() as session:
        upload = uploads.begin(session, "bench.zip", 1)
        uploads.finish(upload, 1)
        session.flush()
        job_id = jobs.create(session, queue, upload, jobs.ModelOfJob.of(bundle)).id
    written = 0

    def work() -> int:
        nonlocal written
        for first in range(written, written + DATABASE_ROWS, settings.chunk_images):
            rows = [
                ResultRow(index, 0, "ok", None, bundle.classes[0].id, 0.5, share, sha256=digest)
                for index in range(first, first + settings.chunk_images)
            ]
            with database.writing() as session:
                job = jobs.get(session, job_id, lock=True)
                results.write(session, job, rows, replaces_failed=False)
            written = first + settings.chunk_images
        return DATABASE_ROWS

    return measure_rate("database", work, "SQLite, one writer")


def _decode(
    sample: Sample, bundle: Bundle, settings: Settings, executor: ThreadPoolExecutor
) -> Rate:
    def decode(files: Sequence[bytes]) -> int:
        spec, most = bundle.card.preprocess, settings.max_image_pixels
        return sum(open_whole(data, spec, most).width > 0 for data in files)

    slices = _slices(sample.files)

    def work() -> int:
        return sum(executor.map(decode, slices))

    return measure_rate("decode", work, _threads(executor))


def _preprocess(
    sample: Sample, bundle: Bundle, settings: Settings, executor: ThreadPoolExecutor
) -> Rate:
    spec = bundle.card.preprocess
    files = sample.files[:64]
    pictures = [open_whole(data, spec, settings.max_image_pixels).pixels for data in files]
    slices = _slices(pictures * (len(sample.files) // len(pictures) + 1))

    def work() -> int:
        return sum(
            executor.map(lambda part: sum(len(prepare_pixels(p, spec)) > 0 for p in part), slices)
        )

    return measure_rate("preprocess", work, _threads(executor))


def _engine(bundle: Bundle, settings: Settings) -> Rate:
    engine = load_engine(bundle, settings.device, settings.compute_threads)
    size = settings.batch_size or engine.batch_rows
    shape = (size, *bundle.card.preprocess.shape)
    batch = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    batches = max(4, 2_000 // size)

    def work() -> int:
        return sum(len(engine.predict(batch)) for _ in range(batches))

    return measure_rate("engine", work, f"{type(engine).__name__}, batches of {len(batch)}")


def _slices(items: Sequence[Item]) -> list[Sequence[Item]]:
    """Cut `items` into as much as a decoding thread takes at a time."""
    return [items[at : at + SLICE_IMAGES] for at in range(0, len(items), SLICE_IMAGES)]


def _threads(executor: ThreadPoolExecutor) -> str:
    return f"{executor._max_workers} threads"
