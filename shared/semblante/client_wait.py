"""Waiting for a job of a server: by requests that the server answers when the job changes."""

from __future__ import annotations

import time
from collections.abc import Callable

from semblante.errors import Unavailable
from semblante.http_transport import Transport, to_job
from semblante.job_view import JobView

SERVER_WAIT_SECONDS = 30.0
FIRST_PAUSE_SECONDS = 0.2
LAST_PAUSE_SECONDS = 1.0
"""Between two requests at least: a quick job changes many times in a second."""
PATIENCE_SECONDS = 60.0
"""How long a server that does not answer is borne: a restart takes less."""


def wait_for_end(
    api: Transport,
    address: str,
    on_progress: Callable[[JobView], None] | None,
    timeout: float | None,
) -> JobView:
    """Return the job at `address` when it has ended.

    Raises:
        TimeoutError: When it has not ended within `timeout` seconds.
        Unavailable: `server_unavailable`, when the server stays away.
    """
    deadline = time.monotonic() + timeout if timeout is not None else float("inf")
    tag: str | None = None
    pause, answered = FIRST_PAUSE_SECONDS, time.monotonic()
    while True:
        began = time.monotonic()
        wait = max(0.0, min(SERVER_WAIT_SECONDS, deadline - began))
        headers = {"If-None-Match": tag} if tag else {}
        params = {"wait": f"{wait:.3f}"} if tag else {}
        try:
            answer = api.send("GET", address, headers=headers, params=params)
        except Unavailable:
            if time.monotonic() - answered > PATIENCE_SECONDS:
                raise
        else:
            answered = time.monotonic()
            if answer.is_success:
                view, tag = to_job(answer), answer.headers.get("ETag")
                if on_progress is not None:
                    on_progress(view)
                if not view.is_open:
                    return view
        if time.monotonic() + pause > deadline:
            raise TimeoutError(f"{address} has not ended within {timeout:g} s.")
        time.sleep(max(0.0, began + pause - time.monotonic()))
        pause = min(pause * 1.5, LAST_PAUSE_SECONDS)
