"""What tests ask a predictor."""

from __future__ import annotations

from semblante.bundles import Bundle
from semblante_worker.engines import Numbers
from semblante_worker.predict import Prediction, Predictor


def probabilities_of(predictor: Predictor, data: bytes, bundle: Bundle) -> Numbers:
    """Return the probabilities, float32 [classes], of one image taken whole."""
    [outcome] = predictor.predict_one(data, bundle)
    assert isinstance(outcome, Prediction)
    return outcome.probabilities
