"""Drop the hash of whole uploads: nobody read it, and an archive was read once more for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("uploads", "sha256")


def downgrade() -> None:
    op.add_column("uploads", sa.Column("sha256", sa.String(length=64), nullable=True))
