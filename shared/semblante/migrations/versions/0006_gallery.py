"""Index results for the gallery, count confidences and folders."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0003"
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
    op.drop_table("folders")
    op.drop_table("confidence_counts")
