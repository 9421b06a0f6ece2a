"""Filings (报备): stored in the transaction of the change that they report."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.auth.rights import Principal
from server.errors import Conflict
from server.notices import announced
from server.programme.filings import FilingRefusedError, Ground, Period, Times, file_change
from server.programme.units import Unit as PlannedUnit
from server.programme_views import FilingView
from server.protocol import UnitView
from server.store.tables import Act, Activity, ActivityUnit, Filing, Unit, YearPlan


def times_of(activity: Activity) -> Times:
    """When the activity is held."""
    return Times(activity.starts_at, activity.ends_at)


async def file_if_due(
    session: AsyncSession, principal: Principal, activity: Activity, before: Times, *, reason: str, now: datetime
) -> None:
    """File the change from `before` to the activity's times where the plan asks for it.

    Raises Conflict (`needs_reason`) without a reason; the change is then not made either.
    """
    plan = await session.get(YearPlan, activity.plan_year) if activity.plan_year is not None else None
    told = (await announced(session, [activity.id])).get(activity.id)
    after = times_of(activity)
    try:
        filing = file_change(
            before,
            after,
            published=told.times if told else None,
            period=Period(plan.first, plan.last) if plan else None,
            reason=reason,
            units=[PlannedUnit(unit.id, unit.name, unit.name, unit.receives_filings) for unit in activity.units],
            at=now,
        )
    except FilingRefusedError as refused:
        raise Conflict(f"{refused}。", code="needs_reason") from None
    if filing is None:
        return
    grounds: list[str] = [ground.value for ground in filing.grounds]
    session.add(
        Filing(
            activity_id=activity.id,
            filed_at=now,
            account_id=principal.account_id,
            grounds=grounds,
            before_starts_at=before.starts_at,
            before_ends_at=before.ends_at,
            after_starts_at=after.starts_at,
            after_ends_at=after.ends_at,
            reason=filing.reason,
            own=filing.own,
        )
    )
    session.add(
        Act(
            at=now,
            account_id=principal.account_id,
            activity_id=activity.id,
            act="filing",
            detail={"grounds": grounds, "from": str(before), "to": str(after), "reason": filing.reason},
        )
    )


async def list_filings(session: AsyncSession, principal: Principal) -> list[FilingView]:
    """The filings that the account may see, the newest first.

    Coordinators and the unit that receives filings see all of them; other units their own.
    """
    query = select(Filing).order_by(Filing.filed_at.desc(), Filing.id.desc())
    if principal.unit_id is not None:
        unit = await session.get(Unit, principal.unit_id)
        if unit is None or not unit.receives_filings:
            query = query.join(ActivityUnit, ActivityUnit.activity_id == Filing.activity_id).where(
                ActivityUnit.unit_id == principal.unit_id
            )
    rows: Sequence[Filing] = (await session.scalars(query)).all()
    return [_view(row) for row in rows]


def _view(row: Filing) -> FilingView:
    return FilingView(
        id=row.id,
        filed_at=row.filed_at,
        filed_by=row.account.name if row.account else None,
        activity=row.activity.slug,
        title=row.activity.title,
        units=[UnitView.of(unit) for unit in row.activity.units],
        grounds=[Ground(ground).label for ground in row.grounds],
        before=str(Times(row.before_starts_at, row.before_ends_at)),
        after=str(Times(row.after_starts_at, row.after_ends_at)),
        reason=row.reason,
        own=row.own,
    )
