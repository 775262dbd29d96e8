"""Liveness, readiness, and the models' cards."""

from __future__ import annotations

from flask.testing import FlaskClient

from semblante.services import Services
from semblante_web.app import create_app


def test_health(client: FlaskClient) -> None:
    assert client.get("/healthz").get_json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert ready.status_code == 503
    checks = ready.get_json()["checks"]
    assert checks.pop("worker").startswith("No worker answers")
    assert checks == {"database": "ok", "broker": "ok", "storage": "ok"}


def test_what_is_away_is_named(services: Services) -> None:
    away = services.settings.model_copy(update={"broker_url": "redis://127.0.0.1:1/0"})
    answer = create_app(away).test_client().get("/readyz")
    assert answer.status_code == 503
    checks = answer.get_json()["checks"]
    assert (checks["database"], checks["storage"]) == ("ok", "ok")
    assert checks["broker"].startswith("The broker does not answer")


def test_an_empty_database_is_not_ready(services: Services) -> None:
    empty = services.settings.model_copy(update={"data": services.settings.data / "other"})
    answer = create_app(empty).test_client().get("/readyz")
    assert answer.status_code == 503
    assert "no such table" in answer.get_json()["checks"]["database"]


def test_models(client: FlaskClient) -> None:
    models = client.get("/api/v1/models").get_json()["items"]
    defaults = [model for model in models if model["is_default"]]
    assert [model["card"]["name"] for model in defaults] == ["resnet18-raf7"]
    one = client.get("/api/v1/models/resnet18-raf7").get_json()
    assert [one] == defaults
    assert client.get(f"/api/v1/models/{one['reference']}").get_json() == one
