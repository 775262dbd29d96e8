"""The API's description (OpenAPI 3.1): what APIFlask cannot derive from the functions."""

from __future__ import annotations

from typing import Any

from apiflask import APIFlask

from semblante import __version__
from semblante_web.deepface import DeepfaceAnswer, DeepfaceRequest
from semblante_web.job_options import JobFromUpload, JobFromUrl, PredictionFromUrl
from semblante_web.openapi_examples import add_examples
from semblante_web.openapi_problems import REFERENCE, add_common_problems, named
from semblante_web.openapi_requests import HEADERS, JOB, PREDICT, add_offset, bodies
from semblante_web.problems import Problem
from semblante_web.truth_api import TruthFromFolders
from semblante_web.webhook_message import WebhookMessage

UNSEEN = (
    *(Problem, JobFromUpload, JobFromUrl, PredictionFromUrl, TruthFromFolders),
    *(DeepfaceRequest, DeepfaceAnswer, WebhookMessage),
)
"""Models that APIFlask does not know of."""


def configure_openapi(app: APIFlask) -> None:
    """Describe `app` at /api/v1/openapi.json."""
    app.config.update(
        OPENAPI_VERSION="3.1.0",
        DESCRIPTION=(
            "Labels the emotion of every face in a large archive of images. "
            "Errors are `application/problem+json` (RFC 9457) with a stable `code`."
        ),
        LICENSE={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        SECURITY_SCHEMES={
            "key": {
                "type": "http",
                "scheme": "bearer",
                "description": "An API key; not needed on a server without a login.",
            }
        },
        AUTO_SERVERS=False,
        AUTO_404_RESPONSE=False,
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        VALIDATION_ERROR_STATUS_CODE=400,
        VALIDATION_ERROR_DESCRIPTION="invalid_request",
    )
    app.spec_callback = _complete


def _complete(document: Any) -> Any:
    """Add what holds for all operations, and what APIFlask does not know."""
    document["info"]["version"] = __version__
    document["security"] = [{}, {"key": []}]
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for model in UNSEEN:
        schema = model.model_json_schema(ref_template=REFERENCE)
        schemas |= schema.pop("$defs", {})
        schemas[model.__name__] = schema
    contents = bodies()
    add_offset(document["paths"])
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method != "parameters":
                operation["parameters"] = operation["parameters"] + HEADERS.get((path, method), [])
                add_common_problems(operation["responses"])
                _drop_empty_bodies(operation["responses"])
                if (path, method) in contents:
                    operation["requestBody"] = {"content": contents[path, method]}
    _describe_answers(document["paths"])
    document["webhooks"] = {"jobEnded": {"post": _message()}}
    add_examples(document)
    return document


def _drop_empty_bodies(responses: dict[str, Any]) -> None:
    """APIFlask takes an answer of which nothing is said as JSON of any form."""
    for response in responses.values():
        if response.get("content") == {"application/json": {"schema": {}}}:
            del response["content"]


def _describe_answers(paths: dict[str, Any]) -> None:
    tag = {"description": "Stands for state and counts.", "schema": {"type": "string"}}
    for status in ("200", "304"):
        paths[JOB]["get"]["responses"][status]["headers"] = {"ETag": tag}
    faces = paths[PREDICT]["post"]["responses"]["200"]["content"]["application/json"]
    faces["schema"] = {"anyOf": [faces["schema"], named("DeepfaceAnswer")]}


def _message() -> dict[str, Any]:
    return {
        "operationId": "jobEnded",
        "summary": "What a job's `webhook` is sent when the job has ended (Standard Webhooks).",
        "requestBody": {"content": {"application/json": {"schema": named("WebhookMessage")}}},
        "responses": {"2XX": {"description": "Taken; anything else is tried again."}},
    }
