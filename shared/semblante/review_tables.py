"""The tables of what people say about a job's images; import them from `semblante.tables`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from semblante.table_base import Table


class Truth(Table):
    """What the first face of an image really shows, as a person's table or folders say."""

    __tablename__ = "truths"
    __table_args__ = (Index("ix_truths_emotion", "job_id", "emotion", "image_index"),)

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    image_index: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    emotion: Mapped[str] = mapped_column(String(64))


class Correction(Table):
    """What a person who reviewed a face says it shows; None when nobody could say."""

    __tablename__ = "corrections"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    image_index: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    face_id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    emotion: Mapped[str | None] = mapped_column(String(64))
    corrected_at: Mapped[datetime]
