"""The CSV and its neighbours, as literal text."""

from __future__ import annotations

import csv
import io
import json
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory import start
from semblante import export, results
from semblante.csv_line import CsvLines, quoted
from semblante.csv_table import guard_formula
from semblante.errors import ERROR_CODES
from semblante.results import ResultRow
from semblante.services import Services
from semblante.tables import Image, Job

HEADER = (
    "image_path,face_id,status,error_code,emotion,confidence,"
    "surprise,fear,disgust,happiness,sadness,anger,neutral,"
    "face_x,face_y,face_w,face_h,face_confidence,width,height,sha256,model\r\n"
)
SHA = "ab" * 32


@pytest.fixture
def job(services: Services) -> Job:
    """Return a job with one row of every kind."""
    job = start(services, images=5, per_chunk=5)
    packed = array("f", [0.05, 0.05, 0.1, 0.6, 0.1, 0.05, 0.05]).tobytes()
    sha256 = bytes.fromhex(SHA)
    paths = ["a.jpg", "niños/cara, feliz.jpg", "=cmd|x.png", "broken.jpg", "empty.png"]
    rows = [
        ResultRow(0, 0, "ok", None, "happiness", 0.6, packed, 0, 0, 8, 8, None, 8, 8, sha256),
        ResultRow(1, 0, "ok", None, "happiness", 0.6, packed, 1, 2, 3, 4, 0.98765, 8, 8, sha256),
        ResultRow(1, 1, "ok", None, "happiness", 0.6, packed, 5, 6, 7, 8, 0.9, 8, 8, sha256),
        ResultRow(2, 0, "no_face", width=8, height=9, sha256=sha256),
        ResultRow(3, 0, "failed", "corrupt_image", sha256=sha256),
        ResultRow(4, 0, "failed", "unsupported_format"),
    ]
    with services.database.writing() as session:
        for index, path in enumerate(paths):
            session.get_one(Image, (job.id, index)).path = path
        job = session.get_one(Job, job.id)
        job.model = "resnet18-raf7@0123456789ab"
        results.write(session, job, rows, replaces_failed=False)
    return job


def text(services: Services, job: Job, **options: str) -> str:
    with services.database.reading() as session:
        return b"".join(export.csv_blocks(session, job, **options)).decode()  # type: ignore[arg-type]


def test_csv_has_one_row_per_face_in_archive_order(services: Services, job: Job) -> None:
    probabilities = "0.0500,0.0500,0.1000,0.6000,0.1000,0.0500,0.0500"
    assert text(services, job) == HEADER + (
        f"a.jpg,0,ok,,happiness,0.6000,{probabilities},0,0,8,8,,8,8,{SHA},resnet18-raf7@0123456789ab\r\n"
        f'"niños/cara, feliz.jpg",0,ok,,happiness,0.6000,{probabilities},1,2,3,4,0.9877,8,8,{SHA},'
        "resnet18-raf7@0123456789ab\r\n"
        f'"niños/cara, feliz.jpg",1,ok,,happiness,0.6000,{probabilities},5,6,7,8,0.9000,8,8,{SHA},'
        "resnet18-raf7@0123456789ab\r\n"
        f"'=cmd|x.png,0,no_face,,,,,,,,,,,,,,,,8,9,{SHA},resnet18-raf7@0123456789ab\r\n"
        f"broken.jpg,0,failed,corrupt_image,,,,,,,,,,,,,,,,,{SHA},resnet18-raf7@0123456789ab\r\n"
        "empty.png,0,failed,unsupported_format,,,,,,,,,,,,,,,,,,resnet18-raf7@0123456789ab\r\n"
    )


def test_spanish_translates_the_values_and_never_the_header(services: Services, job: Job) -> None:
    spanish = text(services, job, language="es")
    assert spanish.startswith(HEADER + "a.jpg,0,ok,,feliz,0.6000,")
    assert "happiness" not in spanish.removeprefix(HEADER)


def test_errors_csv_has_the_failed_rows_only(services: Services, job: Job) -> None:
    rows = list(csv.DictReader(io.StringIO(text(services, job, status="failed"))))
    assert [row["image_path"] for row in rows] == ["broken.jpg", "empty.png"]
    assert {row["error_code"] for row in rows} <= set(ERROR_CODES)


def test_json_lines_carry_types_and_nulls(services: Services, job: Job) -> None:
    with services.database.reading() as session:
        lines = b"".join(export.json_lines(session, job)).decode().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["image_path"] for row in rows][3] == "=cmd|x.png"
    assert rows[0]["probabilities"]["happiness"] == 0.6
    assert rows[0]["confidence"] == 0.6
    assert rows[4] == {
        "image_path": "broken.jpg",
        "face_id": 0,
        "status": "failed",
        "error_code": "corrupt_image",
        "emotion": None,
        "confidence": None,
        "probabilities": None,
        "face_x": None,
        "face_y": None,
        "face_w": None,
        "face_h": None,
        "face_confidence": None,
        "width": None,
        "height": None,
        "sha256": SHA,
        "model": "resnet18-raf7@0123456789ab",
    }


def test_counters_follow_the_rows(services: Services, job: Job) -> None:
    with services.database.reading() as session:
        job = session.get_one(Job, job.id)
        assert (job.ok, job.no_face, job.failed, job.faces) == (2, 1, 2, 3)
        counts = results.emotion_counts(session, job)
    assert counts == {
        "surprise": 0,
        "fear": 0,
        "disgust": 0,
        "happiness": 3,
        "sadness": 0,
        "anger": 0,
        "neutral": 0,
    }


@given(st.text())
def test_no_cell_is_run_as_a_formula(cell: str) -> None:
    guarded = guard_formula(cell)
    assert not guarded.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert guarded in (cell, "'" + cell)


@given(st.text())
def test_a_cell_is_quoted_as_the_standard_library_quotes_it(cell: str) -> None:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerow([cell, "b"])
    assert quoted(cell) + ",b\r\n" == buffer.getvalue()


@given(st.lists(st.text(st.characters(exclude_characters="\0")), max_size=4))
def test_paths_are_the_same_cells_together_as_one_by_one(paths: list[str]) -> None:
    rows = [(path, 0, 0, "failed", "worker_crash", *[None] * 11) for path in paths]
    lines = CsvLines("m", {"one": "uno"})
    written = list(csv.reader(io.StringIO(lines(rows), newline="")))
    assert [cells[0] for cells in written] == [guard_formula(path) for path in paths]
    assert lines(rows) == "".join(lines([row]) for row in rows)
