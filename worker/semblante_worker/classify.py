"""Classify: from one chunk's bytes to its rows, written in one transaction with the chunk."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import structlog
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from semblante import chunks, jobs, results, uploads
from semblante.archive import read_members
from semblante.bundles import Bundle
from semblante.chunks import Claim
from semblante.detection import Detect
from semblante.errors import JOB_ERROR_CODES, BundleError, NotFound, SemblanteError, Unavailable
from semblante.insistence import insist
from semblante.pinned_model import pinned_digest
from semblante.results import ResultRow
from semblante.services import Services
from semblante.steps import RENEWALS_PER_LEASE, LeaseLost, Stopping
from semblante.storage import StoredSource
from semblante.tables import Image, Job
from semblante_worker.caps import StuckDecode
from semblante_worker.metrics import CHUNKS, count_rows, step
from semblante_worker.model_loading import load_model
from semblante_worker.outcome import Failure, NoFace, Repeat
from semblante_worker.own_worker import OWN_WORKER, OwnWorker
from semblante_worker.predict import Prediction, Predictor
from semblante_worker.repeats import Repeats
from semblante_worker.rows import failed_row, repeated_rows, row_of

Item = TypeVar("Item")
log = structlog.get_logger()


@dataclass(frozen=True)
class Work:
    """What a claim asks for: `images` in the archive under the storage's `key`, and how."""

    images: Sequence[Image]
    key: str
    digest: str
    """Of the model."""
    detect: Detect
    known: Sequence[ResultRow]
    """Rows that other chunks wrote, of images that some of these may repeat."""


@dataclass
class Labelled:
    """Rows of a chunk's images, and the face detectors that they come from."""

    rows: list[ResultRow]
    detectors: set[str] = field(default_factory=set)

    def add(self, outcome: Prediction | NoFace | Failure, bundle: Bundle) -> None:
        """Add the row of a face or an image."""
        self.rows.append(row_of(outcome, bundle))
        facts = outcome.face if isinstance(outcome, Prediction) else outcome
        if not isinstance(facts, Failure) and facts.detector is not None:
            self.detectors.add(facts.detector)


def classify_chunk(
    services: Services,
    predictor: Predictor,
    job_id: str,
    first: int,
    own: OwnWorker = OWN_WORKER,
) -> None:
    """Label the images of one chunk; does nothing when the chunk is done or held by another.

    Nor does it when a person drains this process's `own` worker.

    A storage, database or device that fails now and then puts the chunk back without counting an
    attempt; any other error counts, as a crash of the process does. Once the
    worker is to end, the chunk goes to another one without delay.

    Raises:
        StuckDecode: the image that does not end is set apart, and the process must end.
    """
    claim = _claim(services, job_id, first, own.name)
    if claim is None:
        return
    started = time.monotonic()
    try:
        with step("label"):
            labelled = _label(services, predictor, claim, own.stops)
        with step("write"):
            is_written = _write(services, claim, labelled)
        if not is_written:
            log.info("lease lost, rows dropped", job_id=job_id, first=first)
            return
        seconds = round(time.monotonic() - started, 3)
        rows = len(labelled.rows)
        log.info("chunk labelled", job_id=job_id, first=first, rows=rows, seconds=seconds)
        CHUNKS.labels("done").inc()
        count_rows(labelled.rows)
    except LeaseLost:
        _put_back(services, claim)
    except Stopping:
        log.info("chunk given back", job_id=job_id, first=first)
        _put_back(services, claim, again=True)
    except (BundleError, NotFound) as error:
        _fail_job(services, claim, error)
    except (OSError, OperationalError, Unavailable) as error:
        if isinstance(error, Unavailable) and error.code == "component_missing":
            _fail_job(services, claim, error)
            return
        _put_back(services, claim)
        raise
    except StuckDecode as stuck:
        log.error("decoding does not end", job_id=job_id, image=stuck.index)
        with services.database.writing() as session:
            chunks.isolate(session, claim, stuck.index, services.settings)
        raise
    except BaseException:
        _put_back(services, claim, counts=True)
        raise


def _claim(services: Services, job_id: str, first: int, worker: str) -> Claim | None:
    claim = None
    try:
        with services.database.writing() as session:
            claim = chunks.claim(session, services.queue, job_id, first, services.settings, worker)
    except OperationalError:
        if claim is not None:  # a commit whose answer was lost may have come through
            _put_back(services, claim)
        raise
    return claim


def _label(
    services: Services, predictor: Predictor, claim: Claim, stops: Callable[[], bool]
) -> Labelled:
    """Return the rows of the claim's images, renewing the lease on the way."""
    work = _work(services, claim)
    if claim.poisoned:
        return Labelled([failed_row(image.index, "worker_crash") for image in work.images])
    labelled = Labelled(
        [failed_row(image.index, image.error_code) for image in work.images if image.error_code]
    )
    readable = [image for image in work.images if image.error_code is None]
    if not readable:
        return labelled
    bundle = load_model(services, predictor, work.digest)
    source = StoredSource(services.storage, work.key)
    members = read_members(source, readable, services.settings.max_image_bytes)
    pairs = ((image.index, data) for image, data in _renewing(services, claim, members, stops))
    repeats = None
    if services.settings.reuse_duplicates:
        repeats = Repeats({row.sha256 for row in work.known if row.sha256})
    repeated: list[Repeat] = []
    outcomes = predictor.predict_images(pairs, bundle, work.detect, repeats)
    for outcome in _renewing(services, claim, outcomes, stops):
        if isinstance(outcome, Repeat):
            repeated.append(outcome)
        else:
            labelled.add(outcome, bundle)
    if repeated:
        labelled.rows += list(repeated_rows(repeated, [*work.known, *labelled.rows]))
    return labelled


def _work(services: Services, claim: Claim) -> Work:
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
        key, digest = uploads.get(session, job.upload_id).storage_key, pinned_digest(session, job)
        known = _known_rows(session, claim, images)
        return Work(images, key, digest, job.options.get("detect", "off"), known)


def _known_rows(session: Session, claim: Claim, images: Sequence[Image]) -> list[ResultRow]:
    """Return rows of other chunks, of images that some of these seem to repeat; often none."""
    if all(image.same_as is None or image.same_as >= claim.first for image in images):
        return []
    return results.rows_of_same(session, claim.job_id, claim.first, claim.count)


def _write(services: Services, claim: Claim, labelled: Labelled) -> bool:
    """Write all rows, mark the chunk done and let the next one go, in one transaction.

    Returns False, and writes nothing, when the lease went to another worker.
    """
    rows = sorted(labelled.rows, key=lambda row: (row.image_index, row.face_id))
    with services.database.writing() as session:
        job = session.get(Job, claim.job_id, with_for_update=True)
        if job is None or job.state != "in_progress":
            raise LeaseLost(claim.job_id)
        if not chunks.complete(session, claim):
            return False
        results.write(session, job, rows, replaces_failed=claim.retry)
        if not labelled.detectors.issubset(job.detectors):
            job.detectors = sorted({*job.detectors, *labelled.detectors})
        session.flush()
        chunks.queue_window(session, services.queue, job, services.settings.window_chunks)
        jobs.finish_when_done(session, services.queue, job)
        return True


def _renewing(
    services: Services, claim: Claim, items: Iterable[Item], stops: Callable[[], bool]
) -> Iterator[Item]:
    """Pass `items` on, renewing the lease on the way; raises LeaseLost, or Stopping."""
    renewed = time.monotonic()
    for item in items:
        if stops():
            raise Stopping
        yield item
        if time.monotonic() - renewed > services.settings.lease_seconds / RENEWALS_PER_LEASE:
            with services.database.writing() as session:
                if not chunks.renew(session, claim, services.settings):
                    raise LeaseLost(claim.job_id)
            renewed = time.monotonic()


def _put_back(
    services: Services, claim: Claim, *, counts: bool = False, again: bool = False
) -> None:
    """Free the chunk; `again` sends it to another worker, others wait for the sweep."""
    CHUNKS.labels("crashed" if counts else "put_back").inc()

    def put_back() -> None:
        with services.database.writing() as session:
            chunks.release(session, claim, counts=counts)
            job = session.get(Job, claim.job_id, with_for_update=True)
            if job is not None:
                session.flush()
                jobs.settle_cancelled(session, job)
                if again:
                    window = services.settings.window_chunks
                    chunks.queue_window(session, services.queue, job, window)

    insist(put_back)  # else the lease would last, of a process that lives and works on others


def _fail_job(services: Services, claim: Claim, error: SemblanteError) -> None:
    """What is gone, damaged or not installed would fail every chunk in the same way."""
    code = "upload_missing" if error.code.startswith("upload") else error.code
    code = code if code in JOB_ERROR_CODES else "model_missing"
    with services.database.writing() as session:
        job = session.get(Job, claim.job_id, with_for_update=True)
        chunks.release(session, claim)
        session.flush()
        if job is not None and job.state == "in_progress":
            jobs.fail(session, job, code, error.said)
