"""Bans of an address range, kept as a keyed digest.

Revision: 0020
Follows: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ban", sa.Column("network", sa.String(length=32), nullable=True))


def downgrade() -> None:
    op.drop_column("ban", "network")
