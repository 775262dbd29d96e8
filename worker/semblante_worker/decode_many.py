"""Many images side by side in threads, in the order given.

Threads, because a worker's process may not start processes; Pillow, libjpeg-turbo and OpenCV
release the interpreter's lock while they decode, resize and search for faces. They take images in
slices: handing over one at a time cost more than decoding a small one.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field

from semblante.card import Preprocess
from semblante.errors import ImageError
from semblante_worker.caps import Caps, StuckDecode, memory_cap, result_within
from semblante_worker.decode import decode_hashed, thread_pool, usable_cores
from semblante_worker.detect import FaceFinder
from semblante_worker.outcome import Decoded, Failure, Repeat, Unlabelled
from semblante_worker.repeats import Repeats

AHEAD_PER_THREAD = 2
"""Slices decoded or waiting per thread, beyond the one that the caller has: a bound on memory."""
SLICE_IMAGES = 16
SLICE_BYTES = 256 * 1024
"""Larger images are fewer in a slice."""

NO_CAPS = Caps()
"""For one's own pictures, as in training and evaluation."""

Outcomes = Sequence[Decoded | Unlabelled]
"""The faces of one image, or why it has none."""
Pair = tuple[int, bytes | ImageError]
"""The index of an image and its bytes, or why they could not be read."""


@dataclass(frozen=True, slots=True)
class _Work:
    """What is done with every image; see `decode_images`."""

    spec: Preprocess
    max_pixels: int
    finder: FaceFinder | None
    repeats: Repeats | None

    def outcomes_of(self, pair: Pair) -> Outcomes:
        index, content = pair
        if isinstance(content, ImageError):
            return [Failure(index, content.code)]
        sha256 = hashlib.sha256(content).digest()
        if self.repeats is not None and not self.repeats.is_first(index, sha256):
            return [Repeat(index, sha256)]
        try:
            return decode_hashed(index, content, sha256, self.spec, self.max_pixels, self.finder)
        except ImageError as error:
            return [Failure(index, error.code, sha256)]


@dataclass(slots=True)
class _Slice:
    """Images for one thread, which adds to `outcomes` as it goes.

    The bytes of all are kept for a second attempt.
    """

    pairs: list[Pair]
    outcomes: list[Outcomes] = field(default_factory=list)
    future: Future[None] = field(default_factory=Future)

    def decode(self, work: _Work) -> None:
        for pair in self.pairs:
            self.outcomes.append(work.outcomes_of(pair))

    def wait(self, seconds: float) -> None:
        """Wait for the end; raises StuckDecode when one image takes more than `seconds`."""
        while True:
            done = len(self.outcomes)
            current = min(done, len(self.pairs) - 1)
            try:
                return result_within(self.future, seconds, self.pairs[current][0])
            except StuckDecode:
                if len(self.outcomes) == done:
                    raise


def decode_images(
    pairs: Iterable[Pair],
    spec: Preprocess,
    max_pixels: int,
    threads: int,
    *,
    finder: FaceFinder | None = None,
    repeats: Repeats | None = None,
    caps: Caps = NO_CAPS,
) -> Iterator[Decoded | Unlabelled]:
    """Yield the faces of each pair of an index and bytes, or why it has none, in the same order.

    `pairs` is read by the caller's thread, `AHEAD_PER_THREAD` slices per thread ahead of what was
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
        StuckDecode: an image takes more than `caps.seconds`; it is noticed within twice that time.
    """
    threads = threads or usable_cores()
    executor = thread_pool(threads)
    work = _Work(spec, max_pixels, finder, repeats)
    waiting: deque[_Slice] = deque()

    def start(pairs: list[Pair]) -> _Slice:
        one = _Slice(pairs)
        one.future = executor.submit(one.decode, work)
        return one

    def take() -> Iterator[Decoded | Unlabelled]:
        first = waiting.popleft()
        first.wait(caps.seconds)
        for pair, outcomes in zip(first.pairs, first.outcomes, strict=True):
            if any(isinstance(one, Failure) and one.code == "worker_crash" for one in outcomes):
                # Another image may have taken the memory: only alone is the verdict honest.
                wait([other.future for other in waiting], caps.seconds)
                alone = start([pair])
                alone.wait(caps.seconds)
                outcomes = alone.outcomes[0]
            yield from outcomes

    try:
        with memory_cap(caps.memory_bytes and caps.memory_bytes * threads):
            for gathered in _slices(pairs):
                waiting.append(start(gathered))
                if len(waiting) > AHEAD_PER_THREAD * threads:
                    yield from take()
            while waiting:
                yield from take()
    finally:  # the caller stopped early
        for unneeded in waiting:
            unneeded.future.cancel()


def _slices(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    """Yield lists of consecutive pairs; what is read before the source fails is not lost to it."""
    gathered: list[Pair] = []
    size = 0
    for pair in pairs:
        gathered.append(pair)
        size += len(pair[1]) if isinstance(pair[1], bytes) else 0
        if len(gathered) == SLICE_IMAGES or size >= SLICE_BYTES:
            yield gathered
            gathered, size = [], 0
    if gathered:
        yield gathered
