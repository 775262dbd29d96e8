"""Truths, figures against them and against another job, and corrections, on real rows."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from PIL import Image as Picture
from sqlalchemy.orm import Session

from factory import jpeg, start
from semblante import agreement, confusion, jobs, label_export, results, review, truth
from semblante.agreement import Pair
from semblante.errors import NotFound, Refused
from semblante.migrations import upgrade
from semblante.results import ResultRow
from semblante.review import Place
from semblante.services import Services, open_services
from semblante.settings import Settings
from semblante.tables import Correction, Image, Job, Result, Upload
from semblante.truth import Attached

PATHS = ["set/1/a.jpg", "set/4/b.jpg", "set/happiness/c.jpg", "set/feliz/d.jpg", "other/e.jpg"]
LABELS = ["surprise", "happiness", "neutral", "happiness", "anger"]


class Source:
    """The bytes of one JPEG, in front of nothing."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)

    def read(self, start: int, length: int) -> bytes:
        return self.data[start : start + length]


def row(index: int, emotion: str, confidence: float) -> ResultRow:
    packed = struct.pack("<7f", *[1 / 7] * 7)
    return ResultRow(index, 0, "ok", None, emotion, confidence, packed)


def labelled(services: Services, labels: list[str], upload_id: str | None = None) -> Job:
    """Return a completed job over `PATHS`; its sixth image failed."""
    job = start(services, len(PATHS) + 1, 10)
    with services.database.writing() as session:
        job = jobs.get(session, job.id)
        for index, path in enumerate(PATHS):
            session.get_one(Image, (job.id, index)).path = path
        session.get_one(Image, (job.id, len(PATHS))).path = "set/4/broken.jpg"
        rows = [row(index, label, 0.9 - index / 10) for index, label in enumerate(labels)]
        rows.append(ResultRow(len(PATHS), 0, "failed", "corrupt_image"))
        results.write(session, job, rows, replaces_failed=False)
        job.state = "completed"
        if upload_id is not None:
            job.upload_id = upload_id
    return job


def attach_table(session: Session, job: Job, lines: list[str]) -> Attached:
    return truth.attach_labels(session, job, truth.read_labels(job, lines, "t.csv"))


@pytest.fixture
def job(services: Services) -> Job:
    return labelled(services, LABELS)


def test_folders_are_a_truth(services: Services, job: Job) -> None:
    with services.database.writing() as session:
        job = jobs.get(session, job.id)
        assert truth.attach_folders(session, job) == (5, 0)  # the one in `other` has none
        assert truth.count(session, job.id) == 5
        found = confusion.against_truth(session, job)
    assert found.columns == [*found.rows, "failed"]
    cells = {pair: count for pair, count in found.counts.items() if count}
    assert cells == {
        ("surprise", "surprise"): 1,
        ("happiness", "happiness"): 2,
        ("happiness", "neutral"): 1,
        ("happiness", "failed"): 1,
    }
    assert (found.total, found.agreement) == (5, 0.6)
    assert (found.recall("happiness"), found.recall("anger")) == (0.5, None)
    assert (found.precision("neutral"), found.precision("happiness")) == (0, 1)
    assert found.mean_recall == 0.75


def test_a_table_is_a_truth_in_the_place_of_the_earlier_one(services: Services, job: Job) -> None:
    lines = ["image_path,emotion,more\r\n", "other/e.jpg,Enojado,x\r\n", "none.jpg,1,\r\n"]
    with services.database.writing() as session:
        job = jobs.get(session, job.id)
        truth.attach_folders(session, job)
        assert attach_table(session, job, lines) == (1, 1)
        found = confusion.against_truth(session, job)
    assert (dict(found.counts), found.agreement) == ({("anger", "anger"): 1}, 1)


def test_what_a_table_says_of_later_faces_is_passed_over(services: Services, job: Job) -> None:
    lines = [
        "image_path,face_id,emotion\n",
        "set/1/a.jpg,0,surprise\n",
        "set/1/a.jpg,1,sadness\n",
        "set/4/b.jpg,1,anger\n",
    ]
    with services.database.writing() as session:
        job = jobs.get(session, job.id)
        assert attach_table(session, job, lines) == (1, 0)
        found = confusion.against_truth(session, job)
    assert dict(found.counts) == {("surprise", "surprise"): 1}


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([], "bad_table"),
        (["image_path,label\n"], "bad_table"),
        (["image_path,emotion\n"], "empty_dataset"),
        (["image_path,face_id,emotion\n", "other/e.jpg,1,fear\n"], "empty_dataset"),
        (["image_path,emotion\n", "other/e.jpg,hunger\n"], "unknown_class"),
        (["image_path,emotion\n", "none.jpg,anger\n"], "nothing_to_measure"),
        (["image_path,emotion\n", "e.jpg,anger\n", "e.jpg,fear\n"], "bad_table"),
    ],
)
def test_a_table_that_cannot_be_used_changes_nothing(
    services: Services, job: Job, lines: list[str], code: str
) -> None:
    with services.database.writing() as session:
        truth.attach_folders(session, jobs.get(session, job.id))
    with pytest.raises(Refused) as refusal, services.database.writing() as session:
        attach_table(session, jobs.get(session, job.id), lines)
    assert refusal.value.code == code
    with services.database.reading() as session:
        assert truth.count(session, job.id) == 5


def test_folders_without_classes_are_refused(services: Services) -> None:
    job = start(services, 2, 2)
    with pytest.raises(Refused) as refusal, services.database.writing() as session:
        truth.attach_folders(session, jobs.get(session, job.id))
    assert refusal.value.code == "nothing_to_measure"


def test_two_jobs_agree_and_disagree(services: Services, job: Job) -> None:
    other = labelled(services, ["surprise", "fear", "fear", "happiness", "anger"], job.upload_id)
    with services.database.reading() as session:
        job, other = jobs.get(session, job.id), jobs.get(session, other.id)
        assert [one.id for one in agreement.siblings(session, job)] == [other.id]
        assert confusion.against_job(session, job, other).agreement == 0.6
        assert confusion.against_job(session, job, other).at("happiness", "fear") == 1

        def listed(pair: Pair, after: str | None = None) -> list[tuple[int, str]]:
            found = agreement.disagreements(session, job, other, pair, after=after, limit=1)
            faces = [(face.image_index, theirs) for face, theirs in found.faces]
            return faces + (listed(pair, found.after) if found.after else [])

        assert listed(Pair()) == [(1, "fear"), (2, "fear")]
        assert listed(Pair("neutral", "fear")) == [(2, "fear")]
        assert listed(Pair("surprise", "surprise")) == [(0, "surprise")]
        assert listed(Pair(theirs="anger")) == []
        with pytest.raises(Refused):
            listed(Pair(), "x")


def test_jobs_over_different_uploads_are_not_compared(services: Services, job: Job) -> None:
    other = labelled(services, LABELS)
    with pytest.raises(Refused):
        agreement.check_comparable(job, other)


def test_the_review_goes_from_the_least_sure_to_the_surest(services: Services, job: Job) -> None:
    seen = []
    while True:
        with services.database.writing() as session:
            job = jobs.get(session, job.id)
            face = review.next_face(session, job)
            if face is None:
                break
            seen.append(face.image_index)
            review.correct(session, job, Place(face.image_index, face.face_id), "fear")
    assert seen == [4, 3, 2, 1, 0]
    with services.database.writing() as session:
        assert review.count(session, job.id) == 5
        assert review.undo(session, job) == Place(0, 0)
        again = review.next_face(session, job)
        assert again is not None
        assert again.image_index == 0
    with services.database.writing() as session:
        review.correct(session, job, Place(1, 0), None)  # nobody could say
        with pytest.raises(Refused):
            review.correct(session, job, Place(1, 0), "hunger")
        with pytest.raises(NotFound):
            review.correct(session, job, Place(5, 0), "fear")  # failed
        assert review.undo(session, job) is not None
        lines = label_export.labels_csv(session, job).decode().splitlines()
    assert lines[0] == "image_path,face_id,emotion,model_emotion,confidence"
    assert lines[1] == "set/happiness/c.jpg,0,fear,neutral,0.7000"


def test_undo_without_a_correction_does_nothing(services: Services, job: Job) -> None:
    with services.database.writing() as session:
        assert review.undo(session, job) is None


def test_corrected_faces_lie_below_the_folders_of_their_classes(
    services: Services, job: Job
) -> None:
    data = jpeg(90, (40, 30))
    with services.database.writing() as session:
        job = jobs.get(session, job.id)
        for index, emotion in ((0, "neutral"), (1, "surprise")):
            image = session.get_one(Image, (job.id, index))
            image.offset, image.packed_bytes, image.unpacked_bytes = 0, len(data), len(data)
            review.correct(session, job, Place(index, 0), emotion)
        cut = session.get_one(Result, (job.id, 1, 0))
        cut.face_x, cut.face_y, cut.face_w, cut.face_h = 5, 6, 20, 10
        cut.width, cut.height = 40, 30
    with services.database.reading() as session:
        blocks = label_export.image_folder(session, job, Source(data), services.settings)
        archive = zipfile.ZipFile(io.BytesIO(b"".join(blocks)))
    assert archive.namelist() == ["7/0-0-a.jpg", "1/1-0-b.png"]
    assert archive.read("7/0-0-a.jpg") == data
    with Picture.open(io.BytesIO(archive.read("1/1-0-b.png"))) as face:
        assert (face.size, face.mode) == ((20, 10), "L")


def test_names_of_corrected_faces_can_be_unpacked(services: Services, job: Job) -> None:
    data = jpeg(90, (40, 30))
    names = ["ñ" * 125 + ".jpeg", f"{'n' * 249}.webp", f"a.{'b' * 250}"]
    with services.database.writing() as session:
        job = jobs.get(session, job.id)
        for index, name in enumerate(names):
            image = session.get_one(Image, (job.id, index))
            image.path = f"set/{name}"
            image.offset, image.packed_bytes, image.unpacked_bytes = 0, len(data), len(data)
            review.correct(session, job, Place(index, 0), "neutral")
    with services.database.reading() as session:
        blocks = label_export.image_folder(session, job, Source(data), services.settings)
        found = zipfile.ZipFile(io.BytesIO(b"".join(blocks))).namelist()
    assert max(len(name.removeprefix("7/").encode()) for name in found) <= 255
    starts = [("7/0-0-ñ", "ñ.jpeg"), ("7/1-0-n", "n.webp"), ("7/2-0-a.b", "b")]
    for name, (start_of, end) in zip(found, starts, strict=True):
        assert name.startswith(start_of)
        assert name.endswith(end)


def test_what_belongs_to_a_job_goes_with_it(services: Services, job: Job) -> None:
    with services.database.writing() as session:
        job = jobs.get(session, job.id)
        truth.attach_folders(session, job)
        review.correct(session, job, Place(0, 0), "fear")
        jobs.delete(session, job)
    with services.database.reading() as session:
        assert session.query(Upload).count() == 0
        assert truth.count(session, job.id) == review.count(session, job.id) == 0


@pytest.fixture
def on_postgresql(settings: Settings, postgresql: str) -> Iterator[Services]:
    settings = settings.model_copy(update={"database_url": postgresql})
    upgrade(settings.database)
    services = open_services(settings)
    yield services
    services.queue.app.close()
    services.database.dispose()


def test_two_truths_at_once_take_turns(on_postgresql: Services) -> None:
    job = labelled(on_postgresql, LABELS)

    def attach() -> Attached:
        with on_postgresql.database.writing() as session:
            return truth.attach_folders(session, jobs.get(session, job.id))

    with ThreadPoolExecutor(1) as threads:
        with on_postgresql.database.writing() as session:
            truth.attach_folders(session, jobs.get(session, job.id))
            later = threads.submit(attach)
            assert not wait([later], timeout=0.5).done
        assert later.result(30) == (5, 0)


def test_two_people_may_correct_a_face_at_once(on_postgresql: Services) -> None:
    job = labelled(on_postgresql, LABELS)

    def correct(emotion: str) -> None:
        with on_postgresql.database.writing() as session:
            review.correct(session, jobs.get(session, job.id), Place(0, 0), emotion)

    with ThreadPoolExecutor(1) as threads:
        with on_postgresql.database.writing() as session:
            review.correct(session, jobs.get(session, job.id), Place(0, 0), "fear")
            session.flush()
            later = threads.submit(correct, "anger")
            assert not wait([later], timeout=0.5).done
        later.result(30)
    with on_postgresql.database.reading() as session:
        assert session.get_one(Correction, (job.id, 0, 0)).emotion == "anger"
