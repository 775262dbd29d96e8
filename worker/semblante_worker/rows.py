"""From what became of an image to its rows of the results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from semblante.bundles import Bundle
from semblante.results import ResultRow
from semblante_worker.outcome import Box, Failure, NoFace, Repeat
from semblante_worker.predict import Prediction


def row_of(outcome: Prediction | NoFace | Failure, bundle: Bundle) -> ResultRow:
    """Return the row of a face, of an image without one, or of a failed image."""
    if isinstance(outcome, Prediction):
        return _face_row(outcome, bundle)
    if isinstance(outcome, NoFace):
        facts = outcome
        return ResultRow(
            facts.index, 0, "no_face", width=facts.width, height=facts.height, sha256=facts.sha256
        )
    return failed_row(outcome.index, outcome.code, outcome.sha256)


def failed_row(index: int, code: str, sha256: bytes | None = None) -> ResultRow:
    """Return the row of an image that cannot be labelled; `code` says why."""
    return ResultRow(index, 0, "failed", code, sha256=sha256)


def repeated_rows(repeats: Iterable[Repeat], sources: Iterable[ResultRow]) -> Iterator[ResultRow]:
    """Yield the rows of repeated images; `sources` has, per sha256, those of one image to copy."""
    found: dict[bytes | None, list[ResultRow]] = {}
    for row in sources:
        found.setdefault(row.sha256, []).append(row)
    for repeat in repeats:
        for row in found[repeat.sha256]:
            yield row._replace(image_index=repeat.index)


def _face_row(prediction: Prediction, bundle: Bundle) -> ResultRow:
    face, probabilities = prediction.face, prediction.probabilities
    best = int(probabilities.argmax())
    box = face.box or Box(0, 0, face.width, face.height)
    return ResultRow(
        image_index=face.index,
        face_id=face.face_id,
        status="ok",
        emotion=bundle.classes[best].id,
        confidence=float(probabilities[best]),
        probabilities=probabilities.astype("<f4").tobytes(),
        face_x=box.x,
        face_y=box.y,
        face_w=box.w,
        face_h=box.h,
        face_confidence=face.confidence,
        width=face.width,
        height=face.height,
        sha256=face.sha256,
    )
