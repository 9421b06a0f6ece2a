"""Who speaks: what an activity asks for, and phones proved by a code.

Revision: 0015
Follows: 0014
"""

import sqlalchemy as sa
from alembic import op

from server.store.tables import Moment

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("activity", sa.Column("identity", sa.String(length=8), server_default="guest", nullable=False))
    op.create_table(
        "phone_identity",
        sa.Column("activity_id", sa.Integer(), nullable=False),
        sa.Column("device", sa.String(length=32), nullable=False),
        sa.Column("phone_digest", sa.String(length=32), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("code_digest", sa.String(length=64), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("until", Moment(), nullable=False),
        sa.Column("verified_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["activity_id"],
            ["activity.id"],
            name=op.f("fk_phone_identity_activity_id_activity"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("activity_id", "device", name=op.f("pk_phone_identity")),
    )
    op.create_index("ix_phone_identity_activity_id_phone_digest", "phone_identity", ["activity_id", "phone_digest"])
    op.create_index(op.f("ix_phone_identity_until"), "phone_identity", ["until"])


def downgrade() -> None:
    op.drop_table("phone_identity")
    op.drop_column("activity", "identity")
