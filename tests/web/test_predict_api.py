"""One image at once, over the real broker to a worker of the test's own."""

from __future__ import annotations

import base64
import io

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from factory import PROBABILITIES, jpeg
from semblante.services import Services
from semblante_web.app import create_app

FACELESS = b"no face in here"


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


@pytest.mark.usefixtures("worker")
def test_a_request_of_a_deepface_client(client: FlaskClient, services: Services) -> None:
    image = "data:image/jpeg;base64," + base64.b64encode(jpeg()).decode()
    actions = ["age", "gender", "emotion", "race"]
    body = {"img_path": image, "actions": actions, "detector_backend": "retinaface"}
    answer = client.post("/api/v1/predict?profile=deepface", json=body)
    assert answer.status_code == 200
    assert answer.get_json() == {
        "results": [
            {
                "emotion": {
                    "angry": 0.0,
                    "disgust": 0.0,
                    "fear": 0.0,
                    "happy": 70.0,
                    "sad": 10.0,
                    "surprise": 10.0,
                    "neutral": 10.0,
                },
                "dominant_emotion": "happy",
                "region": {"x": 1, "y": 2, "w": 3, "h": 4, "left_eye": None, "right_eye": None},
                "face_confidence": 0.9,
            }
        ]
    }
    ours = client.post("/api/v1/predict", json={"img": [image], "detector_backend": "skip"})
    assert (ours.get_json()["faces"][0]["emotion"], ours.get_json()["detector"]) == (
        "happiness",
        None,
    )
    form = {"img": (io.BytesIO(jpeg()), "a.jpg"), "actions": '["emotion"]', "align": "true"}
    whole = client.post("/api/v1/predict?profile=deepface", data=form).get_json()["results"][0]
    assert (whole["region"]["w"], whole["region"]["h"]) == (len(jpeg()), 2)
    wide = base64.encodebytes(jpeg(90) + bytes(600_000)).decode()  # broken into lines
    field = {"img": f"data:image/jpeg;base64,{wide}", "anti_spoofing": "false"}
    large = client.post("/api/v1/predict?profile=deepface", data=field)
    assert (large.status_code, large.get_json()["results"][0]["dominant_emotion"]) == (200, "happy")
    plain = {"file": (io.BytesIO(jpeg()), "a.jpg")}
    found = client.post("/api/v1/predict?profile=deepface", data=plain).get_json()
    assert found["results"][0]["dominant_emotion"] == "happy"
    assert leftovers(services) == []


@pytest.mark.usefixtures("worker")
def test_an_image_without_a_face_as_deepface_takes_it(client: FlaskClient) -> None:
    faceless = "data:image/jpeg;base64," + base64.b64encode(jpeg(1) + FACELESS).decode()
    strict = client.post("/api/v1/predict", json={"img": faceless})
    assert (strict.status_code, strict.get_json()["code"]) == (400, "no_face")
    lax = {"img": faceless, "enforce_detection": False}
    found = client.post("/api/v1/predict?profile=deepface", json=lax).get_json()["results"]
    assert [face["face_confidence"] for face in found] == [0.0]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"img": "/etc/passwd"}, "invalid_request"),
        ({"img": "file:///etc/passwd"}, "invalid_request"),
        ({"img": "data:image/png;base64,%%%"}, "invalid_request"),
        ({"img": "data:text/html;base64,eA=="}, "invalid_request"),
        ({"img": "http://127.0.0.1/a.jpg"}, "url_not_public"),
        ({"img": "data:image/png;base64,eA==", "img_path": "https://a.org/"}, "invalid_request"),
        ({"img": "data:image/png;base64,eA==", "actions": ["age"]}, "invalid_request"),
        ({"img": "data:image/png;base64,eA==", "actions": ["mood"]}, "invalid_request"),
        ({"img": "data:image/png;base64,eA==", "anti_spoofing": True}, "invalid_request"),
        ({"img": ["a", "b"]}, "invalid_request"),
        ({"img": ""}, "no_file"),
    ],
)
def test_bad_requests_of_deepface_clients(
    client: FlaskClient, body: dict[str, object], code: str
) -> None:
    answer = client.post("/api/v1/predict", json=body)
    assert (answer.status_code, answer.get_json()["code"]) == (400, code)


def test_pictures_in_json_are_bounded(client: FlaskClient, services: Services) -> None:
    large = {"img": "data:image/png;base64," + "A" * (2 * 1024 * 1024)}
    small = services.settings.model_copy(update={"max_image_bytes": 1024})
    narrow = Services(small, services.database, services.storage, services.queue)
    answer = create_app(small, narrow).test_client().post("/api/v1/predict", json=large)
    assert (answer.status_code, answer.get_json()["code"]) == (413, "too_large_upload")
    larger = {"img": "data:image/png;base64," + "A" * (25 * 1024 * 1024)}
    answer = client.post("/api/v1/predict", json=larger)
    assert (answer.status_code, answer.get_json()["code"]) == (413, "too_large_upload")
