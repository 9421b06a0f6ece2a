"""Notices: the draft, publishing, what the public sees, the document, the QR code."""

import asyncio
import io
from typing import Annotated
from urllib.parse import quote

from aiohttp import web
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from feedback.text import clean
from server.activities import get_activity
from server.auth.rights import Right
from server.deadlines import timetable_of
from server.errors import BadRequest, NotFound
from server.holidays import working_calendar
from server.http.endpoint import Call, endpoint
from server.notices import RESERVED, draft, history, publish, versions_of
from server.programme.calendar import beijing_date
from server.programme_views import NoticeContent, NoticeDraftView, NoticeHistoryView, NoticeView, corrected
from server.store.tables import Act

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

Words = Annotated[str, BeforeValidator(lambda value: clean(value) if isinstance(value, str) else value)]


class FreeField(BaseModel):
    """A field that the unit adds."""

    model_config = ConfigDict(extra="forbid")
    label: Words = Field(min_length=1, max_length=20)
    text: Words = Field(min_length=1, max_length=5000)


class NewNotice(BaseModel):
    """Publish a version. `version` is the newest one that the caller saw, 0 for none."""

    model_config = ConfigDict(extra="forbid")
    version: int = Field(ge=0)
    free: list[FreeField] = Field(default=[], max_length=10)
    reason: Words = Field("", max_length=500)


class DocumentQuery(BaseModel):
    """Which version; the newest by default."""

    model_config = ConfigDict(extra="forbid")
    version: int | None = Field(None, ge=1, le=1_000_000)


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/notice/draft",
    right=Right.EDIT,
    summary="The notice as it would be published now, and what stands in its way",
    answer=NoticeDraftView,
)
async def show_draft(call: Call[None]) -> NoticeDraftView:
    services = call.services
    async with services.database.read() as session:
        activity = await get_activity(session, call.target.slug)
        table = timetable_of(await working_calendar(session), activity)
        return await draft(session, activity, table, beijing_date(services.now()))


@endpoint(
    "POST",
    "/api/v1/activities/{activity}/notice",
    right=Right.EDIT,
    summary="Publish the notice, or its correction",
    body=NewNotice,
    answer=NoticeView,
    status=201,
)
async def publish_notice(call: Call[NewNotice]) -> NoticeView:
    services, new = call.services, call.body
    labels = [field.label for field in new.free]
    if taken := next((label for label in labels if label in RESERVED or labels.count(label) > 1), None):
        raise BadRequest(f"“{taken}”已经在公告里，请换一个名称。", code="bad_label")
    async with services.database.write() as session:
        activity = await get_activity(session, call.target.slug)
        notice = await publish(
            session,
            call.staff,
            activity,
            timetable_of(await working_calendar(session), activity),
            free=[(field.label, field.text) for field in new.free],
            reason=new.reason,
            seen=new.version,
            now=services.now(),
        )
    await services.hub.noticed(call.target.id, notice.version)
    return notice


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/notice",
    right=Right.PUBLIC,
    summary="The published notice and its versions",
    answer=NoticeHistoryView,
)
async def show_notice(call: Call[None]) -> NoticeHistoryView:
    async with call.services.database.read() as session:
        return await history(session, await get_activity(session, call.target.slug))


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/notice/document",
    right=Right.EDIT,
    summary="A published version of the notice as docx",
    query=DocumentQuery,
)
async def download(call: Call[DocumentQuery]) -> web.Response:
    from server.programme import notice_document

    services, slug = call.services, call.target.slug
    async with services.database.write() as session:
        activity = await get_activity(session, slug)
        rows = await versions_of(session, activity.id)
        row = next((row for row in rows if call.body.version in {None, row.version}), None)
        if row is None:
            raise NotFound("没有这个版本的公告，请先发布。")
        session.add(
            Act(
                at=services.now(),
                account_id=call.staff.account_id,
                activity_id=activity.id,
                act="download",
                detail={"what": "notice", "version": row.version},
            )
        )
        units = tuple(unit.name for unit in activity.units)
    content = NoticeContent.model_validate(row.content)
    pairs = [(field.label, field.text) for field in content.fields]
    body = await asyncio.to_thread(
        notice_document.render,
        f"{content.title}活动公告",
        pairs,
        units,
        row.published_at,
        version=row.version,
        corrected=corrected(content.changes),
    )
    shown = quote(f"{content.title}活动公告.docx")
    disposition = f"attachment; filename=\"{slug}-notice-{row.version}.docx\"; filename*=UTF-8''{shown}"
    return web.Response(
        body=body,
        headers={"Content-Type": DOCX, "Content-Disposition": disposition, "Cache-Control": "no-store"},
    )


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/qr.svg",
    right=Right.EDIT,
    summary="A QR code of the activity's public page",
)
async def show_code(call: Call[None]) -> web.Response:
    import segno

    picture = io.BytesIO()
    address = f"{address_of_site(call)}/a/{call.target.slug}"
    # Level M survives a fold or a stain on a printed notice; ISO/IEC 18004 asks for a border of four modules.
    segno.make_qr(address, error="m").save(picture, kind="svg", scale=8, border=4, light="#ffffff", title=address)
    return web.Response(body=picture.getvalue(), headers={"Content-Type": "image/svg+xml", "Cache-Control": "no-store"})


def address_of_site(call: Call[None]) -> str:
    """Where people reach the service, as this request did."""
    scheme = "https" if call.services.authenticator.secure(call.request) else "http"
    return f"{scheme}://{call.request.host}"
