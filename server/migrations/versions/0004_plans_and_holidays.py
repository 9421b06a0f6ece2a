"""The plan of each year with its period, which activities it names, and the holidays that a coordinator enters.

Revision: 0004
Follows: 0003
"""

import sqlalchemy as sa
from alembic import op

from server.programme.plan import load_plan_2023

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

activity = sa.table("activity", sa.column("slug"), sa.column("plan_year"))


def upgrade() -> None:
    year_plan = op.create_table(
        "year_plan",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("title", sa.String(length=200), nullable=True),
        sa.Column("document_number", sa.String(length=100), nullable=True),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("year", name=op.f("pk_year_plan")),
    )
    op.create_table(
        "holiday_year",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("holidays", sa.JSON(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_holiday_year_account_id")),
        sa.PrimaryKeyConstraint("year", name=op.f("pk_holiday_year")),
    )
    op.add_column("activity", sa.Column("plan_year", sa.Integer(), nullable=True))
    plan = load_plan_2023()
    if plan.first is None or plan.last is None:
        raise ValueError("the 2023 plan has no period")
    op.bulk_insert(
        year_plan,
        [
            {
                "year": plan.first.year,
                "title": plan.title,
                "document_number": plan.document_number,
                "first": plan.first,
                "last": plan.last,
            }
        ],
    )
    slugs = [item.slug for item in plan.activities]
    op.execute(activity.update().where(activity.c.slug.in_(slugs)).values(plan_year=plan.first.year))


def downgrade() -> None:
    op.drop_column("activity", "plan_year")
    op.drop_table("holiday_year")
    op.drop_table("year_plan")
