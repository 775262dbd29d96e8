"""Rows by filter, one image, its thumbnail."""

from __future__ import annotations

import io
import shutil

import pytest
from flask.testing import FlaskClient
from PIL import Image as Picture

from semblante import uploads
from semblante.services import Services
from semblante.tables import Job, Result


@pytest.mark.parametrize(
    ("query", "indexes"),
    [
        ("", [0, 1, 2]),
        ("?emotion=fear", [1]),
        ("?status=failed", [2]),
        ("?status=ok", [0, 1]),
        ("?max_confidence=0.5", [1]),
        ("?after=0.0", [1, 2]),
        ("?after=0.5", [1, 2]),
        ("?emotion=fear&status=failed", []),
    ],
)
def test_filters(client: FlaskClient, finished_job: Job, query: str, indexes: list[int]) -> None:
    found = client.get(f"/api/v1/jobs/{finished_job.id}/images{query}").get_json()
    assert [row["index"] for row in found["items"]] == indexes
    assert found["next"] is None


def test_pages(client: FlaskClient, finished_job: Job) -> None:
    address = f"/api/v1/jobs/{finished_job.id}/images"
    first = client.get(f"{address}?limit=2").get_json()
    assert first["next"] == "1.0"
    second = client.get(f"{address}?limit=2&after={first['next']}").get_json()
    assert [row["index"] for row in second["items"]] == [2]
    for bad in ("after=x", "after=1", "limit=501", "status=good", "max_confidence=2"):
        assert client.get(f"{address}?{bad}").get_json()["code"] == "invalid_request"


def test_one_image(client: FlaskClient, finished_job: Job) -> None:
    found = client.get(f"/api/v1/jobs/{finished_job.id}/images/1").get_json()
    assert (found["index"], found["image_path"]) == (1, "caras/=cmd.jpg")
    assert [row["emotion"] for row in found["rows"]] == ["fear"]
    for index in ("3", "9" * 30):
        answer = client.get(f"/api/v1/jobs/{finished_job.id}/images/{index}")
        assert (answer.status_code, answer.get_json()["code"]) == (404, "image_not_found")


def test_thumbnails(client: FlaskClient, services: Services, finished_job: Job) -> None:
    address = f"/api/v1/jobs/{finished_job.id}/images"
    answer = client.get(f"{address}/1/thumbnail")
    assert (answer.status_code, answer.mimetype) == (200, "image/webp")
    assert answer.headers["Cache-Control"] == "private, max-age=86400, immutable"
    with Picture.open(io.BytesIO(answer.data)) as picture:
        assert (picture.format, picture.size) == ("WEBP", (64, 48))
    broken = client.get(f"{address}/2/thumbnail")
    assert (broken.status_code, broken.get_json()["code"]) == (422, "unsupported_format")
    assert client.get(f"{address}/3/thumbnail").status_code == 404
    with services.database.writing() as session:
        session.delete(session.get_one(Result, (finished_job.id, 0, 0)))
    unproven = client.get(f"{address}/0/thumbnail")
    assert (unproven.status_code, unproven.get_json()["code"]) == (404, "image_not_found")
    with services.database.reading() as session:
        services.storage.delete(uploads.get(session, finished_job.upload_id).storage_key)
    kept = client.get(f"{address}/1/thumbnail")
    assert (kept.status_code, kept.data) == (200, answer.data)
    shutil.rmtree(services.settings.cache)
    gone = client.get(f"{address}/1/thumbnail")
    assert (gone.status_code, gone.get_json()["code"]) == (404, "upload_missing")


def test_a_deleted_job_leaves_no_thumbnail(
    client: FlaskClient, services: Services, finished_job: Job
) -> None:
    client.get(f"/api/v1/jobs/{finished_job.id}/images/1/thumbnail")
    assert list(services.settings.cache.rglob("*.webp")) != []
    assert client.delete(f"/api/v1/jobs/{finished_job.id}").status_code == 204
    assert list(services.settings.cache.rglob("*.webp")) == []


def test_a_cache_that_cannot_be_written_harms_nothing(
    client: FlaskClient, services: Services, finished_job: Job
) -> None:
    services.settings.cache.write_text("no folder")
    answer = client.get(f"/api/v1/jobs/{finished_job.id}/images/1/thumbnail")
    assert (answer.status_code, answer.mimetype) == (200, "image/webp")
