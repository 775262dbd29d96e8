"""What a server's refusal means: problem+json (RFC 9457) as the exceptions of `errors.py`."""

from __future__ import annotations

from collections.abc import Callable

import httpx
from pydantic import BaseModel, ValidationError

from semblante.errors import (
    Conflict,
    NotFound,
    Refused,
    SemblanteError,
    TooLarge,
    Unauthorized,
    Unavailable,
)

NOT_MODIFIED = 304
ERRORS: dict[int, Callable[[str, str], SemblanteError]] = {
    401: Unauthorized,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    503: Unavailable,
}


class Problem(BaseModel):
    """The members of a problem document that a client needs."""

    code: str
    title: str = ""
    detail: str = ""


def check_response(response: httpx.Response) -> None:
    """Raise the error that a response stands for; its body must have been read.

    Raises:
        SemblanteError: Of the class that belongs to the status, with the server's code and detail.
            `server_unavailable` when the answer is not Semblante's (a proxy's page, say).
    """
    if response.is_success or response.status_code == NOT_MODIFIED:
        return
    try:
        problem = Problem.model_validate_json(response.content)
    except ValidationError:
        raise Unavailable(
            "server_unavailable",
            f"{response.request.url} answered {response.status_code} {response.reason_phrase}, "
            "which is not how a Semblante server answers: check the address.",
        ) from None
    kind = ERRORS.get(response.status_code)
    if kind is None:
        kind = Refused if response.is_client_error else SemblanteError
    raise kind(problem.code, problem.detail or problem.title or problem.code)


def unreachable(error: httpx.TransportError, server: str) -> Unavailable:
    """Return the error for a server that does not answer."""
    return Unavailable(
        "server_unavailable",
        f"No server answers at {server} ({error or type(error).__name__}). Start one by "
        "`semblante up`, or name another with --server.",
    )
