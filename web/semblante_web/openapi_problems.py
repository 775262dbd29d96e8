"""The error responses of operations, from the codes that they may be answered."""

from __future__ import annotations

from typing import Any

from semblante.errors import ERROR_CODES
from semblante_web.problems import PROBLEM_TYPE

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
    "wrong_content_type": 415,
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
    "storage_unavailable": 503,
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

REFERENCE = "#/components/schemas/{model}"


def problems(*codes: str) -> dict[int, Any]:
    """Return the error responses of an operation that may fail with `codes`."""
    by_status: dict[int, list[str]] = {}
    for code in codes:
        by_status.setdefault(STATUS_OF_CODE.get(code, 400), []).append(code)
    return {status: _response(found) for status, found in by_status.items()}


def add_common_problems(responses: dict[str, Any]) -> None:
    """Add what any request may be answered to the responses of an operation."""
    for status, response in problems(*EVERYWHERE).items():
        known = responses.setdefault(str(status), response)
        if known is not response and response["description"] not in known["description"]:
            known["description"] += "\n" + response["description"]


def named(model: str) -> dict[str, str]:
    """Return the reference to a schema."""
    return {"$ref": REFERENCE.format(model=model)}


def _response(codes: list[str]) -> dict[str, Any]:
    text = "\n".join(f"- `{code}`: {ERROR_CODES[code]}" for code in codes)
    return {"description": text, "content": {PROBLEM_TYPE: {"schema": named("Problem")}}}
