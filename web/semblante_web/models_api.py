"""The installed models over HTTP: their cards."""

from __future__ import annotations

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from semblante.bundles import Bundle, find_bundle, installed_bundles
from semblante.card import Card
from semblante_web.current import services
from semblante_web.openapi import problems

blueprint = APIBlueprint("models", __name__, url_prefix="/api/v1/models", tag="Models")


class ModelView(BaseModel):
    """An installed model."""

    reference: str = Field(description="`name@first-12-of-sha256`, as in the CSV.")
    is_default: bool = Field(description="Whether a job that names no model runs it.")
    card: Card


class ModelList(BaseModel):
    """The installed models."""

    items: list[ModelView]


@blueprint.get("")
@blueprint.output(ModelList)
@blueprint.doc(operation_id="listModels")
def list_models() -> ModelList:
    """List the installed models with their cards."""
    return ModelList(items=model_views())


@blueprint.get("/<name>")
@blueprint.output(ModelView)
@blueprint.doc(operation_id="getModel", responses=problems("model_not_found"))
def show_model(name: str) -> ModelView:
    """Show a model by its name or by `name@digest`."""
    return _view(find_bundle(services().settings.data, name), _default())


def model_views() -> list[ModelView]:
    """Return the installed models, those that come with Semblante first."""
    default = _default()
    return [_view(bundle, default) for bundle in installed_bundles(services().settings.data)]


def _default() -> str:
    settings = services().settings
    return find_bundle(settings.data, settings.model).reference


def _view(bundle: Bundle, default: str) -> ModelView:
    return ModelView(
        reference=bundle.reference, is_default=bundle.reference == default, card=bundle.card
    )
