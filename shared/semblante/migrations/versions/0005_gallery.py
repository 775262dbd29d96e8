"""Index results for the gallery; count confidences and folders; keep truths and corrections."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "confidence_counts",
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("bin", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("faces", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_confidence_counts_job_id_jobs")
        ),
        sa.PrimaryKeyConstraint("job_id", "bin", name=op.f("pk_confidence_counts")),
    )
    op.create_table(
        "folders",
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("images", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_folders_job_id_jobs")),
        sa.PrimaryKeyConstraint("job_id", "path", name=op.f("pk_folders")),
    )
    op.create_table(
        "truths",
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("image_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("emotion", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_truths_job_id_jobs")),
        sa.PrimaryKeyConstraint("job_id", "image_index", name=op.f("pk_truths")),
    )
    op.create_table(
        "corrections",
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("image_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("face_id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("emotion", sa.String(length=64), nullable=True),
        sa.Column("corrected_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_corrections_job_id_jobs")),
        sa.PrimaryKeyConstraint("job_id", "image_index", "face_id", name=op.f("pk_corrections")),
    )
    place = ["image_index", "face_id"]
    op.create_index(
        "ix_results_archive_order",
        "results",
        ["job_id", "status", "emotion", *place, "confidence"],
    )
    op.create_index(
        "ix_results_doubt_order", "results", ["job_id", "emotion", "confidence", *place]
    )


def downgrade() -> None:
    op.drop_index("ix_results_doubt_order", "results")
    op.drop_index("ix_results_archive_order", "results")
    op.drop_table("corrections")
    op.drop_table("truths")
    op.drop_table("folders")
    op.drop_table("confidence_counts")
