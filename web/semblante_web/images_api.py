"""The images of a job over HTTP: rows by filter, and one image's rows."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from semblante import jobs, results
from semblante.errors import NotFound
from semblante.gallery import Filter, Order, Page, Status, page
from semblante.tables import Image, Job
from semblante.views import image_view
from semblante_web.current import services
from semblante_web.openapi_problems import problems

MAX_INDEX = 2**62
blueprint = APIBlueprint(
    "images", __name__, url_prefix="/api/v1/jobs/<job_id>/images", tag="Results"
)


class ImageQuery(BaseModel):
    """Which rows to list."""

    model_config = ConfigDict(extra="forbid")

    emotion: str | None = Field(None, description="Only faces with this emotion (a class id).")
    status: Status | None = None
    min_confidence: float | None = Field(
        None, ge=0, le=1, description="Only labels at least this sure, before rounding."
    )
    max_confidence: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Only labels at most this sure, before rounding: the ones to look at.",
    )
    folder: str | None = Field(None, description="Only images in this folder of the archive.")
    truth: str | None = Field(None, description="Only images of which the truth says this.")
    is_reviewed: bool | None = Field(
        None, description="Only faces that a person has said something about, or only others."
    )
    order: Order = Field(
        "archive", description="`doubt`: the least sure labels first, without unlabelled images."
    )
    after: str | None = Field(None, description="`next` of the page before.")
    limit: int = Field(50, ge=1, le=500, description="Most rows to return.")

    def page(self, session: Session, job: Job) -> Page:
        """Return the rows that are asked for; raises Refused for a bad cursor."""
        wanted = Filter(**self.model_dump(include={field.name for field in fields(Filter)}))
        return page(session, job, wanted, order=self.order, after=self.after, limit=self.limit)


class ImageRow(BaseModel):
    """A row of the results: a face, an image without a face, or a failed image."""

    index: int = Field(description="The image's place in the archive, from 0.")
    image_path: str
    face_id: int
    status: Status
    error_code: str | None
    emotion: str | None
    confidence: float | None
    probabilities: dict[str, float] | None
    face_x: int | None
    face_y: int | None
    face_w: int | None
    face_h: int | None
    face_confidence: float | None
    width: int | None
    height: int | None
    sha256: str | None
    model: str


class ImagePage(BaseModel):
    """Rows in the order that was asked for."""

    items: list[ImageRow]
    next: str | None = Field(description="Cursor of the next page; null on the last one.")


class ImageDetail(BaseModel):
    """One image with all its rows; none while no worker has looked at it."""

    index: int
    image_path: str
    rows: list[ImageRow]


@blueprint.get("")
@blueprint.input(ImageQuery, location="query")
@blueprint.output(ImagePage)
@blueprint.doc(operation_id="listImages", responses=problems("job_not_found"))
def list_images(job_id: str, query_data: ImageQuery) -> dict[str, Any]:
    """List result rows by emotion, status, confidence or folder; as in the archive, or by doubt."""
    with services().database.reading() as session:
        job = jobs.get(session, job_id)
        found = query_data.page(session, job)
    return {"items": [image_view(row, job) for row in found.rows], "next": found.after}


@blueprint.get("/<int:index>")
@blueprint.output(ImageDetail)
@blueprint.doc(operation_id="getImage", responses=problems("job_not_found", "image_not_found"))
def show_image(job_id: str, index: int) -> dict[str, Any]:
    """Show all rows of one image."""
    with services().database.reading() as session:
        job = jobs.get(session, job_id)
        image = find_image(session, job_id, index)
        rows = results.of_image(session, job_id, index)
    views = [image_view(row, job) for row in rows]
    return {"index": index, "image_path": image.path, "rows": views}


def find_image(session: Session, job_id: str, index: int) -> Image:
    """Return an image of a job; raises NotFound."""
    image = session.get(Image, (job_id, index)) if index < MAX_INDEX else None
    if image is None:
        raise NotFound("image_not_found", "The job has no image %(index)s.", index=index)
    return image
