"""What the form of the first page asks for: files or a URL, options, and a note."""

from __future__ import annotations

import json

from flask import request

from semblante.job_list import NOTE
from semblante_web.job_options import JobFromFiles, JobFromUrl
from semblante_web.submission import Request
from semblante_web.validation import validated

SENDING_CODES = (
    "queue_full",
    "quota_exceeded",
    "too_many_requests",
    "too_large_upload",
    "upload_not_found",
    "upload_incomplete",
    "unauthorized",
    "forbidden",
    "model_not_found",
    "storage_unavailable",
    "database_unavailable",
    "invalid_url",
    "url_not_public",
    "url_failed",
    "url_type",
    "url_busy",
    "internal_error",
)
"""Why sending may be refused; the page says it in its language."""


def read_form() -> Request:
    """Return what the form asks for. Files go before a URL.

    Raises:
        Refused: `invalid_request`.
    """
    fields = {name: text.strip() for name, text in request.form.items() if text.strip()}
    note = fields.pop(NOTE, None)
    metadata = {NOTE: note} if note else {}
    # A browser sends an empty part for a file field that was left alone.
    files = [file for file in request.files.getlist("file") if file.filename]
    if "url" in fields and not files:
        return Request(validated(JobFromUrl, {**fields, "metadata": metadata}), (), None)
    fields.pop("url", None)
    options = validated(JobFromFiles, {**fields, "metadata": json.dumps(metadata)})
    return Request(options, files, None)
