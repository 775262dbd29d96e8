"""Answers about a job that were made a moment ago: many people watch the same one."""

from __future__ import annotations

import time
from typing import NamedTuple

from flask import Flask, Response, current_app, jsonify

from semblante.emotions import Language
from semblante.services import Services
from semblante_web.changes import view_of
from semblante_web.language import language

FRESH_SECONDS = 1.0
"""How long an answer may be given again: only its speed and the time left can be older than it."""
MOST_ANSWERS = 256
EXTENSION = "semblante_recent_views"


class _Answer(NamedTuple):
    tag: str
    made_at: float
    body: bytes


def register_recent_views(app: Flask) -> None:
    """Give `app` room for them."""
    app.extensions[EXTENSION] = dict[tuple[str, Language], _Answer]()


def answer_about(services: Services, job_id: str, tag: str) -> Response:
    """Return the job as JSON, in the version `tag` that it has now, or in a later one.

    Raises:
        NotFound: `job_not_found`.
    """
    recent: dict[tuple[str, Language], _Answer] = current_app.extensions[EXTENSION]
    now = time.monotonic()
    key = job_id, language()  # an error is told in it
    known = recent.get(key)
    if known is not None and known.tag == tag and now - known.made_at < FRESH_SECONDS:
        return Response(known.body, mimetype="application/json")
    answer = jsonify(view_of(services, job_id).model_dump(mode="json"))
    if len(recent) >= MOST_ANSWERS:
        recent.clear()
    recent[key] = _Answer(tag, now, answer.get_data())
    return answer
