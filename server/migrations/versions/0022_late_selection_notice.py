"""A late 遴选公告 carries its reason.

Revision: 0022
Follows: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("selection_notice", sa.Column("objections", sa.JSON(), server_default="[]", nullable=False))
    op.add_column("selection_notice", sa.Column("reason", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("selection_notice", "reason")
    op.drop_column("selection_notice", "objections")
