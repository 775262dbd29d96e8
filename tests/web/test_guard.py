"""Who may send what: hosts, origins, keys, and the headers of every answer."""

from __future__ import annotations

import base64

import pytest
from flask.testing import FlaskClient

from semblante.errors import Refused
from semblante.services import Services
from semblante.settings import Settings
from semblante_web.app import create_app
from semblante_web.guard import check_binding, host_is_trusted, is_loopback


@pytest.mark.parametrize(
    ("host", "trusted"),
    [
        ("localhost:8000", True),
        ("LOCALHOST", True),
        ("127.0.0.1", True),
        ("[::1]:8000", True),
        ("faces.example.org", True),
        ("example.org", True),
        ("badexample.org", False),
        ("localhost.attacker.net", False),
        ("attacker.net:127.0.0.1", False),
        ("localhost@attacker.net", False),
        ("", False),
        ("0.0.0.0", False),
        ("[", False),
    ],
)
def test_hosts(host: str, trusted: bool) -> None:
    hosts = ("localhost", "127.0.0.1", "[::1]", ".example.org")
    settings = Settings(trusted_hosts=hosts, host="0.0.0.0")
    assert host_is_trusted(host, settings) is trusted


def test_a_foreign_host_is_refused(client: FlaskClient) -> None:
    answer = client.get("/api/v1/jobs", headers={"Host": "rebound.attacker.net"})
    assert (answer.status_code, answer.get_json()["code"]) == (400, "unknown_host")
    assert client.get("/", headers={"Host": "a b"}).status_code == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 400),
        ({"Origin": "http://localhost"}, 400),
        ({"Sec-Fetch-Site": "same-origin"}, 400),
        ({"Origin": "http://attacker.net"}, 403),
        ({"Origin": "http://localhost:81"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
def test_forms_of_other_sites(client: FlaskClient, headers: dict[str, str], status: int) -> None:
    # 400: the request came through and lacks its file.
    answer = client.post("/api/v1/jobs", data={"lang": "en"}, headers=headers)
    assert answer.status_code == status
    assert client.get("/jobs", headers=headers).status_code == 200


def test_the_key(services: Services) -> None:
    settings = services.settings.model_copy(update={"api_key": "clé"})
    keyed = Services(settings, services.database, services.storage, services.queue)
    client = create_app(settings, keyed).test_client()
    answer = client.get("/api/v1/jobs")
    assert (answer.status_code, answer.get_json()["code"]) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    page = client.get("/")
    assert page.status_code == 401
    assert page.headers["WWW-Authenticate"].startswith("Basic ")
    basic = "Basic " + base64.b64encode("anybody:clé".encode()).decode()
    assert client.get("/", headers={"Authorization": basic}).status_code == 200
    assert client.get("/api/v1/jobs", headers={"Authorization": basic}).status_code == 200
    for wrong in ("Bearer cl", "Basic !!", "Bearer", "Digest a=b"):
        assert client.get("/jobs", headers={"Authorization": wrong}).status_code == 401
    assert client.get("/healthz").status_code == 200
    assert client.get("/static/app/app.css", buffered=True).status_code == 200


def test_the_bearer_key(services: Services) -> None:
    settings = services.settings.model_copy(update={"api_key": "k-1"})
    keyed = Services(settings, services.database, services.storage, services.queue)
    client = create_app(settings, keyed).test_client()
    assert client.get("/api/v1/jobs", headers={"Authorization": "Bearer k-1"}).status_code == 200
    assert client.get("/api/v1/jobs", headers={"Authorization": "Bearer k-2"}).status_code == 401


@pytest.mark.parametrize("path", ["/", "/jobs", "/api/v1/jobs", "/nothing", "/static/app/app.css"])
def test_every_answer_is_hardened(client: FlaskClient, path: str) -> None:
    headers = client.get(path, buffered=True).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("::1", True), ("[::1]", True), ("localhost", True), ("10.0.0.1", False)],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_other_machines_need_key_and_secret() -> None:
    with pytest.raises(Refused) as caught:
        check_binding(Settings(host="0.0.0.0", api_key="k"))
    assert caught.value.code == "unsafe_binding"
    check_binding(Settings(host="0.0.0.0", api_key="k", secret_key="s"))
    check_binding(Settings())
