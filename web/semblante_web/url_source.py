"""Files that the web itself fetches, a few at a time: each one keeps a thread waiting."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from semblante.fetch import Fetched, FetchLimits, fetch
from semblante.settings import Settings
from semblante_web.refusals import TooMany

MOST_AT_ONCE = 3
RETRY_AFTER_SECONDS = 10
_fetching = threading.BoundedSemaphore(MOST_AT_ONCE)


@contextmanager
def fetched_image(settings: Settings, url: str) -> Iterator[Fetched]:
    """Fetch one image of at most `max_image_bytes`; raises what `fetch` does, and TooMany."""
    limits = FetchLimits(settings.max_image_bytes, settings.url_seconds, settings.url_networks)
    with _slot(), fetch(url, limits) as found:
        yield found


@contextmanager
def fetched_upload(settings: Settings, url: str) -> Iterator[Fetched]:
    """Fetch an archive or an image for a job; raises what `fetch` does, and TooMany."""
    size = min(settings.max_url_bytes, settings.max_upload_bytes)
    limits = FetchLimits(size, settings.url_seconds, settings.url_networks, archives=True)
    with _slot(), fetch(url, limits) as found:
        yield found


@contextmanager
def _slot() -> Iterator[None]:
    if not _fetching.acquire(blocking=False):
        raise TooMany(
            "url_busy",
            "%(most)s URLs are being fetched; try again in %(seconds)s seconds.",
            {"Retry-After": str(RETRY_AFTER_SECONDS)},
            most=MOST_AT_ONCE,
            seconds=RETRY_AFTER_SECONDS,
        )
    try:
        yield
    finally:
        _fetching.release()
