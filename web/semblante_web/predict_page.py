"""The page for one image: choose, look, and see its labels at once."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import render_template, request

from semblante.errors import SemblanteError
from semblante_web.models_api import ModelView, model_views
from semblante_web.predict_api import predict_form

blueprint = APIBlueprint("predict_page", __name__, enable_openapi=False)


@blueprint.get("/predict")
def show_form() -> str:
    """Show where to choose an image."""
    return render_template("predict.html", models=model_views())


@blueprint.post("/predict")
def show_faces() -> tuple[str, int]:
    """Show the labels of the image sent; htmx puts them into the page, others get a page."""
    is_htmx = request.headers.get("HX-Request") == "true"
    template = "predict_faces.html" if is_htmx else "predict.html"
    models = model_views()
    try:
        found = predict_form()
    except SemblanteError as error:
        # htmx shows only answers that went well.
        status = 200 if is_htmx else error.http_status
        return render_template(template, models=models, refusal=error.code), status
    classes = _classes(models, found.model)
    return render_template(template, models=models, found=found, classes=classes), 200


def _classes(models: list[ModelView], reference: str) -> list[dict[str, str]]:
    for model in models:
        if model.reference == reference:
            return [item.model_dump() for item in model.card.classes]
    return []
