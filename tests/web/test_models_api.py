"""Models over HTTP and on their page: list, card, default."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from bundle_factory import write_bundle
from factory import jpeg, zip_bytes
from semblante import uploads
from semblante.bundle_import import import_bundle
from semblante.services import Services
from semblante_web.app import create_app

API = "/api/v1/models"


@pytest.fixture
def mine(services: Services, tmp_path: Path) -> str:
    """Import a model; return its reference."""
    source = write_bundle(tmp_path / "bundle")
    return import_bundle(services.database, services.storage, source).reference


def listed(client: FlaskClient) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.get(API).get_json()["items"]
    return items


def test_the_list_marks_the_default(client: FlaskClient, services: Services, mine: str) -> None:
    models = listed(client)
    defaults = [model["card"]["name"] for model in models if model["is_default"]]
    assert defaults == [services.settings.model]
    last = models[-1]
    assert (last["reference"], last["origin"], last["is_default"]) == (mine, "imported", False)
    assert mine == f"mine@{last['sha256'][:12]}"
    assert {model["origin"] for model in models[:-1]} == {"shipped"}


def test_the_default_can_be_chosen(client: FlaskClient, services: Services, mine: str) -> None:
    chosen = client.put(f"{API}/default", json={"model": "mine"})
    assert (chosen.status_code, chosen.get_json()["reference"]) == (200, mine)
    assert [model["reference"] for model in listed(client) if model["is_default"]] == [mine]
    assert client.get(f"{API}/mine").get_json()["is_default"]
    assert "imported" in client.get("/models?lang=en").text
    with services.database.writing() as session:
        upload = uploads.begin(session, "faces.zip", 1)
        uploads.finish(upload, 1)
    services.storage.write(upload.storage_key, [zip_bytes({"a.jpg": jpeg()})])
    job = client.post("/api/v1/jobs", json={"upload_id": upload.id}).get_json()
    assert (job["model"], list(job["emotions"])) == (mine, ["glad", "sad", "calm"])


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"model": "nobody"}, 404, "model_not_found"),
        ({}, 400, "invalid_request"),
        ({"model": "resnet18-raf7", "more": 1}, 400, "invalid_request"),
    ],
)
def test_a_default_that_cannot_be(
    client: FlaskClient, body: dict[str, object], status: int, code: str
) -> None:
    answer = client.put(f"{API}/default", json=body)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)


def test_pages_do_without_a_default(services: Services) -> None:
    settings = services.settings.model_copy(update={"model": "nobody"})
    client = create_app(settings, replace(services, settings=settings)).test_client()
    assert not any(model["is_default"] for model in listed(client))
    for page in ("/", "/models", "/predict"):
        assert client.get(page).status_code == 200
    refused = client.post("/api/v1/jobs", json={"upload_id": "x"})
    assert refused.get_json()["code"] == "model_not_found"
