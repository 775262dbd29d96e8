"""Asks a worker for one image's faces and waits for its answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from billiard.exceptions import WorkerLostError
from celery.exceptions import TimeoutError as CeleryTimeoutError
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from semblante.default_model import choose
from semblante.detection import Detect
from semblante.errors import IMAGE_ERROR_CODES, ImageError, TooLarge, Unavailable
from semblante.identifiers import new_id
from semblante.message import Message
from semblante.queue import QUEUES
from semblante.services import Services
from semblante.telemetry import carried

TASK = "semblante.predict"


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
    key = f"predict/{new_id()}"
    try:
        services.storage.write(key, bounded(blocks, services.settings.max_image_bytes))
        answer = _ask(services, key, digest, detect or services.settings.detect)
    finally:
        services.storage.delete(key)
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


def _ask(services: Services, key: str, digest: str, detect: Detect) -> dict[str, Any]:
    seconds = services.settings.predict_timeout_seconds
    try:
        result = services.queue.app.send_task(
            TASK,
            kwargs={"key": key, "digest": digest, "detect": detect},
            headers=carried(),
            queue=QUEUES[TASK],
            ignore_result=False,
            retry=False,
            expires=seconds,  # nobody waits for a later answer
        )
    except (OperationalError, RedisError, RuntimeError) as error:
        # RuntimeError is Celery's word for a result store that it cannot reach.
        raise Unavailable("broker_unavailable", "The message broker does not answer.") from error
    try:
        answer: dict[str, Any] = result.get(timeout=seconds)
    except CeleryTimeoutError as error:
        raise Unavailable(
            "worker_unavailable", "No worker answered in %(seconds)g s.", seconds=seconds
        ) from error
    except WorkerLostError as error:
        raise ImageError("worker_crash", IMAGE_ERROR_CODES["worker_crash"]) from error
    except (OperationalError, RedisError, RuntimeError) as error:
        raise Unavailable("broker_unavailable", "The message broker went away.") from error
    finally:
        result.forget()
    return answer
