"""Errors as answers: `application/problem+json` (RFC 9457) for programs, a page for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from apiflask import APIFlask, HTTPError
from flask import Response, json, make_response, render_template, request
from pydantic import BaseModel, Field
from sqlalchemy.exc import DataError
from werkzeug.exceptions import HTTPException, SecurityError

from semblante.errors import ERROR_CODES, SemblanteError
from semblante_web.refusals import HttpRefused

PROBLEM_TYPE = "application/problem+json"
STATUS_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large_upload"}
REASONS = {460: "460 Checksum Mismatch"}
log = structlog.get_logger()


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str = Field(description="Address, relative to the server, of the code's explanation.")
    title: str = Field(description="What the code means, the same for every occurrence.")
    status: int = Field(description="The HTTP status.")
    code: str = Field(description="Stable, for programs to decide on.")
    detail: str = Field(description="What went wrong this time and what to do.")


def register_problems(app: APIFlask) -> None:
    """Answer every error of `app` in the form its reader understands."""
    app.register_error_handler(SemblanteError, _semblante_error)
    app.register_error_handler(HTTPException, _http_exception)
    app.register_error_handler(DataError, _impossible_value)
    # Not `app.error_processor`: that would also take over the HTTPExceptions.
    app.error_callback = _invalid_input


def problem(status: int, code: str, detail: str) -> Problem:
    """Return the problem that `code` stands for."""
    title = ERROR_CODES.get(code, ERROR_CODES["internal_error"])
    return Problem(type=f"/errors#{code}", title=title, status=status, code=code, detail=detail)


def is_for_program() -> bool:
    """Whether the request's sender wants JSON rather than a page."""
    if request.path.startswith("/api/"):
        return True
    kinds = ("text/html", "application/json", PROBLEM_TYPE)
    return request.accept_mimetypes.best_match(kinds, "text/html") != "text/html"


def _answer(status: int, code: str, detail: str, headers: Mapping[str, str]) -> Response:
    found = problem(status, code, detail)
    if is_for_program():
        answer = Response(json.dumps(found.model_dump()), content_type=PROBLEM_TYPE)
    else:
        answer = make_response(render_template("error.html", problem=found))
    answer.status = REASONS.get(status, str(status))
    answer.headers.update(headers)
    return answer


def _semblante_error(error: SemblanteError) -> Response:
    status = error.http_status
    if status >= 500:
        log.warning("request failed", path=request.path, code=error.code, detail=error.message)
    headers = error.headers if isinstance(error, HttpRefused) else {}
    return _answer(status, error.code, error.message, headers)


def _impossible_value(error: DataError) -> Response:
    """Answer a value that PostgreSQL cannot hold, a zero byte in a text for example."""
    log.warning("the database refused a value", path=request.path, error=str(error.orig))
    return _answer(400, "invalid_request", "A value of the request cannot be stored or sought.", {})


def _http_exception(error: HTTPException) -> Response:
    status = error.code or 500
    if status < 400:  # the router redirects
        return make_response(error.get_response())
    headers = {k: v for k, v in error.get_headers() if k.lower() not in {"content-type"}}
    if status >= 500:  # Flask has logged the exception itself
        code, detail = "internal_error", ERROR_CODES["internal_error"]
    elif isinstance(error, SecurityError):
        code, detail = "unknown_host", "The Host header is malformed."
    else:
        code = STATUS_CODES.get(status, "invalid_request")
        detail = error.description or error.name
    return _answer(status, code, detail, headers)


def _invalid_input(error: HTTPError) -> Any:
    """Answer what APIFlask's own validation refuses."""
    return _answer(error.status_code, "invalid_request", _fields(error.detail), {})


def _fields(detail: Any) -> str:
    """Write `{location: {field: [messages]}}` as one line."""
    if not isinstance(detail, dict):
        return str(detail)
    return "; ".join(
        f"{location}.{field}: {' '.join(messages)}"
        for location, fields in detail.items()
        for field, messages in fields.items()
    )
