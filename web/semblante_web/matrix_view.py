"""Labels compared, as JSON shows them: shares and counts per pair of classes."""

from __future__ import annotations

from pydantic import BaseModel, Field

from semblante.confusion import Confusion


class ClassFigures(BaseModel):
    """What holds for one class of the rows."""

    support: int = Field(description="How many of it were compared.")
    recall: float | None = Field(description="Share of it with its label; null where none is.")
    precision: float | None = Field(description="Share of its label that is right.")


class MatrixView(BaseModel):
    """Counts per pair of a row's class and a column's, and what follows from them."""

    total: int
    agreement: float | None = Field(description="Share on the diagonal; null without any.")
    mean_recall: float | None
    rows: list[str]
    columns: list[str] = Field(description="Also `no_face` and `failed`, where there are such.")
    counts: list[list[int]] = Field(description="One list per row.")
    classes: dict[str, ClassFigures]


def matrix_view(matrix: Confusion) -> MatrixView:
    """Return a comparison as JSON shows it."""
    return MatrixView(
        total=matrix.total,
        agreement=_rounded(matrix.agreement),
        mean_recall=_rounded(matrix.mean_recall),
        rows=list(matrix.rows),
        columns=list(matrix.columns),
        counts=[[matrix.at(row, column) for column in matrix.columns] for row in matrix.rows],
        classes={
            row: ClassFigures(
                support=matrix.support(row),
                recall=_rounded(matrix.recall(row)),
                precision=_rounded(matrix.precision(row)),
            )
            for row in matrix.rows
        },
    )


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)
