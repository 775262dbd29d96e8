"""List the images of folders that lie among others; find truths by emotion."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

INDEX = "ix_truths_emotion"


def upgrade() -> None:
    op.add_column("folders", sa.Column("listed", sa.LargeBinary(), nullable=True))
    op.create_index(INDEX, "truths", ["job_id", "emotion", "image_index"])


def downgrade() -> None:
    op.drop_index(INDEX, "truths")
    op.drop_column("folders", "listed")
