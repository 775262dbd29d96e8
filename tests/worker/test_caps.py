"""Caps of time and memory: whoever breaks one is named, and nobody else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from unittest.mock import patch

import pytest
from PIL import Image

from factory import gif
from semblante.card import Preprocess
from semblante_worker.caps import Caps, StuckDecode, memory_cap, result_within
from semblante_worker.decode import decode_one, thread_pool
from semblante_worker.decode_many import decode_images
from semblante_worker.outcome import Decoded, Failure, Unlabelled

MIB = 1024 * 1024
SPEC = Preprocess(
    colour="grey", resize=(8, 8), interpolation="bilinear", mean=(0.5,) * 3, std=(0.5,) * 3
)
HOARD, STUCK = gif(1) + b"<hoard>", gif(2) + b"<stuck>"
honest_open = Image.open


def index_of(outcome: Decoded | Unlabelled) -> int:
    return outcome.face.index if isinstance(outcome, Decoded) else outcome.index


@pytest.fixture
def poisoned() -> Iterator[threading.Event]:
    """Let Pillow hoard memory or wait for the event, as the pictures' last bytes say."""
    event = threading.Event()

    def taste(file, **options):  # type: ignore[no-untyped-def]
        word = file.getvalue()[-7:]
        if word == b"<stuck>":
            event.wait()
        hoard = []
        while word == b"<hoard>":
            hoard.append(b"1" * 10 * MIB)
        return honest_open(file, **options)

    with patch.object(Image, "open", taste):
        yield event
    event.set()
    for threads in (1, 2, 3):  # those that were stuck go on, and set Pillow's limit in later tests
        barrier = threading.Barrier(threads)
        list(thread_pool(threads).map(barrier.wait, [60] * threads))


def test_the_kernel_refuses_more_than_the_cap_and_forgets_it_afterwards() -> None:
    with memory_cap(64 * MIB), pytest.raises(MemoryError):
        bytearray(4096 * MIB)  # far above what threads of other tests may give back meanwhile
    assert len(bytearray(128 * MIB)) == 128 * MIB


def test_without_a_cap_nothing_changes() -> None:
    with memory_cap(None):
        assert len(bytearray(128 * MIB)) == 128 * MIB


def test_a_result_in_time_and_an_error_pass() -> None:
    with ThreadPoolExecutor(1) as executor:
        assert result_within(executor.submit(lambda: 7), 60, 0) == 7
        with pytest.raises(ZeroDivisionError):
            result_within(executor.submit(lambda: 1 // 0), 60, 0)


def test_a_result_that_does_not_come_names_its_image() -> None:
    with pytest.raises(StuckDecode) as caught:
        result_within(Future(), 0.02, 17)
    assert (caught.value.index, caught.value.code) == (17, "worker_crash")


@pytest.mark.usefixtures("poisoned")
def test_only_the_image_that_hoards_memory_fails() -> None:
    pairs = [(index, HOARD if index in (3, 4) else gif(index)) for index in range(12)]
    caps = Caps(seconds=120, memory_bytes=64 * MIB)
    outcomes = list(decode_images(pairs, SPEC, 10_000, 3, caps=caps))
    assert [index_of(outcome) for outcome in outcomes] == list(range(12))
    failed = {outcome.index: outcome.code for outcome in outcomes if isinstance(outcome, Failure)}
    assert failed == {3: "worker_crash", 4: "worker_crash"}


def test_the_image_that_does_not_end_is_named(poisoned: threading.Event) -> None:
    pairs = [(100, gif(0)), (101, gif(1)), (102, STUCK), (103, gif(3))]
    outcomes = decode_images(pairs, SPEC, 10_000, 2, caps=Caps(seconds=1))
    with pytest.raises(StuckDecode) as caught:
        next(outcomes)
    assert caught.value.index == 102
    poisoned.set()


def test_one_image_at_once_is_capped_too(poisoned: threading.Event) -> None:
    assert len(decode_one(gif(9), SPEC, 10_000, None, Caps(60, 512 * MIB))) == 1
    with pytest.raises(StuckDecode):
        decode_one(STUCK, SPEC, 10_000, None, Caps(seconds=0.1))
    poisoned.set()


def test_caps_that_end_in_another_order_leave_no_limit_behind() -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_DATA)
    first, second = memory_cap(2**30), memory_cap(2**31)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert resource.getrlimit(resource.RLIMIT_DATA)[0] > 2**31
    second.__exit__(None, None, None)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
