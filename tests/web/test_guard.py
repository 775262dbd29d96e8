"""Hosts, origins, and the headers of every answer."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from semblante.settings import Settings
from semblante_web.guard import host_is_trusted


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
        ({"Origin": "http://[::1"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
def test_forms_of_other_sites(client: FlaskClient, headers: dict[str, str], status: int) -> None:
    # 400: the request came through and lacks its file.
    answer = client.post("/api/v1/jobs", data={"lang": "en"}, headers=headers)
    assert answer.status_code == status
    assert client.get("/jobs", headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/", "/jobs", "/api/v1/jobs", "/nothing", "/static/app/app.css"])
def test_every_answer_is_hardened(client: FlaskClient, path: str) -> None:
    headers = client.get(path, buffered=True).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
