"""The pages that show a job's images: the gallery with its filters, and one image."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import render_template, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from semblante import folders, jobs, results
from semblante.tables import Image
from semblante.views import image_view, job_view
from semblante_web.current import services
from semblante_web.images_api import ImageQuery, find_image
from semblante_web.validation import validated

TILES = 48
MOST_FOLDERS_OFFERED = 500
TENTHS = [number / 10 for number in range(1, 10)]
blueprint = APIBlueprint("gallery", __name__, url_prefix="/jobs/<job_id>", enable_openapi=False)


@blueprint.get("/images")
def show_gallery(job_id: str) -> str:
    """Show the results as pictures, by filter, page by page."""
    given = {name: value for name, value in request.args.items() if value and name != "lang"}
    query = validated(ImageQuery, {**given, "limit": TILES})
    with services().database.reading() as session:
        job = jobs.get(session, job_id)
        found = query.page(session, job)
        return render_template(
            "gallery.html",
            job=job_view(session, job),
            classes=job.classes,
            rows=[image_view(row, job) for row in found.rows],
            folders=folders.of_job(session, job_id, MOST_FOLDERS_OFFERED),
            tenths=TENTHS,
            query=query,
            chosen={name: value for name, value in given.items() if name != "after"},
            after=found.after,
        )


@blueprint.get("/images/<int:index>")
def show_image(job_id: str, index: int) -> str:
    """Show one image with its faces and all their probabilities."""
    with services().database.reading() as session:
        job = jobs.get(session, job_id)
        image = find_image(session, job_id, index)
        rows = [image_view(row, job) for row in results.of_image(session, job_id, index)]
        return render_template(
            "image.html",
            job=job_view(session, job),
            classes=job.classes,
            image=image,
            rows=rows,
            neighbours=_neighbours(session, job_id, index),
        )


def _neighbours(session: Session, job_id: str, index: int) -> dict[str, Any]:
    """Return the indexes of the images before and after; None at the ends."""
    around = select(Image.index).where(
        Image.job_id == job_id, Image.index.in_((index - 1, index + 1))
    )
    found = set(session.scalars(around))
    return {
        "before": index - 1 if index - 1 in found else None,
        "after": index + 1 if index + 1 in found else None,
    }
