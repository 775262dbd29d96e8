"""From the digest that a job pins to a loaded model: in memory, in the cache, or in the storage."""

from __future__ import annotations

from semblante.bundle_cache import open_cache
from semblante.bundles import Bundle
from semblante.services import Services
from semblante_worker.predict import Predictor


def load_model(services: Services, predictor: Predictor, digest: str) -> Bundle:
    """Load the model with this digest into `predictor`, unless it is; return its bundle.

    Raises:
        BundleError: `corrupt_bundle`, when its weights do not fit its card.
        Unavailable: `model_unavailable`, or `component_missing` for the device.
        OSError: The cache folder cannot be written.
    """
    if (bundle := predictor.loaded(digest)) is not None:
        return bundle
    with open_cache(services.settings, services.storage).hold(digest) as bundle:
        predictor.load(bundle)
    return bundle
