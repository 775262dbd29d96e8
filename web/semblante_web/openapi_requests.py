"""What requests carry besides paths and queries: bodies and headers that APIFlask cannot see."""

from __future__ import annotations

from typing import Any

from semblante_web import tus
from semblante_web.deepface import DeepfaceRequest
from semblante_web.job_options import Choices, JobFromFiles
from semblante_web.openapi_problems import named, problems
from semblante_web.submission import MAX_KEY

UPLOADS = "/api/v1/uploads"
UPLOAD = "/api/v1/uploads/{upload_id}"
JOBS = "/api/v1/jobs"
JOB = "/api/v1/jobs/{job_id}"
TRUTH = "/api/v1/jobs/{job_id}/truth"
PREDICT = "/api/v1/predict"

_FILES = {
    "type": "array",
    "minItems": 1,
    "items": {"type": "string", "format": "binary"},
    "description": "An archive (zip, tar, tar.gz), or one or several images.",
}
_IMAGE = {"type": "string", "format": "binary", "description": "The image."}
_BYTES = {"schema": {"type": "string", "format": "binary"}}
_NUMBER = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}


def _header(name: str, schema: dict[str, Any], text: str, *, needed: bool = False) -> Any:
    return {"in": "header", "name": name, "schema": schema, "description": text, "required": needed}


_VERSION = _header("Tus-Resumable", {"const": tus.VERSION}, "Of the protocol.", needed=True)
_CHECKSUM = _header(
    "Upload-Checksum", {"type": "string"}, "`sha1` or `sha256`, a space, the base64 of the hash."
)
HEADERS: dict[tuple[str, str], list[Any]] = {
    (JOBS, "post"): [
        _header(
            "Idempotency-Key",
            {"type": "string", "minLength": 1, "maxLength": MAX_KEY},
            "The same request with the same key gives the same job.",
        )
    ],
    (JOB, "get"): [_header("If-None-Match", {"type": "string"}, "The `ETag` that the sender has.")],
    (UPLOADS, "post"): [
        _VERSION,
        _header("Upload-Length", _NUMBER, "Bytes in all.", needed=True),
        _header(
            "Upload-Metadata", {"type": "string"}, "`filename`, a space, the base64 of the name."
        ),
        _CHECKSUM,
    ],
    (UPLOAD, "patch"): [
        _VERSION,
        _header("Upload-Offset", _NUMBER, "Where the bytes go on.", needed=True),
        _CHECKSUM,
    ],
    (UPLOAD, "head"): [_VERSION],
    (UPLOAD, "delete"): [_VERSION],
}


def bodies() -> dict[tuple[str, str], dict[str, Any]]:
    """Return the content of requests' bodies by path and method."""
    predictions = [_multipart(Choices.model_json_schema(), _IMAGE), _deepface_form()]
    return {
        (JOBS, "post"): {
            "multipart/form-data": {"schema": _multipart(JobFromFiles.model_json_schema(), _FILES)},
            "application/json": {
                "schema": {"oneOf": [named("JobFromUpload"), named("JobFromUrl")]}
            },
        },
        (PREDICT, "post"): {
            "multipart/form-data": {"schema": {"anyOf": predictions}},
            "application/json": {
                "schema": {"anyOf": [named("PredictionFromUrl"), named("DeepfaceRequest")]}
            },
        },
        (TRUTH, "put"): {
            "text/csv": {"schema": {"type": "string"}},
            "application/json": {"schema": named("TruthFromFolders")},
        },
        (UPLOADS, "post"): {tus.CONTENT_TYPE: _BYTES},
        (UPLOAD, "patch"): {tus.CONTENT_TYPE: _BYTES},
    }


def add_offset(paths: dict[str, Any]) -> None:
    """Describe the one HEAD of its own, which APIFlask passes over."""
    address = paths[UPLOAD]
    found = {"200": {"description": "`Upload-Offset`: where to go on; `Upload-Length`: the end."}}
    address["head"] = {
        "operationId": "getUploadOffset",
        "summary": "Tell how many bytes of an upload have arrived.",
        "tags": ["Uploads"],
        "parameters": [*address["patch"]["parameters"]],
        "responses": found
        | {
            str(status): {"description": response["description"]}
            for status, response in problems("upload_not_found", "unsupported_tus_version").items()
        },
    }


def _multipart(schema: dict[str, Any], files: dict[str, Any], name: str = "file") -> dict[str, Any]:
    """Return a form of the fields of `schema` and of files."""
    properties = {name: files, **schema["properties"]}
    return {**schema, "properties": properties, "required": [name]}


def _deepface_form() -> dict[str, Any]:
    schema = DeepfaceRequest.model_json_schema()
    del schema["properties"]["img"]
    return {**_multipart(schema, _IMAGE, "img"), "title": "DeepfaceForm"}
