"""Staff: setting up who may come in person, the 遴选公告, invitations, closing, and the draw."""

import asyncio
from datetime import date
from typing import Annotated, Literal
from urllib.parse import quote

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from feedback.text import clean
from server.activities import get_activity
from server.auth.rights import Right
from server.deadlines import timetable_of
from server.errors import NotFound
from server.holidays import working_calendar
from server.http.endpoint import Call, endpoint
from server.http.notices import DOCX, DocumentQuery
from server.http.registrations import SelectionView, selection_view
from server.programme.calendar import beijing_date
from server.programme.deadlines import DeadlineKind
from server.programme.places import Category, advice
from server.programme_views import ChangeView, SelectionContent, change_view, corrected
from server.selection import close, find_selection, invite, make_draw, set_up
from server.selection_notices import corrections, notice_versions, objections, publish_notice
from server.services import Services
from server.store.tables import Act

Words = Annotated[str, BeforeValidator(lambda value: clean(value) if isinstance(value, str) else value)]


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


class NoticeReason(BaseModel):
    """Why the 遴选公告 is published late, where it is."""

    model_config = ConfigDict(extra="forbid")
    reason: Words = Field("", max_length=500)


class StaffSelectionNotice(BaseModel):
    """What only staff sees of a published version."""

    version: int
    objections: list[str]
    reason: str


class PlacesView(BaseModel):
    """The selection as the unit works on it."""

    selection: SelectionView
    revision: int
    public_source: str
    advice: str
    due: date | None
    """The last day for the 遴选公告, where it has one."""
    objections: list[str]
    """Why publishing it now needs a recorded reason."""
    changes: list[ChangeView]
    """What differs from the newest version; empty before the first."""
    notices: list[StaffSelectionNotice]


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


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/places",
    right=Right.EDIT,
    summary="How people on the spot are chosen, for the unit",
    answer=PlacesView,
)
async def show(call: Call[None]) -> PlacesView:
    return await _places(call.services, call.target.slug)


async def _places(services: Services, slug: str) -> PlacesView:
    now = services.now()
    async with services.database.read() as session:
        activity = await get_activity(session, slug)
        selection = await find_selection(session, activity.id)
        view = await selection_view(session, activity.id, now, public=False)
        versions = await notice_versions(session, activity.id)
        table = timetable_of(await working_calendar(session), activity)
    deadline = table.get(DeadlineKind.SELECTION) if table else None
    return PlacesView(
        selection=view,
        revision=selection.revision,
        public_source=selection.public_source,
        advice=advice(selection.quotas),
        due=deadline.due if deadline else None,
        objections=list(objections(selection, table, beijing_date(now))),
        changes=[change_view(item) for item in corrections(versions[0], activity, selection)] if versions else [],
        notices=[
            StaffSelectionNotice(version=row.version, objections=row.objections, reason=row.reason) for row in versions
        ],
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
    return await _places(services, call.target.slug)


@endpoint(
    "POST",
    "/api/v1/activities/{activity}/places/notice",
    right=Right.EDIT,
    summary="Publish the 遴选公告, or its correction; late only with a recorded reason",
    body=NoticeReason,
    answer=PlacesView,
    status=201,
)
async def publish(call: Call[NoticeReason]) -> PlacesView:
    now = call.services.now()
    async with call.services.database.write() as session:
        activity = await get_activity(session, call.target.slug)
        await publish_notice(
            session,
            call.staff,
            activity,
            await find_selection(session, activity.id, lock=True),
            timetable_of(await working_calendar(session), activity),
            reason=call.body.reason,
            today=beijing_date(now),
            now=now,
        )
    return await _places(call.services, call.target.slug)


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/places/notice/document",
    right=Right.EDIT,
    summary="A published version of the 遴选公告 as docx",
    query=DocumentQuery,
)
async def download_notice(call: Call[DocumentQuery]) -> web.Response:
    from server.programme import notice_document

    services, slug = call.services, call.target.slug
    async with services.database.write() as session:
        activity = await get_activity(session, slug)
        rows = await notice_versions(session, activity.id)
        row = next((row for row in rows if call.body.version in {None, row.version}), None)
        if row is None:
            raise NotFound("没有这个版本的遴选公告，请先发布。")
        session.add(
            Act(
                at=services.now(),
                account_id=call.staff.account_id,
                activity_id=activity.id,
                act="download",
                detail={"what": "selection-notice", "version": row.version},
            )
        )
        units = tuple(unit.name for unit in activity.units)
    content = SelectionContent.model_validate(row.content)
    body = await asyncio.to_thread(
        notice_document.render,
        content.title,
        content.fields,
        units,
        row.published_at,
        version=row.version,
        corrected=corrected(content.changes),
    )
    name = f"attachment; filename=\"{slug}-selection-{row.version}.docx\"; filename*=UTF-8''{quote(content.title)}.docx"
    return web.Response(
        body=body, headers={"Content-Type": DOCX, "Content-Disposition": name, "Cache-Control": "no-store"}
    )


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
    return await _places(call.services, call.target.slug)


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
    return await _places(call.services, call.target.slug)
