"""A job on this machine, without the web: its input is stored, submitted, followed and exported."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import select

from semblante import jobs, registry, results, uploads
from semblante.bundles import Model
from semblante.cli.label_input import LabelInput
from semblante.emotions import Language
from semblante.errors import NotFound
from semblante.export import csv_blocks
from semblante.job_view import JobView
from semblante.jobs import ModelOfJob
from semblante.lifecycle import State
from semblante.services import Services, open_services
from semblante.settings import Settings
from semblante.tables import Job, Upload
from semblante.views import job_view

NOTE_KEY = "label_input"
AWAITED_KEY = "label_awaits_csv"
"""Beside it until the results are where the person wants them."""
UNFINISHED: tuple[State, ...] = ("validating", "in_progress", "finalizing")


@contextmanager
def services_of(settings: Settings) -> Iterator[Services]:
    """Open the services for a while, and close their connections."""
    services = open_services(settings)
    try:
        yield services
    finally:
        services.queue.app.close()
        services.database.dispose()


def interrupted_job(services: Services, given: LabelInput, model: Model) -> str | None:
    """Return the job that an interrupted call over the same input left; resume it if it rests.

    It may be complete: then the call ended before the results were written.
    """
    query = select(Job).where(
        Job.state.in_((*UNFINISHED, "completed")),
        Job.model == model.reference,
        Job.note[NOTE_KEY].as_string() == given.fingerprint,
    )
    with services.database.writing() as session:
        for job in session.scalars(query.order_by(Job.id.desc())):
            same_detect = job.options.get("detect", "off") == services.settings.detect
            if same_detect and (job.state in UNFINISHED or job.note.get(AWAITED_KEY)):
                if job.paused:
                    jobs.resume(session, services.queue, job, services.settings)
                return job.id
    return None


def note_written(services: Services, job_id: str) -> None:
    """Note that the person has the results: from now on, the same call labels anew."""
    with services.database.writing() as session:
        job = jobs.get(session, job_id, lock=True)
        job.note = {key: value for key, value in job.note.items() if key != AWAITED_KEY}


def start_job(
    services: Services,
    given: LabelInput,
    model: Model,
    language: Language,
    on_stored: Callable[[int], None],
) -> str:
    """Store the input, by reference if it is one file, and submit a job; return its id.

    Args:
        services: Where to.
        given: The input.
        model: The model to run.
        language: An option that the job keeps.
        on_stored: Called with the number of bytes stored so far.

    Raises:
        NotFound: `model_not_found`, when the model was removed meanwhile.
    """
    with services.database.writing() as session:
        upload = uploads.begin(session, given.filename, given.size)
    try:
        size = _store(services, upload.storage_key, given, on_stored)
    except BaseException:
        services.storage.delete(upload.storage_key)
        with services.database.writing() as session:
            session.delete(session.get_one(Upload, upload.id))
        raise
    with services.database.writing() as session:
        stored = uploads.get(session, upload.id)
        uploads.finish(stored, size)
        options = {"detect": services.settings.detect, "lang": language}
        note = {NOTE_KEY: given.fingerprint, AWAITED_KEY: True}
        pinned = ModelOfJob.of(registry.find(session, model.reference, lock=True))
        job = jobs.create(session, services.queue, stored, pinned, options=options, note=note)
    return job.id


def view_of(services: Services, job_id: str) -> JobView:
    """Return the job as it is now."""
    with services.database.reading() as session:
        return job_view(session, jobs.get(session, job_id))


def failures_of(services: Services, job_id: str) -> dict[str, int]:
    """Return how many images failed, by error code, the most frequent first."""
    with services.database.reading() as session:
        return results.error_counts(session, job_id)


def csv_of(services: Services, job_id: str, language: Language) -> Iterator[bytes]:
    """Yield the results: the file that the job wrote, or rows from the database."""
    if language == "en":
        with suppress(NotFound):
            yield from services.storage.blocks(f"{jobs.results_folder(job_id)}/results.csv")
            return
    with services.database.reading() as session:
        yield from csv_blocks(session, jobs.get(session, job_id), language=language)


def forget(services: Services, job_id: str) -> None:
    """Remove the job with its rows, its stored results and its upload."""
    with services.database.writing() as session:
        keys = jobs.delete(session, jobs.get(session, job_id, lock=True))
    for key in keys:
        services.storage.delete(key)


def _store(
    services: Services, key: str, given: LabelInput, on_stored: Callable[[int], None]
) -> int:
    if given.path is not None:
        services.storage.adopt(key, given.path)
        return given.size
    blocks = given.packing.blocks() if given.packing is not None else iter(())
    return services.storage.write(key, _counted(blocks, on_stored))


def _counted(blocks: Iterable[bytes], on_stored: Callable[[int], None]) -> Iterator[bytes]:
    stored = 0
    for block in blocks:
        yield block
        stored += len(block)
        on_stored(stored)
