"""A job's labels against a truth, and against another job's, over HTTP."""

from __future__ import annotations

import io
from typing import Any, Literal

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel, ConfigDict, Field

from semblante import agreement, confusion, jobs, truth
from semblante.views import image_view
from semblante_web.access import record
from semblante_web.attach_truth import MAX_TABLE_BYTES, attach
from semblante_web.current import services
from semblante_web.images_api import ImageRow
from semblante_web.matrix_view import MatrixView, matrix_view
from semblante_web.openapi_problems import problems
from semblante_web.refusals import UnsupportedMediaType
from semblante_web.validation import json_object, validated

blueprint = APIBlueprint("truth", __name__, url_prefix="/api/v1/jobs/<job_id>", tag="Review")


class TruthFromFolders(BaseModel):
    """The names of the archive's folders are the truth."""

    model_config = ConfigDict(extra="forbid")

    source: Literal["folders"]


class TruthView(BaseModel):
    """How a job's labels fare against its truth: the rows of the matrix are the truth's."""

    images: int = Field(description="Images that have a truth; 0: none is attached.")
    unknown: int = Field(0, description="Rows of the table just sent that name no image.")
    matrix: MatrixView | None


class AgreementQuery(BaseModel):
    """Which faces to list."""

    model_config = ConfigDict(extra="forbid")

    mine: str | None = Field(None, description="Only faces with this label of the first job.")
    theirs: str | None = Field(None, description="Only faces with this label of the other job.")
    after: str | None = Field(None, description="`next` of the page before.")
    limit: int = Field(50, ge=1, le=500, description="Most faces to return.")


class Disagreement(ImageRow):
    """A face with the labels of both jobs."""

    other_emotion: str


class AgreementView(BaseModel):
    """How far two jobs agree, and the faces on which they do not."""

    matrix: MatrixView = Field(description="Rows are the first job's labels.")
    items: list[Disagreement]
    next: str | None = Field(description="Cursor of the next page; null on the last one.")


@blueprint.get("/truth")
@blueprint.output(TruthView)
@blueprint.doc(operation_id="getTruth", responses=problems("job_not_found"))
def show_truth(job_id: str) -> TruthView:
    """Compare the job's labels with its truth: accuracy, figures per class, confusion matrix."""
    return _view(job_id)


@blueprint.put("/truth")
@blueprint.output(TruthView)
@blueprint.doc(
    operation_id="putTruth",
    responses=problems(
        "job_not_found",
        "job_not_finished",
        "bad_table",
        "unknown_class",
        "class_not_in_model",
        "empty_dataset",
        "nothing_to_measure",
        "too_large_upload",
        "wrong_content_type",
    ),
)
def put_truth(job_id: str) -> TruthView:
    """Attach a truth in the place of an earlier one, and compare the labels with it.

    The body is a CSV with `image_path` and `emotion` (`text/csv`), or JSON that names the folders.
    """
    if request.mimetype == "application/json":
        validated(TruthFromFolders, json_object())
        return _view(job_id, attach(services(), job_id, None).unknown)
    if request.mimetype != "text/csv":
        raise UnsupportedMediaType("wrong_content_type", "Send text/csv or application/json.")
    request.max_content_length = MAX_TABLE_BYTES
    table = io.BytesIO(request.get_data(cache=False))
    return _view(job_id, attach(services(), job_id, table, "truth.csv").unknown)


@blueprint.delete("/truth")
@blueprint.doc(operation_id="deleteTruth", responses={204: "Gone."} | problems("job_not_found"))
def delete_truth(job_id: str) -> Response:
    """Remove the job's truth."""
    with services().database.writing() as session:
        truth.detach(session, jobs.get(session, job_id))
        record(session, "truth_delete", job_id)
    return Response(status=204)


@blueprint.get("/agreement/<other_id>")
@blueprint.input(AgreementQuery, location="query")
@blueprint.output(AgreementView)
@blueprint.doc(operation_id="getAgreement", responses=problems("job_not_found"))
def show_agreement(job_id: str, other_id: str, query_data: AgreementQuery) -> dict[str, Any]:
    """Compare the labels of two jobs over the same upload; list the faces on which they differ."""
    pair = agreement.Pair(query_data.mine, query_data.theirs)
    with services().database.reading() as session:
        job, other = jobs.get(session, job_id), jobs.get(session, other_id)
        agreement.check_comparable(job, other)
        found = agreement.disagreements(
            session, job, other, pair, after=query_data.after, limit=query_data.limit
        )
        matrix = confusion.against_job(session, job, other)
    faces = [image_view(row, job) | {"other_emotion": theirs} for row, theirs in found.faces]
    return {"matrix": matrix_view(matrix).model_dump(), "items": faces, "next": found.after}


def _view(job_id: str, unknown: int = 0) -> TruthView:
    with services().database.reading() as session:
        job = jobs.get(session, job_id)
        images = truth.count(session, job_id)
        matrix = matrix_view(confusion.against_truth(session, job)) if images else None
    return TruthView(images=images, unknown=unknown, matrix=matrix)
