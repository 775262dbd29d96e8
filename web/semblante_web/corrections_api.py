"""What people say about a job's faces, one by one over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, ConfigDict, Field

from semblante import jobs, review
from semblante.errors import NotFound
from semblante.review import Place
from semblante_web.access import record
from semblante_web.current import services
from semblante_web.openapi_problems import problems

blueprint = APIBlueprint(
    "corrections", __name__, url_prefix="/api/v1/jobs/<job_id>/corrections", tag="Review"
)


class CorrectionQuery(BaseModel):
    """Which corrections to list."""

    model_config = ConfigDict(extra="forbid")

    after: str | None = Field(None, description="`next` of the page before.")
    limit: int = Field(50, ge=1, le=500, description="Most corrections to return.")


class Verdict(BaseModel):
    """What a person says that a face shows."""

    model_config = ConfigDict(extra="forbid")

    emotion: str | None = Field(description="A class of the model; null: nobody could say.")


class CorrectionView(BaseModel):
    """What a person said about a face."""

    index: int = Field(description="The image's place in the archive, from 0.")
    face_id: int
    emotion: str | None
    corrected_at: datetime


class CorrectionPage(BaseModel):
    """Corrections in archive order."""

    items: list[CorrectionView]
    next: str | None = Field(description="Cursor of the next page; null on the last one.")


@blueprint.get("")
@blueprint.input(CorrectionQuery, location="query")
@blueprint.output(CorrectionPage)
@blueprint.doc(operation_id="listCorrections", responses=problems("job_not_found"))
def list_corrections(job_id: str, query_data: CorrectionQuery) -> dict[str, Any]:
    """List what people said about the job's faces."""
    with services().database.reading() as session:
        jobs.get(session, job_id)
        found, after = review.corrections(
            session, job_id, after=query_data.after, limit=query_data.limit
        )
    items = [
        {
            "index": one.image_index,
            "face_id": one.face_id,
            "emotion": one.emotion,
            "corrected_at": one.corrected_at,
        }
        for one in found
    ]
    return {"items": items, "next": after}


@blueprint.put("/<int:index>/<int:face_id>")
@blueprint.input(Verdict)
@blueprint.doc(
    operation_id="putCorrection",
    responses={204: "Kept."} | problems("job_not_found", "image_not_found", "unknown_class"),
)
def put_correction(job_id: str, index: int, face_id: int, json_data: Verdict) -> Response:
    """Say what a face shows, in the place of what was said before."""
    correct(job_id, Place(index, face_id), json_data.emotion)
    return Response(status=204)


@blueprint.delete("/<int:index>/<int:face_id>")
@blueprint.doc(
    operation_id="deleteCorrection",
    responses={204: "Gone."} | problems("job_not_found", "image_not_found"),
)
def delete_correction(job_id: str, index: int, face_id: int) -> Response:
    """Take back what was said about a face."""
    place = Place(index, face_id)
    with services().database.writing() as session:
        jobs.get(session, job_id)
        if not review.remove(session, job_id, place):
            raise NotFound("image_not_found", "Nothing was said about this face.")
        record(session, "correct_undo", _subject(job_id, place))
    return Response(status=204)


def correct(job_id: str, place: Place, emotion: str | None) -> None:
    """Keep what the sender says about a face; None when nobody could say.

    Raises:
        NotFound: `job_not_found` or `image_not_found`.
        Refused: `unknown_class`.
    """
    with services().database.writing() as session:
        review.correct(session, jobs.get(session, job_id), place, emotion)
        record(session, "correct", _subject(job_id, place))


def undo(job_id: str, last: Place | None) -> None:
    """Take the correction of a face back, or a job's newest one; raises NotFound."""
    with services().database.writing() as session:
        place = review.undo(session, jobs.get(session, job_id), last)
        if place is not None:
            record(session, "correct_undo", _subject(job_id, place))


def _subject(job_id: str, place: Place) -> str:
    return f"{job_id} {place.image_index}.{place.face_id}"
