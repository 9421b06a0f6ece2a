"""The host's queue: revisions, who handled an entry, labels, notes, and the questions that were put first.

Revision: 0013
Follows: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("entry", sa.Column("revision", sa.Integer(), server_default="0", nullable=False))
    op.add_column("entry", sa.Column("handled_by", sa.String(length=64), nullable=True))
    op.add_column("entry", sa.Column("labels", sa.JSON(), nullable=True))
    op.add_column("entry", sa.Column("notes", sa.JSON(), nullable=True))
    op.add_column("entry", sa.Column("lifted", sa.Integer(), nullable=True))


def downgrade() -> None:
    for column in ("lifted", "notes", "labels", "handled_by", "revision"):
        op.drop_column("entry", column)
