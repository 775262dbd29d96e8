"""Answers to htmx, which sends a page's forms without leaving it, and to plain browsers."""

from __future__ import annotations

from flask import Response, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse


def is_htmx() -> bool:
    """Whether htmx sent the request, and puts a part of a page in its place."""
    return request.headers.get("HX-Request") == "true"


def go_to(address: str) -> WerkzeugResponse:
    """Let the browser show the page at `address` after a change."""
    if is_htmx():
        return Response(status=204, headers={"HX-Redirect": address})
    return redirect(address, 303)
