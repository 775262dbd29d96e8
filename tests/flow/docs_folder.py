"""The files that the commands of README and docs speak of."""

from __future__ import annotations

import csv
import shutil
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np

from bundle_factory import copy_shipped
from factory import CLASSES
from picture_sets import pictures, write_zip
from semblante.emotions import EMOTIONS
from semblante.export import csv_header
from semblante.tables import Job

REPOSITORY = Path(__file__).parents[2]


def write_files(folder: Path) -> Path:
    """Fill `folder` and return it; its `bin/semblante` is the one of this environment."""
    (folder / "bin").mkdir()
    program = folder / "bin" / "semblante"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m semblante "$@"\n')
    program.chmod(0o755)
    shutil.copytree(REPOSITORY / "examples", folder / "examples")
    shutil.copy(REPOSITORY / "examples" / "faces.zip", folder / "photos.zip")
    with zipfile.ZipFile(folder / "photos.zip") as archive:
        (folder / "face.jpg").write_bytes(archive.read("niños/cara feliz 4.jpg"))
    write_zip(folder / "dataset.zip", pictures({f"{number}": 3 for number in range(1, 8)}))
    copy_shipped(folder / "my-model", name="my-model")
    write_video(folder / "talk.mp4")
    write_results(folder)
    return folder


def write_video(path: Path) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10.0, (320, 240))
    for level in range(5):
        writer.write(np.full((240, 320, 3), 40 * level, np.uint8))
    writer.release()


def write_results(folder: Path) -> None:
    """Write a job's CSV of 14 images, and what people say about all and about two halves."""
    truth = [(f"{number}.jpg", EMOTIONS[number % 7].id) for number in range(14)]
    header = csv_header(Job(classes=CLASSES))
    with (folder / "results.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, header, restval="")
        rows.writeheader()
        for path, emotion in truth:
            shares = {one.id: "0.0500" for one in EMOTIONS} | {emotion: "0.7000"}
            row = {"image_path": path, "face_id": "0", "status": "ok", "emotion": emotion}
            rows.writerow(row | {"confidence": "0.7000"} | shares)
    for name, part in {"truth": truth, "group-a": truth[:7], "group-b": truth[7:]}.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("image_path", "emotion"), *part])
