"""From one image's bytes to the prepared pixels of its faces."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image

from semblante.card import Preprocess
from semblante.picture import naming_damage, open_picture
from semblante_worker.caps import Caps, memory_cap, result_within
from semblante_worker.detect import FaceFinder, cut_out
from semblante_worker.jpeg import Opened, longer_side, open_jpeg
from semblante_worker.outcome import Decoded, Face, NoFace
from semblante_worker.preprocess import prepare, prepare_pixels, reduce_colour


def decode_one(
    data: bytes, spec: Preprocess, max_pixels: int, finder: FaceFinder | None, caps: Caps
) -> Sequence[Decoded | NoFace]:
    """Decode one image within `caps`; its index is 0.

    Raises:
        ImageError: see `decode_image`.
        StuckDecode: it takes more than `caps.seconds`.
    """
    with memory_cap(caps.memory_bytes):
        future = thread_pool(1).submit(decode_image, 0, data, spec, max_pixels, finder)
        return result_within(future, caps.seconds, 0)


def decode_image(
    index: int, data: bytes, spec: Preprocess, max_pixels: int, finder: FaceFinder | None = None
) -> Sequence[Decoded | NoFace]:
    """Decode one image in the caller's thread; return its faces, or the one `NoFace`.

    Raises:
        ImageError: see `open_picture` and `FaceFinder.find`.
    """
    return decode_hashed(index, data, hashlib.sha256(data).digest(), spec, max_pixels, finder)


def decode_hashed(
    index: int,
    data: bytes,
    sha256: bytes,
    spec: Preprocess,
    max_pixels: int,
    finder: FaceFinder | None,
) -> Sequence[Decoded | NoFace]:
    """Do the same with bytes whose digest is known already."""
    with naming_damage(data):
        if finder is None or _is_taken_whole(data, finder):
            opened = open_whole(data, spec, max_pixels)
            facts = Face(index, opened.width, opened.height, sha256)
            return [Decoded(facts, prepare_pixels(opened.pixels, spec))]
        return faces_of(index, open_picture(data, max_pixels), sha256, spec, finder)


def _is_taken_whole(data: bytes, finder: FaceFinder) -> bool:
    side = longer_side(data)
    return side is not None and finder.takes_whole(side)


def open_whole(data: bytes, spec: Preprocess, max_pixels: int) -> Opened:
    """Return the whole picture in the colours of `spec`, the quick way if there is one.

    Raises:
        ImageError: see `open_picture`.
    """
    quick = open_jpeg(data, spec, max_pixels)
    if quick is not None:
        return quick
    image = open_picture(data, max_pixels)
    return Opened(np.asarray(reduce_colour(image, spec)), image.width, image.height)


def faces_of(
    index: int, image: Image.Image, sha256: bytes, spec: Preprocess, finder: FaceFinder
) -> Sequence[Decoded | NoFace]:
    """Return the faces of an upright image, or the one `NoFace`.

    Raises:
        ImageError: `detection_failed`.
    """
    facts = (index, image.width, image.height, sha256)
    located = finder.find(image)
    if located is None:
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


def thread_pool(threads: int) -> ThreadPoolExecutor:
    """Return the decoding threads of this process, which are kept."""
    return _thread_pool(threads, os.getpid())


@functools.cache
def _thread_pool(threads: int, _process_id: int) -> ThreadPoolExecutor:
    """A forked child has none of its parent's threads and makes its own."""
    return ThreadPoolExecutor(threads, thread_name_prefix="decode")
