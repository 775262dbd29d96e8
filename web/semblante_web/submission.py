"""From a request to a job: the options, the stored bytes, and the same job for the same request."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from semblante import jobs, retention, uploads, usage, webhooks
from semblante.default_model import choose
from semblante.errors import Conflict, Refused
from semblante.services import Services
from semblante.tables import Job, Upload
from semblante_web.access import identity, record
from semblante_web.job_bytes import bytes_of
from semblante_web.job_options import JobFromFiles, JobFromUpload, JobFromUrl, JobOptions
from semblante_web.quotas import check_open_jobs, check_quota

BLOCK_BYTES = 1024 * 1024
MAX_KEY = 255


class Request(NamedTuple):
    """What a person asks for, and under which Idempotency-Key."""

    options: JobFromUpload | JobFromUrl | JobFromFiles
    files: Sequence[FileStorage]
    key: str | None


def submit(services: Services, request: Request) -> Job:
    """Store the files of the request, if any, and create its job, once per Idempotency-Key.

    Raises:
        TooMany: `queue_full` or `quota_exceeded`.
        NotFound: `model_not_found` or `upload_not_found`.
        Conflict: `idempotency_mismatch` or `upload_incomplete`.
        Refused: `no_file`, `invalid_request`, or what `fetch` says about a URL, or about that of
            a webhook.
    """
    if request.key is not None and not 0 < len(request.key) <= MAX_KEY:
        raise Refused(
            "invalid_request",
            "Idempotency-Key may have 1 to %(most)s characters.",
            most=MAX_KEY,
        )
    if isinstance(request.options, JobFromFiles) and not request.files:
        raise Refused("no_file", "The form needs at least one file in the field `file`.")
    if request.options.webhook is not None:
        webhooks.check_address(request.options.webhook, services.settings.url_networks)
    idempotency = (_of_owner(request.key), _content_hash(request)) if request.key else None
    with services.database.reading() as session:
        if idempotency and (earlier := _earlier(session, *idempotency)):
            return earlier
        check_open_jobs(session, services.settings, identity())
        check_quota(session, services.settings, identity())
        choose(session, services.settings, request.options.model)  # refused before bytes are kept
    upload_id, size = bytes_of(services, request.options, request.files)
    try:
        with services.database.writing() as session:
            upload = _complete_upload(session, upload_id, size)
            model = choose(session, services.settings, request.options.model, lock=True)
            job = jobs.create(
                session,
                services.queue,
                upload,
                jobs.ModelOfJob.of(model),
                options=_kept_options(request.options, services),
                note=request.options.metadata,
                idempotency=idempotency,
            )
            usage.add(session, job.owner, jobs=1, size_bytes=size or 0)
            record(session, "submit", job.id)
            return job
    except IntegrityError:  # the same request, at the same time
        with services.database.reading() as session:
            if idempotency and (earlier := _earlier(session, *idempotency)):
                return earlier
        raise


def _kept_options(options: JobOptions, services: Services) -> dict[str, Any]:
    kept = {"detect": options.detect or services.settings.detect, "lang": options.lang}
    given = {retention.OPTION: options.retention_days, webhooks.OPTION: options.webhook}
    return kept | {name: value for name, value in given.items() if value is not None}


def _complete_upload(session: Session, upload_id: str, size: int | None) -> Upload:
    upload = uploads.get(session, upload_id)
    if not (identity().sees(upload.owner) and retention.is_upload_needed(session, upload_id)):
        raise uploads.missing(upload_id)
    if size is not None:
        uploads.finish(upload, size)
        session.flush()
    if upload.completed_at is None:
        raise Conflict(
            "upload_incomplete",
            "The upload %(upload_id)s is not complete yet.",
            upload_id=upload_id,
        )
    return upload


def _of_owner(key: str) -> str:
    """Return `key` such that owners who choose the same one do not meet."""
    owner = identity().owner
    return hashlib.sha256(f"{owner}\n{key}".encode()).hexdigest() if owner else key


def _earlier(session: Session, key: str, digest: str) -> Job | None:
    job = jobs.find_by_idempotency_key(session, key)
    if job is not None and job.idempotency_hash != digest:
        raise Conflict("idempotency_mismatch", "This Idempotency-Key had another request.")
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
