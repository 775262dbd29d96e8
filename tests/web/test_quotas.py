"""Limits of a key's requests and of its owner's day; admins have none."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from factory import jpeg, zip_bytes
from keyed import changed, client_of, make_key
from semblante import rate, usage
from semblante.queue import Queue, make_app
from semblante.services import Services
from semblante.tables import Scope, Usage

ARCHIVE = zip_bytes({"a.jpg": jpeg()})
TUS = {"Tus-Resumable": "1.0.0"}


def post_job(client: FlaskClient) -> TestResponse:
    return client.post("/api/v1/jobs", data={"file": (io.BytesIO(ARCHIVE), "a.zip")})


def code_of(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["code"]


@pytest.fixture(autouse=True)
def one_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test see the end of a minute."""
    monkeypatch.setattr("semblante.rate.time.time", lambda: 1_800_000_010.0)


@pytest.mark.parametrize(("scope", "limited"), [("submit", True), ("admin", False)])
def test_requests(services: Services, scope: Scope, limited: bool) -> None:
    small = changed(services, key_requests_per_minute=2)
    client = client_of(small, make_key(services, "ana", scope))
    other = client_of(small, make_key(services, "bob"))
    for _ in range(2):
        assert client.get("/api/v1/jobs").status_code == 200
    third = client.get("/api/v1/jobs")
    if limited:
        assert code_of(third) == (429, "too_many_requests")
        assert third.headers["Retry-After"] == "50"
    else:
        assert third.status_code == 200
    assert other.get("/api/v1/jobs").status_code == 200


def test_no_broker_no_limit(services: Services) -> None:
    away = changed(services, key_requests_per_minute=1, broker_url="redis://127.0.0.1:9/0")
    queue = Queue(make_app(away.settings))
    lonely = Services(away.settings, services.database, services.storage, queue)
    client = client_of(lonely, make_key(services, "ana"))
    for _ in range(2):
        assert client.get("/api/v1/jobs").status_code == 200
    assert rate.count(queue.app, "ana") == 0
    queue.app.close()


def test_logins(client: FlaskClient, services: Services) -> None:
    make_key(services, "ana")
    for _ in range(30):
        assert client.post("/login", data={"key": "guess"}).status_code == 401
    assert client.post("/login", data={"key": "guess"}).status_code == 429


@pytest.mark.parametrize(
    ("setting", "taken"),
    [
        ("owner_daily_jobs", {"jobs": 5}),
        ("owner_daily_bytes", {"size_bytes": 5}),
        ("owner_daily_images", {"images": 5}),
    ],
)
def test_a_day(services: Services, setting: str, taken: dict[str, int]) -> None:
    small = changed(services, **{setting: 5})
    ana = client_of(small, make_key(services, "ana"))
    admin = client_of(small, make_key(services, "root", "admin", "ana"))
    with services.database.writing() as session:
        usage.add(session, "ana", **taken)
    refused = post_job(ana)
    assert code_of(refused) == (429, "quota_exceeded")
    assert 0 < int(refused.headers["Retry-After"]) <= 86_400
    assert post_job(admin).status_code == 201
    assert post_job(client_of(small, make_key(services, "bob"))).status_code == 201


def test_what_is_counted(services: Services) -> None:
    ana = client_of(services, make_key(services, "ana"))
    made = post_job(ana).get_json()
    length = {**TUS, "Upload-Length": "1000"}
    assert ana.post("/api/v1/uploads", headers=length).status_code == 201
    ana.post(f"/api/v1/jobs/{made['id']}/cancel")
    assert ana.delete(f"/api/v1/jobs/{made['id']}").status_code == 204
    with services.database.reading() as session:
        taken = usage.of_today(session, "ana")
    assert (taken.jobs, taken.bytes, taken.images) == (1, len(ARCHIVE) + 1000, 0)


def test_an_upload_that_is_too_much_is_refused_before_its_bytes(services: Services) -> None:
    ana = client_of(changed(services, owner_daily_bytes=999), make_key(services, "ana"))
    answer = ana.post("/api/v1/uploads", headers={**TUS, "Upload-Length": "1000"})
    assert code_of(answer) == (429, "quota_exceeded")
    assert ana.post("/api/v1/uploads", headers={**TUS, "Upload-Length": "999"}).status_code == 201


def test_open_jobs_of_one_owner(services: Services) -> None:
    small = changed(services, owner_open_jobs=1)
    ana = client_of(small, make_key(services, "ana"))
    assert post_job(ana).status_code == 201
    assert code_of(post_job(ana)) == (429, "queue_full")
    assert post_job(client_of(small, make_key(services, "bob"))).status_code == 201


def test_old_days_are_forgotten(services: Services) -> None:
    today = datetime.now(UTC).date()
    with services.database.writing() as session:
        for days in (1, 200):
            day = (today - timedelta(days=days)).isoformat()
            session.add(Usage(owner="ana", day=day, jobs=1, bytes=1, images=1))
    with services.database.writing() as session:
        usage.forget_old(session)
        assert session.query(Usage).count() == 1
        assert usage.of_today(session, "ana").jobs == 0
