"""The facts of the assessment: as JSON, as a workbook, and as a document."""

import asyncio
from datetime import datetime
from typing import Literal
from urllib.parse import quote

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from server.assessment import Wanted, assess
from server.auth.rights import Right
from server.http.endpoint import Call, endpoint
from server.programme.calendar import beijing_date
from server.programme_views import AssessmentRow
from server.protocol import Kind
from server.store.tables import Act, Unit

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


class AssessmentQuery(BaseModel):
    """Which activities; all that the account may see by default. `urgent`: something late or due within seven days."""

    model_config = ConfigDict(extra="forbid")
    kind: Kind | None = None
    unit: str | None = Field(None, max_length=32)
    activity: str | None = Field(None, max_length=32)
    urgent: Literal["1"] | None = None

    def wanted(self) -> Wanted:
        return Wanted(self.kind, self.unit, self.activity, self.urgent is not None)


class Assessment(BaseModel):
    """The facts of each activity that the account may see."""

    as_of: datetime
    activities: list[AssessmentRow]


@endpoint(
    "GET",
    "/api/v1/assessment",
    right=Right.SIGNED_IN,
    summary="The facts of each activity for the assessment, without a score",
    query=AssessmentQuery,
    answer=Assessment,
)
async def show(call: Call[AssessmentQuery]) -> Assessment:
    now = call.services.now()
    async with call.services.database.read() as session:
        rows = await assess(session, call.staff, beijing_date(now), call.body.wanted())
    return Assessment(as_of=now, activities=rows)


@endpoint(
    "GET",
    "/api/v1/assessment.xlsx",
    right=Right.SIGNED_IN,
    summary="The same as a workbook",
    query=AssessmentQuery,
)
async def download_workbook(call: Call[AssessmentQuery]) -> web.Response:
    from server.assessment_workbook import render

    rows, now, _ = await _collected(call, "xlsx")
    # A thread: the workbook is made by a library that never waits for anything.
    return _answer(await asyncio.to_thread(render, rows, now), XLSX, "考核事实", "xlsx")


@endpoint(
    "GET",
    "/api/v1/assessment.docx",
    right=Right.SIGNED_IN,
    summary="The same as a document after GB/T 9704-2012",
    query=AssessmentQuery,
)
async def download_document(call: Call[AssessmentQuery]) -> web.Response:
    from server.assessment_document import render

    rows, now, whose = await _collected(call, "docx")
    return _answer(await asyncio.to_thread(render, rows, now, whose=whose), DOCX, f"{whose}考核事实", "docx")


async def _collected(call: Call[AssessmentQuery], form: str) -> tuple[list[AssessmentRow], datetime, str]:
    now, wanted = call.services.now(), call.body.wanted()
    async with call.services.database.write() as session:
        rows = await assess(session, call.staff, beijing_date(now), wanted)
        unit_id = call.staff.unit_id or wanted.unit
        unit = await session.get(Unit, unit_id) if unit_id else None
        detail = {"what": "assessment", "format": form}
        session.add(Act(at=now, account_id=call.staff.account_id, act="download", detail=detail))
    return rows, now, unit.name if unit else ""


def _answer(body: bytes, media_type: str, name: str, ending: str) -> web.Response:
    shown = quote(f"{name}.{ending}")
    return web.Response(
        body=body,
        headers={
            "Content-Type": media_type,
            "Content-Disposition": f"attachment; filename=\"assessment.{ending}\"; filename*=UTF-8''{shown}",
            "Cache-Control": "no-store",
        },
    )
