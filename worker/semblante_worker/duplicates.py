"""Marks on images that repeat an earlier one: in their path, or in all their bytes."""

from __future__ import annotations

from sqlalchemy import func, select, update

from semblante.steps import Step
from semblante.tables import Image
from semblante_worker.marks import mark_images


def mark_repeated_paths(step: Step) -> None:
    """Give every image whose path came before its error code."""
    turn = func.row_number().over(partition_by=Image.path, order_by=Image.index).label("turn")
    numbered = select(Image.index, turn).where(Image.job_id == step.job_id).subquery()
    mark_images(step, select(numbered.c.index).where(numbered.c.turn > 1), "duplicate_path")


def mark_repeated_images(step: Step) -> None:
    """Point every image whose size and checksum came before at the first one that has them.

    An archive without repeats costs one sort, and no write. Whoever uses the mark compares sha256.
    """
    content = (Image.unpacked_bytes, Image.crc32, Image.tail_crc32)
    usable = (Image.job_id == step.job_id, Image.error_code.is_(None))
    with step.database.reading() as session:
        groups = select(1).where(*usable).group_by(*content).having(func.count() > 1)
        repeated = session.scalars(groups.limit(1)).first() is not None
    if not repeated:
        return
    first = func.min(Image.index).over(partition_by=content).label("first")
    earliest = select(Image.index, first).where(*usable).subquery()
    with step.writing() as (session, _job):
        session.execute(
            update(Image)
            .where(
                Image.job_id == step.job_id,
                Image.index == earliest.c.index,
                earliest.c.first < Image.index,
            )
            .values(same_as=earliest.c.first)
            .execution_options(synchronize_session=False)
        )
