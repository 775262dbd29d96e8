"""Who may do what: keys and their scopes, owners, cookies."""

from __future__ import annotations

import io
from http.cookies import SimpleCookie

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from factory import jpeg, zip_bytes
from keyed import changed, client_of, make_key
from semblante import keys
from semblante.errors import NotFound
from semblante.jobs import get as get_job
from semblante.services import Services
from semblante.tables import ApiKey, AuditEntry, Job

ARCHIVE = zip_bytes({"a.jpg": jpeg()})
SAME = {"Origin": "http://localhost"}


def post_job(client: FlaskClient, **headers: str) -> TestResponse:
    form = {"file": (io.BytesIO(ARCHIVE), "a.zip")}
    return client.post("/api/v1/jobs", data=form, headers=headers)


def code_of(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["code"]


def test_no_login_without_keys(client: FlaskClient) -> None:
    assert client.get("/api/v1/jobs").status_code == 200
    assert client.get("/login").status_code == 302
    wrong = {"Authorization": "Bearer none"}
    assert client.get("/api/v1/jobs", headers=wrong).status_code == 200


def test_a_key_closes_the_web(client: FlaskClient, services: Services) -> None:
    token = make_key(services, "ana")
    answer = client.get("/api/v1/jobs")
    assert code_of(answer) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert client_of(services, token).get("/api/v1/jobs").status_code == 200
    for wrong in ("Bearer x", "Bearer", "Basic !!", "Basic YTpi", f"Digest a={token}", token):
        headers = {"Authorization": wrong}
        assert client.get("/api/v1/jobs", headers=headers).status_code == 401
    for path in ("/healthz", "/favicon.ico", "/static/app/app.css"):
        assert client.get(path, buffered=True).status_code == 200
    with services.database.writing() as session:
        keys.revoke(session, "ana")
    assert client_of(services, token).get("/api/v1/jobs").status_code == 401
    assert client.get("/api/v1/jobs").status_code == 401  # the last key's end opens nothing


def test_the_operators_key(services: Services) -> None:
    keyed = changed(services, api_key="clé")
    assert client_of(keyed, None).get("/api/v1/jobs").status_code == 401
    assert client_of(keyed, "clé").get("/api/v1/jobs").status_code == 200
    assert client_of(keyed, "cle").get("/api/v1/jobs").status_code == 401


def test_pages_lead_to_the_login(client: FlaskClient, services: Services) -> None:
    make_key(services, "ana")
    answer = client.get("/jobs?after=1")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/login?next=/jobs?after%3D1"
    part = client.get("/jobs/x/live", headers={"HX-Request": "true"})
    assert (part.status_code, part.headers["HX-Redirect"]) == (401, "/login")
    assert client.post("/submit").status_code == 401
    assert client.get("/metrics", headers={"Accept": "*/*"}).status_code == 401
    assert "Clave" in client.get("/login", headers={"Accept-Language": "es"}).text


def log_in(client: FlaskClient, token: str, wanted: str = "/jobs") -> TestResponse:
    return client.post("/login", data={"key": f" {token} ", "next": wanted}, headers=SAME)


def test_the_login(client: FlaskClient, services: Services) -> None:
    token = make_key(services, "ana")
    wrong = log_in(client, "wrong")
    assert (wrong.status_code, "Set-Cookie" in wrong.headers) == (401, False)
    answer = log_in(client, token)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/jobs")
    cookie = SimpleCookie(answer.headers["Set-Cookie"])["semblante"]
    assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Lax", "")
    assert token not in answer.headers["Set-Cookie"]
    page = client.get("/jobs")
    assert (page.status_code, "ana" in page.text) == (200, True)
    assert code_of(post_job(client)) == (403, "foreign_origin")
    assert post_job(client, **SAME).status_code == 201
    assert code_of(post_job(client, Origin="http://attacker.net")) == (403, "foreign_origin")
    out = client.post("/logout", headers=SAME)
    assert out.headers["Location"] == "/login"
    assert client.get("/jobs").status_code == 303


def test_the_cookie_ends_with_its_key(client: FlaskClient, services: Services) -> None:
    log_in(client, make_key(services, "ana"))
    assert client.get("/jobs").status_code == 200
    with services.database.writing() as session:
        keys.revoke(session, "ana")
    assert client.get("/jobs").status_code == 303


def test_the_cookie_ends_with_the_operators_key(services: Services) -> None:
    client = client_of(changed(services, api_key="one", secret_key="s"), None)
    log_in(client, "one")
    assert client.get("/jobs").status_code == 200
    cookie = client.get_cookie("semblante")
    assert cookie is not None
    for other in ("two", None):
        later = client_of(changed(services, api_key=other, login="on", secret_key="s"), None)
        later.set_cookie("semblante", cookie.value)
        assert later.get("/jobs").status_code == 303


def test_a_forged_cookie(client: FlaskClient, services: Services) -> None:
    make_key(services, "ana")
    client.set_cookie("semblante", "eyJrZXkiOiIiLCJtYXJrIjoiIn0.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb")
    assert client.get("/jobs").status_code == 303


def test_the_cookie_over_https(client: FlaskClient, services: Services) -> None:
    token = make_key(services, "ana")
    origin = {"Origin": "https://localhost"}
    answer = client.post(
        "/login", data={"key": token}, headers=origin, base_url="https://localhost"
    )
    assert SimpleCookie(answer.headers["Set-Cookie"])["semblante"]["secure"] is True
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")


@pytest.mark.parametrize(("hops", "believed"), [(0, False), (1, True)])
def test_a_proxy_is_believed_when_there_is_one(
    services: Services, hops: int, believed: bool
) -> None:
    client = client_of(changed(services, proxy_hops=hops, login="on"), None)
    token = make_key(services, "ana")
    forwarded = {"X-Forwarded-For": "192.0.2.9, 192.0.2.1", "X-Forwarded-Proto": "https"}
    answer = client.post("/login", data={"key": token}, headers=forwarded)
    assert SimpleCookie(answer.headers["Set-Cookie"])["semblante"]["secure"] == (believed or "")
    with services.database.reading() as session:
        entry = session.scalars(select(AuditEntry)).one()
    assert entry.address == ("192.0.2.1" if believed else "127.0.0.1")


@pytest.mark.parametrize(
    "wanted",
    ["//attacker.net", "/\\attacker.net", "https://attacker.net", "javascript:1", "/\r\nX: y", ""],
)
def test_the_login_stays_here(client: FlaskClient, services: Services, wanted: str) -> None:
    assert log_in(client, make_key(services, "ana"), wanted).headers["Location"] == "/"


def test_scopes(services: Services) -> None:
    reader = client_of(services, make_key(services, "reader", "read"))
    sender = client_of(services, make_key(services, "sender", "submit"))
    admin = client_of(services, make_key(services, "admin", "admin"))
    assert reader.get("/api/v1/jobs").status_code == 200
    assert code_of(post_job(reader)) == (403, "forbidden")
    assert code_of(reader.post("/api/v1/predict")) == (403, "forbidden")
    assert reader.post("/submit").status_code == 403
    assert post_job(sender).status_code == 201
    body = {"model": "resnet18-raf7"}
    assert code_of(sender.put("/api/v1/models/default", json=body)) == (403, "forbidden")
    assert admin.put("/api/v1/models/default", json=body).status_code == 200


def test_owners_do_not_see_each_other(services: Services) -> None:
    ana = client_of(services, make_key(services, "ana"))
    bob = client_of(services, make_key(services, "bob"))
    reader = client_of(services, make_key(services, "ana-reads", "read", "ana"))
    admin = client_of(services, make_key(services, "root", "admin"))
    job_id = post_job(ana).get_json()["id"]
    for client, sees in ((ana, True), (bob, False), (reader, True), (admin, True)):
        listed = [job["id"] for job in client.get("/api/v1/jobs").get_json()["items"]]
        assert (listed == [job_id]) is sees
        assert (job_id in client.get("/jobs").text) is sees
        for path in (f"/api/v1/jobs/{job_id}", f"/jobs/{job_id}", f"/jobs/{job_id}/live"):
            assert client.get(path).status_code == (200 if sees else 404)
    missing = bob.get("/api/v1/jobs/none").get_json()
    hidden = bob.get(f"/api/v1/jobs/{job_id}").get_json()
    assert hidden == missing | {"detail": f"There is no job {job_id}."}
    assert admin.get(f"/api/v1/jobs/{job_id}").get_json()["owner"] == "ana"


def test_the_pages_of_a_job_are_its_owners(services: Services) -> None:
    ana = client_of(services, make_key(services, "ana"))
    bob = client_of(services, make_key(services, "bob"))
    job_id, bobs = (post_job(one).get_json()["id"] for one in (ana, bob))
    pages = ("images", "compare", f"compare/{job_id}", "review")
    for path in pages:
        assert bob.get(f"/jobs/{job_id}/{path}").status_code == 404
    assert ana.get(f"/jobs/{job_id}/compare/{job_id}").status_code == 200
    assert ana.get(f"/jobs/{job_id}/compare/{bobs}").status_code == 404
    for path in ("compare", "review", "review/undo", "again"):
        assert bob.post(f"/jobs/{job_id}/{path}").status_code == 404


def test_uploads_of_others(services: Services) -> None:
    ana = client_of(services, make_key(services, "ana"))
    bob = client_of(services, make_key(services, "bob"))
    tus = {"Tus-Resumable": "1.0.0"}
    made = ana.post("/api/v1/uploads", headers={**tus, "Upload-Length": str(len(ARCHIVE))})
    address = made.headers["Location"]
    piece = {**tus, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    assert bob.head(address, headers=tus).status_code == 404
    assert bob.patch(address, headers=piece, data=b"x").status_code == 404
    assert bob.delete(address, headers=tus).status_code == 404
    assert ana.patch(address, headers=piece, data=ARCHIVE).status_code == 204
    body = {"upload_id": address.rpartition("/")[2]}
    assert code_of(bob.post("/api/v1/jobs", json=body)) == (404, "upload_not_found")
    assert ana.post("/api/v1/jobs", json=body).status_code == 201


def test_the_same_idempotency_key_of_two_owners(services: Services) -> None:
    ana = client_of(services, make_key(services, "ana"))
    bob = client_of(services, make_key(services, "bob"))
    header = {"Idempotency-Key": "1"}
    first = post_job(ana, **header).get_json()["id"]
    assert post_job(ana, **header).get_json()["id"] == first
    second = post_job(bob, **header)
    assert second.status_code == 201
    assert second.get_json()["id"] != first


def test_the_audit_log(services: Services) -> None:
    ana = client_of(services, make_key(services, "ana"))
    job_id = post_job(ana).get_json()["id"]
    ana.get("/api/v1/jobs")
    ana.post(f"/api/v1/jobs/{job_id}/cancel")
    assert ana.delete(f"/api/v1/jobs/{job_id}").status_code == 204
    with services.database.reading() as session:
        entries = list(session.scalars(select(AuditEntry).order_by(AuditEntry.id)))
        key = session.scalars(select(ApiKey)).one()
        with pytest.raises(NotFound):
            get_job(session, job_id)
        assert session.query(Job).count() == 0
    assert key.last_used_at is not None
    told = [(entry.action, entry.subject) for entry in entries]
    assert told == [
        ("key_use", "ana"),
        ("submit", job_id),
        ("cancel", job_id),
        ("delete", job_id),
    ]
    assert {(entry.actor, entry.address) for entry in entries} == {("ana", "127.0.0.1")}
