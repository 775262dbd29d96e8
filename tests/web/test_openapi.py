"""The API's description: complete, consistent, and true to the routes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from jsonschema_rs import Draft202012Validator

from factory import submit
from semblante import jobs, webhooks
from semblante.errors import ERROR_CODES
from semblante.services import Services
from semblante_web.openapi_problems import STATUS_OF_CODE

PAGES = re.compile(
    r"^/(static|submit|jobs|models|live|predict|errors|login|logout|audit|operator|keys|webhooks|favicon\.ico)?(/.*)?$"
)
NO_OPERATION = {"/api/v1/openapi.json", "/api/v1/docs"}


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/v1/openapi.json").get_json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                yield f"{method.upper()} {path}", operation


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_head(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert document["info"]["title"] == "Semblante"
    assert document["info"]["version"] == "0.1.0"
    assert document["security"] == [{}, {"key": []}]


def test_every_route_is_described(app: APIFlask, document: dict[str, Any]) -> None:
    described = {name for name, _ in operations(document)}
    routes = set()
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        if PAGES.match(path) or path in NO_OPERATION:
            continue
        methods = rule.methods or set()
        unique = methods - {"OPTIONS"} - ({"HEAD"} if "GET" in methods else set())
        routes |= {f"{method} {path}" for method in unique}
    assert described == routes
    assert "PATCH /api/v1/uploads/{upload_id}" in described


def test_references_resolve(document: dict[str, Any]) -> None:
    found = set(references(document["paths"])) | set(references(document["components"]))
    assert "#/components/schemas/Problem" in found
    for reference in found:
        node = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
        assert node


def test_operations_are_complete(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(names) == len(set(names))
    for name, operation in operations(document):
        assert operation["summary"], name
        statuses = operation["responses"]
        assert any(status.startswith("2") for status in statuses), name
        assert {"400", "401", "403", "500"} <= set(statuses), name
        for status, response in statuses.items():
            assert response["description"], (name, status)
        path = name.split()[1]
        given = {item["name"] for item in operation["parameters"] if item["in"] == "path"}
        assert given == set(re.findall(r"{(\w+)}", path)), name


def test_bodies(document: dict[str, Any]) -> None:
    body = document["paths"]["/api/v1/jobs"]["post"]["requestBody"]["content"]
    assert set(body) == {"multipart/form-data", "application/json"}
    form = body["multipart/form-data"]["schema"]
    assert set(form["properties"]) == {
        "file",
        "model",
        "detect",
        "lang",
        "retention_days",
        "metadata",
        "webhook",
    }
    assert form["required"] == ["file"]


def test_every_operation_has_examples_that_fit(document: dict[str, Any]) -> None:
    """A request's, an answer's or, where neither has a body, that of the path's parameters."""
    checked = 0
    for name, operation in [*operations(document), ("webhook", document["webhooks"]["jobEnded"])]:
        described = operation.get("post", operation) if name == "webhook" else operation
        examples = list(_examples(described))
        assert examples or name.endswith(("picture", "thumbnail", "labels.zip")), name
        for example, schema in examples:
            whole = {**schema, "components": document["components"]}
            Draft202012Validator(whole).validate(example)
            checked += 1
    assert checked > 60


def _examples(operation: dict[str, Any]) -> Iterator[tuple[Any, dict[str, Any]]]:
    answers = [found for status, found in operation["responses"].items() if status[0] == "2"]
    for holder in [operation.get("requestBody", {}), *answers]:
        for content in holder.get("content", {}).values():
            if "example" in content:
                yield content["example"], content.get("schema", {})
    for parameter in operation.get("parameters", []):
        if "example" in parameter:
            yield parameter["example"], parameter["schema"]


def test_the_webhook_is_as_described(document: dict[str, Any], services: Services) -> None:
    job = submit(services, b"x")
    with services.database.writing() as session:
        job = jobs.get(session, job.id)
        job.options = {"webhook": "https://example.org/"}
        jobs.cancel(session, job)
        session.flush()
        [(event, _)] = webhooks.events(session, job.id)
    schema = {"$ref": "#/components/schemas/WebhookMessage", "components": document["components"]}
    Draft202012Validator(schema).validate(json.loads(event.body))


def test_codes_are_documented() -> None:
    assert set(STATUS_OF_CODE) <= set(ERROR_CODES)
