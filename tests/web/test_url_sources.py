"""URLs that the web fetches, for a job and for one image, from a real server."""

from __future__ import annotations

import io
import ipaddress
from collections.abc import Iterator
from io import BufferedIOBase
from threading import Event, Thread
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from factory import jpeg, zip_bytes
from file_server import Answer, FileServer, file_server
from semblante import uploads
from semblante.services import Services
from semblante.tables import Job, Upload
from semblante_web.app import create_app
from semblante_web.url_source import MOST_AT_ONCE

ARCHIVE = zip_bytes({"a.jpg": jpeg()})
ZIP = {"Content-Type": "application/zip"}
JPEG = {"Content-Type": "image/jpeg"}


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server() as server:
        yield server


@pytest.fixture
def near(services: Services) -> FlaskClient:
    """Return a client of a web that may fetch from this machine."""
    networks = (ipaddress.ip_network("127.0.0.1/32"),)
    settings = services.settings.model_copy(update={"url_networks": networks})
    return create_app(
        settings, Services(settings, services.database, services.storage, services.queue)
    ).test_client()


def code_of(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["code"]


def test_a_job_over_a_url(near: FlaskClient, services: Services, server: FileServer) -> None:
    server.answers["/sets/faces.zip?v=2"] = Answer(ARCHIVE, headers=ZIP)
    body = {"url": f"{server.url}/sets/faces.zip?v=2", "lang": "es", "metadata": {"a": 1}}
    answer = near.post("/api/v1/jobs", json=body, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 201
    job = answer.get_json()
    assert (job["filename"], job["size_bytes"]) == ("faces.zip", len(ARCHIVE))
    assert job["metadata"] == {"a": 1}
    with services.database.reading() as session:
        upload = uploads.get(session, session.get_one(Job, job["id"]).upload_id)
    assert b"".join(services.storage.blocks(upload.storage_key)) == ARCHIVE
    again = near.post("/api/v1/jobs", json=body, headers={"Idempotency-Key": "k"})
    assert again.get_json()["id"] == job["id"]
    assert len(server.requests) == 1


def test_the_form_of_the_page(near: FlaskClient, server: FileServer) -> None:
    assert "at most 2.1 GB" in near.get("/").text
    server.answers["/faces.zip"] = Answer(ARCHIVE, headers=ZIP)
    form = {"url": f"{server.url}/faces.zip", "lang": "es"}
    answer = near.post("/submit", data=form)
    assert answer.status_code == 303
    assert "faces.zip" in near.get(answer.headers["Location"]).text
    refused = near.post("/submit", data={"url": "http://10.0.0.1/"})
    assert (refused.status_code, "url_not_public" in refused.text) == (400, True)
    assert near.post("/submit").status_code == 400


def test_nothing_is_left_of_a_url_that_fails(
    near: FlaskClient, services: Services, server: FileServer
) -> None:
    server.answers["/cut.zip"] = Answer(ARCHIVE, headers={**ZIP, "Content-Length": "9999"})
    for path in ("cut.zip", "missing.zip"):
        answer = near.post("/api/v1/jobs", json={"url": f"{server.url}/{path}"})
        assert code_of(answer) == (400, "url_failed")
    with services.database.reading() as session:
        assert session.query(Upload).count() == session.query(Job).count() == 0
    assert list((services.settings.data / "storage").rglob("*.partial*")) == []


def test_the_public_internet_only(client: FlaskClient, server: FileServer) -> None:
    server.answers["/a.zip"] = Answer(ARCHIVE, headers=ZIP)
    for address in ("/api/v1/jobs", "/api/v1/predict"):
        answer = client.post(address, json={"url": f"{server.url}/a.zip"})
        assert code_of(answer) == (400, "url_not_public")
    assert server.requests == []


@pytest.mark.parametrize(
    "body",
    [
        {"url": "http://x/", "upload_id": "y"},
        {"url": 1},
        {"url": None},
        {"url": "http://example.org/" + "a" * 2048},
        {},
    ],
)
def test_bad_bodies(client: FlaskClient, body: dict[str, Any]) -> None:
    assert code_of(client.post("/api/v1/jobs", json=body)) == (400, "invalid_request")


@pytest.mark.usefixtures("worker")
def test_one_image(near: FlaskClient, services: Services, server: FileServer) -> None:
    server.answers["/a.jpg"] = Answer(jpeg(), headers=JPEG)
    server.answers["/a.zip"] = Answer(ARCHIVE, headers=ZIP)
    answer = near.post("/api/v1/predict", json={"url": f"{server.url}/a.jpg"})
    assert (answer.status_code, answer.get_json()["width"]) == (200, len(jpeg()))
    refused = near.post("/api/v1/predict", json={"url": f"{server.url}/a.zip"})
    assert code_of(refused) == (400, "url_type")
    assert code_of(near.post("/api/v1/predict", json=[])) == (400, "invalid_request")
    assert list((services.settings.data / "storage" / "predict").glob("*")) == []


def test_few_at_a_time(near: FlaskClient, server: FileServer) -> None:
    waiting = [Event() for _ in range(MOST_AT_ONCE)]

    def hold(event: Event) -> Any:
        def write(connection: BufferedIOBase) -> None:
            event.set()
            server.closing.wait(20)

        return write

    for number, event in enumerate(waiting):
        server.answers[f"/{number}"] = Answer(hold(event), headers=JPEG)
    server.answers["/free"] = Answer(jpeg(), headers=ZIP)
    urls = [f"{server.url}/{number}" for number in range(MOST_AT_ONCE)]
    clients = [near.application.test_client() for _ in waiting]
    threads = [
        Thread(target=client.post, args=("/api/v1/jobs",), kwargs={"json": {"url": url}})
        for client, url in zip(clients, urls, strict=True)
    ]
    for thread in threads:
        thread.start()
    assert all(event.wait(10) for event in waiting)
    busy = near.post("/api/v1/jobs", json={"url": f"{server.url}/free"})
    assert code_of(busy) == (429, "url_busy")
    assert busy.headers["Retry-After"] == "10"
    server.closing.set()
    for thread in threads:
        thread.join()
    assert near.post("/api/v1/jobs", json={"url": f"{server.url}/free"}).status_code == 201


@pytest.mark.usefixtures("worker")
def test_the_page_for_one_image_takes_a_url(near: FlaskClient, server: FileServer) -> None:
    server.answers["/face.jpg"] = Answer(jpeg(), headers=JPEG)
    server.answers["/page"] = Answer(b"<html>", headers={"Content-Type": "text/html"})
    htmx = {"HX-Request": "true"}
    form = {"url": f"{server.url}/face.jpg", "detect": "on", "model": ""}
    page = near.post("/predict", data=form, headers=htmx)
    assert (page.status_code, "Happiness" in page.text) == (200, True)
    assert 'src="data:image/webp;base64,' in page.text
    assert '<rect class="box box-happiness" x="1" y="2" width="3" height="4"/>' in page.text
    for address, code in (("/page", "url_type"), ("/none", "url_failed")):
        refused = near.post("/predict", data={"url": server.url + address}, headers=htmx)
        assert (refused.status_code, f"<code>{code}</code>" in refused.text) == (200, True)
    nothing = near.post("/predict", data={"url": " "})
    assert (nothing.status_code, "Choose an image, or give its URL." in nothing.text) == (400, True)


def test_the_page_fetches_nothing_from_this_machine(
    client: FlaskClient, server: FileServer
) -> None:
    refused = client.post("/predict", data={"url": f"{server.url}/face.jpg"})
    assert (refused.status_code, "url_not_public" in refused.text) == (400, True)
    assert server.requests == []


def test_the_plain_form_takes_a_url_and_a_note(near: FlaskClient, server: FileServer) -> None:
    server.answers["/faces.zip"] = Answer(ARCHIVE, headers=ZIP)
    form = {"url": f"{server.url}/faces.zip", "note": " from afar ", "lang": "es", "model": ""}
    answer = near.post("/submit", data={**form, "file": (io.BytesIO(), "")})
    assert answer.status_code == 303
    job = near.get(answer.headers["Location"].replace("/jobs", "/api/v1/jobs")).get_json()
    assert (job["filename"], job["metadata"]) == ("faces.zip", {"note": "from afar"})
    assert "from afar" in near.get("/jobs").text
    for text, shown in (("AFAR", 1), ("faces", 1), ("near", 0), ("a_ar", 0), ("%", 0)):
        assert near.get("/jobs", query_string={"text": text}).text.count("job-item") == shown
    sums = near.get("/jobs?state=validating").text
    assert "job-item" in sums
    assert "job-item" not in near.get("/jobs?state=completed").text
    assert near.get("/jobs?state=none").status_code == 400
