"""Jobs over HTTP: creation in both forms, idempotency, lists, changes, deletion."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from factory import jpeg, reload, submit, zip_bytes
from semblante import jobs, lifecycle, uploads
from semblante.services import Services
from semblante.tables import Job
from semblante_web.app import create_app

ARCHIVE = zip_bytes({"a.jpg": jpeg()})


def post(
    client: FlaskClient, *files: tuple[str, bytes], key: str = "", **fields: str
) -> TestResponse:
    parts = [(io.BytesIO(data), name) for name, data in files]
    headers = {"Idempotency-Key": key} if key else {}
    return client.post("/api/v1/jobs", data={"file": parts, **fields}, headers=headers)


def stored(services: Services, job_id: str) -> bytes:
    with services.database.reading() as session:
        job = session.get_one(Job, job_id)
        key = uploads.get(session, job.upload_id).storage_key
    return b"".join(services.storage.blocks(key))


def test_an_archive_is_stored_as_it_is(client: FlaskClient, services: Services) -> None:
    fields = {"lang": "es", "metadata": '{"study": 7}', "detect": "auto", "model": "resnet18-raf7"}
    answer = post(client, ("año.zip", ARCHIVE), **fields)
    assert answer.status_code == 201
    job = answer.get_json()
    assert answer.headers["Location"] == f"/api/v1/jobs/{job['id']}"
    assert (job["state"], job["filename"], job["size_bytes"]) == (
        "validating",
        "año.zip",
        len(ARCHIVE),
    )
    assert job["metadata"] == {"study": 7}
    assert job["model"].startswith("resnet18-raf7@")
    assert (job["detect"], job["detectors"]) == ("auto", [])
    assert list(job["emotions"]) == [
        "surprise",
        "fear",
        "disgust",
        "happiness",
        "sadness",
        "anger",
        "neutral",
    ]
    assert stored(services, job["id"]) == ARCHIVE
    with services.database.reading() as session:
        assert session.get_one(Job, job["id"]).options == {"detect": "auto", "lang": "es"}


def test_several_files_become_one_zip(client: FlaskClient, services: Services) -> None:
    files = [("caras/b.jpg", jpeg(1)), ("caras/niños/a.jpg", jpeg(2)), ("caras/b.jpg", jpeg(3))]
    job = post(client, *files).get_json()
    assert job["filename"] == "caras.zip"
    with zipfile.ZipFile(io.BytesIO(stored(services, job["id"]))) as archive:
        assert archive.namelist() == ["caras/b.jpg", "caras/niños/a.jpg", "caras/b (2).jpg"]
        assert archive.read("caras/b (2).jpg") == jpeg(3)
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
    assert post(client, ("a.jpg", jpeg()), ("b.jpg", jpeg())).get_json()["filename"] == "images.zip"


def test_a_job_over_an_upload(client: FlaskClient, services: Services) -> None:
    with services.database.writing() as session:
        upload = uploads.begin(session, "faces.zip", len(ARCHIVE))
    body = {"upload_id": upload.id, "metadata": {"a": [1]}}
    early = client.post("/api/v1/jobs", json=body)
    assert (early.status_code, early.get_json()["code"]) == (409, "upload_incomplete")
    services.storage.write(upload.storage_key, [ARCHIVE])
    with services.database.writing() as session:
        uploads.finish(uploads.get(session, upload.id), len(ARCHIVE))
    made = client.post("/api/v1/jobs", json=body)
    assert (made.status_code, made.get_json()["metadata"]) == (201, {"a": [1]})
    missing = client.post("/api/v1/jobs", json={"upload_id": "none"})
    assert (missing.status_code, missing.get_json()["code"]) == (404, "upload_not_found")


def test_a_job_keeps_its_own_retention(client: FlaskClient, services: Services) -> None:
    for fields, kept in (({"retention_days": "1.5"}, 1.5), ({}, None)):
        made = post(client, ("a.zip", ARCHIVE), **fields).get_json()
        with services.database.reading() as session:
            assert jobs.get(session, made["id"]).options.get("retention_days") == kept


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        (
            {"detect": "perhaps"},
            "detect: Input should be one of 'off', 'auto', 'on'",
        ),
        ({"lang": "fr"}, "lang: Input should be one of 'en', 'es'"),
        ({"metadata": "[]"}, "metadata: Input should be an object"),
        ({"retention_days": "-1"}, "retention_days: Input should be greater than or equal to 0"),
        ({"colour": "red"}, "colour: Extra inputs are not permitted"),
    ],
)
def test_bad_options(client: FlaskClient, fields: dict[str, str], detail: str) -> None:
    answer = post(client, ("a.zip", ARCHIVE), **fields)
    assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid_request")
    assert answer.get_json()["detail"].startswith(detail)


def test_bad_bodies(client: FlaskClient) -> None:
    address = "/api/v1/jobs"
    assert client.post(address, data={"lang": "en"}).get_json()["code"] == "invalid_request"
    empty = {"file": (io.BytesIO(b""), "")}
    assert client.post(address, data=empty).get_json()["code"] in ("no_file", "invalid_request")
    assert client.post(address, json=[1]).get_json()["code"] == "invalid_request"
    broken = client.post(address, data=b"{", content_type="application/json")
    assert (broken.status_code, broken.get_json()["code"]) == (400, "invalid_request")
    for text in (b'{"upload_id": "\\ud800"}', b'{"\\udfff": 1}', b'{"a": "\xed\xa0\x80"}'):
        no_text = client.post(address, data=text, content_type="application/json")
        assert (no_text.status_code, no_text.get_json()["code"]) == (400, "invalid_request")
    unknown = post(client, ("a.zip", ARCHIVE), model="none")
    assert (unknown.status_code, unknown.get_json()["code"]) == (404, "model_not_found")


def test_a_repeated_request_is_the_same_job(client: FlaskClient) -> None:
    first = post(client, ("a.zip", ARCHIVE), key="k1").get_json()
    again = post(client, ("a.zip", ARCHIVE), key="k1")
    assert again.get_json()["id"] == first["id"]
    other = post(client, ("a.zip", zip_bytes({"b.jpg": jpeg()})), key="k1")
    assert (other.status_code, other.get_json()["code"]) == (409, "idempotency_mismatch")
    assert post(client, ("a.zip", ARCHIVE), key="k1", lang="es").status_code == 409
    assert post(client, ("a.zip", ARCHIVE), key="k2").get_json()["id"] != first["id"]
    assert post(client, ("a.zip", ARCHIVE), key="k" * 256).status_code == 400


def test_a_full_queue(services: Services) -> None:
    small = services.settings.model_copy(update={"max_open_jobs": 1})
    client = create_app(
        small, Services(small, services.database, services.storage, services.queue)
    ).test_client()
    assert post(client, ("a.zip", ARCHIVE)).status_code == 201
    full = post(client, ("a.zip", ARCHIVE))
    assert (full.status_code, full.get_json()["code"]) == (429, "queue_full")
    assert full.headers["Retry-After"] == "30"


def test_too_many_bytes(services: Services) -> None:
    small = services.settings.model_copy(update={"max_upload_bytes": 10})
    client = create_app(
        small, Services(small, services.database, services.storage, services.queue)
    ).test_client()
    answer = client.post(
        "/api/v1/jobs",
        input_stream=io.BytesIO(bytes(2_000_000)),
        content_type="multipart/form-data; boundary=b",
    )
    assert (answer.status_code, answer.get_json()["code"]) == (413, "too_large_upload")


def test_lists_are_paged(client: FlaskClient, services: Services) -> None:
    made = [submit(services, b"x").id for _ in range(3)]
    first = client.get("/api/v1/jobs?limit=2").get_json()
    assert [job["id"] for job in first["items"]] == [made[2], made[1]]
    second = client.get(f"/api/v1/jobs?limit=2&after={first['next']}").get_json()
    assert ([job["id"] for job in second["items"]], second["next"]) == ([made[0]], None)
    assert client.get("/api/v1/jobs?state=completed").get_json() == {"items": [], "next": None}
    for cursor in ("zzz", "0", "%00", first["next"] + "%0a"):
        assert client.get(f"/api/v1/jobs?after={cursor}").status_code == 400


def test_changes(client: FlaskClient, services: Services, open_job: Job) -> None:
    address = f"/api/v1/jobs/{open_job.id}"
    assert client.post(f"{address}/pause").get_json()["paused"] is True
    assert client.post(f"{address}/resume").get_json()["paused"] is False
    early = client.post(f"{address}/retry")
    assert (early.status_code, early.get_json()["code"]) == (409, "illegal_transition")
    busy = client.delete(address)
    assert (busy.status_code, busy.get_json()["code"]) == (409, "illegal_transition")
    assert client.post(f"{address}/cancel").get_json()["state"] == "cancelled"
    assert client.post(f"{address}/cancel").get_json()["state"] == "cancelled"
    assert client.post(f"{address}/explode").status_code == 404
    assert client.delete(address).status_code == 204
    assert client.get(address).status_code == 404


def test_a_retry(client: FlaskClient, services: Services, finished_job: Job) -> None:
    answer = client.post(f"/api/v1/jobs/{finished_job.id}/retry")
    assert (answer.status_code, answer.get_json()["state"]) == (200, "in_progress")
    assert reload(services, finished_job).state == "in_progress"


def test_a_cancelled_retry_leaves_a_completed_job(
    client: FlaskClient, services: Services, finished_job: Job
) -> None:
    address = f"/api/v1/jobs/{finished_job.id}"
    before = client.get(f"{address}/images").get_json()
    client.post(f"{address}/retry")
    assert client.post(f"{address}/cancel").get_json()["state"] == "finalizing"
    assert client.post(f"{address}/cancel").get_json()["state"] == "finalizing"
    with services.database.writing() as session:
        jobs.complete(session, jobs.get(session, finished_job.id))
    after = client.get(address).get_json()
    assert (after["state"], after["outcome"], after["error"]) == ("completed", "partial", None)
    assert client.get(f"{address}/images").get_json() == before
    assert client.post(f"{address}/retry").get_json()["state"] == "in_progress"


def test_times_and_speed_of_a_retry(
    client: FlaskClient, services: Services, finished_job: Job
) -> None:
    with services.database.writing() as session:
        job = jobs.get(session, finished_job.id)
        for name in ("created_at", "validating_at", "in_progress_at", "completed_at"):
            setattr(job, name, getattr(job, name) - timedelta(days=1))
    address = f"/api/v1/jobs/{finished_job.id}"
    client.post(f"{address}/retry")
    assert client.get(address).get_json()["images_per_second"] is None
    client.post(f"{address}/cancel")
    with services.database.writing() as session:
        jobs.complete(session, jobs.get(session, finished_job.id))
    seconds = client.get(f"{address}/summary").get_json()["seconds"]
    assert (seconds["validating"], seconds["total"] < 3600) == (0, True)
    assert client.get(address).get_json()["images_per_second"] is None


def test_no_job_over_expired_bytes(
    client: FlaskClient, services: Services, finished_job: Job
) -> None:
    with services.database.writing() as session:
        lifecycle.move(jobs.get(session, finished_job.id), "expired")
    answer = client.post("/api/v1/jobs", json={"upload_id": finished_job.upload_id})
    assert (answer.status_code, answer.get_json()["code"]) == (404, "upload_not_found")


def test_deletion_takes_the_bytes(
    client: FlaskClient, services: Services, finished_job: Job
) -> None:
    services.storage.write(f"results/{finished_job.id}/results.csv", [b"x"])
    assert client.delete(f"/api/v1/jobs/{finished_job.id}").status_code == 204
    files = [path for path in (services.settings.data / "storage").rglob("*") if path.is_file()]
    assert files == []
