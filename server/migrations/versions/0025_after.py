"""What authors ask to be deleted from published versions, topics of suggestions, and the words of a release.

Revision: 0025
Follows: 0024
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

moment = sa.DateTime(timezone=True)
big_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "removal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("activity_id", sa.Integer(), nullable=False),
        sa.Column("entry_id", big_id, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("asked_at", moment, nullable=False),
        sa.Column("due", sa.Date(), nullable=False),
        sa.Column("decided_at", moment, nullable=True),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("reply", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["activity_id"], ["activity.id"], name=op.f("fk_removal_activity_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_removal_entry_id")),
        sa.ForeignKeyConstraint(["decided_by"], ["account.id"], name=op.f("fk_removal_decided_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_removal")),
    )
    op.create_index(op.f("ix_removal_activity_id"), "removal", ["activity_id"])
    op.create_index(op.f("ix_removal_entry_id"), "removal", ["entry_id"])
    op.add_column("suggestion", sa.Column("topic", sa.String(length=20), server_default="", nullable=False))
    op.add_column("release_request", sa.Column("note", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("release_request", "note")
    op.drop_column("suggestion", "topic")
    op.drop_index(op.f("ix_removal_entry_id"), table_name="removal")
    op.drop_index(op.f("ix_removal_activity_id"), table_name="removal")
    op.drop_table("removal")
