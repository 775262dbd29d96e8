"""Finds members of a zip that share bytes of the archive."""

from __future__ import annotations

from sqlalchemy import func, select

from semblante.archive import LOCAL_HEADER_BYTES
from semblante.steps import Step
from semblante.tables import Image
from semblante_worker.marks import mark_images


def mark_overlaps(step: Step) -> None:
    """Give every member that reaches into the next one its error code.

    The next one keeps its bytes: a wrong size in the directory costs one image, and of many
    members over the same bytes (the bomb that needs no nesting) only the last is unpacked.
    """
    following = func.lead(Image.offset).over(order_by=(Image.offset, Image.index))
    placed = (
        select(Image.index, Image.offset, Image.packed_bytes, following.label("following"))
        .where(Image.job_id == step.job_id)
        .subquery()
    )
    end = placed.c.offset + LOCAL_HEADER_BYTES + placed.c.packed_bytes
    overlapping = select(placed.c.index).where(end > placed.c.following)
    mark_images(step, overlapping, "overlapping_member")
