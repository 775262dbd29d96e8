"""What appears in a folder becomes jobs: once each, whatever ends in between."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from semblante.cli import cli
from semblante.errors import Refused
from semblante.watched_folder import MEMORY_NAME, FoundFile, Memory, WatchedFolder
from stand_in import StandIn, stand_in_server

Run = Callable[..., Result]


@pytest.fixture
def server() -> Iterator[StandIn]:
    with stand_in_server() as state:
        yield state


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "camera"
    (path / "día 1").mkdir(parents=True)
    for name in ("b.jpg", "día 1/a.PNG", "archive.zip", "notes.txt", ".hidden.jpg", "half.part"):
        (path / name).write_bytes(name.encode())
    (path / "empty.jpg").touch()
    return path


@pytest.fixture
def run(server: StandIn, folder: Path) -> Run:
    def invoke(*words: str) -> Result:
        arguments = ["watch-folder", str(folder), "--once", "--settle", "0", *words]
        return CliRunner().invoke(cli, [*arguments, "--server", server.url])

    return invoke


def test_archives_alone_images_together_and_each_once(
    server: StandIn, run: Run, folder: Path
) -> None:
    result = run("--json", "--webhook", "https://example.org/")
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert lines == [
        {"job": "j1", "files": [str(folder / "archive.zip")]},
        {"job": "j2", "files": [str(folder / "b.jpg"), str(folder / "día 1" / "a.PNG")]},
    ]
    assert server.filenames == {"u1": "archive.zip", "u2": "camera.zip"}
    assert [body["webhook"] for body in server.bodies] == ["https://example.org/"] * 2
    assert run().stdout == ""
    (folder / "b.jpg").write_bytes(b"another picture")
    assert run().stdout == "j3\n"
    assert server.filenames["u3"] == "b.jpg"


def test_files_are_moved_on_request(
    server: StandIn, run: Run, folder: Path, tmp_path: Path
) -> None:
    done = folder / "done"
    (done / "día 1").mkdir(parents=True)
    (done / "b.jpg").write_bytes(b"of yesterday")
    assert run("--move", str(done)).exit_code == 0
    moved = sorted(str(path.relative_to(done)) for path in done.rglob("*") if path.is_file())
    assert moved == ["archive.zip", "b (2).jpg", "b.jpg", "día 1/a.PNG"]
    assert not (folder / "archive.zip").exists()
    assert run("--move", str(done)).stdout == ""


def test_moving_into_the_watched_folder_submits_once(run: Run, folder: Path) -> None:
    result = run("--move", str(folder / "día 1" / ".."))
    assert result.exit_code == 2
    assert "names the folder that is watched" in result.stderr
    (folder.parent / "link").symlink_to(folder)
    for name in ("día 1/../done", "../link/done"):
        assert run("--move", str(folder / name)).exit_code == 0
    assert run("--move", str(folder / "x" / ".." / "done")).stdout == ""
    done = sorted(str(path.relative_to(folder / "done")) for path in (folder / "done").rglob("*.*"))
    assert done == ["archive.zip", "b.jpg", "día 1/a.PNG"]


def test_what_was_submitted_and_not_moved_is_moved(run: Run, folder: Path, tmp_path: Path) -> None:
    assert run().exit_code == 0
    assert run("--move", str(tmp_path / "done")).stdout == ""
    assert (tmp_path / "done" / "día 1" / "a.PNG").exists()
    assert not (folder / "b.jpg").exists()


def test_a_submission_whose_answer_was_lost_is_found(
    server: StandIn, run: Run, folder: Path
) -> None:
    assert run().exit_code == 0
    memory = folder / MEMORY_NAME
    lines = [json.loads(line) for line in memory.read_text("utf-8").splitlines() if line]
    assert [line["job_id"] for line in lines] == [None, "j1", None, "j2"]
    # As if killed before the answer to the second one, and in the middle of a line.
    for job_id, body in zip(server.jobs, server.bodies, strict=True):
        server.jobs[job_id][0]["metadata"] = body["metadata"]
    kept = memory.read_text("utf-8").splitlines()
    text = "\n".join(line for line in kept if '"j2"' not in line)
    memory.write_text(text + '\n{"mark": "cut o', encoding="utf-8")
    assert run().stdout == ""
    # The same, but the server never got it.
    server.jobs["j2"][0]["metadata"] = {}
    memory.write_text(text, encoding="utf-8")
    assert run().stdout == "j3\n"


def test_a_refusal_ends_a_single_run(server: StandIn, run: Run) -> None:
    server.key = "secret"
    result = run()
    assert result.exit_code == 2
    assert "unauthorized" in result.stderr


def test_a_refused_file_keeps_no_other_one(server: StandIn, run: Run, folder: Path) -> None:
    server.refused_name = "archive.zip"
    for expected in ("j1\n", ""):
        result = run()
        assert (result.exit_code, result.stdout) == (2, expected)
        assert f"{folder / 'archive.zip'}: " in result.stderr


def test_a_file_that_grows_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("semblante.watched_folder.time.monotonic", lambda: clock[0])
    memory = Memory(tmp_path / "memory")
    watched = WatchedFolder(tmp_path, memory, 5)
    image, archive = tmp_path / "a.jpg", tmp_path / "b.zip"
    image.write_bytes(b"1")
    archive.write_bytes(b"1")
    assert watched.ready() == []
    clock[0] += 6
    archive.write_bytes(b"12")
    assert [[file.path for file in job] for job in watched.ready()] == [[image]]
    assert not watched.is_settled
    clock[0] += 6
    (tmp_path / "c.jpg").write_bytes(b"3")
    found = watched.ready()
    assert [[file.path for file in job] for job in found] == [[archive]]
    memory.finish(memory.begin(found[0]), "j1")
    watched.refuse([FoundFile(image, 1, image.stat().st_mtime_ns)])
    clock[0] += 6
    assert [[file.path for file in job] for job in watched.ready()] == [[tmp_path / "c.jpg"]]
    assert watched.is_settled


@pytest.mark.parametrize(
    "line", ["null", "[1]", '{"files": [["a", 1]], "mark": "x", "job_id": ""}']
)
def test_a_file_of_something_else_is_no_memory(tmp_path: Path, line: str) -> None:
    (tmp_path / "memory").write_text(f"{line}\n", encoding="utf-8")
    with pytest.raises(Refused, match=r"memory is no memory of watch-folder.*--memory"):
        Memory(tmp_path / "memory")


def test_images_that_never_cease_become_jobs_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr("semblante.watched_folder.time.monotonic", lambda: clock[0])
    watched = WatchedFolder(tmp_path, Memory(tmp_path / "memory"), 5)
    sizes = []
    for number in range(40):
        (tmp_path / f"{number}.jpg").write_bytes(b"x")
        sizes += [len(files) for files in watched.ready()]
        clock[0] += 3
    assert sizes
    assert min(sizes) > 10


def test_watching_until_it_is_stopped(server: StandIn, tmp_path: Path) -> None:
    folder = tmp_path / "inbox"
    folder.mkdir()
    command = [sys.executable, "-m", "semblante", "watch-folder", str(folder), "--settle", "0.1"]
    with subprocess.Popen(
        [*command, "--server", server.url], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for number in (1, 2):
            part = folder / f".{number}.part"
            part.write_bytes(b"pixels")
            part.rename(folder / f"{number}.jpg")
            assert process.stdout.readline() == f"j{number}\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
