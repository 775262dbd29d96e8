"""The tables of the database. Rows of images, chunks and results belong to exactly one job."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import JSON, ForeignKey, Index, SmallInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

# All from here, for whoever needs the metadata: with all tables in it.
from semblante.folder_table import Folder as Folder
from semblante.lifecycle import State
from semblante.message import Message
from semblante.review_tables import Correction as Correction
from semblante.review_tables import Truth as Truth
from semblante.table_base import Table as Table
from semblante.table_base import UtcDateTime as UtcDateTime
from semblante.webhook_tables import WebhookEvent as WebhookEvent
from semblante.worker_tables import RunningWorker as RunningWorker

Scope = Literal["read", "submit", "admin"]
"""What a key allows; each allows what those before it do. `admin` sees the jobs of all owners."""


class Leased:
    """Columns of a row that one worker at a time may work on.

    `lease_token` is fresh for every claim and fences off a holder that lost its lease.
    """

    lease_holder: Mapped[str | None] = mapped_column(String(255))
    lease_token: Mapped[str | None] = mapped_column(String(36))
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)


class Upload(Table):
    """Bytes a person sent."""

    __tablename__ = "uploads"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    owner: Mapped[str] = mapped_column(String(64), default="", server_default="")
    """Whose keys see it; empty: the operator's, who works without a key of the table."""
    filename: Mapped[str] = mapped_column(Text)
    storage_key: Mapped[str] = mapped_column(Text)
    size_bytes: Mapped[int]
    created_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]


class ApiKey(Table):
    """A key that requests carry; only its hash is kept. Rows stay, so that names mean one key."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    owner: Mapped[str] = mapped_column(String(64))
    """Keys of one owner see the same jobs and uploads, and share its quotas."""
    scope: Mapped[Scope] = mapped_column(String(8))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    """sha256 of the token: of 256 random bits, so that no slow hash is needed."""
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class AuditEntry(Table):
    """Something a person did that others may ask about later."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(64))
    """Name of the key; empty without a login."""
    address: Mapped[str] = mapped_column(String(64))
    """Where the request came from; empty for the command line."""
    action: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(Text)
    """Id or name of what it was done to."""


class Usage(Table):
    """What an owner has taken on one day (UTC)."""

    __tablename__ = "usage"

    owner: Mapped[str] = mapped_column(String(64), primary_key=True)
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    jobs: Mapped[int] = mapped_column(default=0)
    bytes: Mapped[int] = mapped_column(default=0)
    images: Mapped[int] = mapped_column(default=0)


class ImportedModel(Table):
    """A model whose bundle lies in the storage; those that come with Semblante have no row."""

    __tablename__ = "models"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    """Of the card, which names the sha256 of every other file."""
    name: Mapped[str] = mapped_column(String(64))
    card: Mapped[str] = mapped_column(Text)
    """`card.json`, byte for byte."""
    size_bytes: Mapped[int]
    imported_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    """Set while no new job may name the model: it was removed, or its import has not ended. The
    bytes go as soon as no unfinished job needs them."""

    @property
    def reference(self) -> str:
        """`name@first-12-of-sha256`, as jobs name the model."""
        return f"{self.name}@{self.sha256[:12]}"


class Choice(Table):
    """What a person chose for all processes while they run; it goes before the setting."""

    __tablename__ = "choices"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class Job(Leased, Table):
    """One run of one model over one upload. Its own lease covers the steps index and finish."""

    __tablename__ = "jobs"
    __table_args__ = (Index(None, "state"), Index(None, "owner", "id"))

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    owner: Mapped[str] = mapped_column(String(64), default="", server_default="")
    """As of an upload."""
    upload_id: Mapped[str] = mapped_column(ForeignKey("uploads.id"), index=True)
    state: Mapped[State] = mapped_column(String(16), default="validating")
    paused: Mapped[bool] = mapped_column(default=False)
    model: Mapped[str] = mapped_column(String(255))
    """`name@first-12-of-sha256`, as the CSV shows it."""
    model_sha256: Mapped[str | None] = mapped_column(String(64))
    """The whole digest: nothing that is imported or chosen later changes what the job runs."""
    classes: Mapped[list[dict[str, str]]]
    """The model's classes in their order, each `{id, en, es}`: an export needs no bundle."""
    filename: Mapped[str] = mapped_column(Text)
    size_bytes: Mapped[int]
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """`detect`, `lang`, `webhook`, `retention_days`."""
    detectors: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    """Names of the face detectors that its rows come from; workers may differ in what they have."""
    note: Mapped[dict[str, Any]] = mapped_column("metadata", JSON, default=dict)
    idempotency_key: Mapped[str | None] = mapped_column(String(255), unique=True)
    idempotency_hash: Mapped[str | None] = mapped_column(String(64))

    total: Mapped[int] = mapped_column(default=0)
    ok: Mapped[int] = mapped_column(default=0)
    no_face: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    skipped: Mapped[int] = mapped_column(default=0)
    faces: Mapped[int] = mapped_column(default=0)

    error_code: Mapped[str | None] = mapped_column(String(64))
    error_detail: Mapped[Message | None]

    created_at: Mapped[datetime]
    validating_at: Mapped[datetime | None]
    in_progress_at: Mapped[datetime | None]
    finalizing_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    cancelling_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    expired_at: Mapped[datetime | None]


class Image(Table):
    """A member of the upload that is an image, with where its bytes lie in the storage."""

    __tablename__ = "images"
    __table_args__ = {"sqlite_with_rowid": False}

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    index: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    path: Mapped[str] = mapped_column(Text)
    offset: Mapped[int]
    packed_bytes: Mapped[int]
    unpacked_bytes: Mapped[int]
    crc32: Mapped[int | None]
    tail_crc32: Mapped[int | None]
    """Of the last bytes, where the archive tells no CRC-32 of all."""
    same_as: Mapped[int | None]
    """The job's first image whose size and checksum are the same: probably its bytes are, too."""
    method: Mapped[int] = mapped_column(SmallInteger)
    error_code: Mapped[str | None] = mapped_column(String(64))
    """Set when the index already knows that the image cannot be labelled."""


class Chunk(Leased, Table):
    """A run of neighbouring images: the unit of work, lease and retry.

    States: `pending` (nobody asked), `queued` (a message was sent), `leased`, `done`.
    """

    __tablename__ = "chunks"
    __table_args__ = (
        Index(None, "job_id", "state"),
        Index(None, "state", "lease_until"),
        {"sqlite_with_rowid": False},
    )

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    first: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    count: Mapped[int]
    state: Mapped[str] = mapped_column(String(8), default="pending")
    retry: Mapped[bool] = mapped_column(default=False)
    """Only the images whose row is `failed` are worked on again."""
    queued_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]


class Result(Table):
    """One row of the CSV: a face, an image without a face, or a failed image."""

    __tablename__ = "results"
    __table_args__ = (
        Index(
            "ix_results_archive_order",
            "job_id",
            "status",
            "emotion",
            "image_index",
            "face_id",
            "confidence",
        ),
        Index(
            "ix_results_doubt_order", "job_id", "emotion", "confidence", "image_index", "face_id"
        ),
        {"sqlite_with_rowid": False},
    )

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    image_index: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    face_id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    status: Mapped[str] = mapped_column(String(8))
    error_code: Mapped[str | None] = mapped_column(String(64))
    emotion: Mapped[str | None] = mapped_column(String(64))
    confidence: Mapped[float | None]
    probabilities: Mapped[bytes | None]
    """Little-endian float32, one per class of the model."""
    face_x: Mapped[int | None]
    face_y: Mapped[int | None]
    face_w: Mapped[int | None]
    face_h: Mapped[int | None]
    face_confidence: Mapped[float | None]
    width: Mapped[int | None]
    height: Mapped[int | None]
    sha256: Mapped[bytes | None]


class EmotionCount(Table):
    """Faces of a job per emotion, kept beside the rows so that a page need not count them."""

    __tablename__ = "emotion_counts"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    emotion: Mapped[str] = mapped_column(String(64), primary_key=True)
    faces: Mapped[int] = mapped_column(default=0)


class ConfidenceCount(Table):
    """Faces of a job per bin of confidence, kept beside the rows as `EmotionCount` is."""

    __tablename__ = "confidence_counts"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    bin: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    """Counted from 0; see `histogram.BINS`."""
    faces: Mapped[int] = mapped_column(default=0)
