"""JSON that strangers send: bounded in size and depth, since it is read into memory at once."""

from __future__ import annotations

from typing import Any

from flask import Flask, request
from flask.json.provider import DefaultJSONProvider

MAX_BYTES = 1024 * 1024
MAX_PICTURE_BYTES = 24 * MAX_BYTES
"""Of the one address that takes pictures in JSON, as base64."""
PICTURE_ENDPOINT = "predict.predict_image"


class _JsonProvider(DefaultJSONProvider):
    """Flask's own, but what is nested too deeply is bad JSON and no defect of ours."""

    sort_keys = False

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        try:
            return super().loads(s, **kwargs)
        except RecursionError as error:
            raise ValueError("The JSON is nested too deeply.") from error


def register_json(app: Flask) -> None:
    """Read and write the JSON of `app`; a larger body is answered 413."""
    app.json = _JsonProvider(app)
    app.before_request(_bound_size)


def _bound_size() -> None:
    if request.is_json:
        takes_picture = request.endpoint == PICTURE_ENDPOINT
        request.max_content_length = MAX_PICTURE_BYTES if takes_picture else MAX_BYTES
