"""How long small requests take over HTTP through the whole stack, at rest and beside a large job.

    .venv/bin/python benchmarks/latency.py [--photo PHOTO.jpg]

One image (a face of 256x256 pixels drawn by noise), warm: `POST /predict` by one client and by
eight, a job of one image, a job of ten. Then the same while a job of many crops of 100 px runs, and
the job's state and page. With `--photo`, at rest, also the page for one image, which searches it
for faces.
"""

from __future__ import annotations

import argparse
import io
import random
import statistics
import tempfile
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path

import httpx
import psutil
from PIL import Image as Picture

from semblante.settings import Settings
from semblante.stack.stack import Stack, embedded_stack
from semblante_worker.bench.sample import generate_sample

WARM_UP, REQUESTS, CLIENTS = 10, 100, 8
JOBS = 10
POLL_SECONDS = 0.005


def main() -> None:
    """Start a stack, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", type=int, default=50_000, help="Images of the large job.")
    parser.add_argument("--photo", type=Path, help="For the page that searches for faces.")
    given = parser.parse_args()
    large = given.large
    face = noisy_jpeg()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = generate_sample(100, 100, large, folder).archive
        settings = Settings(data=folder / "data", port=0)
        with (
            embedded_stack(settings, web=True, predict_worker=True) as stack,
            httpx.Client(base_url=f"{stack.url}/api/v1", timeout=60) as client,
        ):
            for _ in range(WARM_UP):
                predict(client, face)
            run_job(client, zip_of(face, 10))
            small_requests("at rest", client, face)
            if given.photo is not None:
                search = partial(search_faces, client, stack.url, given.photo.read_bytes())
                search()  # the detector is loaded
                tell("the page for one image, searching it", repeat(search, REQUESTS))
            several_clients(stack, client, face)
            job = submit(client, archive.read_bytes())
            wait_until_it_labels(client, job)
            small_requests(f"beside a job of {large:,} images", client, face)
            tell("GET /jobs/ID", repeat(lambda: get(client, f"jobs/{job}"), REQUESTS))
            page = f"{stack.url}/jobs/{job}"
            tell("the job's page", repeat(lambda: get(client, page), REQUESTS))
            state = client.get(f"jobs/{job}").json()
            print(f"the large job is {state['state']}: {state['counts']}")


def small_requests(when: str, client: httpx.Client, face: bytes) -> None:
    """Measure predictions and small jobs, one at a time."""
    print(f"-- {when}")
    tell("POST /predict", repeat(lambda: predict(client, face), REQUESTS))
    tell("a job of 1 image", repeat(lambda: run_job(client, face), JOBS))
    ten = zip_of(face, 10)
    tell("a job of 10 images", repeat(lambda: run_job(client, ten), JOBS))


def several_clients(stack: Stack, client: httpx.Client, face: bytes) -> None:
    """Measure how many predictions a second eight clients get, and one, and who works on them.

    Each sends the bytes of one request over and over: what httpx needs to make them would be taken
    from the cores that are measured.
    """
    request = client.build_request("POST", "predict", files={"file": ("face.jpg", face)})
    sent = request.read(), dict(request.headers), str(request.url.raw_path, "ascii")
    address = request.url.host, request.url.port
    with ThreadPoolExecutor(CLIENTS) as executor:
        for clients in (1, CLIENTS):
            started, before = time.perf_counter(), processor_seconds(stack)
            for one in [executor.submit(ask_often, address, *sent) for _ in range(clients)]:
                one.result()
            rate = clients * REQUESTS / (time.perf_counter() - started)
            taken = ", ".join(
                f"{name} {(seconds - before[name]) / clients / REQUESTS * 1000:.1f}"
                for name, seconds in processor_seconds(stack).items()
            )
            print(f"POST /predict, {clients} at once: {rate:.0f} images/s; ms of each: {taken}")


def ask_often(
    address: tuple[str, int | None], body: bytes, headers: dict[str, str], path: str
) -> None:
    """Send one request `REQUESTS` times over one connection; every answer must be a good one."""
    with closing(HTTPConnection(*address)) as connection:
        for _ in range(REQUESTS):
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == HTTPStatus.OK


def processor_seconds(stack: Stack) -> dict[str, float]:
    """Return the processor time that each component has taken, with its children."""
    taken = {}
    for name in ("web", "predict", "broker"):
        process = psutil.Process(stack.supervisor.pid(name))
        family = [process, *process.children(recursive=True)]
        taken[name] = sum(sum(one.cpu_times()[:2]) for one in family)
    return taken


def noisy_jpeg() -> bytes:
    """Return a JPEG of 256x256 pixels that compresses as badly as a photograph."""
    noise = random.Random(1).randbytes(64 * 64)
    buffer = io.BytesIO()
    Picture.frombytes("L", (64, 64), noise).resize((256, 256)).convert("RGB").save(buffer, "JPEG")
    return buffer.getvalue()


def zip_of(face: bytes, images: int) -> bytes:
    """Return a zip with the same image several times, each with bytes of its own."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(images):
            archive.writestr(f"{number}.jpg", face + bytes([number]))
    return buffer.getvalue()


def predict(client: httpx.Client, face: bytes) -> None:
    """Ask for the label of one image."""
    client.post("predict", files={"file": ("face.jpg", face)}).raise_for_status()


def search_faces(client: httpx.Client, address: str, photo: bytes) -> None:
    """Ask the page for one image, as its form does."""
    client.post(
        f"{address}/predict",
        data={"detect": "on"},
        files={"file": ("photo.jpg", photo)},
        headers={"HX-Request": "true", "Origin": address},
    ).raise_for_status()


def submit(client: httpx.Client, data: bytes) -> str:
    """Send a form with one file; return the job's id."""
    name = "faces.zip" if data.startswith(b"PK") else "face.jpg"
    answer = client.post("jobs", files={"file": (name, data)}).raise_for_status()
    return str(answer.json()["id"])


def run_job(client: httpx.Client, data: bytes) -> None:
    """Submit a job and look at it until it is done."""
    job = submit(client, data)
    while client.get(f"jobs/{job}").json()["state"] != "completed":
        time.sleep(POLL_SECONDS)


def wait_until_it_labels(client: httpx.Client, job: str) -> None:
    """Return as soon as some images are done."""
    while client.get(f"jobs/{job}").json()["counts"]["ok"] == 0:
        time.sleep(POLL_SECONDS)


def get(client: httpx.Client, address: str) -> None:
    """Ask for a page."""
    client.get(address).raise_for_status()


def repeat(work: Callable[[], None], times: int) -> list[float]:
    """Return the seconds of each call."""
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return seconds


def tell(what: str, seconds: list[float]) -> None:
    """Print median and 95th percentile."""
    late = sorted(seconds)[int(len(seconds) * 0.95)]
    median = statistics.median(seconds)
    print(f"{what}: median {median * 1000:.0f} ms, 95 % within {late * 1000:.0f} ms")


if __name__ == "__main__":
    main()
