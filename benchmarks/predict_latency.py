"""How long `POST /predict` takes for a warm 256x256 JPEG, over HTTP through the whole stack.

.venv/bin/python benchmarks/predict_latency.py [IMAGE]
"""

from __future__ import annotations

import argparse
import io
import random
import statistics
import tempfile
import time
from pathlib import Path

import httpx
from PIL import Image as Picture

from semblante.settings import Settings
from semblante.stack.stack import embedded_stack

WARM_UP, REQUESTS = 10, 100


def main() -> None:
    """Start a stack, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", type=Path, nargs="?")
    path = parser.parse_args().image
    data = path.read_bytes() if path else noisy_jpeg()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=Path(folder), port=0)
        with (
            embedded_stack(settings, web=True, predict_worker=True) as stack,
            httpx.Client(base_url=stack.url, timeout=60) as client,
        ):
            for _ in range(WARM_UP):
                ask(client, data)
            times = sorted(ask(client, data) for _ in range(REQUESTS))
    print(f"{len(data)} bytes, {REQUESTS} requests after {WARM_UP}, one at a time")
    print(f"median {statistics.median(times) * 1000:.1f} ms, least {times[0] * 1000:.1f} ms")
    print(f"95 % within {times[int(REQUESTS * 0.95)] * 1000:.1f} ms")


def noisy_jpeg() -> bytes:
    """Return a JPEG of 256x256 pixels that compresses as badly as a photograph."""
    noise = random.Random(1).randbytes(64 * 64)
    buffer = io.BytesIO()
    Picture.frombytes("L", (64, 64), noise).resize((256, 256)).convert("RGB").save(buffer, "JPEG")
    return buffer.getvalue()


def ask(client: httpx.Client, data: bytes) -> float:
    """Send one request; return its seconds."""
    started = time.perf_counter()
    client.post("/api/v1/predict", files={"file": ("face.jpg", data)}).raise_for_status()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
