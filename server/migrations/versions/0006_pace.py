"""How fast an activity may be spoken to: slow mode, and when a device proves work.

Revision: 0006
Follows: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("activity", sa.Column("slow_seconds", sa.Integer(), server_default="0", nullable=False))
    op.add_column("activity", sa.Column("challenge", sa.String(length=8), server_default="auto", nullable=False))


def downgrade() -> None:
    op.drop_column("activity", "challenge")
    op.drop_column("activity", "slow_seconds")
