"""Models over HTTP and on their page: list, card, default."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from bundle_factory import write_bundle
from factory import jpeg, zip_bytes
from keyed import client_of, make_key
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


def packed(folder: Path) -> tuple[io.BytesIO, str]:
    """Return a bundle as a form sends it."""
    members = {path.name: path.read_bytes() for path in folder.iterdir()}
    return io.BytesIO(zip_bytes(members)), "mine.zip"


def test_the_page_imports_chooses_and_removes(
    client: FlaskClient, services: Services, tmp_path: Path
) -> None:
    epochs = [
        {"epoch": number, "train_loss": 1.0, "train_accuracy": 0.4 + number / 10}
        | {"validation_loss": 1.1, "validation_accuracy": 0.35 + number / 10}
        for number in (1, 2, 3)
    ]
    training = {"data": "d", "init": "i", "recipe": "r", "hardware": "h", "epochs": epochs}
    confusion = [[5, 1, 0], [2, 4, 0], [0, 0, 3]]
    metrics = {"validation": {"n": 15, "accuracy": 0.8, "confusion": confusion}}
    folder = write_bundle(tmp_path / "bundle", training=training, metrics=metrics)
    matrix = "Confusion matrix: Validation"
    shipped = client.get("/models").text.count(matrix)
    imported = client.post("/models/import", data={"file": packed(folder)})
    assert (imported.status_code, imported.headers["Location"]) == (303, "/models")
    reference = listed(client)[-1]["reference"]
    page = client.get("/models?lang=es").text
    assert "Una expresión no es un sentimiento" in page
    assert page.count('<span lang="en">') == 4, "an imported card keeps its own language"
    page = client.get("/models?lang=en").text
    assert "Training curves" in page
    assert 'points="0.0,' in page
    assert page.count(matrix) == shipped + 1
    assert client.post(f"/models/{reference}/default").status_code == 303
    assert [model["reference"] for model in listed(client) if model["is_default"]] == [reference]
    gone = client.post(f"/models/{reference}/remove", headers={"HX-Request": "true"})
    assert gone.headers["HX-Redirect"] == "/models"
    assert {model["origin"] for model in listed(client)} == {"shipped"}
    shipped = listed(client)[0]["reference"]
    kept = client.post(f"/models/{shipped}/remove", headers={"Accept": "text/html"})
    assert kept.status_code == 409


@pytest.mark.parametrize("content", [b"no zip", zip_bytes({"card.json": b"{}"})])
def test_a_bundle_that_is_none_is_refused(client: FlaskClient, content: bytes) -> None:
    form = {"file": (io.BytesIO(content), "x.zip")}
    refused = client.post("/models/import", data=form)
    assert (refused.status_code, "corrupt_bundle" in refused.text) == (422, True)
    assert "/tmp/" not in refused.text
    empty = client.post("/models/import", data={})
    assert (empty.status_code, "no_file" in empty.text) == (400, True)


def test_only_admins_change_models(services: Services) -> None:
    client = client_of(services, make_key(services, "ana"))
    for address in ("import", "resnet18-raf7/default", "resnet18-raf7/remove"):
        assert client.post(f"/models/{address}").status_code == 403
    assert "Import a model" not in client.get("/models").text
