"""Whether a 遴选公告 is due for an activity, and when it was published.

Revision: 0012
Follows: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("activity", sa.Column("open_selection", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("activity", sa.Column("selection_announced_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("activity", "selection_announced_at")
    op.drop_column("activity", "open_selection")
