"""How fast the main pages appear in Chromium, and how many bytes they bring, over a real stack.

.venv/bin/python benchmarks/page_speed.py

For each page: first and largest contentful paint and layout shift, as the browser's own
PerformanceObserver tells them (the median of several visits with an empty cache), and the bytes of
everything that the page loads, as they would be with gzip -6, which nginx does in production.
Goals: first paint under 1 s, shift under 0.05, first page under 100 kB.
"""

from __future__ import annotations

import argparse
import gzip
import io
import shutil
import statistics
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image as Picture
from playwright.sync_api import Browser, Response, sync_playwright

from semblante.client import Client
from semblante.settings import Settings
from semblante.stack.stack import embedded_stack

VISITS = 5
PAINT_GOAL_MS, SHIFT_GOAL, BYTES_GOAL = 1000, 0.05, 100_000
SETTLE_MS = 500
"""Time after the load in which late pictures and charts may still shift the page."""
COMPRESSED = ("text/", "application/javascript", "application/json", "image/svg")
OBSERVE = """
window.seen = { largest: 0, shift: 0 };
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.seen.largest = entry.startTime;
}).observe({ type: "largest-contentful-paint", buffered: true });
new PerformanceObserver((list) => {
  for (const entry of list.getEntries().filter((one) => !one.hadRecentInput)) {
    window.seen.shift += entry.value;
  }
}).observe({ type: "layout-shift", buffered: true });
"""
READ = """() => ({
  first: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0, ...window.seen,
})"""


@dataclass(frozen=True)
class Visit:
    """What one visit measured: milliseconds, layout shift, bytes with gzip and without."""

    first: float
    largest: float
    shift: float
    packed: int
    plain: int


def main() -> None:
    """Start a stack, visit each page, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=VISITS)
    visits = parser.parse_args().visits
    program = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=Path(folder) / "data", port=0)
        with embedded_stack(settings, web=True, predict_worker=True) as stack:
            job = finished_job(stack.url, Path(folder))
            pages = ["/", "/jobs", f"/jobs/{job}", f"/jobs/{job}/images", "/predict", "/live"]
            pages += ["/models", "/operator"]
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=program, args=["--no-sandbox", "--disable-gpu"]
                )
                for page in pages:
                    measured = [visit(browser, stack.url, page) for _ in range(visits)]
                    print_line(page.replace(job, "ID"), measured)
                browser.close()


def finished_job(server: str, folder: Path) -> str:
    """Return the id of a job over a hundred pictures."""
    path = folder / "noise.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(100):
            buffer = io.BytesIO()
            Picture.effect_noise((96, 96), 40 + number).save(buffer, "JPEG")
            archive.writestr(f"{number:03}.jpg", buffer.getvalue())
    with Client(server) as client:
        return client.wait(client.submit(path).id, timeout=300).id


def visit(browser: Browser, server: str, address: str) -> Visit:
    """Visit a page with an empty cache."""
    context = browser.new_context(base_url=server, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    sizes: list[tuple[int, int]] = []
    page.on("requestfinished", lambda request: sizes.append(sizes_of(request.response())))
    page.add_init_script(OBSERVE)
    page.goto(address, wait_until="load")
    page.wait_for_timeout(SETTLE_MS)
    found: dict[str, Any] = page.evaluate(READ)
    context.close()
    packed, plain = (sum(column) for column in zip(*sizes, strict=True))
    return Visit(found["first"], found["largest"], found["shift"], packed, plain)


def sizes_of(response: Response | None) -> tuple[int, int]:
    """Return the bytes of an answer's body with gzip, where that helps, and without."""
    if response is None or response.status != 200:
        return 0, 0
    body = response.body()
    kind = response.headers.get("content-type", "")
    packs = kind.startswith(COMPRESSED) or "javascript" in kind
    return len(gzip.compress(body, 6)) if packs else len(body), len(body)


def print_line(page: str, visits: list[Visit]) -> None:
    """Print the medians of a page, and which goals it misses."""
    first, largest, shift = (
        statistics.median(getattr(one, name) for one in visits)
        for name in ("first", "largest", "shift")
    )
    packed, plain = visits[-1].packed, visits[-1].plain
    missed = [
        name
        for name, is_missed in (
            ("paint", first > PAINT_GOAL_MS),
            ("shift", shift > SHIFT_GOAL),
            ("bytes", page == "/" and packed > BYTES_GOAL),
        )
        if is_missed
    ]
    print(
        f"{page:<16} first paint {first:5.0f} ms  largest {largest:5.0f} ms  shift {shift:.3f}  "
        f"{packed / 1000:6.1f} kB gzip ({plain / 1000:.1f} kB)  {' '.join(missed) or 'ok'}"
    )


if __name__ == "__main__":
    main()
