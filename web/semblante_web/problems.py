"""Errors as answers: `application/problem+json` (RFC 9457) for programs, a page for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from apiflask import APIFlask, HTTPError
from flask import Response, json, make_response, render_template, request
from flask_babel import gettext
from pydantic import BaseModel, Field, ValidationError
from sqlalchemy.exc import DataError
from werkzeug.exceptions import HTTPException, SecurityError

from semblante import input_error
from semblante.errors import ERROR_CODES, SemblanteError
from semblante.message import Message
from semblante_web.refusals import HttpRefused

PROGRAM_PATHS = ("/api/", "/metrics")
PROBLEM_TYPE = "application/problem+json"
STATUS_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large_upload"}
HTTP_TEXTS = {
    400: "The request is malformed: its body or a header cannot be read.",
    404: "There is nothing at this address; check its spelling.",
    405: "The method is not allowed for this address.",
    408: "The request was not finished in time.",
    413: "The request's body is larger than this address takes.",
    415: "The body has a type that this address does not take.",
    416: "The range that was asked for is not in the file.",
}
"""What is wrong where HTTP's own rules refuse a request."""
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


def problem(status: int, code: str, detail: Message) -> Problem:
    """Return the problem that `code` stands for, in the language of the request."""
    title = gettext(ERROR_CODES.get(code, ERROR_CODES["internal_error"]))
    told = detail.told(gettext)
    return Problem(type=f"/errors#{code}", title=title, status=status, code=code, detail=told)


def is_for_program() -> bool:
    """Whether the request's sender wants JSON rather than a page."""
    if request.path.startswith(PROGRAM_PATHS):
        return True
    kinds = ("text/html", "application/json", PROBLEM_TYPE)
    return request.accept_mimetypes.best_match(kinds, "text/html") != "text/html"


def _answer(status: int, code: str, detail: Message, headers: Mapping[str, str]) -> Response:
    found = problem(status, code, detail)
    if is_for_program():
        answer = Response(json.dumps(found.model_dump()), content_type=PROBLEM_TYPE)
    else:
        answer = make_response(render_template("error.html", problem=found))
    answer.vary.add("Accept-Language")
    answer.status = REASONS.get(status, str(status))
    answer.headers.update(headers)
    return answer


def _semblante_error(error: SemblanteError) -> Response:
    status = error.http_status
    if status >= 500:
        log.warning("request failed", path=request.path, code=error.code, detail=error.message)
    headers = error.headers if isinstance(error, HttpRefused) else {}
    return _answer(status, error.code, error.said, headers)


def _impossible_value(error: DataError) -> Response:
    """Answer a value that PostgreSQL cannot hold, a zero byte in a text for example."""
    log.warning("the database refused a value", path=request.path, error=str(error.orig))
    detail = Message("A value of the request cannot be stored or sought.")
    return _answer(400, "invalid_request", detail, {})


def _http_exception(error: HTTPException) -> Response:
    status = error.code or 500
    if status < 400:  # the router redirects
        return make_response(error.get_response())
    headers = {k: v for k, v in error.get_headers() if k.lower() not in {"content-type"}}
    if status >= 500:  # Flask has logged the exception itself
        code, detail = "internal_error", Message(ERROR_CODES["internal_error"])
    elif isinstance(error, SecurityError):
        code, detail = "unknown_host", Message("The Host header is malformed.")
    else:
        code = STATUS_CODES.get(status, "invalid_request")
        detail = (
            Message(HTTP_TEXTS[status])
            if status in HTTP_TEXTS
            else Message("%(reason)s", reason=error.description or error.name)
        )
    return _answer(status, code, detail, headers)


def _invalid_input(error: HTTPError) -> Any:
    """Answer what APIFlask's own validation refuses."""
    return _answer(error.status_code, "invalid_request", _fields(error), {})


def _fields(error: HTTPError) -> Message:
    """Say what is wrong with which field of what was validated: query, json, form."""
    if isinstance(error.__cause__, ValidationError):
        return input_error.all_of(error.__cause__, next(iter(error.detail)))
    return Message("%(reason)s", reason=error.message)
