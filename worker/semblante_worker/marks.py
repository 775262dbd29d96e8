"""Gives images of a job the error that only a look at all of them tells."""

from __future__ import annotations

from sqlalchemy import Select, update

from semblante.steps import Step
from semblante.tables import Image


def mark_images(step: Step, indexes: Select[tuple[int]], code: str) -> None:
    """Give the images at `indexes` that have no error yet the error `code`; often there are none.

    The database does the sorting that `indexes` asks for.
    """
    with step.database.reading() as session:
        if session.scalars(indexes.limit(1)).first() is None:
            return
    with step.writing() as (session, job):
        session.execute(
            update(Image)
            .where(Image.job_id == job.id, Image.index.in_(indexes), Image.error_code.is_(None))
            .values(error_code=code)
            .execution_options(synchronize_session=False)
        )
