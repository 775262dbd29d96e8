"""One image at once: `POST /api/v1/predict`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from apiflask import APIBlueprint
from flask import jsonify, request
from pydantic import BaseModel, ConfigDict, Field
from werkzeug.datastructures import FileStorage

from semblante.errors import Refused
from semblante_web.current import services
from semblante_web.deepface import DeepfaceRequest, answer_of, picture_of
from semblante_web.job_options import Choices, PredictionFromUrl
from semblante_web.openapi_problems import URL_CODES, problems
from semblante_web.prediction import bounded, predict
from semblante_web.url_source import fetched_image
from semblante_web.validation import json_object, validated

BLOCK_BYTES = 256 * 1024
DEEPFACE_FIELDS = {"img", "img_path"}
blueprint = APIBlueprint("predict", __name__, url_prefix="/api/v1", tag="Predict")


class Box(BaseModel):
    """Where a face lies, in pixels of the upright image."""

    x: int
    y: int
    w: int
    h: int


class Face(BaseModel):
    """A face and its label."""

    emotion: str
    confidence: float = Field(ge=0, le=1)
    probabilities: dict[str, float] = Field(description="Per class of the model, in its order.")
    box: Box | None = Field(description="Null when the whole image was taken as the face.")
    face_confidence: float | None = Field(description="The detector's, if it tells one.")


class PredictionView(BaseModel):
    """The faces of one image."""

    model: str
    detector: str | None = Field(description="What found the boxes; null without a search.")
    width: int
    height: int
    faces: list[Face]


class PredictQuery(BaseModel):
    """In which form the answer is."""

    model_config = ConfigDict(extra="forbid")

    profile: Literal["semblante", "deepface"] = Field(
        "semblante", description="`deepface`: what deepface's API answers, `DeepfaceAnswer`."
    )


@blueprint.post("/predict")
@blueprint.input(PredictQuery, location="query")
@blueprint.output(PredictionView)
@blueprint.doc(
    operation_id="predict",
    responses=problems(
        "no_file",
        "no_face",
        "model_not_found",
        "too_large_upload",
        "unsupported_format",
        "corrupt_image",
        "detection_failed",
        "worker_unavailable",
        "model_unavailable",
        "broker_unavailable",
        "storage_unavailable",
        *URL_CODES,
    ),
)
def predict_image(query_data: PredictQuery) -> Any:
    """Label the faces of one image now, without a job.

    The image is the file of a form, or what the URL that JSON names gives. Requests of deepface's
    clients are understood, too: `DeepfaceRequest` as JSON or as a form.
    """
    found = _predicted()
    if query_data.profile == "deepface":
        return jsonify(answer_of(found).model_dump())
    return found


def _predicted() -> PredictionView:
    if request.mimetype == "application/json":
        values = json_object()
        return predict_deepface(values) if DEEPFACE_FIELDS & {*values} else predict_url()
    fields = {*request.form, *request.files}
    return predict_deepface(request.form.to_dict()) if DEEPFACE_FIELDS & fields else predict_form()


def predict_form() -> PredictionView:
    """Return the faces of the image in the request's form.

    Raises:
        Refused: `no_file` or `invalid_request`.
        ImageError: The image cannot be labelled.
        Unavailable: `worker_unavailable` or `broker_unavailable`.
    """
    fields = {name: value for name, value in request.form.items() if value}
    choices = validated(Choices, fields)
    file = request.files.get("file")
    if file is None or not file.filename:
        raise Refused("no_file", "The form needs an image in the field `file`.")
    return _predict(choices, _blocks_of(file))


def predict_url() -> PredictionView:
    """Return the faces of the image at the URL in the request's JSON.

    Raises:
        Refused: `invalid_request`, or what `fetch` says about the URL.
        TooMany: `url_busy`.
        ImageError: The image cannot be labelled.
        Unavailable: `worker_unavailable` or `broker_unavailable`.
    """
    wanted = validated(PredictionFromUrl, json_object())
    with fetched_image(services().settings, wanted.url) as found:
        return _predict(wanted, found.blocks)


def predict_deepface(values: dict[str, Any]) -> PredictionView:
    """Return the faces of the image of a request in deepface's form.

    Raises:
        Refused: `no_file`, `no_face`, `invalid_request`, or what `fetch` says about a URL.
        TooMany: `url_busy`.
        ImageError: The image cannot be labelled.
        Unavailable: `worker_unavailable` or `broker_unavailable`.
    """
    wanted = validated(DeepfaceRequest, values)
    file = request.files.get("img")
    with picture_of(services().settings, wanted) as named:
        blocks = _blocks_of(file) if named is None and file else named
        if blocks is None:
            raise Refused("no_file", "The request needs an image as `img`.")
        data = b"".join(bounded(blocks, services().settings.max_image_bytes))
    found = _predict(Choices(detect=wanted.detect), [data])
    if found.faces:
        return found
    if wanted.enforce_detection:
        raise Refused(
            "no_face", "No face was found; enforce_detection=false takes the image as one."
        )
    return _predict(Choices(detect="off"), [data])


def _blocks_of(file: FileStorage) -> Iterator[bytes]:
    return iter(lambda: file.stream.read(BLOCK_BYTES), b"")


def _predict(choices: Choices, blocks: Iterable[bytes]) -> PredictionView:
    found = predict(services(), blocks, choices.model, choices.detect)
    return PredictionView.model_validate(found)
