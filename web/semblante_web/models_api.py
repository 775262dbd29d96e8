"""The models over HTTP: their cards, and which one is the default."""

from __future__ import annotations

from apiflask import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field

from semblante import registry
from semblante.card import Card
from semblante.default_model import default_reference, set_default
from semblante.registry import ListedModel, Origin
from semblante_web.access import record, require
from semblante_web.current import services
from semblante_web.openapi_problems import problems

blueprint = APIBlueprint("models", __name__, url_prefix="/api/v1/models", tag="Models")


class ModelView(BaseModel):
    """A model that jobs can name."""

    reference: str = Field(description="`name@first-12-of-sha256`, as in the CSV.")
    sha256: str = Field(description="Of the card, which names the sha256 of every other file.")
    origin: Origin = Field(description="Whether it comes with Semblante or was imported.")
    size_bytes: int = Field(description="Of all its files.")
    is_default: bool = Field(description="Whether a job that names no model runs it.")
    card: Card

    @property
    def classes(self) -> list[dict[str, str]]:
        """The card's classes, as jobs keep theirs."""
        return [item.model_dump() for item in self.card.classes]


class ModelList(BaseModel):
    """The models that jobs can name."""

    items: list[ModelView]


class DefaultModel(BaseModel):
    """The model of jobs that name none."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(description="A name, which goes on to mean its last import, or a reference.")


@blueprint.get("")
@blueprint.output(ModelList)
@blueprint.doc(operation_id="listModels")
def list_models() -> ModelList:
    """List the models with their cards."""
    return ModelList(items=model_views())


@blueprint.get("/<name>")
@blueprint.output(ModelView)
@blueprint.doc(operation_id="getModel", responses=problems("model_not_found"))
def show_model(name: str) -> ModelView:
    """Show a model by its name or by `name@digest`."""
    with services().database.reading() as session:
        model = registry.find(session, name)
        return _view(model, default_reference(session, services().settings))


@blueprint.put("/default")
@blueprint.input(DefaultModel)
@blueprint.output(ModelView)
@blueprint.doc(operation_id="setDefaultModel", responses=problems("model_not_found"))
def choose_default(json_data: DefaultModel) -> ModelView:
    """Choose the model of jobs that name none; jobs that exist keep their model."""
    require("admin")
    with services().database.writing() as session:
        model = set_default(session, json_data.model)
        record(session, "default_model", model.reference)
    return _view(model, model.reference)


def model_views() -> list[ModelView]:
    """Return the models: the default, those that come with Semblante, those imported."""
    with services().database.reading() as session:
        default = default_reference(session, services().settings)
        views = [_view(model, default) for model in registry.models(session)]
    return sorted(views, key=lambda view: not view.is_default)


def _view(model: ListedModel, default: str | None) -> ModelView:
    return ModelView(
        reference=model.reference,
        sha256=model.digest,
        origin=model.origin,
        size_bytes=model.size_bytes,
        is_default=model.reference == default,
        card=model.card,
    )
