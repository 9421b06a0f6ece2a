"""The desk's board: as JSON, and as a workbook of what somebody asked for."""

import asyncio
from datetime import date
from typing import Literal
from urllib.parse import quote

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from server.auth.rights import Right
from server.desk import Asked, board
from server.http.endpoint import Call, endpoint
from server.programme.calendar import beijing_date
from server.protocol import DeskRow, Kind, State
from server.store.tables import Act

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Desk(BaseModel):
    """The desk's rows, and the day they were counted for (Beijing)."""

    today: date
    activities: list[DeskRow]


class BoardQuery(BaseModel):
    """Which activities; all that the account may see by default. `urgent`: something late or due within seven days."""

    model_config = ConfigDict(extra="forbid")
    kind: Kind | None = None
    state: State | None = None
    unit: str | None = Field(None, max_length=32)
    year: int | None = Field(None, ge=2000, le=2999)
    urgent: Literal["1"] | None = None


@endpoint("GET", "/api/v1/desk", right=Right.SIGNED_IN, summary="What is due and what came in", answer=Desk)
async def show(call: Call[None]) -> Desk:
    services, today = call.services, beijing_date(call.services.now())
    async with services.database.read() as session:
        rows = await board(session, call.staff, today, on_air=services.broadcasts.on_air)
    return Desk(today=today, activities=rows)


@endpoint(
    "GET",
    "/api/v1/desk.xlsx",
    right=Right.SIGNED_IN,
    summary="The board as a workbook, filtered",
    query=BoardQuery,
)
async def download(call: Call[BoardQuery]) -> web.Response:
    from server.desk_workbook import render

    services, now, query = call.services, call.services.now(), call.body
    asked = Asked(query.kind, query.state, query.unit, query.year, query.urgent is not None)
    today = beijing_date(now)
    async with services.database.write() as session:
        rows = await board(session, call.staff, today, on_air=services.broadcasts.on_air)
        detail = {"what": "board", "format": "xlsx"}
        session.add(Act(at=now, account_id=call.staff.account_id, act="download", detail=detail))
    # A thread: the workbook is made by a library that never waits for anything.
    content = await asyncio.to_thread(render, [row for row in rows if asked.takes(row, today)], now)
    name = quote(f"活动看板{today.isoformat()}.xlsx")
    return web.Response(
        body=content,
        headers={
            "Content-Type": XLSX,
            "Content-Disposition": f"attachment; filename=\"board.xlsx\"; filename*=UTF-8''{name}",
            "Cache-Control": "no-store",
        },
    )
