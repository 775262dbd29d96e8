"""The API's reference as a page, drawn by Swagger UI from our own files."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import render_template

blueprint = APIBlueprint("docs", __name__, url_prefix="/api/v1", enable_openapi=False)


@blueprint.get("/docs")
def show_docs() -> str:
    """Show the reference."""
    return render_template("docs.html")
