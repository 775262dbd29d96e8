"""The page that labels what the browser's camera sees; it asks `POST /api/v1/predict` per frame."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import render_template

from semblante_web.language import language
from semblante_web.models_api import model_views

blueprint = APIBlueprint("live_page", __name__, enable_openapi=False)


@blueprint.get("/live")
def show_live() -> str:
    """Show where to start the camera."""
    models = model_views()
    names = {
        model.reference: {
            item.id: getattr(item, language()).capitalize() for item in model.card.classes
        }
        for model in models
    }
    return render_template("live.html", models=models, names=names)
