"""Registrations are counted from an index.

Revision: 0021
Follows: 0020
"""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_registration_activity_id_state", "registration")
    op.create_index(
        "ix_registration_activity_id_state_attended_at", "registration", ["activity_id", "state", "attended_at"]
    )


def downgrade() -> None:
    op.drop_index("ix_registration_activity_id_state_attended_at", "registration")
    op.create_index("ix_registration_activity_id_state", "registration", ["activity_id", "state"])
