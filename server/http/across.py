"""Across activities: what was asked again and again, decided, done and overdue; as JSON and as a workbook."""

import asyncio
from datetime import datetime
from urllib.parse import quote

from aiohttp import web
from pydantic import BaseModel

from server.across import Across, across, workbook
from server.auth.rights import Right
from server.http.endpoint import Call, endpoint
from server.programme.calendar import beijing_date
from server.store.tables import Act

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_OVERDUE = 200


class UnitNumbers(BaseModel):
    """A unit's numbers over all its activities."""

    name: str
    activities: int
    suggestions: int
    decided: int
    adopted: int
    done: int
    under_way: int
    overdue: int
    handed_over: int
    handed_over_late: int


class Place(BaseModel):
    """An activity in which something was asked."""

    slug: str
    title: str


class Recurring(BaseModel):
    """Something that was asked again and again, in the words of the first."""

    text: str
    times: int
    unsettled: int
    activities: list[Place]


class Overdue(BaseModel):
    """A suggestion that the unit promised to decide on by a day that is past."""

    slug: str
    title: str
    number: int
    text: str
    due: str


class AcrossView(BaseModel):
    """What the account may see of all activities."""

    as_of: datetime
    units: list[UnitNumbers]
    recurring: list[Recurring]
    overdue: list[Overdue]
    overdue_count: int


@endpoint(
    "GET",
    "/api/v1/across",
    right=Right.SIGNED_IN,
    summary="Over all activities: what was asked again and again, decided, done and overdue",
    answer=AcrossView,
)
async def show(call: Call[None]) -> AcrossView:
    found = await _collected(call)
    overdue = [item for item in found.items if item.overdue and item.due is not None]
    return AcrossView(
        as_of=found.as_of,
        units=[UnitNumbers.model_validate(row, from_attributes=True) for row in found.units],
        recurring=[
            Recurring(
                text=group.entries[0].text,
                times=group.times,
                unsettled=group.unsettled,
                activities=[Place(slug=slug, title=found.titles[slug]) for slug in group.activities],
            )
            for group in found.groups
        ],
        overdue=[
            Overdue(
                slug=item.activity.slug,
                title=item.activity.title,
                number=item.number,
                text=item.text,
                due=item.due.isoformat() if item.due else "",
            )
            for item in overdue[:MOST_OVERDUE]
        ],
        overdue_count=len(overdue),
    )


@endpoint("GET", "/api/v1/across.xlsx", right=Right.SIGNED_IN, summary="The same as a workbook")
async def download(call: Call[None]) -> web.Response:
    found = await _collected(call)
    content = await asyncio.to_thread(workbook, found)
    async with call.services.database.write() as session:
        detail: dict[str, object] = {"what": "across", "format": "xlsx"}
        session.add(Act(at=found.as_of, account_id=call.staff.account_id, act="download", detail=detail))
    shown = quote("意见建议跨活动汇总.xlsx")
    return web.Response(
        body=content,
        headers={
            "Content-Type": XLSX,
            "Content-Disposition": f"attachment; filename=\"across.xlsx\"; filename*=UTF-8''{shown}",
            "Cache-Control": "no-store",
        },
    )


async def _collected(call: Call[None]) -> Across:
    now = call.services.now()
    async with call.services.database.read() as session:
        return await across(session, call.staff, beijing_date(now), now)
