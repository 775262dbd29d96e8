"""How values look on a page: numbers, bytes, times, names, in the page's language."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode

from babel.dates import format_datetime, format_timedelta
from babel.numbers import format_decimal, format_percent
from flask import Flask, request, url_for
from flask_babel import gettext
from markupsafe import Markup

from semblante.duration import duration as plain_duration
from semblante.errors import ERROR_CODES
from semblante.message import Message
from semblante_web.language import language

UNITS = ("B", "kB", "MB", "GB", "TB")


def register_filters(app: Flask) -> None:
    """Give the templates of `app` these functions as filters."""
    for function in (
        size,
        duration,
        moment,
        number,
        share,
        whole_share,
        explanation,
        emotion_name,
        told,
    ):
        app.add_template_filter(function)
    app.add_template_global(in_language)


def size(count: int) -> str:
    """Return a number of bytes with a decimal unit, as file managers show it."""
    value = float(count)
    for unit in UNITS:
        if value < 1000 or unit == UNITS[-1]:
            break
        value /= 1000
    return f"{format_decimal(round(value, 1), locale=language())} {unit}"


def duration(seconds: float) -> str:
    """Return a time as `3 s`, `2 min 5 s` or `1 h 4 min`."""
    if 0 < seconds < 10:
        return f"{format_decimal(round(seconds, 1), locale=language())} s"
    return plain_duration(seconds)


def moment(at: datetime) -> Markup:
    """Return how long ago `at` was, with its date and time (UTC) for whoever points at it."""
    difference = at - datetime.now(UTC)
    age = format_timedelta(difference, add_direction=True, threshold=0.95, locale=language())
    date = f"{format_datetime(at, 'medium', tzinfo=UTC, locale=language())} UTC"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(at.isoformat(), date, age)


def number(value: float) -> str:
    """Return a number with the language's separators and at most one decimal."""
    return _decimal(value, language())


def share(value: float) -> str:
    """Return 0..1 as a percentage with at most one decimal."""
    return _percent(value, "#,##0.#%" if language() == "en" else "#,##0.# %", language())


def whole_share(value: float) -> str:
    """Return 0..1 as a percentage without decimals."""
    return _percent(value, None, language())


# A job's page shows a hundred numbers, again and again, and Babel takes 0.1 ms for each.
@functools.lru_cache(4096)
def _decimal(value: float, locale: str) -> str:
    return format_decimal(value, format="#,##0.#", locale=locale)


@functools.lru_cache(4096)
def _percent(value: float, pattern: str | None, locale: str) -> str:
    return format_percent(value, format=pattern, locale=locale)


def explanation(code: str) -> str:
    """Return what an error code means."""
    return str(gettext(ERROR_CODES.get(code, ERROR_CODES["internal_error"])))


def emotion_name(emotion: str, classes: list[Mapping[str, str]]) -> str:
    """Return the name of a class of a job's model, with a capital letter."""
    names = {item["id"]: item[language()] for item in classes}
    return names.get(emotion, emotion).capitalize()


def told(message: Message) -> str:
    """Return an error's message in the page's language."""
    return message.told(gettext)


def in_language(code: str) -> str:
    """Return the address of this page in another language."""
    if request.endpoint is None or request.method != "GET":
        return url_for("pages.show_upload", lang=code)
    query = request.args.to_dict() | {"lang": code}  # whose names are not to be url_for's own
    return f"{url_for(request.endpoint, **(request.view_args or {}))}?{urlencode(query)}"
