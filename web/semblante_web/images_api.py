"""The images of a job over HTTP: rows by filter, one image's rows, its thumbnail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Row
from sqlalchemy.orm import Session

from semblante import jobs, results, uploads
from semblante.errors import IMAGE_ERROR_CODES, ImageError, NotFound, Refused
from semblante.storage import StoredSource
from semblante.tables import Image
from semblante.views import image_view
from semblante_web.current import services
from semblante_web.openapi import problems
from semblante_web.thumbnail import MIME_TYPE, make_thumbnail

MAX_INDEX = 2**62
blueprint = APIBlueprint(
    "images", __name__, url_prefix="/api/v1/jobs/<job_id>/images", tag="Results"
)


class ImageQuery(BaseModel):
    """Which rows to list."""

    model_config = ConfigDict(extra="forbid")

    emotion: str | None = Field(None, description="Only faces with this emotion (a class id).")
    status: Literal["ok", "no_face", "failed"] | None = None
    max_confidence: float | None = Field(
        None, ge=0, le=1, description="Only labels at most this sure: the ones to look at."
    )
    after: str | None = Field(None, description="`next` of the page before.")
    limit: int = Field(50, ge=1, le=500, description="Most rows to return.")


class ImageRow(BaseModel):
    """A row of the results: a face, an image without a face, or a failed image."""

    index: int = Field(description="The image's place in the archive, from 0.")
    image_path: str
    face_id: int
    status: Literal["ok", "no_face", "failed"]
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
    """Rows in the archive's order."""

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
    """List result rows in the archive's order, by emotion, status or confidence."""
    limit = query_data.limit
    with services().database.reading() as session:
        job = jobs.get(session, job_id)
        rows = results.page(
            session,
            job_id,
            emotion=query_data.emotion,
            status=query_data.status,
            max_confidence=query_data.max_confidence,
            after=_parse_cursor(query_data.after),
            limit=limit + 1,
        )
    shown = rows[:limit]
    last = f"{shown[-1].image_index}.{shown[-1].face_id}" if len(rows) > limit else None
    return {"items": [image_view(row, job) for row in shown], "next": last}


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


@blueprint.get("/<int:index>/thumbnail")
@blueprint.doc(
    operation_id="getThumbnail",
    responses={200: {"description": "At most 128 pixels a side.", "content": {MIME_TYPE: {}}}}
    | problems(
        "job_not_found",
        "image_not_found",
        "upload_missing",
        "unsupported_format",
        "corrupt_image",
    ),
)
def show_thumbnail(job_id: str, index: int) -> Response:
    """Show an image of the job, made small.

    Only what a worker has decoded is decoded here: a worker may end by a hostile image, and is
    guarded for it.
    """
    with services().database.reading() as session:
        job = jobs.get(session, job_id)
        image = find_image(session, job_id, index)
        _refuse_undecoded(results.of_image(session, job_id, index))
        key = uploads.get(session, job.upload_id).storage_key
    source = StoredSource(services().storage, key)
    response = Response(make_thumbnail(source, image, services().settings), mimetype=MIME_TYPE)
    response.headers["Cache-Control"] = "private, max-age=86400, immutable"
    return response


def _refuse_undecoded(rows: Sequence[Row[*tuple[Any, ...]]]) -> None:
    """Raise ImageError when the image failed, and NotFound when it has no row yet."""
    if not rows:
        raise NotFound("image_not_found", "The image has no result yet.")
    if (code := rows[0].error_code) is not None:
        raise ImageError(code, IMAGE_ERROR_CODES[code])


def find_image(session: Session, job_id: str, index: int) -> Image:
    """Return an image of a job; raises NotFound."""
    image = session.get(Image, (job_id, index)) if index < MAX_INDEX else None
    if image is None:
        raise NotFound("image_not_found", f"The job has no image {index}.")
    return image


def _parse_cursor(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    index, _, face = text.partition(".")
    if not all(part.isascii() and part.isdigit() and len(part) < 18 for part in (index, face)):
        raise Refused("invalid_request", "query.after: no cursor of this list.")
    return int(index), int(face)
