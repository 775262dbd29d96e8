"""How many frames a second the live page gets labelled: its requests, without a browser.

.venv/bin/python benchmarks/live.py PHOTO [--seconds 10]

As the page does: JPEGs of 480 pixels' width, faces searched, two frames on their way at a time.
YuNet is used where its weights are given by --yunet, the Haar cascade otherwise.
"""

from __future__ import annotations

import argparse
import io
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from PIL import Image as Picture

from semblante.detector_weights import install_yunet
from semblante.settings import Settings
from semblante.stack.stack import embedded_stack

WIDTH, QUALITY, IN_FLIGHT, WARM_UP = 480, 75, 2, 10


def main() -> None:
    """Start a stack, send frames, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photo", type=Path)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--yunet", type=Path)
    given = parser.parse_args()
    frame = jpeg_of(given.photo)
    with tempfile.TemporaryDirectory() as folder:
        if given.yunet is not None:
            install_yunet(Path(folder), given.yunet)
        settings = Settings(data=Path(folder), port=0)
        with (
            embedded_stack(settings, web=True, predict_worker=True) as stack,
            httpx.Client(base_url=stack.url, timeout=60) as client,
        ):
            for _ in range(WARM_UP):
                ask(client, frame)
            delays, seconds = stream(client, frame, given.seconds)
    print(f"{len(delays) / seconds:.1f} frames/s, {IN_FLIGHT} at a time, {len(frame)} bytes each")
    print(f"delay: median {statistics.median(delays) * 1000:.0f} ms")


def jpeg_of(photo: Path) -> bytes:
    """Return a frame as the page makes it."""
    buffer = io.BytesIO()
    with Picture.open(photo) as picture:
        small = picture.convert("RGB").resize((WIDTH, WIDTH * picture.height // picture.width))
        small.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def stream(client: httpx.Client, frame: bytes, seconds: float) -> tuple[list[float], float]:
    """Send frames for some time; return their delays, and the seconds it took."""
    started = time.perf_counter()

    def viewer(_: int) -> list[float]:
        delays = []
        while time.perf_counter() - started < seconds:
            delays.append(ask(client, frame))
        return delays

    with ThreadPoolExecutor(IN_FLIGHT) as executor:
        delays = [delay for part in executor.map(viewer, range(IN_FLIGHT)) for delay in part]
    return delays, time.perf_counter() - started


def ask(client: httpx.Client, frame: bytes) -> float:
    """Send one frame; return its seconds."""
    started = time.perf_counter()
    answer = client.post(
        "/api/v1/predict", files={"file": ("frame.jpg", frame)}, data={"detect": "on"}
    )
    assert answer.raise_for_status().json()["faces"]
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
