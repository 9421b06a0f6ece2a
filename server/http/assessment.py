"""The facts of the assessment, as JSON and as a workbook."""

import asyncio
from datetime import datetime
from urllib.parse import quote

from aiohttp import web
from pydantic import BaseModel

from server.assessment import assess
from server.auth.rights import Right
from server.http.endpoint import Call, endpoint
from server.programme_views import AssessmentRow
from server.store.tables import Act

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Assessment(BaseModel):
    """The facts of each activity that the account may see."""

    as_of: datetime
    activities: list[AssessmentRow]


@endpoint(
    "GET",
    "/api/v1/assessment",
    right=Right.SIGNED_IN,
    summary="The facts of each activity for the assessment, without a score",
    answer=Assessment,
)
async def show(call: Call[None]) -> Assessment:
    async with call.services.database.read() as session:
        return Assessment(as_of=call.services.now(), activities=await assess(session, call.staff))


@endpoint("GET", "/api/v1/assessment.xlsx", right=Right.SIGNED_IN, summary="The same as a workbook")
async def download(call: Call[None]) -> web.Response:
    from server.assessment_workbook import render

    now = call.services.now()
    async with call.services.database.read() as session:
        rows = await assess(session, call.staff)
    # A thread: the workbook is made by a library that never waits for anything.
    body = await asyncio.to_thread(render, rows, now)
    async with call.services.database.write() as session:
        session.add(Act(at=now, account_id=call.staff.account_id, act="download", detail={"what": "assessment"}))
    disposition = f"attachment; filename=\"assessment.xlsx\"; filename*=UTF-8''{quote('考核事实.xlsx')}"
    return web.Response(
        body=body,
        headers={"Content-Type": XLSX, "Content-Disposition": disposition, "Cache-Control": "no-store"},
    )
