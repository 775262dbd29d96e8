"""The pages without JavaScript: what they show, in both languages, and their forms."""

from __future__ import annotations

import io
import re

import pytest
from flask.testing import FlaskClient

from factory import jpeg, submit
from semblante import jobs
from semblante.message import Message
from semblante.services import Services
from semblante.tables import Job

PAGES = ("/", "/jobs", "/predict", "/live", "/models", "/errors", "/api/v1/docs")
HTMX = {"HX-Request": "true"}


@pytest.mark.parametrize("path", PAGES)
def test_pages_need_no_other_host_and_no_inline_code(client: FlaskClient, path: str) -> None:
    page = client.get(path)
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert not re.search(r'(?:src|href|action|hx-\w+)="(?:https?:)?//', page.text)
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page.text)


@pytest.mark.parametrize(
    ("address", "headers", "language"),
    [
        ("/", {}, "en"),
        ("/", {"Accept-Language": "es-MX,es;q=0.9,en;q=0.5"}, "es"),
        ("/", {"Accept-Language": "de,en;q=0.5"}, "en"),
        ("/?lang=es", {}, "es"),
        ("/?lang=en", {"Accept-Language": "es"}, "en"),
        ("/?lang=xx", {"Accept-Language": "es"}, "es"),
    ],
)
def test_languages(
    client: FlaskClient, address: str, headers: dict[str, str], language: str
) -> None:
    page = client.get(address, headers=headers)
    assert f'<html lang="{language}"' in page.text
    title = {"en": "Label the emotion of every face", "es": "Etiquete la emoción de cada cara"}
    assert title[language] in page.text
    assert "Accept-Language" in page.headers["Vary"]


def test_the_language_is_kept(client: FlaskClient) -> None:
    client.get("/?lang=es")
    assert "Trabajos" in client.get("/jobs").text
    client.get("/jobs?lang=en")
    assert "New job" in client.get("/jobs").text


@pytest.mark.parametrize(
    "query", ["endpoint=x", "_method=PUT", "values=1", "_scheme=ftp", "a=b&a=c"]
)
def test_a_query_does_not_change_where_languages_lead(client: FlaskClient, query: str) -> None:
    page = client.get(f"/models?{query}")
    assert page.status_code == 200
    first = query.split("&")[0]
    assert f'href="/models?{first}&amp;lang=es"' in page.text


def test_the_plain_form(client: FlaskClient) -> None:
    assert '<option value="off" selected>' in client.get("/").text
    form = {"file": (io.BytesIO(jpeg()), "face.jpg"), "lang": "es", "model": "", "detect": "auto"}
    answer = client.post("/submit", data=form)
    assert answer.status_code == 303
    job_id = answer.headers["Location"].rpartition("/")[2]
    assert client.get(f"/api/v1/jobs/{job_id}").get_json()["detect"] == "auto"
    page = client.get(answer.headers["Location"])
    assert "face.jpg" in page.text
    empty = client.post(
        "/submit",
        data={"file": (io.BytesIO(b""), ""), "lang": "en"},
        headers={"Accept": "text/html"},
    )
    assert (empty.status_code, "no_file" in empty.text) == (400, True)


def test_an_open_job_is_polled(client: FlaskClient, open_job: Job) -> None:
    page = client.get(f"/jobs/{open_job.id}").text
    assert f'hx-get="/jobs/{open_job.id}/live"' in page
    assert 'hx-trigger="every 1s"' in page
    live = client.get(f"/jobs/{open_job.id}/live").text
    assert "<html" not in live
    assert "Pause" in live


def test_a_finished_job(client: FlaskClient, finished_job: Job) -> None:
    page = client.get(f"/jobs/{finished_job.id}", headers={"Accept-Language": "es"}).text
    assert "hx-get" not in page
    assert "Feliz" in page
    assert "No es una imagen, o su formato no lo lee Semblante." in page
    assert f"/api/v1/jobs/{finished_job.id}/results.csv?lang=en" in page
    assert f"/api/v1/jobs/{finished_job.id}/images/0/thumbnail" in page
    assert f"/api/v1/jobs/{finished_job.id}/images/2/thumbnail" not in page
    assert 'data-value="1"' in page
    listed = client.get("/jobs").text
    assert "3 of 3 images" in listed
    assert "1 failed" in listed


def test_a_failed_job_says_why_and_what_to_do(client: FlaskClient, services: Services) -> None:
    job = submit(services, b"x")
    with services.database.writing() as session:
        jobs.fail(
            session, jobs.get(session, job.id), "no_images", Message("Only <b>text</b> here.")
        )
    page = client.get(f"/jobs/{job.id}").text
    assert "The upload holds no image." in page
    assert "Check that the archive holds JPEG, PNG, WebP or other image files." in page
    assert "Only &lt;b&gt;text&lt;/b&gt; here." in page
    assert "Label the same images again" not in page


def test_a_job_that_the_server_failed_can_run_again(
    client: FlaskClient, services: Services
) -> None:
    job = submit(services, b"x")
    with services.database.writing() as session:
        jobs.fail(session, jobs.get(session, job.id), "model_missing", Message("Gone."))
    assert "Label the same images again" in client.get(f"/jobs/{job.id}").text


def test_the_steps_of_a_job(client: FlaskClient, open_job: Job, finished_job: Job) -> None:
    page = client.get(f"/jobs/{open_job.id}").text
    assert re.findall(r'class="step is-(\w+)"', page) == ["done", "now", "todo"]
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page
    page = client.get(f"/jobs/{finished_job.id}").text
    assert re.findall(r'class="step is-(\w+)"', page) == ["done", "done", "done"]
    assert "http-equiv" not in page


def test_hostile_names_are_escaped(client: FlaskClient, services: Services) -> None:
    job = submit(services, b"x", filename="<script>alert(1)'\".zip")
    for path in ("/jobs", f"/jobs/{job.id}"):
        assert "<script>alert" not in client.get(path).text


def test_buttons(client: FlaskClient, open_job: Job) -> None:
    address = f"/jobs/{open_job.id}"
    paused = client.post(f"{address}/pause", headers=HTMX).text
    assert "Resume" in paused
    refused = client.post(f"{address}/retry", headers=HTMX)
    assert (refused.status_code, "illegal_transition" in refused.text) == (200, True)
    assert client.post(f"{address}/retry", headers={"Accept": "text/html"}).status_code == 409
    plain = client.post(f"{address}/cancel")
    assert (plain.status_code, plain.headers["Location"]) == (303, address)
    assert client.post(f"{address}/explode").status_code == 404
    gone = client.post(f"{address}/delete", headers=HTMX)
    assert (gone.status_code, gone.headers["HX-Redirect"]) == (204, "/jobs")
    assert "No jobs here" in client.get("/jobs").text


def test_older_jobs(client: FlaskClient, services: Services) -> None:
    made = [submit(services, b"x").id for _ in range(21)]
    first = client.get("/jobs").text
    assert (made[20] in first, made[0] in first) == (True, False)
    found = re.search(r'rel="next" href="([^"]+)"', first)
    assert found is not None
    second = client.get(found[1]).text
    assert (made[20] in second, made[0] in second) == (False, True)


def test_every_code_has_a_place(client: FlaskClient) -> None:
    page = client.get("/errors").text
    assert 'id="queue_full"' in page
    assert 'id="crc_mismatch"' in page
    assert client.get("/favicon.ico", buffered=True).mimetype == "image/svg+xml"
