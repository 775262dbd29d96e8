"""Result rows of few images, found by these images rather than among the rows of all.

A page in some order is looked for in a run of an index that is in this order. Where few rows of a
run pass, that is long: a folder or a truth of few images tells where they are.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, any_, func, literal, select
from sqlalchemy.orm import Session, aliased

from semblante.folders import MOST_LISTED, listed_images
from semblante.tables import Folder, Image, Result, Truth


def inside(rows: Any, folder: Folder) -> list[ColumnElement[bool]]:
    """Return what holds for `rows` of a folder's images, and for those of folders below it.

    Where others lie among them, each is looked at: many of a large folder are met soon.
    """
    conditions: list[ColumnElement[bool]] = [rows.image_index.between(folder.first, folder.last)]
    if not folder.is_contiguous:
        start = f"{folder.path}/"
        image = select(Image.index).where(
            Image.job_id == rows.job_id,
            Image.index == rows.image_index,
            func.substr(Image.path, 1, len(start)) == start,
        )
        conditions.append(image.exists())
    return conditions


def few_rows(session: Session, job_id: str, folder: Folder | None, truth: str | None) -> Any | None:
    """Return the rows of a small folder or rare truth as a `Result` to ask for; None without one.

    The database finds them first, whatever else is asked: of `MOST_LISTED` images at most, where
    looking for them in a page's order might pass all of a million.
    """
    condition = _of_folder(session, folder) if folder is not None else None
    is_inside = condition is not None
    if condition is None and truth is not None:
        condition = _of_truth(session, job_id, truth)
    if condition is None:
        return None
    columns = (Result.job_id, Result.image_index, Result.face_id)
    found = (
        select(*columns, Result.status, Result.emotion, Result.confidence)
        .where(Result.job_id == job_id, condition)
        .cte("few_rows")
        .prefix_with("MATERIALIZED")
    )
    if folder is None or is_inside:
        return aliased(Result, found)
    return aliased(Result, select(found).where(*inside(found.c, folder)).subquery())


def _of_folder(session: Session, folder: Folder) -> ColumnElement[bool] | None:
    if folder.images > MOST_LISTED:
        return None
    if folder.is_contiguous:
        return Result.image_index.between(folder.first, folder.last)
    images = listed_images(folder)
    if images is None:
        return None
    # A list is one parameter: a statement may not have thousands.
    if session.get_bind().dialect.name == "postgresql":
        return Result.image_index == any_(literal(images, ARRAY(BigInteger)))
    listed = func.json_each(json.dumps(images)).table_valued("value")
    return Result.image_index.in_(select(listed.c.value))


def _of_truth(session: Session, job_id: str, truth: str) -> ColumnElement[bool] | None:
    images = select(Truth.image_index).where(Truth.job_id == job_id, Truth.emotion == truth)
    counted = select(func.count()).select_from(images.limit(MOST_LISTED + 1).subquery())
    is_rare = (session.scalar(counted) or 0) <= MOST_LISTED
    return Result.image_index.in_(images) if is_rare else None
