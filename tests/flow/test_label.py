"""`semblante label` as a person runs it: real processes, real files, real interruptions."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
import safetensors.torch
import torch
from numpy.typing import NDArray
from PIL import Image as Picture
from sqlalchemy import select

from flow.conftest import stored_files
from noisy_archive import IMAGES
from semblante.bundles import PACKAGE_MODELS, shipped_bundle
from semblante.database import Database
from semblante.detector_weights import YUNET_FILE, install_yunet
from semblante.emotions import EMOTIONS
from semblante.settings import Settings
from semblante.tables import Chunk
from semblante_worker.resnet import build_resnet

pytestmark = pytest.mark.flow
REPOSITORY = Path(__file__).parents[2]
LABELLED, SOME_FAILED, REFUSED, INTERRUPTED = 0, 3, 2, 130


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "semblante", "label", *map(str, arguments)]


def environment(**settings: str) -> dict[str, str]:
    small = {"CHUNK_IMAGES": "25", "BATCH_SIZE": "8", "COMPUTE_THREADS": "1", "SWEEP_SECONDS": "1"}
    return os.environ | {f"SEMBLANTE_{name}": value for name, value in (small | settings).items()}


def label(*arguments: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        env=environment(**settings),
        timeout=300,
    )


def chunk_states(data: Path) -> set[str]:
    database = Database(Settings(data=data).database)
    with database.reading() as session:
        states = set(session.scalars(select(Chunk.state)))
    database.dispose()
    return states


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def wait_for(what: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def test_the_example_archive_gives_a_row_per_image(tmp_path: Path) -> None:
    output = tmp_path / "results.csv"
    run = label(REPOSITORY / "examples" / "faces.zip", "-o", output, "--data", tmp_path / "data")
    assert run.returncode == SOME_FAILED, run.stderr
    with zipfile.ZipFile(REPOSITORY / "examples" / "faces.zip") as archive:
        images = [name for name in archive.namelist() if not name.endswith((".txt", "/"))]
    rows = rows_of(output)
    assert [row["image_path"] for row in rows] == images
    assert [row["error_code"] for row in rows if row["status"] == "failed"] == ["truncated_image"]


def test_chunks_and_batches_do_not_change_a_probability(tmp_path: Path, archive: Path) -> None:
    """Sums over 8 or 64 images may differ in the last bits of a float, no more."""
    outputs = [tmp_path / "1.csv", tmp_path / "2.csv"]
    for output, sizes in zip(outputs, (("25", "8"), ("600", "64")), strict=True):
        settings = environment(CHUNK_IMAGES=sizes[0], BATCH_SIZE=sizes[1])
        arguments = command(archive, "-o", output, "--data", tmp_path / output.stem)
        run = subprocess.run(arguments, capture_output=True, text=True, env=settings, timeout=300)
        assert run.returncode == SOME_FAILED, run.stderr
    first, second = (rows_of(output) for output in outputs)
    assert [row["image_path"] for row in first] == [row["image_path"] for row in second]
    for one, other in zip(first, second, strict=True):
        for emotion in EMOTIONS:
            if one["status"] == "ok":
                assert abs(float(one[emotion.id]) - float(other[emotion.id])) < 1e-3


@pytest.mark.parametrize("engine", ["torch", "openvino"])
def test_the_csv_equals_plain_torch_and_pillow(
    tmp_path: Path, shared_data: Path, engine: str
) -> None:
    """Float to the third decimal; int8 in the labels, and the probabilities more or less."""
    folder = shared_data / "fixtures" / "faces_ccby"
    output = tmp_path / "results.csv"
    run = label(folder, "-o", output, "--data", tmp_path / "data", ENGINE=engine)
    assert run.returncode == LABELLED, run.stderr
    rows = rows_of(output)
    assert len(rows) == 40
    expected = plain_probabilities([folder / row["image_path"] for row in rows])
    found = np.array([[float(row[emotion.id]) for emotion in EMOTIONS] for row in rows])
    labels = [EMOTIONS[int(best)].id for best in expected.argmax(axis=1)]
    equal = [row["emotion"] == name for row, name in zip(rows, labels, strict=True)]
    if engine == "torch":
        assert np.abs(found - expected).max() < 1e-3
        assert all(equal)
    else:
        assert np.abs(found - expected).max() < 0.1
        assert sum(equal) >= 39


def plain_probabilities(paths: list[Path]) -> NDArray[np.float32]:
    """Label pictures by code that shares nothing with the product but weights and network."""
    temperature = shipped_bundle("resnet18-raf7").card.temperature
    network = build_resnet("resnet18", 7)
    weights = safetensors.torch.load_file(PACKAGE_MODELS / "resnet18-raf7" / "model.safetensors")
    network.load_state_dict({n: w for n, w in weights.items() if not n.startswith("openvino.")})
    network.float().eval()
    rows = []
    for path in paths:
        with Picture.open(path) as image:
            grey = image.convert("L").resize((112, 112), Picture.Resampling.BILINEAR)
        values = (np.asarray(grey, dtype=np.float32) / 255 - 0.449) / 0.226
        with torch.inference_mode():
            logits = network(torch.from_numpy(values)[None, None].expand(1, 3, 112, 112))
            rows.append((logits / temperature).softmax(dim=1)[0].numpy())
    return np.stack(rows)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, INTERRUPTED)]
)
def test_an_interrupted_label_leaves_no_process_and_goes_on(
    tmp_path: Path, archive: Path, number: signal.Signals, code: int
) -> None:
    output, data = tmp_path / "results.csv", tmp_path / "data"
    arguments = command(archive, "-o", output, "--data", data)
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, env=environment()) as run:
        process = psutil.Process(run.pid)
        log = data / "logs" / "batch.log"
        wait_for(lambda: log.exists() and "chunk labelled" in log.read_text())
        children = process.children(recursive=True)
        assert len(children) >= 3  # broker, worker and its child
        run.send_signal(number)
        run.communicate(timeout=60)
    assert run.returncode == code
    wait_for(lambda: not any(child.is_running() for child in children))
    assert not output.exists()
    if number == signal.SIGINT:  # what was at work was given back first
        assert "leased" not in chunk_states(data)
    again = label(archive, "-o", output, "--data", data)
    assert again.returncode == SOME_FAILED, again.stderr
    assert "Continuing job" in again.stderr
    rows = rows_of(output)
    assert len(rows) == len({row["image_path"] for row in rows}) == IMAGES + 1


def test_a_second_stack_on_the_same_folder_says_so(tmp_path: Path, archive: Path) -> None:
    data, other = tmp_path / "data", tmp_path / "other"
    first = command(archive, "-o", tmp_path / "1.csv", "--data", data)
    with subprocess.Popen(first, stderr=subprocess.DEVNULL, env=environment()) as running:
        wait_for(lambda: (data / "lock").exists())
        second = label(archive, "-o", tmp_path / "2.csv", "--data", data)
        assert second.returncode == REFUSED
        assert "already_running" in second.stderr
        beside = label(
            REPOSITORY / "examples" / "faces.zip", "-o", tmp_path / "3.csv", "--data", other
        )
        assert beside.returncode == SOME_FAILED, beside.stderr
        assert running.wait(timeout=300) == SOME_FAILED


@pytest.mark.parametrize("kind", ["folder", "empty", "text", "truncated"])
def test_what_cannot_be_labelled_is_refused_clearly(
    tmp_path: Path, archive: Path, kind: str
) -> None:
    data = tmp_path / "data"
    given = tmp_path / "given.zip"
    if kind == "folder":
        given = tmp_path / "given"
        given.mkdir()
        (given / "notes.txt").write_text("no image")
    elif kind == "empty":
        with zipfile.ZipFile(given, "w"):
            pass
    elif kind == "text":
        given.write_text("a text file with the name of a zip")
    else:
        given.write_bytes(archive.read_bytes()[:-100])
    run = label(given, "-o", tmp_path / "results.csv", "--data", data)
    assert run.returncode in (1, REFUSED)
    assert "Traceback" not in run.stderr
    expected = {
        "folder": "image",
        "empty": "no_images",
        "text": "not_an_archive",
        "truncated": "corrupt_archive",
    }
    assert expected[kind] in run.stderr
    assert not (tmp_path / "results.csv").exists()
    assert stored_files(data) == []


def test_faces_of_photographs_by_yunet(tmp_path: Path, shared_data: Path) -> None:
    photos = shared_data / "fixtures" / "photos_ccby"
    install_yunet(tmp_path / "data", shared_data / "weights" / YUNET_FILE)
    names = ("happy_045.jpg", "neutral_103.jpg", "noface_forest-5524569_640.jpg")
    archive, output = tmp_path / "photos.zip", tmp_path / "results.csv"
    with Picture.open(photos / names[0]) as left, Picture.open(photos / names[1]) as right:
        pair = Picture.new("RGB", (1000, 600))
        pair.paste(left.resize((600, 600)), (0, 0))
        pair.paste(right.resize((400, 400)), (600, 100))
    pair.save(tmp_path / "pair.png")
    with zipfile.ZipFile(archive, "w") as members:
        members.write(tmp_path / "pair.png", "pair.png")
        for name in (*names, names[0]):
            members.write(photos / name, f"{len(members.namelist())} {name}")
    run = label(archive, "-o", output, "--data", tmp_path / "data", "--detect", "on")
    assert run.returncode == LABELLED, run.stderr
    assert "faces 5, found by yunet_2023mar" in run.stdout
    rows = rows_of(output)
    assert [(row["image_path"], row["face_id"], row["status"], row["emotion"]) for row in rows] == [
        ("pair.png", "0", "ok", "happiness"),
        ("pair.png", "1", "ok", "neutral"),
        ("1 happy_045.jpg", "0", "ok", "happiness"),
        ("2 neutral_103.jpg", "0", "ok", "neutral"),
        ("3 noface_forest-5524569_640.jpg", "0", "no_face", ""),
        ("4 happy_045.jpg", "0", "ok", "happiness"),
    ]
    assert int(rows[0]["face_x"]) < 600 <= int(rows[1]["face_x"])
    assert all(float(row["face_confidence"]) > 0.8 for row in rows if row["emotion"])
    assert {**rows[2], "image_path": ""} == {**rows[5], "image_path": ""}
