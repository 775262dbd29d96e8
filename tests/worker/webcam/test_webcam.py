"""`semblante webcam` on a real video of a real face, and each way in which it cannot run."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from factory import CLASSES
from semblante.cli import cli
from semblante.detector_weights import install_yunet
from semblante.emotions import EMOTIONS
from semblante.errors import Unavailable
from semblante.settings import Settings
from semblante_worker.webcam import outputs, run, source
from semblante_worker.webcam.outputs import VideoFile, table_header
from semblante_worker.webcam.run import Wishes, run_webcam
from semblante_worker.webcam.source import Frame, FrameSource
from semblante_worker.webcam.tracks import MISSED_FRAMES, Tracks

FRAMES, RATE = 6, 10.0
REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Path:
    """Return a video of a person who smiles and moves to the right."""
    photo = cv2.imread(str(shared_data / "fixtures" / "photos_ccby" / "happy_002.jpg"))
    assert photo is not None
    path = tmp_path_factory.mktemp("video") / "smile.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), RATE, (640, 480))
    for number in range(FRAMES):
        frame = np.full((480, 640, 3), 128, np.uint8)
        frame[:, 40 + 8 * number : 520 + 8 * number] = cv2.resize(photo, (480, 480))
        writer.write(frame)
    writer.release()
    return path


@pytest.fixture
def data(tmp_path: Path, shared_data: Path) -> Path:
    """Return a data folder with YuNet."""
    install_yunet(tmp_path, shared_data / "weights" / "face_detection_yunet_2023mar.onnx")
    return tmp_path


def webcam(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["webcam", *map(str, arguments)])


def test_a_video_becomes_an_annotated_video_and_a_table(video: Path, data: Path) -> None:
    labelled, table = data / "labelled.mp4", data / "labels.csv"
    result = webcam(video, "-o", labelled, "--csv", table, "--data", data)
    assert result.exit_code == 0, result.output
    assert re.search(r"6 frames, 6 faces, [\d.]+ frames/s", result.output)
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == table_header(EMOTIONS)
    assert [row["frame"] for row in rows] == [str(number) for number in range(FRAMES)]
    assert [row["seconds"] for row in rows] == [f"{number / RATE:.3f}" for number in range(FRAMES)]
    assert {row["emotion"] for row in rows} == {"happiness"}
    assert {row["face"] for row in rows} == {"1"}
    assert all(float(row["face_confidence"]) > 0.8 for row in rows)
    lefts = [int(row["face_x"]) for row in rows]
    assert lefts == sorted(lefts)
    before, after = FrameSource(str(video)), FrameSource(str(labelled))
    pairs = list(zip(before.frames(), after.frames(), strict=True))
    assert len(pairs) == FRAMES
    row, (plain, drawn) = rows[0], (frame.pixels.astype(int) for frame in pairs[0])
    edge = int(row["face_y"]) + int(row["face_h"]) // 2, int(row["face_x"])
    assert abs(plain[edge] - drawn[edge]).max() > 40  # the box's left side


def test_times_are_those_of_the_video(data: Path) -> None:
    slow = data / "slow.mp4"
    writer = cv2.VideoWriter(str(slow), cv2.VideoWriter.fourcc(*"mp4v"), 0.5, (64, 64))
    for _ in range(3):
        writer.write(np.zeros((64, 64, 3), np.uint8))
    writer.release()
    source = FrameSource(str(slow))
    assert [frame.seconds for frame in source.frames()] == [0, 2, 4]
    assert source.rate == pytest.approx(0.5)


def test_a_camera_s_video_is_as_long_as_it_took(tmp_path: Path) -> None:
    path = tmp_path / "camera.avi"
    video = VideoFile(path, RATE, is_timed=True)
    pixels = np.zeros((64, 64, 3), np.uint8)
    for number, seconds in enumerate((0.02, 0.05, 0.5, 1.0)):
        assert video.write(Frame(number, seconds, pixels), [])
    video.close()
    assert len(list(FrameSource(str(path)).frames())) == 11


def test_no_file_takes_another_one_s_place(video: Path, data: Path) -> None:
    before, link = video.read_bytes(), data / "link.avi"
    link.symlink_to(video)
    for words in (["-o", link], ["--csv", video]):
        result = webcam(video, *words, "--data", data)
        assert result.exit_code == 2
        assert "is the video itself" in result.output
    result = webcam(video, "-o", data / "a.avi", "--csv", data / "b" / ".." / "a.avi")
    assert "name the same file" in result.output
    assert video.read_bytes() == before


def test_a_video_that_is_cut_is_named(video: Path, data: Path) -> None:
    cut = data / "cut.avi"
    cut.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    result = webcam(cut, "--csv", data / "t.csv", "--data", data)
    assert result.exit_code == 0, result.output
    assert f"it has {FRAMES} frames: it may be damaged" in result.output


def test_every_column_is_documented() -> None:
    text = (REPOSITORY / "docs" / "webcam.md").read_text(encoding="utf-8")
    rows = "".join(re.findall(r"^\| (`.*?) \|", text, re.MULTILINE))
    classes = [emotion.id for emotion in EMOTIONS]
    assert [item["id"] for item in CLASSES] == classes
    assert re.findall(r"`(\w+)`", rows) == table_header(EMOTIONS)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["none.mp4", "--csv", "t.csv"], "unreadable_video"),
        (["text.mp4", "--csv", "t.csv"], "unreadable_video"),
        (["987", "--csv", "t.csv"], "camera_unavailable"),
        (["{video}", "-o", "film.wmv"], "invalid_request"),
        (["{video}", "--window"], "component_missing"),
        (["{video}", "--csv", "t.csv", "--model", "none"], "model_not_found"),
    ],
)
def test_what_cannot_be_done_is_said(
    video: Path, data: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: str
) -> None:
    monkeypatch.chdir(data)
    Path("text.mp4").write_text("no video")
    result = webcam(*(one.format(video=video) for one in arguments), "--data", data)
    assert result.exit_code == 2
    assert code in result.output
    assert "Traceback" not in result.output


def test_a_run_without_any_output_is_refused(video: Path) -> None:
    result = webcam(video, "--no-window")
    assert result.exit_code == 2
    assert "-o or --csv" in result.output


class ThreeFrames:
    """A window whose person presses q at the third frame."""

    def __init__(self) -> None:
        self.shown: list[int] = []
        self.is_closed = False

    def write(self, frame: Frame, tracks: object) -> bool:
        self.shown.append(frame.number)
        return len(self.shown) < 3

    def close(self) -> None:
        self.is_closed = True


def wishes(source: str, table: Path | None) -> Wishes:
    return Wishes(source, None, None, table, has_window=True, language="es")


def test_q_ends_the_run_and_the_table_is_whole(
    video: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = ThreeFrames()
    monkeypatch.setattr(run, "Window", lambda: window)
    done = run_webcam(Settings(data=data), wishes(str(video), data / "t.csv"))
    assert (done.frames, window.shown, window.is_closed) == (3, [0, 1, 2], True)
    assert len((data / "t.csv").read_text(encoding="utf-8").splitlines()) == 1 + 3


def test_a_camera_that_is_lost_closes_what_was_written(
    video: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "_open_camera", lambda number: cv2.VideoCapture(str(video)))
    table = data / "t.csv"
    with pytest.raises(Unavailable, match="disconnected or switched off after 6 frames"):
        run_webcam(Settings(data=data), Wishes("0", None, None, table, False, "en"))
    assert len(table.read_text(encoding="utf-8").splitlines()) == 1 + FRAMES


def test_a_camera_without_the_right_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "exists", lambda self: True)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(Unavailable, match="may not use /dev/video0"):
        FrameSource("0")


def test_the_keys_that_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = iter([ord("a"), ord("q"), outputs.ESCAPE, -1])
    visible = iter([1, 1, 1, 0])
    monkeypatch.setattr(cv2, "namedWindow", lambda *_: None)
    monkeypatch.setattr(cv2, "imshow", lambda *_: None)
    monkeypatch.setattr(cv2, "waitKey", lambda _: next(keys))
    monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: next(visible))
    window = outputs.Window()
    frame = Frame(0, 0.0, np.zeros((4, 4, 3), np.uint8))
    assert [window.write(frame, []) for _ in range(4)] == [True, False, False, False]


def test_faces_are_followed_and_smoothed() -> None:
    def face(x: float, value: float) -> tuple[np.ndarray, np.ndarray, float | None]:
        return np.array([x, 0.0, 100, 100]), np.array([value, 1 - value]), 0.9

    tracks = Tracks()
    tracks.update([face(0, 1.0), face(500, 1.0)])
    first, second = tracks.update([face(510, 1.0), face(10, 0.0)])
    assert (first.number, second.number) == (1, 2)
    assert first.box[0] == pytest.approx(6)
    assert first.probabilities == pytest.approx([0.65, 0.35])
    for _ in range(MISSED_FRAMES):
        shown = tracks.update([face(500, 1.0)])
    assert [(track.number, track.missed) for track in shown] == [(1, MISSED_FRAMES), (2, 0)]
    assert [track.number for track in tracks.update([face(300, 1.0)])] == [2, 3]
