from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from semblante import client_wait
from semblante.cli import cli
from semblante.upload_note import UploadNote
from stand_in import StandIn, job_json, stand_in_server

Run = Callable[..., Result]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    monkeypatch.setattr(client_wait, "FIRST_PAUSE_SECONDS", 0.001)
    with stand_in_server() as state:
        yield state


@pytest.fixture
def run(server: StandIn) -> Run:
    def invoke(*arguments: str | Path) -> Result:
        words = [*map(str, arguments), "--server", server.url]
        return CliRunner().invoke(cli, words, prog_name="semblante")

    return invoke


@pytest.fixture
def image(tmp_path: Path) -> Path:
    (tmp_path / "a.jpg").write_bytes(b"pixels")
    return tmp_path / "a.jpg"


def test_submit_prints_the_id(server: StandIn, run: Run, image: Path) -> None:
    hook = "https://example.org/"
    result = run(
        *("submit", image, "--model", "resnet18-raf7", "--detect", "auto", "--webhook", hook)
    )
    assert (result.exit_code, result.stdout) == (0, "j1\n")
    assert server.uploads == {"u1": bytearray(b"pixels")}
    assert server.bodies == [
        {
            "upload_id": "u1",
            "webhook": hook,
            "model": "resnet18-raf7",
            "detect": "auto",
            "lang": "en",
        }
    ]


def test_submit_and_wait_writes_the_results(
    server: StandIn, run: Run, image: Path, tmp_path: Path
) -> None:
    result = run("submit", image, "-o", tmp_path / "r.csv")
    assert result.exit_code == 0
    assert (tmp_path / "r.csv").read_bytes() == b"image_path\r\na.jpg\r\nen"
    assert "faces.zip: 2 images, model resnet18-raf7@0123456789ab" in result.stdout
    assert "Completed: 2/2 images" in result.stderr


def test_results_on_stdout_are_alone_there(server: StandIn, run: Run, image: Path) -> None:
    result = run("submit", image, "-o", "-")
    assert result.stdout_bytes == b"image_path\r\na.jpg\r\nen"
    assert run("submit", image, "-o", "-", "--json").exit_code == 2


def test_submit_says_when_the_same_command_goes_on(server: StandIn, run: Run, image: Path) -> None:
    server.key = "secret"
    first = run("submit", image)
    assert (first.exit_code, "again" in first.stderr) == (2, False), "nothing was sent yet"
    UploadNote(server.url, image).write("u1")
    server.uploads["u1"], server.lengths["u1"] = bytearray(b"pix"), 6
    assert "Run the same command again: the upload goes on" in run("submit", image).stderr
    server.key = None
    assert run("submit", image).exit_code == 0
    assert server.uploads == {"u1": bytearray(b"pixels")}


FAILED = {"total": 2, "ok": 1, "no_face": 0, "failed": 1, "skipped": 0, "faces": 1}
ERROR = {"code": "no_images", "detail": "The upload holds no image."}


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (job_json("j1", "completed"), 0),
        (job_json("j1", "completed", counts=FAILED), 3),
        (job_json("j1", "failed", error=ERROR), 1),
        (job_json("j1", "cancelled"), 1),
    ],
)
def test_watch_ends_with_the_status_of_the_job(
    server: StandIn, run: Run, answer: dict[str, object], code: int
) -> None:
    server.jobs["j1"] = [job_json("j1", "in_progress"), answer]
    assert run("watch", "j1").exit_code == code


def test_a_failed_job_says_why(server: StandIn, run: Run) -> None:
    server.jobs["j1"] = [job_json("j1", "failed", error=ERROR)]
    result = run("watch", "j1")
    assert "is failed: The upload holds no image. [no_images]" in result.stderr


def test_list_shows_jobs_or_json(server: StandIn, run: Run) -> None:
    assert run("list").stdout == ""
    server.jobs = {"j1": [job_json("j1", paused=True)], "j2": [job_json("j2", "completed")]}
    lines = run("list").stdout.splitlines()
    assert len(lines) == 2
    assert "paused" in lines[0]
    assert "completed    100%" in lines[1]
    assert [job["id"] for job in json.loads(run("list", "--json").stdout)] == ["j1", "j2"]
    assert len(run("list", "--limit", "1").stdout.splitlines()) == 1


@pytest.mark.parametrize("action", ["status", "cancel", "pause", "resume"])
def test_actions_show_the_job_as_json(server: StandIn, run: Run, action: str) -> None:
    server.jobs["j1"] = [job_json("j1")]
    result = run(action, "j1", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["id"] == "j1"


def test_what_the_server_refuses_is_one_line(server: StandIn, run: Run) -> None:
    server.jobs["j1"] = [job_json("j1")]
    result = run("retry", "j1")
    assert result.exit_code == 2
    assert result.stderr == "Error: It is nothing_to_retry. [nothing_to_retry]\n"
    assert run("status", "j2").stderr == "Error: It is job_not_found. [job_not_found]\n"


def test_delete(server: StandIn, run: Run) -> None:
    server.jobs["j1"] = [job_json("j1")]
    assert run("delete", "j1").stdout == "Job j1 is deleted.\n"
    assert server.jobs == {}


def test_download(server: StandIn, run: Run, tmp_path: Path) -> None:
    server.jobs["j1"] = [job_json("j1")]
    assert run("download", "j1", "-o", tmp_path / "r.csv").exit_code == 0
    assert (tmp_path / "r.csv").read_bytes() == b"image_path\r\na.jpg\r\n"
    assert run("download", "j1", "-o", "-").stdout_bytes == b"image_path\r\na.jpg\r\n"
    errors = run("download", "j1", "-o", "-", "--format", "errors")
    assert errors.stdout_bytes == b"image_path,error_code"


def test_a_url_is_predicted_by_the_server(server: StandIn, run: Run) -> None:
    result = run("predict", "https://example.org/a.jpg")
    assert result.exit_code == 0
    assert result.stdout.startswith("https://example.org/a.jpg: happiness")
    sent = json.loads(server.bodies[-1])
    assert sent == {"url": "https://example.org/a.jpg", "model": None, "detect": None}


def test_predict_by_a_server(server: StandIn, run: Run, image: Path) -> None:
    result = run("predict", image, "--detect", "on")
    assert "happiness (75.0%)" in result.stdout
    assert b"pixels" in server.bodies[0]
    assert b'name="detect"\r\n\r\non\r\n' in server.bodies[0]
    assert json.loads(run("predict", image, "--json").stdout)["model"] == "m@1"


def test_a_server_that_is_away() -> None:
    words = ["status", "j1", "--server", "http://127.0.0.1:9"]
    result = CliRunner().invoke(cli, words, prog_name="semblante")
    assert result.exit_code == 2
    assert "No server answers at http://127.0.0.1:9" in result.stderr
    assert "[server_unavailable]" in result.stderr
