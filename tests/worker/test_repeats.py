"""Images that a job has more than once are labelled once, and get the same rows as without that."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as Picture

from archives import tar_of
from factory import reload, submit, zip_bytes
from semblante import jobs, results
from semblante.bundles import Bundle
from semblante.database import Database
from semblante.detection import Detect
from semblante.errors import ImageError
from semblante.jobs import ModelOfJob
from semblante.migrations import upgrade
from semblante.results import ResultRow
from semblante.services import Services
from semblante.tables import Chunk, Image, Job, Result
from semblante_worker.classify import classify_chunk
from semblante_worker.index import index_job
from semblante_worker.outcome import Repeat, Unlabelled
from semblante_worker.predict import Prediction, Predictor
from semblante_worker.repeats import Repeats
from semblante_worker.rows import repeated_rows


def picture(seed: int) -> bytes:
    """Return a noisy PNG, like no other."""
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 40), dtype=np.uint8)
    Picture.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


BROKEN = picture(9)[:100]
# In chunks of three: repeats within a chunk, across chunks, of a broken image, and none.
MEMBERS = {
    "1/a.png": picture(1),
    "1/b.png": picture(2),
    "1/a again.png": picture(1),
    "2/b again.png": picture(2),
    "2/c.png": picture(3),
    "2/broken.png": BROKEN,
    "3/broken again.png": BROKEN,
    "3/a once more.png": picture(1),
    "3/c again.png": picture(3),
}
FIRST_OF = [None, None, 0, 1, None, None, 5, 0, 4]


class Counts(Predictor):
    """A predictor that counts the faces it labels."""

    labelled = 0

    def predict_images(
        self,
        pairs: Iterable[tuple[int, bytes | ImageError]],
        bundle: Bundle,
        detect: Detect = "off",
        repeats: Repeats | None = None,
    ) -> Iterator[Prediction | Unlabelled]:
        """Count what is no repeat."""
        for outcome in super().predict_images(pairs, bundle, detect, repeats):
            self.labelled += isinstance(outcome, Prediction)
            yield outcome


@pytest.fixture
def predictor(services: Services) -> Counts:
    settings = services.settings.model_copy(update={"compute_threads": 1, "batch_size": 2})
    return Counts(settings)


def with_settings(services: Services, **changes: object) -> Services:
    return replace(services, settings=services.settings.model_copy(update=changes))


def index(services: Services, data: bytes, model: ModelOfJob, filename: str = "f.zip") -> Job:
    job = submit(services, data, filename, model=model)
    index_job(services, job.id)
    return job


def run(services: Services, predictor: Predictor, job: Job, order: Iterable[int]) -> None:
    for first in order:
        classify_chunk(services, predictor, job.id, first)


def results_of(services: Services, job: Job) -> list[Result]:
    with services.database.reading() as session:
        found = session.query(Result).where(Result.job_id == job.id)
        return found.order_by(Result.image_index, Result.face_id).all()


def differences(one: Result, other: Result) -> set[str]:
    """Return the columns that differ, probabilities by more than the order of sums explains."""
    columns = ResultRow._fields
    differing = {name for name in columns if getattr(one, name) != getattr(other, name)}
    left, right = (np.frombuffer(row.probabilities or b"", "<f4") for row in (one, other))
    if np.allclose(left, right, atol=1e-5):
        differing -= {"probabilities", "confidence"}
    return differing


@pytest.mark.parametrize(("pack", "name"), [(zip_bytes, "f.zip"), (tar_of, "f.tar")])
def test_the_index_points_at_the_first_of_equal_images(
    services: Services, model: ModelOfJob, pack: Callable[[dict[str, bytes]], bytes], name: str
) -> None:
    job = index(services, pack(MEMBERS), model, name)
    with services.database.reading() as session:
        images = session.query(Image).where(Image.job_id == job.id).order_by(Image.index)
        assert [image.same_as for image in images] == FIRST_OF


@pytest.mark.parametrize("order", [(0, 3, 6), (6, 3, 0)])
@pytest.mark.parametrize("pack", [zip_bytes, tar_of])
def test_rows_are_the_same_with_and_without(
    services: Services,
    model: ModelOfJob,
    predictor: Counts,
    pack: Callable[[dict[str, bytes]], bytes],
    order: tuple[int, ...],
) -> None:
    small = with_settings(services, chunk_images=3)
    job = index(small, pack(MEMBERS), model, "f.zip" if pack is zip_bytes else "f.tar")
    run(small, predictor, job, order)
    # Backwards the first ones are not there yet, and only repeats within a chunk are spared.
    assert predictor.labelled == (3 if order[0] == 0 else 6)

    each = with_settings(small, reuse_duplicates=False)
    other = index(each, pack(MEMBERS), model, "f.zip" if pack is zip_bytes else "f.tar")
    predictor.labelled = 0
    run(each, predictor, other, order)
    assert predictor.labelled == 7

    pairs = zip(results_of(services, job), results_of(services, other), strict=True)
    assert [differences(one, other) for one, other in pairs] == [set()] * 9
    job, other = reload(services, job), reload(services, other)
    assert (job.state, job.ok, job.failed, job.faces) == ("finalizing", 7, 2, 7)
    assert (other.ok, other.failed, other.faces) == (job.ok, job.failed, job.faces)


def test_an_image_that_only_seems_equal_is_labelled_itself(
    services: Services, model: ModelOfJob, predictor: Counts
) -> None:
    job = index(with_settings(services, chunk_images=1), zip_bytes(MEMBERS), model)
    with services.database.writing() as session:
        session.get_one(Image, (job.id, 1)).same_as = 0
        session.get_one(Image, (job.id, 4)).same_as = 3
    run(services, predictor, job, range(9))
    with services.database.reading() as session:
        found = {row.image_index: row for row in session.query(Result)}
    assert found[1].sha256 != found[0].sha256
    assert found[1].probabilities != found[0].probabilities
    assert found[4].sha256 == found[8].sha256 != found[3].sha256


def test_a_failed_image_is_tried_again(
    services: Services, model: ModelOfJob, predictor: Counts
) -> None:
    """Its twin may have failed for a reason that is gone."""
    job = index(with_settings(services, chunk_images=1), zip_bytes(MEMBERS), model)
    with services.database.writing() as session:
        session.get_one(Chunk, (job.id, 0)).attempts = services.settings.max_attempts
    run(services, predictor, job, (0, 2))
    with services.database.reading() as session:
        assert session.get_one(Result, (job.id, 0, 0)).error_code == "worker_crash"
        assert session.get_one(Result, (job.id, 2, 0)).status == "ok"


def test_every_face_of_a_repeated_image_is_copied() -> None:
    first = [ResultRow(3, face, "ok", sha256=b"1") for face in range(2)]
    others = [ResultRow(4, 0, "no_face", sha256=b"2"), ResultRow(5, 0, "failed", "corrupt_image")]
    repeats = [Repeat(9, b"2"), Repeat(7, b"1")]
    copied = list(repeated_rows(repeats, [*first, *others]))
    assert [(row.image_index, row.face_id, row.status) for row in copied] == [
        (9, 0, "no_face"),
        (7, 0, "ok"),
        (7, 1, "ok"),
    ]


def test_marking_and_finding_work_on_postgresql(
    services: Services, model: ModelOfJob, predictor: Counts, postgresql: str
) -> None:
    upgrade(postgresql)
    services = replace(services, database=Database(postgresql))
    small = with_settings(services, chunk_images=3)
    job = index(small, zip_bytes(MEMBERS), model)
    run(small, predictor, job, (0, 3, 6))
    assert predictor.labelled == 3
    job = reload(services, job)
    services.database.dispose()
    assert (job.state, job.ok, job.failed, job.detectors) == ("finalizing", 7, 2, [])


def test_the_rows_to_copy_are_those_of_one_image(services: Services, model: ModelOfJob) -> None:
    job = index(services, zip_bytes(MEMBERS), model)
    with services.database.writing() as session:
        job = jobs.get(session, job.id)
        rows = [
            ResultRow(0, 0, "ok", emotion="anger", confidence=0.9, sha256=b"1" * 32),
            ResultRow(0, 1, "ok", emotion="fear", confidence=0.8, sha256=b"1" * 32),
            ResultRow(1, 0, "no_face", sha256=b"1" * 32),
            ResultRow(5, 0, "failed", "corrupt_image", sha256=b"2" * 32),
        ]
        results.write(session, job, rows, replaces_failed=False)
        session.flush()
        assert results.rows_of_same(session, job.id, 6, 3) == rows[:2]
        assert results.rows_of_same(session, job.id, 0, 3) == []
