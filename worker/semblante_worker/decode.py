"""From images' bytes to prepared pixels, side by side in threads, in the order given.

Threads, because a worker's process may not start processes; Pillow releases the interpreter's
lock while it decodes and resizes.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from semblante.card import Preprocess
from semblante.errors import ImageError
from semblante.picture import open_picture
from semblante_worker.preprocess import Pixels, prepare

AHEAD_PER_THREAD = 2
"""Images decoded or waiting per thread, beyond the one that the caller has: a bound on memory."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """An image, ready for a batch: `pixels` are uint8 of the shape in the model's card.

    `width` and `height` are those of the upright original, `sha256` (32 bytes) that of its bytes.
    """

    index: int
    pixels: Pixels
    width: int
    height: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Failure:
    """An image that cannot be labelled: `code` is one of `IMAGE_ERROR_CODES`.

    `sha256` is None when not even its bytes could be read.
    """

    index: int
    code: str
    sha256: bytes | None = None
    width: int | None = None
    height: int | None = None


def decode_images(
    pairs: Iterable[tuple[int, bytes | ImageError]],
    spec: Preprocess,
    max_pixels: int,
    threads: int,
) -> Iterator[Decoded | Failure]:
    """Yield one `Decoded` or `Failure` for each pair of an index and bytes, in the same order.

    `threads` is the number of decoding threads, 0 means one per core. `pairs` is read by the
    caller's thread, `AHEAD_PER_THREAD` images per thread ahead of what was yielded. A pair that
    holds an ImageError, from reading the archive, becomes a failure with its code.
    """
    threads = threads or usable_cores()
    executor = _executor(threads, os.getpid())
    waiting: deque[Future[Decoded | Failure]] = deque()
    try:
        for index, content in pairs:
            waiting.append(executor.submit(_decode_or_fail, index, content, spec, max_pixels))
            if len(waiting) > AHEAD_PER_THREAD * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:  # the caller stopped early
        for future in waiting:
            future.cancel()


def decode_image(index: int, data: bytes, spec: Preprocess, max_pixels: int) -> Decoded:
    """Decode and prepare one image, in the caller's thread.

    Raises:
        ImageError: see `open_picture`.
    """
    image = open_picture(data, max_pixels)
    sha256 = hashlib.sha256(data).digest()
    return Decoded(index, prepare(image, spec), image.width, image.height, sha256)


def _decode_or_fail(
    index: int, content: bytes | ImageError, spec: Preprocess, max_pixels: int
) -> Decoded | Failure:
    if isinstance(content, ImageError):
        return Failure(index, content.code)
    try:
        return decode_image(index, content, spec, max_pixels)
    except ImageError as error:
        return Failure(index, error.code, hashlib.sha256(content).digest())


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.cache
def _executor(threads: int, _process_id: int) -> ThreadPoolExecutor:
    """The threads of this process; a forked child has none of its parent's and makes its own."""
    return ThreadPoolExecutor(threads, thread_name_prefix="decode")
