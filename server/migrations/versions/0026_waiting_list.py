"""The waiting list is read in its order.

Revision: 0026
Follows: 0025
"""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_registration_activity_id_state_category_rank", "registration", ["activity_id", "state", "category", "rank"]
    )


def downgrade() -> None:
    op.drop_index("ix_registration_activity_id_state_category_rank", "registration")
