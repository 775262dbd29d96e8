"""Asks a worker for one image's faces and waits for its answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from semblante.default_model import choose
from semblante.detection import Detect
from semblante.errors import IMAGE_ERROR_CODES, ImageError, TooLarge, Unavailable
from semblante.message import Message
from semblante.predict_requests import PredictRequest, PredictRequests
from semblante.services import Services


def predict(
    services: Services, blocks: Iterable[bytes], model: str | None, detect: Detect | None
) -> dict[str, Any]:
    """Return what a worker says about the image of these bytes; nothing of it stays in the storage.

    Raises:
        NotFound: `model_not_found`.
        TooLarge: `too_large_upload`.
        ImageError: The image cannot be labelled; `code` says why.
        Unavailable: `worker_unavailable`, `broker_unavailable` or `model_unavailable`.
    """
    with services.database.reading() as session:
        digest = choose(session, services.settings, model).digest
    settings = services.settings
    request = PredictRequest(digest, detect or settings.detect)
    try:
        image = bounded(blocks, settings.max_image_bytes)
        services.storage.write(request.key, image, lasting=False)
        answer = PredictRequests(services.queue).ask(request, settings.predict_timeout_seconds)
    finally:
        services.storage.delete(request.key)
    if "error" in answer:
        code, detail = answer["error"]["code"], Message.from_json(answer["error"]["detail"])
        raise (ImageError if code in IMAGE_ERROR_CODES else Unavailable)(code, detail)
    found: dict[str, Any] = answer["ok"]
    return found


def bounded(blocks: Iterable[bytes], most: int) -> Iterator[bytes]:
    """Pass an image's bytes on; raises TooLarge (`too_large_upload`) beyond `most` bytes."""
    for block in blocks:
        most -= len(block)
        if most < 0:
            raise TooLarge("too_large_upload", "The image has more than max_image_bytes bytes.")
        yield block
