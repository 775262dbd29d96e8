"""Index: from an upload's bytes to rows of images and chunks, streamed with flat memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import TypeVar

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from semblante import bulk, chunks, folders, jobs, lifecycle, uploads, usage
from semblante.archive import Limits, Listing, Member, detect_kind, list_members, unpack_gzip
from semblante.errors import ArchiveError, NotFound
from semblante.folders import FolderCounter
from semblante.message import Message
from semblante.services import Services
from semblante.steps import Step, never, take_step
from semblante.storage import Storage, StoredSource
from semblante.tables import Chunk, Folder, Image, Job, Upload
from semblante_worker.duplicates import mark_repeated_images, mark_repeated_paths
from semblante_worker.fingerprints import Fingerprints
from semblante_worker.overlaps import mark_overlaps
from semblante_worker.write_behind import WriteBehind, write_behind

IMAGES_PER_TRANSACTION = 8192
CHUNKS_PER_TRANSACTION = 500
IMAGE_COLUMNS = ("job_id", "index", *Member._fields)

Item = TypeVar("Item")


def index_job(services: Services, job_id: str, stops: Callable[[], bool] = never) -> None:
    """List the upload's images, cut them into chunks and start the job.

    A second run, after a crash or once `stops` said that the worker is to end, begins anew. An
    upload that cannot be read fails the job with the reason; nothing of it stays in the storage.
    """
    with take_step(services.database, services.settings, job_id, "validating", stops) as step:
        if step is None:
            return
        try:
            _index(services, step)
        except ArchiveError as error:
            _fail(services, step, error.code, error.said)
        except NotFound as error:
            _fail(services, step, "upload_missing", error.said)


def _index(services: Services, step: Step) -> None:
    settings = services.settings
    with step.writing() as (session, job):
        for table in (Chunk, Image, Folder):
            session.execute(delete(table).where(table.job_id == job.id))
        upload = uploads.get(session, job.upload_id)
    key = _unpacked_key(services.storage, step, upload)
    source = StoredSource(services.storage, key)
    limits = Limits.from_settings(settings)
    listing = list_members(source, detect_kind(source), upload.filename, limits)
    counted = FolderCounter()
    paths, contents = Fingerprints(), Fingerprints()
    with write_behind() as behind:
        sizes = _write_images(step, behind, listing, counted, paths, contents)
        runs = chunks.plan(sizes, settings.chunk_images, settings.chunk_bytes)
        for group in _batched(runs, CHUNKS_PER_TRANSACTION):
            behind(partial(_insert_chunks, step, group))
    if paths.may_repeat():
        mark_repeated_paths(step)
    if listing.may_overlap:
        mark_overlaps(step)
    if settings.reuse_duplicates and contents.may_repeat():
        mark_repeated_images(step)
    _start(services, step, listing, counted)


def _unpacked_key(storage: Storage, step: Step, upload: Upload) -> str:
    """Return the key that allows ranged reads; a tar.gz is unpacked to a tar beside it."""
    key = upload.storage_key
    if detect_kind(StoredSource(storage, key)) != "tar.gz":
        return key
    tar_key = f"{key}.tar"
    source = StoredSource(storage, key)
    most = Limits.from_settings(step.settings).most_unpacked(source.size)
    blocks = unpack_gzip(source, most)
    storage.write(tar_key, step.keeping(blocks))
    with step.writing() as (session, _job):
        session.get_one(Upload, upload.id).storage_key = tar_key
    storage.delete(key)
    return tar_key


def _write_images(
    step: Step,
    behind: WriteBehind,
    listing: Iterable[Member],
    counted: FolderCounter,
    paths: Fingerprints,
    contents: Fingerprints,
) -> Iterator[int]:
    """Insert one row per image and count its folders; yield its packed size."""
    index = 0
    for members in _batched(listing, IMAGES_PER_TRANSACTION):
        rows = [(step.job_id, number, *member) for number, member in enumerate(members, index)]
        behind(partial(_insert_images, step, rows))
        for number, member in enumerate(members, index):
            counted.add(number, member.path)
        paths.add(member.path for member in members)
        contents.add((one.unpacked_bytes, one.crc32, one.tail_crc32) for one in members)
        index += len(members)
        yield from (0 if member.error_code else member.packed_bytes for member in members)


def _insert_images(step: Step, rows: list[bulk.Values]) -> None:
    step.heed()
    with step.writing() as (session, _job):
        bulk.insert_rows(session, Image, IMAGE_COLUMNS, rows)


def _insert_chunks(step: Step, runs: list[tuple[int, int]]) -> None:
    step.heed()
    with step.writing() as (session, job):
        rows = [{"job_id": job.id, "first": first, "count": count} for first, count in runs]
        session.execute(insert(Chunk), rows)


def _start(services: Services, step: Step, listing: Listing, counted: FolderCounter) -> None:
    with step.writing() as (session, job):
        query = select(func.count()).select_from(Image).where(Image.job_id == job.id)
        job.total = session.scalar(query) or 0
        job.skipped = listing.skipped
        if job.total == 0:
            raise ArchiveError("no_images", "The upload holds no image that Semblante reads.")
        folders.write(session, counted.rows(job.id))
        usage.add(session, job.owner, images=job.total)
        lifecycle.move(job, "in_progress")
        session.flush()
        chunks.queue_window(session, services.queue, job, services.settings.window_chunks)


def _fail(services: Services, step: Step, code: str, detail: Message) -> None:
    """Fail the job and drop the upload's bytes, which no other job can use either."""
    with step.writing() as (session, job):
        jobs.fail(session, job, code, detail)
        key = _sole_upload_key(session, job)
    if key is not None:
        services.storage.delete(key)


def _sole_upload_key(session: Session, job: Job) -> str | None:
    users = select(func.count()).select_from(Job).where(Job.upload_id == job.upload_id)
    only = (session.scalar(users) or 0) == 1
    return session.get_one(Upload, job.upload_id).storage_key if only else None


def _batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
