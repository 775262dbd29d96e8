"""The API's description (OpenAPI 3.1): what APIFlask cannot derive from the functions."""

from __future__ import annotations

from typing import Any

from apiflask import APIFlask

from semblante import __version__
from semblante.errors import ERROR_CODES
from semblante_web.job_options import (
    Choices,
    JobFromFiles,
    JobFromUpload,
    JobFromUrl,
    PredictionFromUrl,
)
from semblante_web.problems import PROBLEM_TYPE, Problem

STATUS_OF_CODE = {
    "unauthorized": 401,
    "foreign_origin": 403,
    "forbidden": 403,
    "not_found": 404,
    "job_not_found": 404,
    "image_not_found": 404,
    "event_not_found": 404,
    "upload_not_found": 404,
    "upload_missing": 404,
    "model_not_found": 404,
    "method_not_allowed": 405,
    "upload_offset": 409,
    "upload_incomplete": 409,
    "job_not_finished": 409,
    "illegal_transition": 409,
    "nothing_to_retry": 409,
    "model_removed": 409,
    "idempotency_mismatch": 409,
    "unsupported_tus_version": 412,
    "too_large_upload": 413,
    "unsupported_format": 422,
    "corrupt_image": 422,
    "queue_full": 429,
    "url_busy": 429,
    "quota_exceeded": 429,
    "too_many_requests": 429,
    "checksum_mismatch": 460,
    "internal_error": 500,
    "worker_unavailable": 503,
    "model_unavailable": 503,
    "broker_unavailable": 503,
}
"""The status that a code is answered with, where it is not 400."""

EVERYWHERE = (
    "invalid_request",
    "unknown_host",
    "unauthorized",
    "foreign_origin",
    "forbidden",
    "too_many_requests",
    "internal_error",
)
"""What any request may be answered."""

URL_CODES = ("invalid_url", "url_not_public", "url_type", "url_failed", "url_busy")
"""What an operation that fetches a URL may be answered."""

_REFERENCE = "#/components/schemas/{model}"
_FILES = {
    "type": "array",
    "items": {"type": "string", "format": "binary"},
    "description": "An archive (zip, tar, tar.gz), or one or several images.",
}


def problems(*codes: str) -> dict[int, Any]:
    """Return the error responses of an operation that may fail with `codes`."""
    by_status: dict[int, list[str]] = {}
    for code in codes:
        by_status.setdefault(STATUS_OF_CODE.get(code, 400), []).append(code)
    return {status: _response(found) for status, found in by_status.items()}


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


def _response(codes: list[str]) -> dict[str, Any]:
    text = "\n".join(f"- `{code}`: {ERROR_CODES[code]}" for code in codes)
    return {"description": text, "content": {PROBLEM_TYPE: {"schema": _named("Problem")}}}


def _named(model: str) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(model=model)}


def _complete(document: Any) -> Any:
    """Add what holds for all operations, and the bodies that APIFlask does not know."""
    document["info"]["version"] = __version__
    document["security"] = [{}, {"key": []}]
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for model in (Problem, JobFromUpload, JobFromUrl, PredictionFromUrl):
        schema = model.model_json_schema(ref_template=_REFERENCE)
        schemas |= schema.pop("$defs", {})
        schemas[model.__name__] = schema
    bodies = _bodies()
    _add_offset(document["paths"])
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method != "parameters":
                _add_common_problems(operation["responses"])
                if (path, method) in bodies:
                    operation["requestBody"] = {"content": bodies[path, method]}
    return document


def _add_offset(paths: dict[str, Any]) -> None:
    """Describe the one HEAD of its own, which APIFlask passes over."""
    address = paths["/api/v1/uploads/{upload_id}"]
    address["head"] = {
        "operationId": "getUploadOffset",
        "summary": "Tell how many bytes of an upload have arrived.",
        "tags": ["Uploads"],
        "parameters": address["patch"]["parameters"],
        "responses": {
            "200": {"description": "`Upload-Offset` is where to go on, `Upload-Length` the end."}
        }
        | {
            str(status): {"description": response["description"]}
            for status, response in problems("upload_not_found", "unsupported_tus_version").items()
        },
    }


def _add_common_problems(responses: dict[str, Any]) -> None:
    for status, response in problems(*EVERYWHERE).items():
        known = responses.setdefault(str(status), response)
        if known is not response:
            known["description"] += "\n" + response["description"]


def _bodies() -> dict[tuple[str, str], dict[str, Any]]:
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {
        ("/api/v1/jobs", "post"): {
            "multipart/form-data": _multipart(JobFromFiles.model_json_schema()),
            "application/json": {
                "schema": {"oneOf": [_named("JobFromUpload"), _named("JobFromUrl")]}
            },
        },
        ("/api/v1/predict", "post"): {
            "multipart/form-data": _multipart(Choices.model_json_schema()),
            "application/json": {"schema": _named("PredictionFromUrl")},
        },
        ("/api/v1/uploads", "post"): {"application/offset+octet-stream": binary},
        ("/api/v1/uploads/{upload_id}", "patch"): {"application/offset+octet-stream": binary},
    }


def _multipart(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a form of the fields of `schema` and of files."""
    properties = {"file": _FILES, **schema["properties"]}
    return {"schema": {**schema, "properties": properties, "required": ["file"]}}
