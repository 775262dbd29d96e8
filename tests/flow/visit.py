"""A real Chromium, and pages in it that must neither complain nor ask another host."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

SCREENSHOTS = Path(__file__).parents[2] / "artifacts"
"""Whoever runs .ci/run keeps this folder: see CONTRIBUTING.md."""
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
PATIENCE_MILLISECONDS = 30_000
"""What a page may take on a busy machine: Playwright's own 5 s failed on one."""


@contextmanager
def chromium(*arguments: str) -> Iterator[Browser]:
    """Run Debian's or the system's Chromium."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        reason = "needs Chromium: install Debian's package chromium"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*ARGUMENTS, *arguments])
        yield browser
        browser.close()


class Visit:
    """A page, and what must stay empty: console errors and requests to other hosts."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self._console(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._request(request.url, url))

    def _console(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def _request(self, address: str, url: str) -> None:
        if not address.startswith((url, "blob:", "data:")):
            self.complaints.append(f"request to {address}")

    def shoot(self, name: str) -> None:
        self.page.screenshot(path=screenshot(name), full_page=True)


def dark_phone_in_spanish(browser: Browser, url: str) -> BrowserContext:
    """Open what is as far as can be from a wide, light page in English."""
    return browser.new_context(
        base_url=url,
        viewport={"width": 390, "height": 844},
        locale="es-ES",
        color_scheme="dark",
    )


def screenshot(name: str) -> Path:
    """Return where the picture called `name` goes: the one folder that CI keeps."""
    SCREENSHOTS.mkdir(exist_ok=True)
    return SCREENSHOTS / f"{name}.png"
