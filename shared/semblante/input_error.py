"""What pydantic finds wrong in input, as messages that can be told in another language."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import Any

from pydantic import ValidationError

from semblante.message import Message

KINDS: dict[str, str] = {
    "bool_parsing": "Input should be true or false",
    "bool_type": "Input should be true or false",
    "dict_type": "Input should be an object",
    "extra_forbidden": "Extra inputs are not permitted",
    "finite_number": "Input should be a finite number",
    "float_parsing": "Input should be a number",
    "float_type": "Input should be a number",
    "greater_than": "Input should be greater than %(gt)s",
    "greater_than_equal": "Input should be greater than or equal to %(ge)s",
    "int_from_float": "Input should be a whole number",
    "int_parsing": "Input should be a whole number",
    "int_type": "Input should be a whole number",
    "json_invalid": "Invalid JSON: %(error)s",
    "less_than": "Input should be less than %(lt)s",
    "less_than_equal": "Input should be less than or equal to %(le)s",
    "list_type": "Input should be a list",
    "literal_error": "Input should be one of %(expected)s",
    "missing": "Field required",
    "model_attributes_type": "Input should be an object",
    "model_type": "Input should be an object",
    "string_pattern_mismatch": "Text should match the pattern '%(pattern)s'",
    "string_too_long": "Text should have at most %(max_length)s characters",
    "string_too_short": "Text should have at least %(min_length)s characters",
    "string_type": "Input should be a text",
    "too_long": "There should be at most %(max_length)s items, not %(actual_length)s",
    "too_short": "There should be at least %(min_length)s items, not %(actual_length)s",
    "tuple_type": "Input should be a list",
}
"""Templates by pydantic's types of error; any other type is told in pydantic's English."""


def first_of(error: ValidationError) -> Message:
    """Return what is wrong with the first field, named."""
    return next(_messages(error, ""))


def all_of(error: ValidationError, location: str) -> Message:
    """Return what is wrong with each field; `location` says where the fields were: the query."""
    return reduce(
        lambda some, another: Message("%(some)s; %(another)s", some=some, another=another),
        _messages(error, location),
    )


def _messages(error: ValidationError, location: str) -> Iterator[Message]:
    for found in error.errors(include_url=False, include_input=False):
        places = (location, *found["loc"]) if location else found["loc"]
        field = ".".join(str(place) for place in places)
        problem = _problem(found)
        yield Message("%(field)s: %(problem)s", field=field, problem=problem) if field else problem


def _problem(found: Any) -> Message:
    values: dict[str, Any] = found.get("ctx", {})
    reason = getattr(values.get("error"), "args", None)
    if reason and isinstance(reason[0], Message):  # a validator's ValueError(Message(...))
        return reason[0]
    if "expected" in values:  # `'a', 'b' or 'c'`
        values["expected"] = values["expected"].replace("' or '", "', '")
    if found["type"] in KINDS:
        return Message(KINDS[found["type"]], **values)
    return Message("%(reason)s", reason=found["msg"])
