"""One image at once, over the real broker to a worker of the test's own."""

from __future__ import annotations

import io

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from factory import PROBABILITIES, jpeg
from semblante.services import Services
from semblante_web.app import create_app


def post(client: FlaskClient, data: bytes, address: str = "/api/v1/predict") -> TestResponse:
    return client.post(address, data={"file": (io.BytesIO(data), "face.jpg")})


def leftovers(services: Services) -> list[str]:
    folder = services.settings.data / "storage" / "predict"
    return [path.name for path in folder.glob("*")]


@pytest.mark.usefixtures("worker")
def test_an_answer(client: FlaskClient, services: Services) -> None:
    data = jpeg()
    answer = post(client, data)
    assert answer.status_code == 200
    assert answer.get_json()["model"].startswith("resnet18-raf7@")
    assert (answer.get_json()["width"], answer.get_json()["height"]) == (len(data), 2)
    face = answer.get_json()["faces"][0]
    assert (face["emotion"], face["confidence"], face["box"]) == ("happiness", 0.7, None)
    assert face["probabilities"] == PROBABILITIES
    form = {"file": (io.BytesIO(data), "face.jpg"), "detect": "on"}
    found = client.post("/api/v1/predict", data=form).get_json()
    assert (found["detector"], found["faces"][0]["face_confidence"]) == ("yunet", 0.9)
    assert found["faces"][0]["box"] == {"x": 1, "y": 2, "w": 3, "h": 4}
    refused = post(client, b"text")
    assert (refused.status_code, refused.get_json()["code"]) == (422, "unsupported_format")
    assert leftovers(services) == []
    page = client.post(
        "/predict",
        data={"file": (io.BytesIO(data), "face.jpg")},
        headers={"HX-Request": "true", "Accept-Language": "es"},
    )
    assert (page.status_code, "Feliz" in page.text, "70 %" in page.text) == (200, True, True)
    plain = post(client, b"text", "/predict")
    assert (plain.status_code, "unsupported_format" in plain.text) == (422, True)


def test_no_worker(services: Services) -> None:
    hasty = services.settings.model_copy(update={"predict_timeout_seconds": 0.2})
    client = create_app(
        hasty, Services(hasty, services.database, services.storage, services.queue)
    ).test_client()
    answer = post(client, jpeg())
    assert (answer.status_code, answer.get_json()["code"]) == (503, "worker_unavailable")
    assert leftovers(services) == []


def test_no_broker(services: Services) -> None:
    lonely = services.settings.model_copy(update={"broker_url": "redis://127.0.0.1:1/0"})
    client = create_app(lonely).test_client()
    answer = post(client, jpeg())
    assert (answer.status_code, answer.get_json()["code"]) == (503, "broker_unavailable")
    assert leftovers(services) == []


def test_bad_requests(client: FlaskClient, services: Services) -> None:
    assert client.post("/api/v1/predict").get_json()["code"] == "no_file"
    form = {"file": (io.BytesIO(b"x"), "a.jpg"), "model": "none"}
    assert client.post("/api/v1/predict", data=form).get_json()["code"] == "model_not_found"
    small = services.settings.model_copy(update={"max_image_bytes": 10})
    narrow = Services(small, services.database, services.storage, services.queue)
    answer = post(create_app(small, narrow).test_client(), jpeg())
    assert (answer.status_code, answer.get_json()["code"]) == (413, "too_large_upload")
    assert leftovers(services) == []
