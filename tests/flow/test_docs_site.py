"""The documentation as a site: built without a warning, and asking no other host."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from flow.visit import Visit
from serving import serving

pytestmark = [pytest.mark.flow, pytest.mark.browser]
REPOSITORY = Path(__file__).parents[2]


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 (its name)
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Build the site and serve it; return its address."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(folder)))
    with serving(server) as address:
        yield address


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_the_site_is_whole_in_itself(browser: Browser, site: str, scheme: str, width: int) -> None:
    context = browser.new_context(
        base_url=site,
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    visit = Visit(context, site)
    page = visit.page
    for path in ("/", "/start/", "/csv/", "/operations/", "/responsible/"):
        page.goto(path)
        expect(page.locator("article h1")).to_be_visible()
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        for picture in page.locator("article img").all():
            assert picture.evaluate("image => image.naturalWidth") > 0
        visit.shoot(f"site-{scheme}-{path.strip('/') or 'home'}")
    assert visit.complaints == []
    context.close()


def test_the_search_finds_a_column(browser: Browser, site: str) -> None:
    context = browser.new_context(base_url=site, viewport={"width": 1280, "height": 900})
    visit = Visit(context, site)
    visit.page.goto("/", wait_until="networkidle")  # the script listens, and has its index
    query = visit.page.locator("input[name=query]")
    query.click()
    query.press_sequentially("face_confidence")
    found = visit.page.locator(".md-search-result__item").first
    expect(found).to_contain_text("CSV", timeout=30_000)
    assert visit.complaints == []
    context.close()
