"""Satisfaction of those who came is told apart.

Revision: 0023
Follows: 0022
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("satisfaction", sa.Column("present", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("registration", sa.Column("rated", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    op.drop_column("registration", "rated")
    op.drop_column("satisfaction", "present")
