"""What a worker counts and times for Prometheus; see docs/operations.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from prometheus_client import Counter, Histogram

from semblante.telemetry import span

if TYPE_CHECKING:  # predictions without a database are counted, too
    from semblante.results import ResultRow

ChunkStep = Literal["label", "write", "predict"]

IMAGES = Counter(
    "semblante_images", "Images with a row, by its status and error code.", ["status", "error_code"]
)
CHUNKS = Counter("semblante_worker_chunks", "Attempts at chunks, by their outcome.", ["outcome"])
BATCH_FACES = Histogram(
    "semblante_batch_faces",
    "Faces of one forward pass.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024),
)
STEP_SECONDS = Histogram(
    "semblante_step_seconds",
    "Time of a step: index, finish (of a job), label, write (of a chunk), predict (of a batch).",
    ["step"],
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
)


@contextmanager
def step(name: ChunkStep) -> Iterator[None]:
    """Time a step of a chunk, and make it a span where this process makes spans."""
    with STEP_SECONDS.labels(name).time(), span(name):
        yield


def count_rows(rows: Iterable[ResultRow]) -> None:
    """Count each image once, at its first row."""
    for row in rows:
        if row.face_id == 0:
            IMAGES.labels(row.status, row.error_code or "").inc()
