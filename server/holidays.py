"""The working calendar of the service: the package's years, with those that the coordinator entered before them."""

import json
from datetime import datetime
from functools import lru_cache

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.auth.rights import Principal
from server.programme.calendar import WorkingCalendar, YearTable
from server.store.tables import Act, HolidayYear


async def entered_tables(session: AsyncSession) -> tuple[YearTable, ...]:
    """The years that a coordinator entered."""
    rows = await session.scalars(select(HolidayYear).order_by(HolidayYear.year))
    return tuple(YearTable.from_dict({"year": row.year, "holidays": row.holidays}) for row in rows)


async def working_calendar(session: AsyncSession) -> WorkingCalendar:
    """The calendar by which every deadline of the service is counted."""
    tables = await entered_tables(session)
    return _calendar(tuple(json.dumps(table.as_dict(), sort_keys=True) for table in tables))


@lru_cache(maxsize=4)
def _calendar(entered: tuple[str, ...]) -> WorkingCalendar:
    return WorkingCalendar(YearTable.from_dict(json.loads(table)) for table in entered)


async def enter_year(session: AsyncSession, principal: Principal, table: YearTable, now: datetime) -> None:
    """Store a year's holidays, in place of what was entered for it before."""
    holidays = table.as_dict()["holidays"]
    row = await session.get(HolidayYear, table.year)
    before = row.holidays if row else None
    if row is None:
        session.add(HolidayYear(year=table.year, holidays=holidays, entered_at=now, account_id=principal.account_id))
    else:
        row.holidays, row.entered_at, row.account_id = holidays, now, principal.account_id
    session.add(
        Act(
            at=now,
            account_id=principal.account_id,
            act="holidays",
            detail={"year": table.year, "from": before, "to": holidays},
        )
    )
