"""The recording of an activity.

Revision: 0014
Follows: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "recording",
        sa.Column("activity_id", sa.Integer(), nullable=False),
        sa.Column("allowed", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("state", sa.String(length=16), server_default="none", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stretches", sa.JSON(), nullable=False),
        sa.Column("path", sa.String(length=200), nullable=True),
        sa.Column("bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("seconds", sa.Float(53), server_default="0", nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("stopped", sa.String(length=16), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["activity_id"], ["activity.id"], name=op.f("fk_recording_activity_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["released_by"], ["account.id"], name=op.f("fk_recording_released_by")),
        sa.PrimaryKeyConstraint("activity_id", name=op.f("pk_recording")),
    )


def downgrade() -> None:
    op.drop_table("recording")
