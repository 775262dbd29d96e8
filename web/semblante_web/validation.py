"""Input that APIFlask does not read by itself, checked by the same pydantic models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from flask import request
from pydantic import BaseModel, ValidationError

from semblante import input_error
from semblante.errors import Refused

Model = TypeVar("Model", bound=BaseModel)


def validated(model: type[Model], values: Mapping[str, Any]) -> Model:
    """Return `values` as a `model`.

    Raises:
        Refused: `invalid_request`; the message names the first wrong field.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise Refused("invalid_request", input_error.first_of(error)) from error


def json_object() -> dict[str, Any]:
    """Return the request's body.

    Raises:
        Refused: `invalid_request`, when it is no JSON object.
    """
    values = request.get_json()
    if not isinstance(values, dict):
        raise Refused("invalid_request", "The body must be a JSON object.")
    return values
