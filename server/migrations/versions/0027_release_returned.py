"""What was put forward for release can be returned with a remark.

Revision: 0027
Follows: 0026
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("release_request") as table:
        table.add_column(sa.Column("returned_by", sa.Integer(), nullable=True))
        table.add_column(sa.Column("remark", sa.Text(), server_default="", nullable=False))
        table.create_foreign_key("fk_release_request_returned_by_account", "account", ["returned_by"], ["id"])


def downgrade() -> None:
    with op.batch_alter_table("release_request") as table:
        table.drop_constraint("fk_release_request_returned_by_account", type_="foreignkey")
        table.drop_column("remark")
        table.drop_column("returned_by")
