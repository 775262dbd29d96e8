"""From images' bytes to prepared pixels of faces, side by side in threads, in the order given.

Threads, because a worker's process may not start processes; Pillow and OpenCV release the
interpreter's lock while they decode, resize and search for faces.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from PIL import Image

from semblante.card import Preprocess
from semblante.errors import ImageError
from semblante.picture import naming_damage, open_picture
from semblante_worker.caps import Caps, memory_cap, result_within
from semblante_worker.detect import FaceFinder, cut_out
from semblante_worker.outcome import Decoded, Face, Failure, NoFace, Repeat, Unlabelled
from semblante_worker.preprocess import prepare, reduce_colour
from semblante_worker.repeats import Repeats

AHEAD_PER_THREAD = 2
"""Images decoded or waiting per thread, beyond the one that the caller has: a bound on memory."""

NO_CAPS = Caps()
"""For one's own pictures, as in training and evaluation."""

Outcomes = Sequence[Decoded | Unlabelled]
"""The faces of one image, or why it has none."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An image in a thread, or before one; its bytes are kept for a second attempt."""

    index: int
    content: bytes | ImageError
    future: Future[Outcomes]


def decode_images(
    pairs: Iterable[tuple[int, bytes | ImageError]],
    spec: Preprocess,
    max_pixels: int,
    threads: int,
    *,
    finder: FaceFinder | None = None,
    repeats: Repeats | None = None,
    caps: Caps = NO_CAPS,
) -> Iterator[Decoded | Unlabelled]:
    """Yield the faces of each pair of an index and bytes, or why it has none, in the same order.

    `pairs` is read by the caller's thread, `AHEAD_PER_THREAD` images per thread ahead of what was
    yielded. A pair that holds an ImageError, from reading the archive, becomes a failure with its
    code.

    Args:
        pairs: The images.
        spec: What the model needs.
        max_pixels: Larger images become failures.
        threads: The number of decoding threads, 0 means one per core.
        finder: Says where the faces are; without one, each whole image is one face.
        repeats: Says which images need no work, because another one has the same bytes.
        caps: What one image may take.

    Raises:
        StuckDecode: an image takes more than `caps.seconds`.
    """
    threads = threads or usable_cores()
    executor = _executor(threads, os.getpid())
    waiting: deque[_Waiting] = deque()

    def start(index: int, content: bytes | ImageError) -> _Waiting:
        future = executor.submit(_decode_or_fail, index, content, spec, max_pixels, finder, repeats)
        return _Waiting(index, content, future)

    def take() -> Outcomes:
        image = waiting.popleft()
        outcomes = result_within(image.future, caps.seconds, image.index)
        if any(isinstance(one, Failure) and one.code == "worker_crash" for one in outcomes):
            # Another image may have taken the memory: only alone is the verdict honest.
            wait([other.future for other in waiting], caps.seconds)
            alone = start(image.index, image.content)
            outcomes = result_within(alone.future, caps.seconds, image.index)
        return outcomes

    try:
        with memory_cap(caps.memory_bytes and caps.memory_bytes * threads):
            for index, content in pairs:
                waiting.append(start(index, content))
                if len(waiting) > AHEAD_PER_THREAD * threads:
                    yield from take()
            while waiting:
                yield from take()
    finally:  # the caller stopped early
        for image in waiting:
            image.future.cancel()


def decode_one(
    data: bytes, spec: Preprocess, max_pixels: int, finder: FaceFinder | None, caps: Caps
) -> Sequence[Decoded | NoFace]:
    """Decode one image within `caps`; its index is 0.

    Raises:
        ImageError: see `decode_image`.
        StuckDecode: it takes more than `caps.seconds`.
    """
    with memory_cap(caps.memory_bytes):
        future = _executor(1, os.getpid()).submit(decode_image, 0, data, spec, max_pixels, finder)
        return result_within(future, caps.seconds, 0)


def decode_image(
    index: int, data: bytes, spec: Preprocess, max_pixels: int, finder: FaceFinder | None = None
) -> Sequence[Decoded | NoFace]:
    """Decode one image in the caller's thread; return its faces, or the one `NoFace`.

    Raises:
        ImageError: see `open_picture` and `FaceFinder.find`.
    """
    return _decode(index, data, hashlib.sha256(data).digest(), spec, max_pixels, finder)


def _decode_or_fail(
    index: int,
    content: bytes | ImageError,
    spec: Preprocess,
    max_pixels: int,
    finder: FaceFinder | None,
    repeats: Repeats | None,
) -> Outcomes:
    if isinstance(content, ImageError):
        return [Failure(index, content.code)]
    sha256 = hashlib.sha256(content).digest()
    if repeats is not None and not repeats.is_first(index, sha256):
        return [Repeat(index, sha256)]
    try:
        return _decode(index, content, sha256, spec, max_pixels, finder)
    except ImageError as error:
        return [Failure(index, error.code, sha256)]


def _decode(
    index: int,
    data: bytes,
    sha256: bytes,
    spec: Preprocess,
    max_pixels: int,
    finder: FaceFinder | None,
) -> Sequence[Decoded | NoFace]:
    image = open_picture(data, max_pixels)
    with naming_damage(data):
        return faces_of(index, image, sha256, spec, finder)


def faces_of(
    index: int,
    image: Image.Image,
    sha256: bytes,
    spec: Preprocess,
    finder: FaceFinder | None,
) -> Sequence[Decoded | NoFace]:
    """Return the faces of an upright image, or the one `NoFace`.

    Raises:
        ImageError: `detection_failed`.
    """
    facts = (index, image.width, image.height, sha256)
    located = finder.find(image) if finder is not None else None
    if finder is None or located is None:
        return [Decoded(Face(*facts), prepare(image, spec))]
    if not located:
        return [NoFace(*facts, finder.detector)]
    reduced = reduce_colour(image, spec)
    return [
        Decoded(
            Face(*facts, face_id, box, confidence, finder.detector),
            prepare(cut_out(reduced, box), spec),
        )
        for face_id, (box, confidence) in enumerate(located)
    ]


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.cache
def _executor(threads: int, _process_id: int) -> ThreadPoolExecutor:
    """The threads of this process; a forked child has none of its parent's and makes its own."""
    return ThreadPoolExecutor(threads, thread_name_prefix="decode")
