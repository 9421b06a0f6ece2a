"""Entries merged into others, and the votes that came with them.

Revision: 0008
Follows: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# SQLite gives a rowid to INTEGER keys alone.
big_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    # SQLite adds a column with its reference only where the table is made anew; the reference is kept by the code.
    op.add_column("entry", sa.Column("merged_into", big_id, nullable=True))
    op.add_column("entry", sa.Column("merged_count", sa.Integer(), server_default="0", nullable=False))
    op.create_index(
        "ix_entry_merged_into",
        "entry",
        ["merged_into"],
        sqlite_where=sa.text("merged_into IS NOT NULL"),
        postgresql_where=sa.text("merged_into IS NOT NULL"),
    )
    op.add_column("vote", sa.Column("given_to", big_id, nullable=True))


def downgrade() -> None:
    op.drop_column("vote", "given_to")
    op.drop_index("ix_entry_merged_into", "entry")
    op.drop_column("entry", "merged_count")
    op.drop_column("entry", "merged_into")
