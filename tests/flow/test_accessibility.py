"""Every page through axe-core, light and dark, wide and narrow: nothing serious or critical."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page

from factory import jpeg, zip_bytes
from flow.visit import Visit
from semblante.client import Client
from semblante.settings import Settings
from semblante.stack.stack import Stack

pytestmark = [pytest.mark.flow, pytest.mark.browser]
WIDE = {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light", "locale": "en-GB"}
NARROW = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "locale": "es-ES"}
BAD = ("serious", "critical")
RUN_AXE = "() => axe.run(document, { resultTypes: ['violations'] })"


@pytest.fixture(scope="module")
def stack_settings() -> Settings:
    return Settings(chunk_images=5, compute_threads=1)


@pytest.fixture(scope="module")
def pages(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Return every kind of page by its address, over jobs that completed, failed and rest."""
    folder = tmp_path_factory.mktemp("archives")
    names = ("happiness", "neutral")
    members = {f"{names[n % 2]}/{n}.jpg": jpeg(12 * n, (64, 64)) for n in range(20)}
    (folder / "good.zip").write_bytes(zip_bytes({**members, "neutral/broken.jpg": b"none"}))
    (folder / "bad.zip").write_text("no archive")
    with Client(stack.url) as client:
        done = client.wait(client.submit(folder / "good.zip", detect="off").id, timeout=120)
        body = {"upload_id": done.upload_id, "model": "resnet18-raf7-fast"}
        other = client._api.send("POST", "jobs", json=body).json()["id"]
        client.wait(other, timeout=120)
        failed = client.wait(client.submit(folder / "bad.zip").id, timeout=120).id
    job = f"/jobs/{done.id}"
    httpx.post(f"{stack.url}{job}/compare", data={"source": "folders"})
    return {
        "upload": "/",
        "jobs": "/jobs",
        "jobs-empty": "/jobs?text=nothing+like+that",
        "job": job,
        "job-failed": f"/jobs/{failed}",
        "gallery": f"{job}/images",
        "image": f"{job}/images/1",
        "image-failed": f"{job}/images/20",
        "compare": f"{job}/compare",
        "agreement": f"{job}/compare/{other}",
        "review": f"{job}/review",
        "predict": "/predict",
        "live": "/live",
        "models": "/models",
        "operator": "/operator",
        "keys": "/keys",
        "audit": "/audit",
        "errors": "/errors",
        "not-found": "/jobs/none",
    }


def serious(page: Page) -> list[str]:
    """Return what axe finds, a line for each element, without what is minor."""
    page.evaluate(AXE_SCRIPT)
    found: dict[str, Any] = page.evaluate(RUN_AXE)
    return [
        f"{violation['id']}: {node['html'][:200]}: {node['any'] and node['any'][0]['message']}"
        for violation in found["violations"]
        if violation["impact"] in BAD
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("kind", [WIDE, NARROW], ids=["wide-light-en", "narrow-dark-es"])
def test_every_page_is_accessible(
    browser: Browser, stack: Stack, pages: Mapping[str, str], kind: dict[str, Any]
) -> None:
    context = browser.new_context(base_url=stack.url, **kind)
    visit = Visit(context, stack.url)
    problems: dict[str, list[str]] = {}
    for name, address in pages.items():
        visit.page.goto(address)
        visit.page.wait_for_load_state("networkidle")
        visit.shoot(f"{name}-{'dark-phone' if kind is NARROW else 'light'}")
        if found := serious(visit.page):
            problems[name] = found
        if visit.page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        ):
            problems.setdefault(name, []).append("wider than the screen")
    context.close()
    assert problems == {}
