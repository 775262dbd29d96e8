"""The gallery and the page of one image, without JavaScript."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from semblante import jobs
from semblante.errors import IMAGE_ERROR_CODES
from semblante.services import Services
from semblante.tables import Job, Result
from semblante_web import gallery_page, words


def paths(text: str) -> list[str]:
    return re.findall(r'class="tile-path" title="([^"]+)"', text)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ["caras/niña.jpg", "caras/=cmd.jpg", "caras/broken.png"]),
        ("?emotion=&status=&order=doubt", ["caras/=cmd.jpg", "caras/niña.jpg"]),
        ("?emotion=fear", ["caras/=cmd.jpg"]),
        ("?status=failed", ["caras/broken.png"]),
        ("?max_confidence=0.5", ["caras/=cmd.jpg"]),
        ("?emotion=anger", []),
    ],
)
def test_the_gallery_filters(
    client: FlaskClient, finished_job: Job, query: str, shown: list[str]
) -> None:
    page = client.get(f"/jobs/{finished_job.id}/images{query}")
    assert page.status_code == 200
    assert paths(page.text) == shown
    assert ("No result passes these filters." in page.text) == (not shown)


def test_pages_follow_each_other(
    client: FlaskClient, finished_job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery_page, "TILES", 1)
    address, seen = f"/jobs/{finished_job.id}/images?order=doubt&lang=en", []
    while address:
        page = client.get(address).text
        seen += paths(page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        address = following[1].replace("&amp;", "&") if following else ""
    assert seen == ["caras/=cmd.jpg", "caras/niña.jpg"]


def test_bad_filters_are_refused(client: FlaskClient, finished_job: Job) -> None:
    for query in ("status=good", "max_confidence=2", "after=x", "sort=1"):
        assert client.get(f"/jobs/{finished_job.id}/images?{query}").status_code == 400
    assert client.get("/jobs/none/images").status_code == 404


def test_one_image_shows_box_and_probabilities(
    client: FlaskClient, services: Services, finished_job: Job
) -> None:
    with services.database.writing() as session:
        row = session.get_one(Result, (finished_job.id, 1, 0))
        row.face_x, row.face_y, row.face_w, row.face_h = 4, 5, 20, 21
        row.width, row.height, row.face_confidence = 64, 48, 0.97
    page = client.get(f"/jobs/{finished_job.id}/images/1").text
    assert '<rect class="box box-fear" x="4" y="5" width="20" height="21"/>' in page
    assert page.count("<progress") == 7
    assert "97%" in page
    assert 'rel="prev"' in page
    assert 'rel="next"' in page
    whole = client.get(f"/jobs/{finished_job.id}/images/0").text
    assert "<rect" not in whole
    assert 'rel="prev"' not in whole


def test_a_failed_image_says_what_to_do(client: FlaskClient, finished_job: Job) -> None:
    page = client.get(f"/jobs/{finished_job.id}/images/2?lang=es").text
    assert "Guarde la imagen de nuevo como JPEG o PNG" in page
    assert "unsupported_format" in page
    assert client.get(f"/jobs/{finished_job.id}/images/3").status_code == 404


def test_every_image_error_has_a_remedy() -> None:
    assert set(words.IMAGE_REMEDIES) == set(IMAGE_ERROR_CODES)


def test_the_job_page_charts_and_offers_what_follows(
    client: FlaskClient, finished_job: Job
) -> None:
    page = client.get(f"/jobs/{finished_job.id}").text
    assert re.search(r'data-name="45% . 50%" data-value="1"', page)
    for name in ("results.parquet", "profile=deepface", "profile=py-feat", "images?status=failed"):
        assert name in page


def test_the_same_images_are_labelled_again(
    client: FlaskClient, services: Services, finished_job: Job
) -> None:
    kept = {"lang": "es", "retention_days": 1.5, "webhook": "https://example.org/"}
    with services.database.writing() as session:
        jobs.get(session, finished_job.id).options = kept | {"detect": "off"}
    form = {"model": "resnet18-raf7-fast", "detect": "on"}
    answer = client.post(f"/jobs/{finished_job.id}/again", data=form)
    assert answer.status_code == 303
    again = client.get(f"/api/v1{answer.headers['Location']}").get_json()
    first = client.get(f"/api/v1/jobs/{finished_job.id}").get_json()
    assert again["id"] != first["id"]
    assert again["upload_id"] == first["upload_id"]
    with services.database.reading() as session:
        assert jobs.get(session, again["id"]).options == kept | {"detect": "on"}
    assert (again["model"].split("@")[0], again["detect"]) == ("resnet18-raf7-fast", "on")
    refused = client.post(f"/jobs/{finished_job.id}/again", data={"model": "none"})
    assert refused.status_code == 404
