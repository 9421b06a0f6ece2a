"""The 2023 plan: its 22 activities and 19 units, loaded once.

Revision: 0002
Follows: 0001
"""

import sqlalchemy as sa
from alembic import op

from server.programme.plan import load_plan_2023

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

unit = sa.table("unit", sa.column("id"), sa.column("name"), sa.column("receives_filings"))
activity = sa.table(
    "activity",
    *(sa.column(name) for name in ("id", "slug", "kind", "number", "topic", "title", "summary")),
)
activity_unit = sa.table("activity_unit", sa.column("activity_id"), sa.column("unit_id"))


def upgrade() -> None:
    plan = load_plan_2023()
    op.bulk_insert(
        unit,
        [{"id": item.id, "name": item.name, "receives_filings": item.receives_filings} for item in plan.units],
    )
    connection = op.get_bind()
    for item in plan.activities:
        connection.execute(
            activity.insert().values(
                slug=item.slug,
                kind=item.kind.value,
                number=item.number,
                topic=item.topic,
                title=item.title,
                summary=item.description,
            )
        )
        activity_id = connection.scalar(sa.select(activity.c.id).where(activity.c.slug == item.slug))
        op.bulk_insert(activity_unit, [{"activity_id": activity_id, "unit_id": name} for name in item.units])


def downgrade() -> None:
    slugs = [item.slug for item in load_plan_2023().activities]
    op.execute(activity.delete().where(activity.c.slug.in_(slugs)))
