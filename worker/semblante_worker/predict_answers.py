"""One image at once: what `POST /predict` and `semblante predict` answer."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from semblante.bundles import Bundle
from semblante.detection import Detect
from semblante.errors import SemblanteError
from semblante.predict_requests import TASK, Answer, PredictRequest, PredictRequests
from semblante.services import Services
from semblante.telemetry import message_span
from semblante_worker.caps import StuckDecode
from semblante_worker.model_loading import load_model
from semblante_worker.outcome import Decoded, NoFace
from semblante_worker.predict import Prediction, Predictor

TURN_SECONDS = 1.0
"""After so long another message has its turn in this process."""


def answer_requests(services: Services, predictor: Predictor, taker: str) -> None:
    """Answer what waits until nothing comes, or for `TURN_SECONDS`, several requests together.

    Raises:
        StuckDecode: An image takes too long, and is told so; the process should end.
        RedisError: The broker does not answer.
    """
    requests = PredictRequests(services.queue)
    end = time.monotonic() + TURN_SECONDS
    while taken := requests.take(taker):
        try:
            for request, answer in answers(services, predictor, taken):
                requests.answer(taker, request, answer)
                services.storage.delete(request.key)  # should the web die before it does so
        except StuckDecode:
            requests.give_back(taker)
            raise
        if time.monotonic() > end:
            requests.wake()
            return


def answers(
    services: Services, predictor: Predictor, requests: Iterable[PredictRequest]
) -> Iterator[tuple[PredictRequest, Answer]]:
    """Yield each request with its answer; the faces that one model labels are one batch.

    The database is not asked: that would take as long as the image.

    Raises:
        StuckDecode: An image takes too long; its request has been yielded.
    """
    decoded: dict[str, list[tuple[PredictRequest, Sequence[Decoded | NoFace]]]] = {}
    for request in requests:
        try:
            with message_span(TASK, request.headers):
                image = _decode(services, predictor, request)
        except SemblanteError as error:
            yield request, _refusal(error)
            if isinstance(error, StuckDecode):
                raise
        else:
            decoded.setdefault(request.digest, []).append((request, image))
    for digest, images in decoded.items():
        try:
            bundle = load_model(services, predictor, digest)
            found = predictor.label([image for _, image in images], bundle)
        except SemblanteError as error:
            yield from ((request, _refusal(error)) for request, _ in images)
        else:
            for (request, _), faces in zip(images, found, strict=True):
                yield request, {"ok": view(faces, bundle)}


def _decode(
    services: Services, predictor: Predictor, request: PredictRequest
) -> Sequence[Decoded | NoFace]:
    bundle = load_model(services, predictor, request.digest)
    data = services.storage.read(request.key, 0, services.settings.max_image_bytes)
    return predictor.decode(data, bundle, request.detect)


def _refusal(error: SemblanteError) -> Answer:
    return {"error": {"code": error.code, "detail": error.said.to_json()}}


def answer(predictor: Predictor, bundle: Bundle, data: bytes, detect: Detect) -> dict[str, Any]:
    """Return the faces of one image as the API shows them; raises ImageError."""
    return view(predictor.predict_one(data, bundle, detect), bundle)


def view(found: Sequence[Prediction | NoFace], bundle: Bundle) -> dict[str, Any]:
    """Return the faces of one image, or that it has none, as the API shows them."""
    image = found[0].face if isinstance(found[0], Prediction) else found[0]
    return {
        "model": bundle.reference,
        "detector": image.detector,
        "width": image.width,
        "height": image.height,
        "faces": [_face(one, bundle) for one in found if isinstance(one, Prediction)],
    }


def _face(prediction: Prediction, bundle: Bundle) -> dict[str, Any]:
    names = [emotion.id for emotion in bundle.classes]
    values = [round(float(value), 4) for value in prediction.probabilities]
    best = int(prediction.probabilities.argmax())
    face = prediction.face
    return {
        "emotion": names[best],
        "confidence": values[best],
        "probabilities": dict(zip(names, values, strict=True)),
        "box": face.box._asdict() if face.box is not None else None,
        "face_confidence": round(face.confidence, 4) if face.confidence is not None else None,
    }
