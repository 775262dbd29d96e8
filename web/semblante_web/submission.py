"""From a request to a job: the options, the stored bytes, and the same job for the same request."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, Json
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from semblante import jobs, retention, uploads
from semblante.default_model import choose
from semblante.detection import DETECT_MEANING, Detect
from semblante.emotions import Language
from semblante.errors import Conflict, Refused
from semblante.services import Services
from semblante.tables import Job, Upload
from semblante_web.packing import pack, pack_name
from semblante_web.refusals import TooManyJobs

RETRY_AFTER_SECONDS = 30
BLOCK_BYTES = 1024 * 1024
MAX_KEY = 255


class Choices(BaseModel):
    """The model to run, and whether images are searched for faces."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = Field(None, description="Name or reference; the server's default without.")
    detect: Detect | None = Field(
        None, description=f"{DETECT_MEANING} The server's default without."
    )


class JobOptions(Choices):
    """How a job labels."""

    lang: Language = Field("en", description="Language of the CSV's emotions unless asked else.")
    retention_days: float | None = Field(
        None,
        ge=0,
        le=36_500,
        description="Days after its end that its images, rows and files are removed; 0 keeps them. "
        "The server's default without.",
    )


class JobFromUpload(JobOptions):
    """A job over an upload that is complete."""

    upload_id: str
    metadata: dict[str, Any] = Field(default_factory=dict, description="Given back unchanged.")


class JobFromFiles(JobOptions):
    """A job over the files of the form."""

    metadata: Json[dict[str, Any]] = Field(
        default_factory=dict, description="A JSON object, given back unchanged."
    )


class Request(NamedTuple):
    """What a person asks for, and under which Idempotency-Key."""

    options: JobFromUpload | JobFromFiles
    files: Sequence[FileStorage]
    key: str | None


def submit(services: Services, request: Request) -> Job:
    """Store the files of the request, if any, and create its job, once per Idempotency-Key.

    Raises:
        TooManyJobs: `queue_full`.
        NotFound: `model_not_found` or `upload_not_found`.
        Conflict: `idempotency_mismatch` or `upload_incomplete`.
        Refused: `no_file` or `invalid_request`.
    """
    if request.key is not None and not 0 < len(request.key) <= MAX_KEY:
        raise Refused("invalid_request", f"Idempotency-Key may have 1 to {MAX_KEY} characters.")
    if isinstance(request.options, JobFromFiles) and not request.files:
        raise Refused("no_file", "The form needs at least one file in the field `file`.")
    idempotency = (request.key, _content_hash(request)) if request.key is not None else None
    with services.database.reading() as session:
        if idempotency and (earlier := _earlier(session, *idempotency)):
            return earlier
        _check_room(session, services)
        choose(session, services.settings, request.options.model)  # refused before bytes are kept
    upload_id, size = _bytes_of(services, request)
    try:
        with services.database.writing() as session:
            upload = _complete_upload(session, upload_id, size)
            model = choose(session, services.settings, request.options.model, lock=True)
            return jobs.create(
                session,
                services.queue,
                upload,
                jobs.ModelOfJob.of(model),
                options=_kept_options(request.options, services),
                note=request.options.metadata,
                idempotency=idempotency,
            )
    except IntegrityError:  # the same request, at the same time
        with services.database.reading() as session:
            if idempotency and (earlier := _earlier(session, *idempotency)):
                return earlier
        raise


def _kept_options(options: JobOptions, services: Services) -> dict[str, Any]:
    kept = {"detect": options.detect or services.settings.detect, "lang": options.lang}
    if options.retention_days is not None:
        return {**kept, retention.OPTION: options.retention_days}
    return kept


def _check_room(session: Session, services: Services) -> None:
    most = services.settings.max_open_jobs
    if jobs.open_count(session) >= most:
        raise TooManyJobs(
            "queue_full",
            f"{most} jobs are unfinished; try again in {RETRY_AFTER_SECONDS} seconds.",
            {"Retry-After": str(RETRY_AFTER_SECONDS)},
        )


def _bytes_of(services: Services, request: Request) -> tuple[str, int | None]:
    """Return the id of the upload and, if it was stored just now, its size."""
    if isinstance(request.options, JobFromUpload):
        return request.options.upload_id, None
    names = [file.filename or "image" for file in request.files]
    filename = names[0] if len(names) == 1 else pack_name(names)
    with services.database.writing() as session:
        upload = uploads.begin(session, filename, 0)
    if len(names) == 1:
        blocks = iter(lambda: request.files[0].stream.read(BLOCK_BYTES), b"")
    else:
        streams = (file.stream for file in request.files)
        blocks = pack(zip(names, streams, strict=True))
    return upload.id, services.storage.write(upload.storage_key, blocks)


def _complete_upload(session: Session, upload_id: str, size: int | None) -> Upload:
    upload = uploads.get(session, upload_id)
    if size is not None:
        uploads.finish(upload, size)
        session.flush()
    if upload.completed_at is None:
        raise Conflict("upload_incomplete", f"The upload {upload_id} is not complete yet.")
    return upload


def _earlier(session: Session, key: str, digest: str) -> Job | None:
    job = jobs.find_by_idempotency_key(session, key)
    if job is not None and job.idempotency_hash != digest:
        raise Conflict("idempotency_mismatch", f"The key {key!r} was used with another request.")
    return job


def _content_hash(request: Request) -> str:
    """Return the sha256 of the options and of all files with their names."""
    files = []
    for file in request.files:
        digest = hashlib.sha256()
        while block := file.stream.read(BLOCK_BYTES):
            digest.update(block)
        file.stream.seek(0)
        files.append([file.filename, digest.hexdigest()])
    content = [request.options.model_dump(mode="json"), files]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
