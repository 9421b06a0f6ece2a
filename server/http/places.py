"""Staff: setting up who may come, choosing, the draw, the door, and the attendance list."""

import asyncio
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import quote

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from feedback.text import clean
from server import attendance
from server.activities import get_activity
from server.auth.rights import Right
from server.errors import Forbidden, NotFound, ServiceError
from server.http.endpoint import Call, endpoint
from server.http.registrations import SelectionView, selection_view
from server.personal import Person
from server.programme.places import Category, PlaceAct, PlaceState, advice, read_ticket
from server.registrations import check_in, choose, list_registrations
from server.selection import close, find_selection, invite, make_draw, publish_notice, set_up
from server.services import Services
from server.store.places import Registration
from server.store.tables import Act

Words = Annotated[str, BeforeValidator(lambda value: clean(value) if isinstance(value, str) else value)]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_SCANS = 200


class SelectionSettings(BaseModel):
    """How people are chosen; `revision` is the one that was seen, 0 for none."""

    model_config = ConfigDict(extra="forbid")
    mode: Literal["open", "invited"]
    opens_at: AwareDatetime
    closes_at: AwareDatetime
    quotas: dict[Category, Annotated[int, Field(ge=0, le=2000)]] = Field(max_length=len(Category))
    requirements: Words = Field("", max_length=2000)
    public_source: Words = Field("", max_length=200)
    revision: int = Field(ge=0)


class PlacesView(BaseModel):
    """The selection as the unit works on it."""

    selection: SelectionView
    revision: int
    public_source: str
    advice: str


class NewInvitations(BaseModel):
    """Codes of 定向邀请."""

    model_config = ConfigDict(extra="forbid")
    category: Category
    count: int = Field(ge=1, le=50)


class Invitations(BaseModel):
    """The codes, told this once."""

    codes: list[str]


class DrawInput(BaseModel):
    """The public value that the notice announced, where it did."""

    model_config = ConfigDict(extra="forbid")
    public_value: Words = Field("", max_length=100)


class PlaceRow(BaseModel):
    """A registration; name, phone and organisation are masked unless `revealed`."""

    number: int
    category: Category
    category_text: str
    state: PlaceState
    state_text: str
    rank: int
    guardian: bool
    at: datetime
    attended_at: datetime | None
    name: str
    phone: str
    organisation: str
    revealed: bool


class PlaceList(BaseModel):
    """All registrations by number."""

    registrations: list[PlaceRow]


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
    "/api/v1/activities/{activity}/places",
    right=Right.EDIT,
    summary="How people on the spot are chosen, for the unit",
    answer=PlacesView,
)
async def show(call: Call[None]) -> PlacesView:
    return await _places(call.services, call.target.id)


async def _places(services: Services, activity_id: int) -> PlacesView:
    async with services.database.read() as session:
        selection = await find_selection(session, activity_id)
        view = await selection_view(session, activity_id, services.now(), public=False)
    return PlacesView(
        selection=view,
        revision=selection.revision,
        public_source=selection.public_source,
        advice=advice(selection.quotas),
    )


@endpoint(
    "PUT",
    "/api/v1/activities/{activity}/places",
    right=Right.EDIT,
    summary="Set up or change how people on the spot are chosen",
    body=SelectionSettings,
    answer=PlacesView,
)
async def change(call: Call[SelectionSettings]) -> PlacesView:
    services, new = call.services, call.body
    async with services.database.write() as session:
        await set_up(
            session,
            call.staff,
            await get_activity(session, call.target.slug),
            mode=new.mode,
            opens_at=new.opens_at,
            closes_at=new.closes_at,
            quotas=new.quotas,
            requirements=new.requirements,
            public_source=new.public_source,
            revision=new.revision,
            now=services.now(),
        )
    return await _places(services, call.target.id)


@endpoint(
    "POST",
    "/api/v1/activities/{activity}/places/notice",
    right=Right.EDIT,
    summary="Publish the 遴选公告, or its correction",
    answer=PlacesView,
    status=201,
)
async def publish(call: Call[None]) -> PlacesView:
    async with call.services.database.write() as session:
        activity = await get_activity(session, call.target.slug)
        await publish_notice(session, call.staff, activity, call.services.now())
    return await _places(call.services, call.target.id)


@endpoint(
    "POST",
    "/api/v1/activities/{activity}/places/invitations",
    right=Right.EDIT,
    summary="Make invitation codes; they are told this once",
    body=NewInvitations,
    answer=Invitations,
    status=201,
)
async def make_invitations(call: Call[NewInvitations]) -> Invitations:
    async with call.services.database.write() as session:
        activity = await get_activity(session, call.target.slug)
        new, now = call.body, call.services.now()
        return Invitations(codes=await invite(session, call.staff, activity, new.category, new.count, now))


@endpoint(
    "POST",
    "/api/v1/activities/{activity}/places/close",
    right=Right.EDIT,
    summary="Close registration and publish the list that the draw is made from",
    answer=PlacesView,
)
async def close_list(call: Call[None]) -> PlacesView:
    async with call.services.database.write() as session:
        await close(session, call.staff, await get_activity(session, call.target.slug), call.services.now())
    return await _places(call.services, call.target.id)


@endpoint(
    "POST",
    "/api/v1/activities/{activity}/places/draw",
    right=Right.EDIT,
    summary="Draw from the closed list, and publish the record",
    body=DrawInput,
    answer=PlacesView,
)
async def draw_places(call: Call[DrawInput]) -> PlacesView:
    async with call.services.database.write() as session:
        activity = await get_activity(session, call.target.slug)
        await make_draw(session, call.staff, activity, call.body.public_value, call.services.now())
    return await _places(call.services, call.target.id)


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/registrations",
    right=Right.EDIT,
    summary="All registrations, masked",
    answer=PlaceList,
)
async def list_all(call: Call[None]) -> PlaceList:
    async with call.services.database.read() as session:
        rows = await list_registrations(session, call.target.id)
    return PlaceList(registrations=[_row(call.services, row) for row in rows])


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
    return _row(call.services, row)


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
        rows = await list_registrations(session, call.target.id)
        row = next((row for row in rows if row.number == number), None)
        if row is None:
            raise NotFound("没有找到这份报名。")
        session.add(
            Act(
                at=call.services.now(),
                account_id=call.staff.account_id,
                activity_id=call.target.id,
                act="reveal",
                detail={"number": number},
            )
        )
    return _row(call.services, row, revealed=True)


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
        rows = await list_registrations(session, activity.id)
    return ScanResults(results=results, present=sum(row.attended_at is not None for row in rows))


def _person(services: Services, row: Registration, *, revealed: bool) -> Person:
    if row.sealed is None:
        return Person("（已删除）", "")
    person = services.seals.open(row.sealed)
    return person if revealed else person.masked


def _row(services: Services, row: Registration, *, revealed: bool = False) -> PlaceRow:
    person = _person(services, row, revealed=revealed)
    return PlaceRow(
        number=row.number,
        category=Category(row.category),
        category_text=Category(row.category).text,
        state=PlaceState(row.state),
        state_text=PlaceState(row.state).text,
        rank=row.rank,
        guardian=row.guardian,
        at=row.at,
        attended_at=row.attended_at,
        name=person.name,
        phone=person.phone,
        organisation=person.organisation,
        revealed=revealed,
    )
