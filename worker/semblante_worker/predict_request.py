"""One image at once: what `POST /predict` and `semblante predict` answer."""

from __future__ import annotations

from typing import Any

from semblante import bundles
from semblante.bundles import Bundle
from semblante.services import Services
from semblante_worker.predict import Prediction, Predictor


def answer_request(
    services: Services, predictor: Predictor, key: str, model: str
) -> dict[str, Any]:
    """Label the image that the web stored under `key`.

    Raises:
        ImageError: The image cannot be labelled.
        NotFound: No such model, or the bytes are gone.
    """
    bundle = bundles.find_bundle(services.settings.data, model)
    data = services.storage.read(key, 0, services.settings.max_image_bytes)
    return answer(predictor, bundle, data)


def answer(predictor: Predictor, bundle: Bundle, data: bytes) -> dict[str, Any]:
    """Return the faces of one image as the API shows them; raises ImageError."""
    prediction = predictor.predict_one(data, bundle)
    return {
        "model": bundle.reference,
        "width": prediction.width,
        "height": prediction.height,
        "faces": [_face(prediction, bundle)],
    }


def _face(prediction: Prediction, bundle: Bundle) -> dict[str, Any]:
    names = [emotion.id for emotion in bundle.classes]
    values = [round(float(value), 4) for value in prediction.probabilities]
    best = int(prediction.probabilities.argmax())
    return {
        "emotion": names[best],
        "confidence": values[best],
        "probabilities": dict(zip(names, values, strict=True)),
        "box": None,
    }
