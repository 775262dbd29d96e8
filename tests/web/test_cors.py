"""Pages of other origins: only those that the setting names, by key, never by cookie."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from keyed import changed, client_of, make_key
from semblante.services import Services

PAGE = "https://lab.example.org"
OTHER = "https://attacker.net"
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type",
}
ALLOWED = "Access-Control-Allow-Origin"
ADDRESS = "/api/v1/predict"


@pytest.fixture
def named(services: Services) -> Services:
    return changed(services, cors_origins=(f"{PAGE}/",))


@pytest.fixture
def open_to_all(services: Services) -> Services:
    return changed(services, cors_origins=("*",))


def test_nobody_by_default(client: FlaskClient) -> None:
    answer = client.options(ADDRESS, headers=PREFLIGHT | {"Origin": PAGE})
    assert ALLOWED not in answer.headers
    sent = client.post(ADDRESS, headers={"Origin": PAGE})
    assert (sent.status_code, ALLOWED in sent.headers) == (403, False)
    assert "Origin" not in sent.vary


def test_a_named_page_may_predict(named: Services) -> None:
    client = client_of(named, None)
    preflight = client.options(ADDRESS, headers=PREFLIGHT | {"Origin": PAGE})
    assert (preflight.status_code, preflight.headers[ALLOWED]) == (204, PAGE)
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    assert "Content-Type" in preflight.headers["Access-Control-Allow-Headers"]
    headers = {"Origin": PAGE, "Sec-Fetch-Site": "cross-site"}
    sent = client.post(ADDRESS, headers=headers)
    assert (sent.get_json()["code"], sent.headers[ALLOWED]) == ("no_file", PAGE)
    assert "Origin" in sent.vary
    for answer in (preflight, sent):
        assert "Access-Control-Allow-Credentials" not in answer.headers


def test_other_pages_and_other_addresses_stay_shut(named: Services) -> None:
    client = client_of(named, None)
    for origin in (OTHER, "null", "http://lab.example.org", f"{PAGE}.attacker.net", ""):
        preflight = client.options(ADDRESS, headers=PREFLIGHT | {"Origin": origin})
        assert ALLOWED not in preflight.headers
        sent = client.post(ADDRESS, headers={"Origin": origin})
        assert (sent.status_code, ALLOWED in sent.headers) == (403, False)
    page = client.post("/submit", headers={"Origin": PAGE})
    assert (page.status_code, ALLOWED in page.headers) == (403, False)


def test_a_preflight_needs_no_key_and_the_request_does(named: Services) -> None:
    token = make_key(named, "ana")
    client = client_of(named, None)
    preflight = client.options(ADDRESS, headers=PREFLIGHT | {"Origin": PAGE})
    assert preflight.status_code == 204
    refused = client.get("/api/v1/jobs", headers={"Origin": PAGE})
    assert (refused.status_code, refused.headers[ALLOWED]) == (401, PAGE)
    key = {"Authorization": f"Bearer {token}"}
    assert client.get("/api/v1/jobs", headers={"Origin": PAGE, **key}).status_code == 200


def test_a_cookie_is_for_our_own_pages(named: Services) -> None:
    token = make_key(named, "ana")
    client = client_of(named, None)
    assert client.post("/login", data={"key": token}).status_code == 303
    assert client.get("/api/v1/jobs").status_code == 200
    assert client.get("/api/v1/jobs", headers={"Origin": PAGE}).status_code == 401
    sent = client.post("/api/v1/jobs", headers={"Origin": PAGE})
    assert sent.status_code == 401


def test_all_pages_need_a_key(open_to_all: Services) -> None:
    client = client_of(open_to_all, None)
    for headers in ({"Origin": OTHER}, {"Origin": OTHER, "Authorization": "Bearer x"}):
        for answer in (
            client.get("/api/v1/jobs", headers=headers),
            client.post("/api/v1/jobs", headers=headers),
        ):
            assert (answer.status_code, answer.get_json()["code"]) == (403, "foreign_origin")
    assert client.get("/api/v1/jobs").status_code == 200
    token = make_key(open_to_all, "ana")
    assert client.get("/api/v1/jobs", headers={"Origin": OTHER}).status_code == 401
    key = {"Origin": OTHER, "Authorization": f"Bearer {token}"}
    assert client.get("/api/v1/jobs", headers=key).status_code == 200
