"""An image that ends its worker, or never ends, costs its own row and nothing else.

The tests' decoder is Pillow's with a taste for some words behind a picture's end, and so is the
storage; the stack's own worker processes run them.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx
import pytest

from factory import gif
from flow.conftest import csv_of, submit, wait_until
from semblante.predict_requests import TAKEN
from semblante.services import Services
from semblante.settings import Settings
from semblante.stack.stack import Stack, embedded_stack

pytestmark = pytest.mark.flow

PROGRAM = """
import errno
import os
import threading
from pathlib import Path

from PIL import Image

from semblante.cli import main
from semblante.local_storage import LocalStorage

honest, honest_read = Image.open, LocalStorage.read
once = Path(__file__).with_name("once")

def is_first():
    is_first = not once.exists()
    once.write_text(str(os.getpid()))
    return is_first

def read(storage, key, start, length):
    data = honest_read(storage, key, start, length)
    if data.endswith(b"<fails>") or data.endswith(b"<fail1>") and is_first():
        raise OSError(errno.EIO, "Input/output error")
    return data

def poisoned(file, *arguments, **options):
    word = file.getvalue()[-7:]
    if word == b"<abort>":
        os.abort()
    if word == b"<stuck>" or word == b"<wait1>" and is_first():
        threading.Event().wait()
    hoard = []
    while word == b"<hoard>":
        hoard.append(b"1" * 10_000_000)
    return honest(file, *arguments, **options)

Image.open, LocalStorage.read = poisoned, read
main()
"""
POISON = {3: b"<abort>", 11: b"<stuck>", 12: b"<hoard>"}
IMAGES = 20
MOST_DEATHS = 6
"""Two attempts at the chunk of eight, one at each of three halves; and one that never ended."""


@pytest.fixture
def stack(settings: Settings, tmp_path: Path) -> Iterator[Stack]:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    caps = {
        "decode_seconds": 5.0,
        "decode_memory_bytes": 128 * 1024**2,
        "max_attempts": 2,
        "chunk_images": 8,
    }
    command = (sys.executable, "-P", str(program))
    with embedded_stack(settings.model_copy(update=caps), True, True, command) as stack:
        yield stack


def test_only_the_poison_fails(
    stack: Stack, tmp_path: Path, opened: Callable[[Settings], Services]
) -> None:
    path = tmp_path / "faces.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(IMAGES):
            archive.writestr(f"{number}.gif", gif(number) + POISON.get(number, b""))
    services = opened(stack.settings)
    worker = stack.supervisor.pid("batch")
    job_id = submit(services, path)
    wait_until(services, job_id, lambda job: job.state == "completed", seconds=300)
    rows = csv_of(services, job_id).decode().splitlines()[1:]
    outcomes = [tuple(row.split(",")[:4:2]) for row in rows]
    expected = ["failed" if number in POISON else "ok" for number in range(IMAGES)]
    assert outcomes == [(f"{number}.gif", status) for number, status in enumerate(expected)]
    assert {row.split(",")[3] for row in rows if ",failed," in row} == {"worker_crash"}
    assert stack.supervisor.pid("batch") == worker
    log = (stack.settings.data / "logs" / "batch.log").read_text()
    assert log.count("decoding does not end") == 1
    assert 0 < log.count("Task handler raised error: WorkerLostError") <= MOST_DEATHS


def predict(stack: Stack, data: bytes) -> tuple[int, str | None]:
    """Return the status of one image's answer, and its code if it was refused."""
    files = {"file": ("face.gif", io.BytesIO(data))}
    answer = httpx.post(f"{stack.url}/api/v1/predict", files=files, timeout=60)
    return answer.status_code, answer.json().get("code")


def test_poison_is_answered_and_the_next_image_labelled(stack: Stack) -> None:
    for word in POISON.values():
        assert predict(stack, gif() + word) == (422, "worker_crash")
    assert predict(stack, gif()) == (200, None)
    sent = [gif(number) + POISON.get(number, b"") for number in range(8)]
    with ThreadPoolExecutor(len(sent)) as executor:
        answers = list(executor.map(partial(predict, stack), sent))
    expected = [(422, "worker_crash") if n in POISON else (200, None) for n in range(8)]
    assert answers == expected, "those that were in hand with poison are answered, too"


def test_a_killed_worker_leaves_its_image_to_its_successor(
    stack: Stack,
    opened: Callable[[Settings], Services],
    until: Callable[[Callable[[], object]], None],
) -> None:
    broker = opened(stack.settings).queue.app.backend.client
    killed = stack.supervisor.pid("predict")
    assert killed is not None
    with ThreadPoolExecutor(1) as executor:
        asked = executor.submit(predict, stack, gif() + b"<stuck>")
        until(lambda: broker.keys(f"{TAKEN}*"))
        os.kill(killed, signal.SIGKILL)
        assert asked.result() == (422, "worker_crash")
    assert predict(stack, gif()) == (200, None)


def test_a_storage_that_fails_once_costs_no_answer(stack: Stack) -> None:
    assert predict(stack, gif() + b"<fail1>") == (200, None)
    assert predict(stack, gif() + b"<fails>") == (503, "storage_unavailable")


def test_a_child_that_somebody_kills_costs_no_answer(
    stack: Stack, tmp_path: Path, until: Callable[[Callable[[], object]], None]
) -> None:
    once = tmp_path / "once"
    with ThreadPoolExecutor(1) as executor:
        asked = executor.submit(predict, stack, gif() + b"<wait1>")
        until(lambda: once.exists() and once.read_text())
        os.kill(int(once.read_text()), signal.SIGKILL)
        assert asked.result() == (200, None)
