"""Labels that a host corrected.

Revision: 0016
Follows: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("entry", sa.Column("corrected", sa.String(length=16), nullable=True))


def downgrade() -> None:
    op.drop_column("entry", "corrected")
