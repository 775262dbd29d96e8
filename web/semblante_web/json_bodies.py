"""JSON that strangers send: bounded in size and depth, since it is read into memory at once."""

from __future__ import annotations

import json
from typing import Any

from flask import Flask, request
from flask.json.provider import DefaultJSONProvider

MAX_BYTES = 1024 * 1024
MAX_PICTURE_BYTES = 24 * MAX_BYTES
"""Of the one address that takes pictures in JSON or in a field, as base64."""
PICTURE_ENDPOINT = "predict.predict_image"


class _JsonProvider(DefaultJSONProvider):
    """Flask's own, but what is nested too deeply, or is no text, is bad JSON and no defect of ours.

    A lone surrogate (`"\\ud800"`) is no text: neither a page nor an event could ever say it.
    """

    sort_keys = False

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        try:
            found = super().loads(s, **kwargs)
            if not s.isascii() or _has_escape(s):
                json.dumps(found, ensure_ascii=False).encode()  # UnicodeEncodeError: a ValueError
        except RecursionError as error:
            raise ValueError("The JSON is nested too deeply.") from error
        return found


def register_json(app: Flask) -> None:
    """Read and write the JSON of `app`; a larger body is answered 413."""
    app.json = _JsonProvider(app)
    app.before_request(_bound_size)


def _has_escape(text: str | bytes) -> bool:
    """Whether it may say a surrogate in ASCII: most pictures in base64 need no second look."""
    return "\\" in text if isinstance(text, str) else b"\\" in text


def _bound_size() -> None:
    takes_picture = request.endpoint == PICTURE_ENDPOINT
    if request.is_json:
        request.max_content_length = MAX_PICTURE_BYTES if takes_picture else MAX_BYTES
    elif takes_picture:
        request.max_form_memory_size = MAX_PICTURE_BYTES
