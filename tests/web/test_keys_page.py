"""The page of keys: made, shown once, revoked."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from keyed import client_of, make_key
from semblante import keys
from semblante.services import Services
from semblante.tables import AuditEntry

TOKEN = re.compile(r'value="(semblante_[\w-]+)"')


@pytest.fixture
def admin(services: Services) -> FlaskClient:
    """Return a client that carries an admin's key."""
    return client_of(services, make_key(services, "root", "admin"))


def test_the_first_key_ends_the_time_without_a_login(
    client: FlaskClient, services: Services
) -> None:
    assert "No keys yet" in client.get("/keys").text
    page = client.post("/keys", data={"name": "ana", "scope": "admin", "owner": ""})
    assert page.status_code == 201
    assert page.headers["Cache-Control"] == "no-store"
    assert "From now on, this server asks everybody for a key." in page.text
    token = TOKEN.findall(page.text)[0]
    assert client.get("/keys").status_code == 303
    again = client_of(services, token).get("/keys").text
    assert "ana" in again
    assert token not in again


def test_a_key_works_until_it_is_revoked(services: Services, admin: FlaskClient) -> None:
    page = admin.post("/keys", data={"name": "lab", "scope": "read", "owner": "team"}).text
    assert "From now on" not in page
    lab = client_of(services, TOKEN.findall(page)[0])
    assert lab.get("/api/v1/jobs").status_code == 200
    assert admin.post("/keys/lab/revoke").status_code == 303
    assert lab.get("/api/v1/jobs").status_code == 401
    assert "Revoked" in admin.get("/keys").text
    with services.database.reading() as session:
        (key,) = (key for key in keys.list_all(session) if key.name == "lab")
        done = [entry.action for entry in session.scalars(select(AuditEntry))]
    assert (key.owner, key.scope) == ("team", "read")
    assert [action for action in done if action.startswith("key_c")] == ["key_create"]
    assert "key_revoke" in done


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({"name": "root", "scope": "read"}, 409, "key_exists"),
        ({"name": "no spaces", "scope": "read"}, 400, "invalid_request"),
        ({"name": "new", "scope": "god"}, 400, "invalid_request"),
        ({"scope": "read"}, 400, "invalid_request"),
        ({"name": "new", "scope": "read", "more": "x"}, 400, "invalid_request"),
    ],
)
def test_what_cannot_be_made_is_said(
    admin: FlaskClient, form: dict[str, str], status: int, code: str
) -> None:
    page = admin.post("/keys", data=form)
    assert (page.status_code, code in page.text) == (status, True)
    assert TOKEN.findall(page.text) == []
    assert admin.post("/keys/nobody/revoke").status_code == 404


def test_others_make_no_keys(services: Services) -> None:
    client = client_of(services, make_key(services, "ana"))
    assert client.post("/keys", data={"name": "x", "scope": "admin"}).status_code == 403
    assert client.post("/keys/ana/revoke").status_code == 403


def test_why_a_name_is_refused_is_said_in_spanish(client: FlaskClient) -> None:
    spanish = {"Accept": "text/html", "Accept-Language": "es"}
    answer = client.post("/keys", data={"name": "a b", "scope": "read"}, headers=spanish)
    assert answer.status_code == 400
    assert "no es un nombre: use hasta 64 letras" in answer.text
