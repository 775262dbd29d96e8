"""Many people at once while jobs run: how long answers take, what fails, the web's memory.

    .venv/bin/python benchmarks/load.py --minutes 30

One stack, with one job after another; 200 clients that ask for a job's state every two seconds, and
20 that upload by tus again and again, over lines of 1 MiB/s. Needs a quarter of a core itself.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import random
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
from PIL import Image as Picture

from semblante.settings import MIB, Settings
from semblante.stack.stack import Stack, embedded_stack

POLL_SECONDS = 2.0
UPLOAD_BYTES = 8 * MIB
LINE_BYTES_PER_SECOND = MIB
BLOCK_BYTES = 128 * 1024
IMAGES = 5000
TUS = {"Tus-Resumable": "1.0.0"}


@dataclass
class Findings:
    """What the clients met."""

    seconds: dict[str, list[float]] = field(
        default_factory=lambda: {"status": [], "begin upload": []}
    )
    errors: Counter[str] = field(default_factory=Counter)
    memory: list[int] = field(default_factory=list)
    jobs: int = 0


def make_archive(path: Path) -> None:
    """Write a zip of small noisy pictures."""
    noise = random.Random(7)
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(IMAGES):
            buffer = io.BytesIO()
            picture = Picture.frombytes("L", (16, 16), noise.randbytes(256))
            picture.resize((100, 100)).save(buffer, "JPEG")
            archive.writestr(f"{number}.jpg", buffer.getvalue())


async def ask(
    found: Findings, kind: str, http: httpx.AsyncClient, method: str, address: str, **rest: object
) -> httpx.Response | None:
    """Send one request and note its time, or what went wrong."""
    started = time.perf_counter()
    try:
        answer = await http.request(method, address, **rest)  # type: ignore[arg-type]
    except httpx.TransportError as error:
        found.errors[f"{kind}: {type(error).__name__}"] += 1
        return None
    found.seconds[kind].append(time.perf_counter() - started)
    if answer.is_success:
        return answer
    found.errors[f"{kind}: {answer.status_code} {answer.text[:200]}"] += 1
    return None


async def run_jobs(
    found: Findings, http: httpx.AsyncClient, archive: bytes, ids: list[str]
) -> None:
    """Keep one job running; its id is the last of `ids`."""
    while True:
        files = {"file": ("faces.zip", archive)}
        answer = await http.post("jobs", files=files)
        answer.raise_for_status()
        ids.append(answer.json()["id"])
        while (await http.get(f"jobs/{ids[-1]}")).json()["state"] not in ("completed", "failed"):
            await asyncio.sleep(1)
        found.jobs += 1


async def poll(found: Findings, http: httpx.AsyncClient, ids: list[str]) -> None:
    """Be one client that watches the job."""
    await asyncio.sleep(random.uniform(0, POLL_SECONDS))
    while True:
        await ask(found, "status", http, "GET", f"jobs/{ids[-1]}")
        await asyncio.sleep(POLL_SECONDS)


async def slow_blocks() -> AsyncIterator[bytes]:
    """Yield an upload's bytes as a line brings them."""
    block = random.randbytes(BLOCK_BYTES)
    for _ in range(UPLOAD_BYTES // BLOCK_BYTES):
        await asyncio.sleep(BLOCK_BYTES / LINE_BYTES_PER_SECOND)
        yield block


async def upload(found: Findings, http: httpx.AsyncClient) -> None:
    """Be one client that uploads, and removes what it uploaded."""
    size = str(UPLOAD_BYTES)
    headers = {**TUS, "Upload-Length": size, "Upload-Metadata": "filename YS56aXA="}
    body = {
        **TUS,
        "Upload-Offset": "0",
        "Content-Type": "application/offset+octet-stream",
        "Content-Length": size,
    }
    while True:
        created = await ask(found, "begin upload", http, "POST", "uploads", headers=headers)
        if created is not None:
            address = "uploads/" + created.headers["Location"].rpartition("/")[2]
            try:
                sent = await http.patch(address, headers=body, content=slow_blocks())
                if sent.status_code != 204:
                    found.errors[f"upload: {sent.status_code} {sent.text[:200]}"] += 1
            except httpx.TransportError as error:
                found.errors[f"upload: {type(error).__name__}"] += 1
            await ask(found, "begin upload", http, "DELETE", address, headers=TUS)


async def watch(found: Findings, stack: Stack) -> None:
    """Note the web's memory every five seconds."""
    while True:
        pid = stack.supervisor.pid("web")
        if pid is not None:
            processes = psutil.Process(pid).children()
            found.memory.append(max(one.memory_info().rss for one in processes))
        await asyncio.sleep(5)


async def run(stack: Stack, archive: bytes, given: argparse.Namespace) -> Findings:
    """Let all clients work for the given time."""
    found, ids = Findings(), list[str]()
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(
        base_url=f"{stack.url}/api/v1/", timeout=60, limits=limits
    ) as http:
        tasks = [asyncio.create_task(run_jobs(found, http, archive, ids))]
        while not ids:
            await asyncio.sleep(0.1)
        tasks += [asyncio.create_task(poll(found, http, ids)) for _ in range(given.clients)]
        tasks += [asyncio.create_task(upload(found, http)) for _ in range(given.uploads)]
        tasks.append(asyncio.create_task(watch(found, stack)))
        done, _ = await asyncio.wait(
            tasks, timeout=60 * given.minutes, return_when=asyncio.FIRST_EXCEPTION
        )
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        for task in done:
            task.result()
    return found


def main() -> None:
    """Start a stack, load it, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--uploads", type=int, default=20)
    parser.add_argument("--web-threads", type=int, default=Settings().web_threads)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "faces.zip"
        make_archive(path)
        settings = Settings(data=Path(folder) / "data", port=0, web_threads=given.web_threads)
        with embedded_stack(settings, web=True, predict_worker=False) as stack:
            found = asyncio.run(run(stack, path.read_bytes(), given))
    for kind, seconds in found.seconds.items():
        ordered = sorted(seconds) or [0.0]
        median, late = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
        print(
            f"{kind}: {len(seconds)} requests; median {median * 1000:.0f} ms, "
            f"p99 {late * 1000:.0f} ms, most {ordered[-1] * 1000:.0f} ms"
        )
    print(f"errors: {dict(found.errors) or 'none'}; {found.jobs} jobs of {IMAGES} images ended")
    tenth = max(1, len(found.memory) // 10)
    print("memory of the web, MiB:", *(f"{size / MIB:.0f}" for size in found.memory[::tenth]))


if __name__ == "__main__":
    main()
