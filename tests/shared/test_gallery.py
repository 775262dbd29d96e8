"""Rows by filter and page, on both databases, against the same rows sorted in Python."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from factory import start
from semblante import folders, jobs, results
from semblante.database import Database
from semblante.errors import Refused
from semblante.folders import FolderCounter
from semblante.gallery import Filter, Order, page
from semblante.histogram import confidence_counts
from semblante.migrations import upgrade
from semblante.queue import Queue, make_app
from semblante.results import ResultRow
from semblante.services import Services
from semblante.settings import Settings
from semblante.storage import open_storage
from semblante.tables import Folder, Image, Job, Truth

IMAGES = 60
FOLDERS = ("a", "a/b", "c")


@pytest.fixture(params=["sqlite", "postgresql"])
def services(
    request: pytest.FixtureRequest, tmp_path: Path, settings: Settings
) -> Iterator[Services]:
    url = f"sqlite:///{tmp_path / 'new.sqlite3'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql")
    upgrade(url)
    settings = settings.model_copy(update={"database_url": url})
    services = Services(settings, Database(url), open_storage(settings), Queue(make_app(settings)))
    yield services
    services.queue.app.close()
    services.database.dispose()


def path_of(index: int) -> str:
    """The folder `c` is contiguous; `a` and `a/b` take turns."""
    return f"{FOLDERS[index % 2] if index < 40 else 'c'}/{index}.jpg"


def truth_of(index: int) -> str:
    return "fear" if index % 7 == 0 else "happiness"


@pytest.fixture
def rows() -> list[ResultRow]:
    """Return rows of all outcomes; image 7 has three faces, and two labels are equally sure."""
    chance = random.Random(5)
    made = []
    for index in range(IMAGES):
        if index % 10 == 9:
            made.append(ResultRow(index, 0, "failed" if index % 20 == 9 else "no_face"))
            continue
        for face in range(3 if index == 7 else 1):
            emotion = chance.choice(["happiness", "happiness", "anger", "neutral"])
            confidence = 0.5 if index in (3, 4) else chance.uniform(0.3, 1)
            made.append(ResultRow(index, face, "ok", None, emotion, confidence, bytes(28)))
    return made


@pytest.fixture
def job(services: Services, rows: list[ResultRow]) -> Job:
    job = start(services, IMAGES, IMAGES)
    with services.database.writing() as session:
        counter = FolderCounter()
        for index in range(IMAGES):
            session.get_one(Image, (job.id, index)).path = path_of(index)
            counter.add(index, path_of(index))
            session.add(Truth(job_id=job.id, image_index=index, emotion=truth_of(index)))
        folders.write(session, counter.rows(job.id))
        results.write(session, jobs.get(session, job.id), rows, replaces_failed=False)
    return job


def all_pages(services: Services, job: Job, wanted: Filter, order: Order) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    after = None
    while True:
        with services.database.reading() as session:
            one = page(session, job, wanted, order=order, after=after, limit=4)
        found += [(row.image_index, row.face_id) for row in one.rows]
        after = one.after
        if after is None:
            return found
        assert len(one.rows) == 4


def sure(row: ResultRow, low: float, high: float) -> bool:
    return row.confidence is not None and low <= row.confidence <= high


PASSES: list[tuple[Filter, Callable[[ResultRow], bool]]] = [
    (Filter(), lambda row: True),
    (Filter(emotion="anger"), lambda row: row.emotion == "anger"),
    (Filter(emotion="fear"), lambda row: False),
    (Filter(emotion="nothing"), lambda row: False),
    (Filter(status="ok"), lambda row: row.status == "ok"),
    (Filter(status="failed"), lambda row: row.status == "failed"),
    (Filter(status="no_face"), lambda row: row.status == "no_face"),
    (Filter(status="failed", emotion="anger"), lambda row: False),
    (Filter(max_confidence=0.6), lambda row: sure(row, 0, 0.6)),
    (Filter(min_confidence=0.0), lambda row: sure(row, 0, 1)),
    (
        Filter(emotion="happiness", min_confidence=0.5, max_confidence=0.8),
        lambda row: row.emotion == "happiness" and sure(row, 0.5, 0.8),
    ),
    (Filter(folder="c"), lambda row: row.image_index >= 40),
    (Filter(folder="a"), lambda row: row.image_index < 40),
    (Filter(folder="a/b"), lambda row: row.image_index < 40 and row.image_index % 2 == 1),
    (
        Filter(folder="a/b", status="failed"),
        lambda row: row.image_index < 40 and row.status == "failed",
    ),
    (
        Filter(folder="a/b", emotion="happiness"),
        lambda row: (
            row.image_index < 40 and row.image_index % 2 == 1 and row.emotion == "happiness"
        ),
    ),
    (
        Filter(folder="a/b", max_confidence=0.6),
        lambda row: row.image_index < 40 and row.image_index % 2 == 1 and sure(row, 0, 0.6),
    ),
    (
        Filter(folder="c", status="no_face"),
        lambda row: row.status == "no_face" and row.image_index >= 40,
    ),
    (Filter(folder="a/"), lambda row: False),
    (Filter(truth="fear"), lambda row: row.face_id == 0 and row.image_index % 7 == 0),
    (
        Filter(truth="happiness", emotion="anger"),
        lambda row: row.face_id == 0 and row.image_index % 7 != 0 and row.emotion == "anger",
    ),
    (
        Filter(truth="fear", folder="a/b"),
        lambda row: row.face_id == 0 and row.image_index in (7, 21, 35),
    ),
    (Filter(truth="anger"), lambda row: False),
]


@pytest.mark.parametrize("few", [0, 1000], ids=["large folders", "small folders"])
@pytest.mark.parametrize("at_once", [0, 1000], ids=["in order", "sorted"])
def test_pages_hold_what_passes_in_order(
    services: Services,
    job: Job,
    rows: list[ResultRow],
    monkeypatch: pytest.MonkeyPatch,
    few: int,
    at_once: int,
) -> None:
    """By each way to find rows: which one is taken depends on how many there are."""
    monkeypatch.setattr("semblante.gallery.SORTED_AT_ONCE", at_once)
    monkeypatch.setattr("semblante.few_rows.MOST_LISTED", few)
    for wanted, passes in PASSES:
        right = [row for row in rows if passes(row)]
        places = [(row.image_index, row.face_id) for row in right]
        assert all_pages(services, job, wanted, "archive") == places, wanted
        labelled = sorted(
            (row.confidence, row.image_index, row.face_id)
            for row in right
            if row.confidence is not None
        )
        by_doubt = all_pages(services, job, wanted, "doubt")
        assert by_doubt == [(index, face) for _, index, face in labelled], wanted


@pytest.mark.parametrize("order", ["archive", "doubt"])
@pytest.mark.parametrize("cursor", ["", "1", "x.0", "1.0.0", "0.5_1", "nan_1.0", "2_1.0", "-1.0"])
def test_a_bad_cursor_is_refused(services: Services, job: Job, order: Order, cursor: str) -> None:
    with services.database.reading() as session, pytest.raises(Refused) as refusal:
        page(session, job, Filter(), order=order, after=cursor)
    assert refusal.value.code == "invalid_request"


def test_folders_and_confidences_are_counted(
    services: Services, job: Job, rows: list[ResultRow]
) -> None:
    with services.database.reading() as session:
        found = folders.of_job(session, job.id, 10)
        bins = confidence_counts(session, job.id)
    listed = [(one.path, one.first, one.last, one.images, one.is_contiguous) for one in found]
    assert listed == [("a", 0, 39, 40, True), ("a/b", 1, 39, 20, False), ("c", 40, 59, 20, True)]
    assert sum(bins) == sum(row.status == "ok" for row in rows)
    assert bins[10] == sum(sure(row, 0.5, 0.5499999) for row in rows)


def folder_images(paths: Sequence[str]) -> dict[object, list[int] | None]:
    """Return which images are listed for each folder of an archive."""
    counter = FolderCounter()
    for index, path in enumerate(paths):
        counter.add(index, path)
    return {row["path"]: folders.listed_images(Folder(**row)) for row in counter.rows("job")}


def test_images_of_scattered_folders_are_listed() -> None:
    paths = ["a/1", "a/2", "b/1", "a/c/1", "d/1", "d/2", "a/3", "b/2", "e", "f/1", "e"]
    assert folder_images(paths) == {
        "a": [0, 1, 3, 6], "a/c": None, "b": [2, 7], "d": None, "f": None
    }  # fmt: skip


def test_lists_of_images_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = ["a/1", "b/1", "a/2", "b/2", "a/3", "a/4", "b/3", "a/5"]
    monkeypatch.setattr("semblante.folders.MOST_LISTED", 3)
    assert folder_images(paths) == {"a": None, "b": [1, 3, 6]}
    monkeypatch.setattr("semblante.folders.MOST_LISTED", 5)
    assert folder_images(paths) == {"a": [0, 2, 4, 5, 7], "b": [1, 3, 6]}
    monkeypatch.setattr("semblante.folders.MOST_LISTED_BYTES", 4)
    assert folder_images(paths) == {"a": None, "b": None}


def test_folders_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("semblante.folders.MOST_FOLDERS", 2)
    counter = FolderCounter()
    for index, path in enumerate(["/x.jpg", "x.jpg", "a/x.jpg", "b/x.jpg", "c/x.jpg", "a/y.jpg"]):
        counter.add(index, path)
    assert [(row["path"], row["images"]) for row in counter.rows("job")] == [("a", 2), ("b", 1)]
