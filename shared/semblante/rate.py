"""How often something happens in a minute, counted in the broker for all processes together."""

from __future__ import annotations

import time

import structlog
from celery import Celery
from redis.exceptions import RedisError

PERIOD_SECONDS = 60
log = structlog.get_logger()


def count(app: Celery, name: str) -> int:
    """Count `name` once more; return how often it was counted in this minute.

    0 when the broker does not answer: the limit is then nobody's, but the web goes on.
    """
    key = f"semblante:rate:{name}:{int(time.time()) // PERIOD_SECONDS}"
    try:
        with app.backend.client.pipeline() as pipeline:
            counted, _ = pipeline.incr(key).expire(key, 2 * PERIOD_SECONDS).execute()
    except RedisError as error:
        log.warning("requests are not counted", error=str(error))
        return 0
    return int(counted)


def seconds_left() -> int:
    """Return the time until counting begins anew."""
    return PERIOD_SECONDS - int(time.time()) % PERIOD_SECONDS
