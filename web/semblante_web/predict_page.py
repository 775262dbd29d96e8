"""The page for one image: choose it or name its URL, look, and see its labels at once."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from contextlib import suppress

from apiflask import APIBlueprint
from flask import render_template, request

from semblante.errors import ImageError, Refused, SemblanteError
from semblante_web.current import services
from semblante_web.htmx import is_htmx
from semblante_web.job_options import Choices, PredictionFromUrl
from semblante_web.models_api import ModelView, model_views
from semblante_web.predict_api import BLOCK_BYTES, PredictionView
from semblante_web.prediction import predict
from semblante_web.thumbnail import MIME_TYPE, shrink
from semblante_web.url_source import fetched_image
from semblante_web.validation import validated

PICTURE_SIDE = 640
blueprint = APIBlueprint("predict_page", __name__, enable_openapi=False)


@blueprint.get("/predict")
def show_form() -> str:
    """Show where to choose an image."""
    return render_template("predict.html", models=model_views())


@blueprint.post("/predict")
def show_faces() -> tuple[str, int]:
    """Show the labels of the image sent; htmx puts them into the page, others get a page."""
    template = "predict_faces.html" if is_htmx() else "predict.html"
    models = model_views()
    try:
        found, picture = _label()
    except SemblanteError as error:
        # htmx shows only answers that went well.
        status = 200 if is_htmx() else error.http_status
        return render_template(template, models=models, refusal=error), status
    classes = _classes(models, found.model)
    return render_template(
        template, models=models, found=found, picture=picture, classes=classes
    ), 200


def _label() -> tuple[PredictionView, str | None]:
    """Return the faces of the form's image, and a data URL that shows it."""
    fields = {name: text.strip() for name, text in request.form.items() if text.strip()}
    file = request.files.get("file")
    if file is not None and file.filename:
        fields.pop("url", None)
        stream = file.stream
        return _label_blocks(
            validated(Choices, fields), iter(lambda: stream.read(BLOCK_BYTES), b"")
        )
    if "url" not in fields:
        raise Refused("no_file", "Choose an image, or give its URL.")
    wanted = validated(PredictionFromUrl, fields)
    with fetched_image(services().settings, wanted.url) as fetched:
        return _label_blocks(wanted, fetched.blocks)


def _label_blocks(choices: Choices, blocks: Iterable[bytes]) -> tuple[PredictionView, str | None]:
    kept: list[bytes] = []
    answer = predict(services(), _keeping(blocks, kept), choices.model, choices.detect)
    found = PredictionView.model_validate(answer)
    with suppress(ImageError):  # a worker reads some formats that the web does not show
        small = shrink(b"".join(kept), services().settings, PICTURE_SIDE)
        return found, f"data:{MIME_TYPE};base64,{base64.b64encode(small).decode()}"
    return found, None


def _keeping(blocks: Iterable[bytes], kept: list[bytes]) -> Iterator[bytes]:
    """Pass `blocks` on, which `predict` bounds, and keep them to show the image."""
    for block in blocks:
        kept.append(block)
        yield block


def _classes(models: list[ModelView], reference: str) -> list[dict[str, str]]:
    for model in models:
        if model.reference == reference:
            return model.classes
    return []
