"""Classify: from one chunk's bytes to its rows, written in one transaction with the chunk."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import structlog
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from semblante import bundles, chunks, jobs, results, uploads
from semblante.archive import read_members
from semblante.bundles import Bundle
from semblante.chunks import Claim
from semblante.errors import BundleError, NotFound, Unavailable
from semblante.results import ResultRow
from semblante.services import Services
from semblante.steps import RENEWALS_PER_LEASE, LeaseLost
from semblante.storage import StoredSource
from semblante.tables import Image, Job
from semblante_worker.decode import Failure
from semblante_worker.predict import Prediction, Predictor

log = structlog.get_logger()


def classify_chunk(services: Services, predictor: Predictor, job_id: str, first: int) -> None:
    """Label the images of one chunk; does nothing when the chunk is done or held by another.

    A storage, database or device that fails now and then puts the chunk back without counting an
    attempt; any other error counts, as a crash of the process does.
    """
    with services.database.writing() as session:
        claim = chunks.claim(session, services.queue, job_id, first, services.settings)
    if claim is None:
        return
    started = time.monotonic()
    try:
        rows = list(_label(services, predictor, claim))
        _write(services, claim, rows)
        seconds = round(time.monotonic() - started, 3)
        log.info("chunk labelled", job_id=job_id, first=first, rows=len(rows), seconds=seconds)
    except LeaseLost:
        _put_back(services, claim)
    except (BundleError, NotFound) as error:
        _fail_job(services, claim, error)
    except (OSError, OperationalError, Unavailable):
        _put_back(services, claim)
        raise
    except BaseException:
        _put_back(services, claim, counts=True)
        raise


def _label(services: Services, predictor: Predictor, claim: Claim) -> Iterator[ResultRow]:
    """Yield the rows of the claim's images, renewing the lease on the way."""
    images, key, model = _inputs(services, claim)
    if claim.poisoned:
        yield from (_failed(image.index, "worker_crash") for image in images)
        return
    known = [image for image in images if image.error_code is not None]
    yield from (_failed(image.index, image.error_code or "") for image in known)
    readable = [image for image in images if image.error_code is None]
    if not readable:
        return
    bundle = bundles.find_bundle(services.settings.data, model)
    source = StoredSource(services.storage, key)
    members = read_members(source, readable, services.settings.max_image_bytes)
    pairs = ((image.index, data) for image, data in members)
    renewed = time.monotonic()
    for outcome in predictor.predict_images(pairs, bundle):
        yield _row(outcome, bundle)
        if time.monotonic() - renewed > services.settings.lease_seconds / RENEWALS_PER_LEASE:
            _renew(services, claim)
            renewed = time.monotonic()


def _inputs(services: Services, claim: Claim) -> tuple[Sequence[Image], str, str]:
    """Return the images to work on, the storage key of their archive and the job's model."""
    with services.database.reading() as session:
        job = session.get(Job, claim.job_id)
        if job is None:
            raise LeaseLost(claim.job_id)
        run = select(Image).where(
            Image.job_id == claim.job_id,
            Image.index >= claim.first,
            Image.index < claim.first + claim.count,
        )
        images = session.scalars(run.order_by(Image.index)).all()
        if claim.retry:
            failed = results.failed_indexes(session, claim.job_id, claim.first, claim.count)
            images = [image for image in images if image.index in failed]
        return images, uploads.get(session, job.upload_id).storage_key, job.model


def _write(services: Services, claim: Claim, rows: list[ResultRow]) -> None:
    """Write all rows, mark the chunk done and let the next one go, in one transaction."""
    rows.sort()
    with services.database.writing() as session:
        job = session.get(Job, claim.job_id, with_for_update=True)
        if job is None or job.state != "in_progress":
            raise LeaseLost(claim.job_id)
        if not chunks.complete(session, claim):
            log.info("lease lost, rows dropped", job_id=claim.job_id, first=claim.first)
            return
        results.write(session, job, rows, replaces_failed=claim.retry)
        session.flush()
        chunks.queue_window(session, services.queue, job, services.settings.window_chunks)
        jobs.finish_when_done(session, services.queue, job)


def _renew(services: Services, claim: Claim) -> None:
    with services.database.writing() as session:
        if not chunks.renew(session, claim, services.settings):
            raise LeaseLost(claim.job_id)


def _put_back(services: Services, claim: Claim, *, counts: bool = False) -> None:
    with services.database.writing() as session:
        chunks.release(session, claim, counts=counts)
        job = session.get(Job, claim.job_id, with_for_update=True)
        if job is not None:
            session.flush()
            jobs.settle_cancelled(session, job)


def _fail_job(services: Services, claim: Claim, error: BundleError | NotFound) -> None:
    """A model or upload that is gone would fail every chunk in the same way."""
    code = "upload_missing" if error.code.startswith("upload") else "model_missing"
    with services.database.writing() as session:
        job = session.get(Job, claim.job_id, with_for_update=True)
        if job is not None and job.state == "in_progress":
            jobs.fail(session, job, code, error.message)


def _row(outcome: Prediction | Failure, bundle: Bundle) -> ResultRow:
    if isinstance(outcome, Failure):
        return _failed(outcome.index, outcome.code, outcome.width, outcome.height, outcome.sha256)
    best = int(outcome.probabilities.argmax())
    return ResultRow(
        image_index=outcome.index,
        face_id=0,
        status="ok",
        emotion=bundle.classes[best].id,
        confidence=float(outcome.probabilities[best]),
        probabilities=outcome.probabilities.astype("<f4").tobytes(),
        face_x=0,
        face_y=0,
        face_w=outcome.width,
        face_h=outcome.height,
        width=outcome.width,
        height=outcome.height,
        sha256=outcome.sha256,
    )


def _failed(
    index: int,
    code: str,
    width: int | None = None,
    height: int | None = None,
    sha256: bytes | None = None,
) -> ResultRow:
    return ResultRow(index, 0, "failed", code, width=width, height=height, sha256=sha256)
