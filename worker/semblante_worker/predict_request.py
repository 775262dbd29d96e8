"""One image at once: what `POST /predict` and `semblante predict` answer."""

from __future__ import annotations

from typing import Any

from semblante.bundles import Bundle
from semblante.detection import Detect
from semblante.services import Services
from semblante_worker.model_loading import load_model
from semblante_worker.predict import Prediction, Predictor


def answer_request(
    services: Services, predictor: Predictor, key: str, digest: str, detect: Detect
) -> dict[str, Any]:
    """Label the image that the web stored under `key` by the model with `digest`.

    The database is not asked: that would take as long as the image.

    Raises:
        ImageError: The image cannot be labelled.
        NotFound: The bytes are gone.
        Unavailable: `model_unavailable`.
    """
    bundle = load_model(services, predictor, digest)
    data = services.storage.read(key, 0, services.settings.max_image_bytes)
    services.storage.delete(key)  # should the web die before it does so
    return answer(predictor, bundle, data, detect)


def answer(predictor: Predictor, bundle: Bundle, data: bytes, detect: Detect) -> dict[str, Any]:
    """Return the faces of one image as the API shows them; raises ImageError."""
    found = predictor.predict_one(data, bundle, detect)
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
