"""Decoding: in order, in threads, never far ahead, and one failure for one bad image."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from PIL import Image

from factory import jpeg
from semblante.card import Preprocess
from semblante.errors import ImageError
from semblante_worker.decode import decode_image, thread_pool
from semblante_worker.decode_many import AHEAD_PER_THREAD, SLICE_IMAGES, decode_images
from semblante_worker.outcome import Decoded, Failure, Unlabelled

SPEC = Preprocess(
    colour="grey",
    resize=(8, 8),
    interpolation="bilinear",
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
)


def shade_of(outcome: Decoded | Unlabelled) -> int:
    assert isinstance(outcome, Decoded)
    return int(outcome.pixels[0, 0])


def index_of(outcome: Decoded | Unlabelled) -> int:
    return outcome.face.index if isinstance(outcome, Decoded) else outcome.index


def test_images_come_in_order_with_their_own_pixels() -> None:
    # Large and small in turn, so that later ones are ready first.
    pairs = [(1000 + i, jpeg(i, (600, 600) if i % 2 == 0 else (8, 8))) for i in range(40)]
    outcomes = list(decode_images(pairs, SPEC, 1_000_000, threads=4))
    assert [index_of(outcome) for outcome in outcomes] == list(range(1000, 1040))
    assert [shade_of(outcome) for outcome in outcomes] == list(range(40))


def test_facts_are_those_of_the_upright_original() -> None:
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: width and height change places
    Image.new("L", (30, 20), 100).save(buffer, "JPEG", exif=exif)
    data = buffer.getvalue()

    [outcome] = decode_images([(5, data)], SPEC, 600, threads=1)

    assert isinstance(outcome, Decoded)
    assert (outcome.face.index, outcome.face.width, outcome.face.height) == (5, 20, 30)
    assert outcome.pixels.shape == (8, 8)
    assert outcome.face.sha256.hex() == hashlib.sha256(data).hexdigest()


def test_each_bad_image_is_one_failure() -> None:
    good = jpeg(50, (40, 40))
    large = jpeg(50, (41, 40))
    pairs: list[tuple[int, bytes | ImageError]] = [
        (0, b""),
        (1, b"no image"),
        (2, good[:-100]),
        (3, large),
        (4, ImageError("crc_mismatch", "damaged")),
        (5, good),
    ]
    *failures, last = decode_images(pairs, SPEC, 1600, threads=2)
    assert failures == [
        Failure(0, "unsupported_format", hashlib.sha256(b"").digest()),
        Failure(1, "unsupported_format", hashlib.sha256(b"no image").digest()),
        Failure(2, "truncated_image", hashlib.sha256(good[:-100]).digest()),
        Failure(3, "too_many_pixels", hashlib.sha256(large).digest()),
        Failure(4, "crc_mismatch", None),
    ]
    assert shade_of(last) == 50


def test_one_image_in_the_callers_thread() -> None:
    [outcome] = decode_image(0, jpeg(70), SPEC, 10_000)
    assert shade_of(outcome) == 70
    with pytest.raises(ImageError) as caught:
        decode_image(0, b"no image", SPEC, 10_000)
    assert caught.value.code == "unsupported_format"


def test_it_reads_only_a_few_images_ahead() -> None:
    data = jpeg(1)
    read = 0

    def count() -> Iterator[tuple[int, bytes]]:
        nonlocal read
        for index in range(400):
            read += 1
            yield index, data

    lead = [read - index_of(one) for one in decode_images(count(), SPEC, 10_000, threads=2)]
    assert len(lead) == 400
    assert max(lead) <= SLICE_IMAGES * (2 * AHEAD_PER_THREAD + 1)


def test_threads_are_kept_between_calls() -> None:
    pairs = [(index, jpeg(1)) for index in range(20)]
    meeting = threading.Barrier(3)  # a pool starts its threads one by one, as they are needed
    list(thread_pool(3).map(meeting.wait, [60] * 3))
    before = threading.active_count()
    for _ in range(5):
        assert len(list(decode_images(pairs, SPEC, 10_000, threads=3))) == 20
    assert threading.active_count() <= before


def test_a_caller_may_stop_early_and_an_error_of_the_source_passes() -> None:
    def broken() -> Iterator[tuple[int, bytes]]:
        yield 0, jpeg(1)
        raise OSError("the storage is gone")

    stopped = decode_images([(index, jpeg(index)) for index in range(50)], SPEC, 10_000, 2)
    assert shade_of(next(stopped)) == 0
    with pytest.raises(OSError, match="the storage is gone"):
        list(decode_images(broken(), SPEC, 10_000, threads=2))


def test_no_inference_library_is_loaded() -> None:
    """A worker's parent imports these modules; a library loaded before the fork would hang."""
    code = (
        "import sys, semblante_worker.decode, semblante_worker.batch, semblante_worker.predict\n"
        "import semblante_worker.preprocess, semblante_worker.engines, semblante.bundles\n"
        "print(sorted({'torch', 'openvino', 'flask'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
