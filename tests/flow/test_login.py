"""A person with a key, in a real Chromium: in by the login, what the pages do, and out again."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from keyed import make_key
from semblante.services import Services
from semblante.settings import Settings
from semblante.stack.broker import Broker
from semblante.tables import Job

pytestmark = pytest.mark.browser


@pytest.fixture
def settings(tmp_path: Path, broker: Broker) -> Settings:
    """Return settings of a web alone: nobody works on the jobs."""
    return Settings(data=tmp_path / "data", broker_url=broker.url)


def test_in_and_out(browser: Browser, services: Services, address: str, archive: Path) -> None:
    token = make_key(services, "ana")
    context = browser.new_context(base_url=address, locale="en-GB")
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/jobs")
    expect(page).to_have_url(f"{address}/login?next=/jobs")
    page.get_by_label("API key").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("missing, wrong or revoked")
    page.get_by_label("API key").fill(token)
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(f"{address}/jobs")
    expect(page.get_by_text("ana", exact=True)).to_be_visible()
    assert page.evaluate("document.cookie") == ""
    page.goto("/")
    page.set_input_files("#files", archive)
    page.get_by_role("button", name="Send and label").click()
    page.wait_for_url("**/jobs/*")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancelled").first).to_be_visible()
    with services.database.reading() as session:
        assert [job.owner for job in session.scalars(select(Job))] == ["ana"]
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(f"{address}/login")
    page.goto("/jobs")
    expect(page).to_have_url(f"{address}/login?next=/jobs")
    assert complaints == []
    context.close()
