"""Find repeated images, name face detectors."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("images", schema=None) as batch_op:
        batch_op.add_column(sa.Column("tail_crc32", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("same_as", sa.BigInteger(), nullable=True))

    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("detectors", sa.JSON(), server_default="[]", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_column("detectors")

    with op.batch_alter_table("images", schema=None) as batch_op:
        batch_op.drop_column("same_as")
        batch_op.drop_column("tail_crc32")
