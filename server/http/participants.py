"""Staff: who registered to come in person, page by page; choosing by hand, the attendance list, and the door."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from urllib.parse import quote

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from server import attendance
from server.activities import get_activity
from server.auth.rights import Right
from server.errors import Forbidden, ServiceError
from server.http.endpoint import Call, endpoint
from server.personal import Person
from server.programme.places import Category, PlaceAct, PlaceState, read_ticket
from server.registrations import (
    check_in,
    choose,
    count_registrations,
    get_registration,
    list_registrations,
    page_of_registrations,
    waiting_places,
)
from server.services import Services
from server.store.places import Registration
from server.store.tables import Act

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_SCANS = 200
PAGE = 50
"""Registrations on one page of the desk."""


class PlaceRow(BaseModel):
    """A registration; name, phone and organisation are masked unless `revealed`."""

    number: int
    category: Category
    category_text: str
    state: PlaceState
    state_text: str
    rank: int
    """On the waiting list: 1 is the first to move up; 0 for who does not wait."""
    guardian: bool
    at: datetime
    attended_at: datetime | None
    name: str
    phone: str
    organisation: str
    revealed: bool


class PlacesQuery(BaseModel):
    """Which registrations: of a state, of a category, or found by the number or the whole phone; and which page."""

    model_config = ConfigDict(extra="forbid")
    state: PlaceState | None = None
    category: Category | None = None
    search: str = Field("", max_length=20)
    page: int = Field(1, ge=1, le=100_000)


class PlaceList(BaseModel):
    """A page of registrations by number; who waits, by rank where the waiting list alone is asked for."""

    registrations: list[PlaceRow]
    found: int
    """How many there are of those that were asked for."""
    page: int
    pages: int
    registered: int
    """Of all, whatever was asked for; `holding` selected or confirmed, `present` checked in."""
    holding: int
    present: int


class Choice(BaseModel):
    """What the unit does with a registration."""

    model_config = ConfigDict(extra="forbid")
    act: Literal[PlaceAct.SELECT, PlaceAct.WAIT, PlaceAct.REJECT]


class AttendanceQuery(BaseModel):
    """Whether names and phones are to be seen."""

    model_config = ConfigDict(extra="forbid")
    reveal: bool = False


class Scan(BaseModel):
    """A ticket as scanned or a number as typed, and when."""

    model_config = ConfigDict(extra="forbid")
    ticket: str = Field(min_length=1, max_length=120)
    at: AwareDatetime


class Scans(BaseModel):
    """What a phone at the door kept until it was online."""

    model_config = ConfigDict(extra="forbid")
    scans: list[Scan] = Field(min_length=1, max_length=MOST_SCANS)


class Scanned(BaseModel):
    """What became of one scan; `first` is false for somebody who was in already."""

    ticket: str
    ok: bool
    message: str
    number: int | None = None
    name: str = ""
    category_text: str = ""
    first: bool = False


class ScanResults(BaseModel):
    """In the order of the scans."""

    results: list[Scanned]
    present: int


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/registrations",
    right=Right.EDIT,
    summary="A page of the registrations, masked",
    query=PlacesQuery,
    answer=PlaceList,
)
async def list_page(call: Call[PlacesQuery]) -> PlaceList:
    services, asked = call.services, call.body
    async with services.database.read() as session:
        rows, found = await page_of_registrations(
            session,
            services.seals,
            call.target.id,
            state=asked.state,
            category=asked.category,
            search=asked.search.strip(),
            start=(asked.page - 1) * PAGE,
            most=PAGE,
        )
        counts = await count_registrations(session, call.target.id)
        waiting = await waiting_places(session, call.target.id, rows)
    return PlaceList(
        registrations=[_row(services, row, waiting) for row in rows],
        found=found,
        page=asked.page,
        pages=max(1, -(-found // PAGE)),
        registered=counts.registered,
        holding=counts.holding,
        present=counts.present,
    )


@endpoint(
    "POST",
    "/api/v1/activities/{activity}/registrations/{number:[0-9]{1,6}}",
    right=Right.EDIT,
    summary="Choose by hand",
    body=Choice,
    answer=PlaceRow,
)
async def choose_one(call: Call[Choice]) -> PlaceRow:
    number = int(call.request.match_info["number"])
    async with call.services.database.write() as session:
        activity = await get_activity(session, call.target.slug)
        row = await choose(session, call.staff, activity, number, call.body.act, call.services.now())
        waiting = await waiting_places(session, activity.id, [row])
    return _row(call.services, row, waiting)


@endpoint(
    "POST",
    "/api/v1/activities/{activity}/registrations/{number:[0-9]{1,6}}/reveal",
    right=Right.PERSONAL,
    summary="See who it is; the look is logged",
    answer=PlaceRow,
)
async def reveal(call: Call[None]) -> PlaceRow:
    number = int(call.request.match_info["number"])
    async with call.services.database.write() as session:
        row = await get_registration(session, call.target.id, number)
        waiting = await waiting_places(session, call.target.id, [row])
        session.add(
            Act(
                at=call.services.now(),
                account_id=call.staff.account_id,
                activity_id=call.target.id,
                act="reveal",
                detail={"number": number},
            )
        )
    return _row(call.services, row, waiting, revealed=True)


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/attendance",
    right=Right.EDIT,
    summary="The attendance list as xlsx, masked unless the reader may see more and asks for it",
    query=AttendanceQuery,
)
async def download(call: Call[AttendanceQuery]) -> web.Response:
    services, revealed = call.services, call.body.reveal
    if revealed and not call.staff.may(Right.PERSONAL):
        raise Forbidden("您没有查看个人信息的权限，可以下载隐去姓名的名单。")
    async with services.database.write() as session:
        activity = await get_activity(session, call.target.slug)
        rows = await list_registrations(session, call.target.id)
        session.add(
            Act(
                at=services.now(),
                account_id=call.staff.account_id,
                activity_id=call.target.id,
                act="download",
                detail={"what": "attendance", "reveal": revealed},
            )
        )
    people = [_person(services, row, revealed=revealed) for row in rows]
    content = await asyncio.to_thread(attendance.render, activity.title, rows, people, services.now())
    name = quote(f"{activity.title}参与人员名单.xlsx")
    return web.Response(
        body=content,
        headers={
            "Content-Type": XLSX,
            "Content-Disposition": f"attachment; filename=\"attendance.xlsx\"; filename*=UTF-8''{name}",
            "Cache-Control": "no-store",
        },
    )


@endpoint(
    "POST",
    "/api/v1/activities/{activity}/check-ins",
    right=Right.HOST,
    summary="Check in at the door: scanned tickets or typed numbers, at once or later",
    body=Scans,
    answer=ScanResults,
)
async def scan(call: Call[Scans]) -> ScanResults:
    services, now = call.services, call.services.now()
    results = []
    async with services.database.write() as session:
        activity = await get_activity(session, call.target.slug)
        for item in call.body.scans:
            text = item.ticket.strip()
            number = int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else None
            if number is None:
                number = read_ticket(services.key, activity.slug, text)
            if number is None:
                results.append(Scanned(ticket=item.ticket, ok=False, message="不是本活动的入场码。"))
                continue
            try:
                row, first = await check_in(session, call.staff, activity, number, item.at, now)
            except ServiceError as error:
                results.append(Scanned(ticket=item.ticket, ok=False, message=error.message, number=number))
                continue
            results.append(
                Scanned(
                    ticket=item.ticket,
                    ok=True,
                    message="已签到。" if first else "之前已经签到。",
                    number=number,
                    name=_person(services, row, revealed=False).name,
                    category_text=Category(row.category).text,
                    first=first,
                )
            )
        counts = await count_registrations(session, activity.id)
    return ScanResults(results=results, present=counts.present)


def _person(services: Services, row: Registration, *, revealed: bool) -> Person:
    if row.sealed is None:
        return Person("（已删除）", "")
    person = services.seals.open(row.sealed)
    return person if revealed else person.masked


def _row(services: Services, row: Registration, waiting: Mapping[int, int], *, revealed: bool = False) -> PlaceRow:
    person = _person(services, row, revealed=revealed)
    return PlaceRow(
        number=row.number,
        category=Category(row.category),
        category_text=Category(row.category).text,
        state=PlaceState(row.state),
        state_text=PlaceState(row.state).text,
        rank=waiting.get(row.number, 0),
        guardian=row.guardian,
        at=row.at,
        attended_at=row.attended_at,
        name=person.name,
        phone=person.phone,
        organisation=person.organisation,
        revealed=revealed,
    )
