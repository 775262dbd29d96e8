"""`semblante label` with its real broker and worker, as a person runs it."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import select

from factory import jpeg, zip_bytes
from semblante.database import Database
from semblante.settings import Settings
from semblante.tables import Job

EXAMPLES = Path(__file__).parents[3] / "examples"

pytestmark = pytest.mark.flow


def label(*words: str | Path, data: Path) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "semblante", "label", *map(str, words), "--data", str(data)]
    return subprocess.run(command, capture_output=True, timeout=240, check=False)


def rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode())))


def jobs_of(data: Path) -> list[str]:
    database = Database(Settings(data=data).database)
    with database.reading() as session:
        ids = sorted(session.scalars(select(Job.id)))
    database.dispose()
    return ids


def test_the_example_archive(tmp_path: Path) -> None:
    output = tmp_path / "r.csv"
    result = label(EXAMPLES / "faces.zip", "-o", output, "--json", data=tmp_path / "data")
    assert result.returncode == 3, result.stderr.decode()
    found = rows(output.read_bytes())
    assert len(found) == 22
    assert found[3]["image_path"] == "niños/cara feliz 4.jpg"
    assert [row["error_code"] for row in found if row["status"] == "failed"] == ["truncated_image"]
    assert json.loads(result.stdout)["counts"] == {
        "total": 22,
        "ok": 21,
        "no_face": 0,
        "failed": 1,
        "skipped": 1,
        "faces": 21,
    }


def test_a_folder_to_stdout_in_spanish(tmp_path: Path) -> None:
    (tmp_path / "caras").mkdir()
    (tmp_path / "caras" / "a b.jpg").write_bytes(jpeg())
    words = (tmp_path / "caras", "-o", "-", "--lang", "es", "--no-keep")
    result = label(*words, data=tmp_path / "data")
    assert result.returncode == 0, result.stderr.decode()
    found = rows(result.stdout)
    assert [row["image_path"] for row in found] == ["a b.jpg"]
    spanish = {"sorprendido", "miedo", "disgustado", "feliz", "triste", "enojado", "serio"}
    assert found[0]["emotion"] in spanish
    assert list((tmp_path / "data" / "storage" / "uploads").iterdir()) == []


def test_an_upload_that_is_no_archive_fails(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"no archive at all")
    output = tmp_path / "r.csv"
    result = label(tmp_path / "a.zip", "-o", output, data=tmp_path / "data")
    assert result.returncode == 1
    assert b"[not_an_archive]" in result.stderr
    assert not output.exists()


def test_ctrl_c_and_the_same_command_again(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number in range(3000):
            archive.writestr(f"{number}.jpg", jpeg(number % 256))
    words = ["label", tmp_path / "a.zip", "-o", tmp_path / "r.csv", "--data", tmp_path / "data"]
    command = [sys.executable, "-m", "semblante", *map(str, words)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("Labelling"):
                break
        process.send_signal(signal.SIGINT)
        printed = process.stderr.read()
        assert process.wait(timeout=60) == 130
    assert "Run the same command again to continue." in printed
    assert not (tmp_path / "r.csv").exists()
    result = label(tmp_path / "a.zip", "-o", tmp_path / "r.csv", data=tmp_path / "data")
    assert result.returncode == 0
    assert b"Continuing job" in result.stderr
    names = [row["image_path"] for row in rows((tmp_path / "r.csv").read_bytes())]
    assert names == [f"{number}.jpg" for number in range(3000)]


def test_results_that_could_not_be_written_are_not_computed_again(tmp_path: Path) -> None:
    (tmp_path / "full.csv").symlink_to("/dev/full")
    (tmp_path / "a.zip").write_bytes(zip_bytes({"a.jpg": jpeg(), "b.jpg": jpeg(7)}))
    data = tmp_path / "data"
    full = label(tmp_path / "a.zip", "-o", tmp_path / "full.csv", data=data)
    assert full.returncode == 2
    assert b"All images are labelled: the same command" in full.stderr
    assert b"No space left on device" in full.stderr
    words = (tmp_path / "a.zip", "-o", tmp_path / "r.csv", "--lang", "es")
    jobs = [json.loads(label(*words, "--json", data=data).stdout)["id"] for _ in range(2)]
    assert jobs_of(data) == sorted(jobs), "the second call labels anew, and only that"
    assert len(rows((tmp_path / "r.csv").read_bytes())) == 2


def test_results_that_could_not_be_written_are_not_kept_either(tmp_path: Path) -> None:
    (tmp_path / "full.csv").symlink_to("/dev/full")
    (tmp_path / "a.jpg").write_bytes(jpeg())
    for output, code in (("full.csv", 2), ("r.csv", 0)):
        words = (tmp_path / "a.jpg", "-o", tmp_path / output, "--no-keep")
        assert label(*words, data=tmp_path / "data").returncode == code
    assert jobs_of(tmp_path / "data") == []
    assert len(rows((tmp_path / "r.csv").read_bytes())) == 1
