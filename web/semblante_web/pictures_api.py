"""An image of a job as a picture that a browser shows: small for a list, larger to look at."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import structlog
from apiflask import APIBlueprint
from flask import Response
from sqlalchemy import Row, select

from semblante import jobs, results, uploads
from semblante.errors import IMAGE_ERROR_CODES, ImageError, NotFound
from semblante.storage import StoredSource
from semblante.tables import Image, Job
from semblante_web.current import services, thumbnails
from semblante_web.images_api import find_image
from semblante_web.openapi_problems import problems
from semblante_web.thumbnail import MIME_TYPE, make_thumbnail

log = structlog.get_logger()
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
    stored = _decoded_image(job_id, index)
    cache = thumbnails()
    picture = cache.find(job_id, index)
    if picture is None:
        picture = _make(stored, THUMBNAIL_SIDE)
        try:
            cache.keep(job_id, index, picture, _known_jobs)
        except OSError as error:  # a full or read-only disk: it is made anew the next time
            log.warning("thumbnail not kept", error=str(error))
    return _answer(picture)


@blueprint.get("/picture")
@blueprint.doc(operation_id="getPicture", responses=_picture_of(PICTURE_SIDE))
def show_picture(job_id: str, index: int) -> Response:
    """Show an image of the job, upright, large enough to look at."""
    return _answer(_make(_decoded_image(job_id, index), PICTURE_SIDE))


class _StoredImage(NamedTuple):
    """An image, and the key of the archive that it lies in."""

    image: Image
    key: str


def _decoded_image(job_id: str, index: int) -> _StoredImage:
    """Only what a worker has decoded is decoded here: a worker is guarded against hostile images,
    which may end its process.
    """
    with services().database.reading() as session:
        job = jobs.get(session, job_id)
        image = find_image(session, job_id, index)
        _refuse_undecoded(results.of_image(session, job_id, index))
        return _StoredImage(image, uploads.get(session, job.upload_id).storage_key)


def _make(stored: _StoredImage, side: int) -> bytes:
    source = StoredSource(services().storage, stored.key)
    return make_thumbnail(source, stored.image, services().settings, side)


def _answer(picture: bytes) -> Response:
    response = Response(picture, mimetype=MIME_TYPE)
    response.headers["Cache-Control"] = "private, max-age=86400, immutable"
    return response


def _known_jobs(ids: Collection[str]) -> set[str]:
    with services().database.reading() as session:
        return set(session.scalars(select(Job.id).where(Job.id.in_(ids), Job.state != "expired")))


def _refuse_undecoded(rows: Sequence[Row[*tuple[Any, ...]]]) -> None:
    """Raise ImageError when the image failed, and NotFound when it has no row yet."""
    if not rows:
        raise NotFound("image_not_found", "The image has no result yet.")
    if (code := rows[0].error_code) is not None:
        raise ImageError(code, IMAGE_ERROR_CODES[code])
