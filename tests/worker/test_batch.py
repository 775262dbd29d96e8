"""Batches: every outcome once, in order, each image with its own pixels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from semblante_worker.batch import Batched, group_faces
from semblante_worker.outcome import Decoded, Face, Failure, Unlabelled


def outcome_of(index: int, is_good: bool) -> Decoded | Failure:
    if not is_good:
        return Failure(index, "corrupt_image")
    pixels = np.full((2, 3), index % 251, dtype=np.uint8)
    return Decoded(Face(index, index + 1, index + 2, bytes([index % 256]) * 32), pixels)


def index_of(outcome: Decoded | Batched | Unlabelled) -> int:
    return outcome.face.index if isinstance(outcome, Decoded | Batched) else outcome.index


@given(st.lists(st.booleans(), max_size=300), st.integers(1, 40))
def test_every_image_keeps_its_pixels(goodness: list[bool], batch_size: int) -> None:
    outcomes = [outcome_of(3 * place, good) for place, good in enumerate(goodness)]
    batches = list(group_faces(outcomes, batch_size, (2, 3)))

    seen = [image for batch in batches for image in batch.outcomes]
    assert [index_of(image) for image in seen] == [index_of(outcome) for outcome in outcomes]
    assert all(0 < len(batch.outcomes) <= 4 * batch_size for batch in batches)
    assert all(len(batch.pixels) <= batch_size for batch in batches)
    for batch in batches:
        images = [image for image in batch.outcomes if isinstance(image, Batched)]
        assert batch.pixels.dtype == np.uint8
        assert batch.pixels.shape == (len(images), 2, 3)
        assert [image.row for image in images] == list(range(len(images)))
        for image in images:
            face = image.face
            assert (batch.pixels[image.row] == face.index % 251).all()
            assert (face.width, face.height) == (face.index + 1, face.index + 2)
            assert face.sha256 == bytes([face.index % 256]) * 32


def test_a_batch_comes_as_soon_as_it_is_full() -> None:
    read = 0

    def count() -> Iterator[Decoded | Failure]:
        nonlocal read
        for index in range(10):
            read += 1
            yield outcome_of(index, is_good=True)

    batches = group_faces(count(), 4, (2, 3))
    assert len(next(batches).outcomes) == 4
    assert read == 4
    assert [len(batch.outcomes) for batch in batches] == [4, 2]


def test_no_images_give_no_batch() -> None:
    assert list(group_faces([], 4, (2, 3))) == []


def test_a_later_batch_does_not_touch_an_earlier_one() -> None:
    first, second = group_faces([outcome_of(i, is_good=True) for i in range(4)], 2, (2, 3))
    assert not np.shares_memory(first.pixels, second.pixels)
    assert [int(image[0, 0]) for image in first.pixels] == [0, 1]
