"""The page of models: their cards, and for admins the import, the default and the removal."""

from __future__ import annotations

import tempfile
from pathlib import Path

from apiflask import APIBlueprint
from flask import render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from semblante import registry
from semblante.bundle_import import discard_unused, import_bundle
from semblante.confusion import Confusion
from semblante.default_model import forget_missing_default, set_default
from semblante.errors import Refused, SemblanteError
from semblante_web.access import record, require
from semblante_web.card_texts import translated
from semblante_web.current import services
from semblante_web.htmx import go_to
from semblante_web.models_api import ModelView, model_views

blueprint = APIBlueprint("models_page", __name__, url_prefix="/models", enable_openapi=False)


@blueprint.get("")
def list_models() -> str:
    """Show the models that jobs can name."""
    return _page()


@blueprint.post("/import")
def import_model() -> Response | tuple[str, int]:
    """Import the bundle, a zip, that the form brings."""
    require("admin")
    with tempfile.TemporaryDirectory(prefix="semblante-") as folder:
        try:
            _import(Path(folder))
        except SemblanteError as error:
            message = error.said.told(gettext).replace(f"{folder}/", "")
            return _page(refusal=error, detail=message), error.http_status
    return go_to(url_for("models_page.list_models"))


@blueprint.post("/<name>/default")
def choose_default(name: str) -> Response:
    """Make a model that of jobs that name none."""
    require("admin")
    with services().database.writing() as session:
        record(session, "default_model", set_default(session, name).reference)
    return go_to(url_for("models_page.list_models"))


@blueprint.post("/<name>/remove")
def remove_model(name: str) -> Response:
    """Let no new job name an imported model."""
    require("admin")
    with services().database.writing() as session:
        for reference in registry.remove(session, name):
            record(session, "remove_model", reference)
        forget_missing_default(session)
    discard_unused(services().database, services().storage)
    return go_to(url_for("models_page.list_models"))


def _import(folder: Path) -> None:
    file = request.files.get("file")
    if file is None or not file.filename:
        raise Refused("no_file", "Choose a bundle: a zip with card.json and the weights.")
    path = folder / "bundle.zip"
    file.save(path)
    model = import_bundle(services().database, services().storage, path)
    with services().database.writing() as session:
        record(session, "import_model", model.reference)


def _page(refusal: SemblanteError | None = None, detail: str | None = None) -> str:
    return render_template(
        "models.html",
        models=model_views(),
        matrices=_matrices,
        translated=translated,
        refusal=refusal,
        detail=detail,
    )


def _matrices(model: ModelView) -> dict[str, Confusion]:
    """Return the confusion matrices that the card has, by the set that was measured on."""
    names = [item.id for item in model.card.classes]
    return {
        split: Confusion(
            names,
            names,
            {
                (truth, label): count
                for truth, row in zip(names, metrics.confusion, strict=True)
                for label, count in zip(names, row, strict=True)
            },
        )
        for split, metrics in model.card.metrics.items()
        if metrics.confusion is not None
    }
