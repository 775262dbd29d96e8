"""An image of a job as a picture that a browser shows: small for a list, larger to look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy import Row

from semblante import jobs, results, uploads
from semblante.errors import IMAGE_ERROR_CODES, ImageError, NotFound
from semblante.storage import StoredSource
from semblante_web.current import services
from semblante_web.images_api import find_image
from semblante_web.openapi_problems import problems
from semblante_web.thumbnail import MIME_TYPE, make_thumbnail

THUMBNAIL_SIDE = 192
PICTURE_SIDE = 1280
blueprint = APIBlueprint(
    "pictures", __name__, url_prefix="/api/v1/jobs/<job_id>/images/<int:index>", tag="Results"
)
PROBLEMS = problems(
    "job_not_found", "image_not_found", "upload_missing", "unsupported_format", "corrupt_image"
)


def _picture_of(side: int) -> dict[int, Any]:
    text = f"WebP, at most {side} pixels a side."
    return {200: {"description": text, "content": {MIME_TYPE: {}}}} | PROBLEMS


@blueprint.get("/thumbnail")
@blueprint.doc(operation_id="getThumbnail", responses=_picture_of(THUMBNAIL_SIDE))
def show_thumbnail(job_id: str, index: int) -> Response:
    """Show an image of the job, made small."""
    return _picture(job_id, index, THUMBNAIL_SIDE)


@blueprint.get("/picture")
@blueprint.doc(operation_id="getPicture", responses=_picture_of(PICTURE_SIDE))
def show_picture(job_id: str, index: int) -> Response:
    """Show an image of the job, upright, large enough to look at."""
    return _picture(job_id, index, PICTURE_SIDE)


def _picture(job_id: str, index: int, side: int) -> Response:
    """Only what a worker has decoded is decoded here: a worker is guarded against hostile images,
    which may end its process.
    """
    with services().database.reading() as session:
        job = jobs.get(session, job_id)
        image = find_image(session, job_id, index)
        _refuse_undecoded(results.of_image(session, job_id, index))
        key = uploads.get(session, job.upload_id).storage_key
    source = StoredSource(services().storage, key)
    picture = make_thumbnail(source, image, services().settings, side)
    response = Response(picture, mimetype=MIME_TYPE)
    response.headers["Cache-Control"] = "private, max-age=86400, immutable"
    return response


def _refuse_undecoded(rows: Sequence[Row[*tuple[Any, ...]]]) -> None:
    """Raise ImageError when the image failed, and NotFound when it has no row yet."""
    if not rows:
        raise NotFound("image_not_found", "The image has no result yet.")
    if (code := rows[0].error_code) is not None:
        raise ImageError(code, IMAGE_ERROR_CODES[code])
