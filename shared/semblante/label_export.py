"""Corrected labels as files: a CSV, and a zip of folders per class that training reads."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from sqlalchemy.orm import Session

from semblante import review
from semblante.archive import Source, read_members
from semblante.csv_table import guard_formula
from semblante.emotions import EMOTIONS
from semblante.errors import ImageError
from semblante.picture import naming_damage, open_picture
from semblante.settings import Settings
from semblante.tables import Image, Job, Result
from semblante.zip_stream import zip_blocks

MOST_NAME_BYTES = 255
"""Of a file's name, on most file systems."""
MOST_SUFFIX_BYTES = 100
HEADER = ("image_path", "face_id", "emotion", "model_emotion", "confidence")


def labels_csv(session: Session, job: Job) -> bytes:
    """Return a row per reviewed face: what a person says, and what the model said."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(HEADER)
    for image, row, emotion in review.reviewed(session, job.id):
        cells = (guard_formula(image.path), row.face_id, emotion, row.emotion)
        writer.writerow((*cells, f"{row.confidence:.4f}"))
    return buffer.getvalue().encode()


def image_folder(session: Session, job: Job, source: Source, settings: Settings) -> Iterator[bytes]:
    """Yield a zip with each reviewed face below the folder of its class.

    Folders are 1 to 7 as in RAF-DB where the job's classes are these seven, class ids otherwise. An
    image that is one face keeps its bytes; a found face is cut out, as a PNG. What can no longer
    be read is left out.
    """
    faces = list(review.reviewed(session, job.id))
    folders = class_folders(job)
    return zip_blocks(_members(faces, folders, source, settings))


def class_folders(job: Job) -> dict[str, str]:
    """Return the folder of each class."""
    classes = [item["id"] for item in job.classes]
    seven = [emotion.id for emotion in EMOTIONS]
    if set(classes) == set(seven):
        return {emotion: str(number) for number, emotion in enumerate(seven, 1)}
    return {emotion: emotion for emotion in classes}


def _members(
    faces: Iterable[tuple[Image, Result, str]],
    folders: dict[str, str],
    source: Source,
    settings: Settings,
) -> Iterator[tuple[str, Iterable[bytes]]]:
    for image, row, emotion in faces:
        ((_, data),) = read_members(source, [image], settings.max_image_bytes)
        if isinstance(data, ImageError):
            continue
        path = PurePosixPath(image.path)
        is_whole = _is_whole(row)
        begin = f"{image.index}-{row.face_id}-{path.stem}"
        name = f"{folders[emotion]}/{_file_name(begin, path.suffix if is_whole else '.png')}"
        if is_whole:
            yield name, [data]
            continue
        try:
            yield name, [_cut_out(data, row, settings.max_image_pixels)]
        except ImageError:
            continue


def _file_name(begin: str, suffix: str) -> str:
    """Return a name that can be unpacked: with index and face before it, one may be too long."""
    end = suffix.encode()[:MOST_SUFFIX_BYTES]
    return (begin.encode()[: MOST_NAME_BYTES - len(end)] + end).decode(errors="ignore")


def _is_whole(row: Result) -> bool:
    return row.face_w is None or (row.face_w, row.face_h) == (row.width, row.height)


def _cut_out(data: bytes, row: Result, max_pixels: int) -> bytes:
    picture = open_picture(data, max_pixels)
    left, top = row.face_x or 0, row.face_y or 0
    buffer = io.BytesIO()
    with naming_damage(data):
        face = picture.crop((left, top, left + (row.face_w or 0), top + (row.face_h or 0)))
        face.convert("L" if face.mode == "L" else "RGB").save(buffer, "PNG")
    return buffer.getvalue()
