"""What tests make: uploads, jobs and small archives, through the same functions as the product."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from PIL import Image as Picture
from sqlalchemy import insert

from semblante import chunks, jobs, lifecycle, uploads
from semblante.bundles import shipped_bundle
from semblante.detection import Detect
from semblante.emotions import EMOTIONS
from semblante.jobs import ModelOfJob
from semblante.services import Services
from semblante.tables import Chunk, Image, Job

CLASSES = [emotion._asdict() for emotion in EMOTIONS]
PROBABILITIES = {
    "surprise": 0.1,
    "fear": 0.0,
    "disgust": 0.0,
    "happiness": 0.7,
    "sadness": 0.1,
    "anger": 0.0,
    "neutral": 0.1,
}


def jpeg(shade: int = 128, size: tuple[int, int] = (32, 32)) -> bytes:
    """Return a small grey JPEG."""
    return _picture("JPEG", shade, size)


def gif(shade: int = 128, size: tuple[int, int] = (32, 32)) -> bytes:
    """Return a small grey GIF, which is always read by Pillow."""
    return _picture("GIF", shade, size)


def _picture(form: str, shade: int, size: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    Picture.new("L", size, shade).save(buffer, form)
    return buffer.getvalue()


def zip_bytes(members: Mapping[str, bytes]) -> bytes:
    """Return a zip with `members`, stored."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def submit(
    services: Services,
    data: bytes,
    filename: str = "faces.zip",
    model: ModelOfJob | None = None,
    detect: Detect = "off",
) -> Job:
    """Store `data` as a complete upload and create a job over it, by default of a shipped model."""
    model = model or ModelOfJob.of(shipped_bundle(services.settings.model))
    options = {"detect": detect}
    with services.database.writing() as session:
        upload = uploads.begin(session, filename, len(data))
        services.storage.write(upload.storage_key, [data])
        uploads.finish(upload, len(data))
        session.flush()
        return jobs.create(session, services.queue, upload, model, options=options)


def start(services: Services, images: int, per_chunk: int) -> Job:
    """Return a job in progress with `images` images, as `index` would leave it."""
    job = submit(services, b"")
    with services.database.writing() as session:
        job = jobs.get(session, job.id)
        rows = [
            {
                "job_id": job.id,
                "index": index,
                "path": f"{index}.jpg",
                "offset": 0,
                "packed_bytes": 1,
                "unpacked_bytes": 1,
                "method": -1,
            }
            for index in range(images)
        ]
        session.execute(insert(Image), rows)
        for first, count in chunks.plan([1] * images, per_chunk, 1000):
            session.add(Chunk(job_id=job.id, first=first, count=count))
        job.total = images
        lifecycle.move(job, "in_progress")
        session.flush()
        chunks.queue_window(session, services.queue, job, services.settings.window_chunks)
    return job


def reload(services: Services, job: Job) -> Job:
    """Return the job as the database has it now."""
    with services.database.reading() as session:
        return jobs.get(session, job.id)
