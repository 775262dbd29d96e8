"""Results with the columns of other tools, so that what reads theirs reads ours.

- `semblante`: the columns of docs/csv.md.
- `deepface`: `pandas.json_normalize` of what `DeepFace.analyze(..., actions=["emotion"])` returns
  (deepface 0.0.9x): emotions in percent, the face as `region.*`, after the image's path.
- `py-feat`: the columns of py-feat's `Fex` table (0.6) for face, emotions, `input` and `frame`.

Every image has a row in each of them; one without a label has empty cells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from semblante.emotions import Language
from semblante.export import AFTER_CLASSES, BEFORE_CLASSES
from semblante.profile_names import Profile
from semblante.tables import Job

Value = str | int | float | None
Values = Mapping[str, Any]
"""A row, as `views.image_view` gives it."""

DEEPFACE_NAMES = {
    "anger": "angry",
    "disgust": "disgust",
    "fear": "fear",
    "happiness": "happy",
    "sadness": "sad",
    "surprise": "surprise",
    "neutral": "neutral",
}
"""Our classes, in deepface's order; another class keeps its name and stands behind them."""

_NUMBERS = {"confidence": float, "face_confidence": float}
_TEXTS = {"image_path", "status", "error_code", "emotion", "sha256", "model"}


class Column(NamedTuple):
    """A column of a table of results."""

    name: str
    kind: type[str] | type[int] | type[float]
    value: Callable[[Values], Value]


def columns(profile: Profile, job: Job, language: Language = "en") -> list[Column]:
    """Return the columns of `profile` for a job; `language` is that of `semblante`'s emotions."""
    if profile == "deepface":
        return _deepface(job)
    return _py_feat(job) if profile == "py-feat" else _semblante(job, language)


def _semblante(job: Job, language: Language) -> list[Column]:
    names = {item["id"]: item[language] for item in job.classes}
    found = [*map(_plain, BEFORE_CLASSES)]
    found += [_probability(item["id"], item["id"]) for item in job.classes]
    found += map(_plain, AFTER_CLASSES)
    translated = Column("emotion", str, lambda row: names.get(row["emotion"]))
    return [translated if column.name == "emotion" else column for column in found]


def _deepface(job: Job) -> list[Column]:
    emotions = _sorted_classes(job, tuple(DEEPFACE_NAMES))
    return [
        Column("img_path", str, lambda row: row["image_path"]),
        *(_probability(f"emotion.{_deepface_name(one)}", one, 100) for one in emotions),
        Column("dominant_emotion", str, lambda row: _deepface_name(row["emotion"])),
        *(_plain(f"face_{side}", f"region.{side}") for side in "xywh"),
        _plain("face_confidence"),
    ]


def _py_feat(job: Job) -> list[Column]:
    order = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
    return [
        _plain("face_x", "FaceRectX"),
        _plain("face_y", "FaceRectY"),
        _plain("face_w", "FaceRectWidth"),
        _plain("face_h", "FaceRectHeight"),
        _plain("face_confidence", "FaceScore"),
        *(_probability(one, one) for one in _sorted_classes(job, order)),
        Column("input", str, lambda row: row["image_path"]),
        Column("frame", int, lambda row: row["index"]),
    ]


def _sorted_classes(job: Job, order: Sequence[str]) -> list[str]:
    classes = [item["id"] for item in job.classes]
    known = [one for one in order if one in classes]
    return known + [one for one in classes if one not in known]


def _deepface_name(emotion: str | None) -> str | None:
    return None if emotion is None else DEEPFACE_NAMES.get(emotion, emotion)


def _plain(key: str, name: str | None = None) -> Column:
    kind = _NUMBERS.get(key, str if key in _TEXTS else int)
    return Column(name or key, kind, lambda row: row[key])


def _probability(name: str, emotion: str, factor: int = 1) -> Column:
    def value(row: Values) -> Value:
        found = row["probabilities"]
        return None if found is None else round(found[emotion] * factor, 4)

    return Column(name, float, value)
