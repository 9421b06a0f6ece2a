"""Attachments and published materials: uploading, publishing, the columns, and serving what was uploaded."""

from collections.abc import Callable
from typing import Annotated, Literal
from urllib.parse import quote

from aiohttp import web
from pydantic import AnyHttpUrl, BaseModel, BeforeValidator, ConfigDict, Field

from feedback.text import clean
from server.activities import get_activity
from server.auth.rights import Right
from server.errors import BadRequest, NotFound
from server.http.endpoint import Call, endpoint
from server.http.received_file import received_file
from server.materials import (
    AttachmentView,
    ColumnEntry,
    Draft,
    MaterialsView,
    Purpose,
    Quote,
    attach,
    column,
    detach,
    find_attachment,
    find_published,
    latest_materials,
    list_attachments,
    publish_materials,
)
from server.programme.plan import ActivityKind
from server.store.materials import Attachment
from server.store.tables import Act
from server.uploads import LARGEST, Upload, check_document, check_picture

Words = Annotated[str, BeforeValidator(lambda value: clean(value) if isinstance(value, str) else value)]
_FILE = "{file:[0-9]{1,9}}"
_CHECKS: dict[str, Callable[[str, bytes], Upload]] = {"picture": check_picture}


class UploadQuery(BaseModel):
    """What a file is for; `alt` says what a picture shows."""

    model_config = ConfigDict(extra="forbid")
    purpose: Purpose
    name: Words = Field(min_length=1, max_length=255)
    alt: Words = Field("", max_length=300)


class NewQuote(BaseModel):
    """Words for reporters; `cleared`: the speaker agreed to be quoted."""

    model_config = ConfigDict(extra="forbid")
    text: Words = Field(min_length=1, max_length=500)
    by: Words = Field(min_length=1, max_length=60)
    cleared: Literal[True]


class NewMaterials(BaseModel):
    """Publish a version. `version` is the newest one that the caller saw, 0 for none; `files` in the order shown."""

    model_config = ConfigDict(extra="forbid")
    version: int = Field(ge=0)
    text: Words = Field("", max_length=20_000)
    recording_url: Annotated[AnyHttpUrl, Field(max_length=500)] | None = None
    files: list[Annotated[int, Field(ge=1, lt=2**31)]] = Field(default=[], max_length=60)
    quotes: list[NewQuote] = Field(default=[], max_length=10)
    contact: Words = Field("", max_length=200)


class Attachments(BaseModel):
    """An activity's files."""

    files: list[AttachmentView]


class Column(BaseModel):
    """A column of the website."""

    name: str
    activities: list[ColumnEntry]


@endpoint(
    "POST",
    "/api/v1/activities/{activity}/files",
    right=Right.EDIT,
    summary="Attach a file: its bytes are the body, as application/octet-stream",
    query=UploadQuery,
    answer=AttachmentView,
    status=201,
)
async def upload_file(call: Call[UploadQuery]) -> AttachmentView:
    services, wanted = call.services, call.body
    if wanted.purpose == "picture" and not wanted.alt:
        raise BadRequest("请写一句图片说明，看不到图片的人靠它了解内容。", code="no_alt", field="alt")
    content = await received_file(call.request, LARGEST, "请压缩后再上传")
    upload, stored = await services.files.keep(_CHECKS.get(wanted.purpose, check_document), wanted.name, content)
    try:
        async with services.database.write() as session:
            return await attach(
                session,
                call.staff,
                call.target.id,
                purpose=wanted.purpose,
                upload=upload,
                stored=stored,
                alt=wanted.alt,
                now=services.now(),
            )
    except BaseException:
        await services.files.remove(stored)
        raise


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/files",
    right=Right.EDIT,
    summary="An activity's files",
    answer=Attachments,
)
async def show_files(call: Call[None]) -> Attachments:
    async with call.services.database.read() as session:
        return Attachments(files=await list_attachments(session, call.target.id))


@endpoint(
    "GET",
    f"/api/v1/activities/{{activity}}/files/{_FILE}",
    right=Right.EDIT,
    summary="One of them, to download; who read a plan is logged",
)
async def download_file(call: Call[None]) -> web.FileResponse:
    services = call.services
    async with services.database.write() as session:
        row = await find_attachment(session, call.target.id, int(call.request.match_info["file"]))
        if row.purpose in {"plan", "emergency"}:
            session.add(
                Act(
                    at=services.now(),
                    account_id=call.staff.account_id,
                    activity_id=row.activity_id,
                    act="download",
                    detail={"what": "file", "purpose": row.purpose, "name": row.name},
                )
            )
    return _served(call, row, public=False)


@endpoint("DELETE", f"/api/v1/activities/{{activity}}/files/{_FILE}", right=Right.EDIT, summary="Take a file off")
async def remove_file(call: Call[None]) -> web.Response:
    services = call.services
    async with services.database.write() as session:
        file_id = int(call.request.match_info["file"])
        stored = await detach(session, call.staff, call.target.id, file_id, services.now())
    await services.files.remove(stored)
    return web.Response(status=204)


@endpoint(
    "POST",
    "/api/v1/activities/{activity}/materials",
    right=Right.EDIT,
    summary="Publish the materials as a new version",
    body=NewMaterials,
    answer=MaterialsView,
    status=201,
)
async def publish(call: Call[NewMaterials]) -> MaterialsView:
    services, new = call.services, call.body
    draft = Draft(
        text=new.text,
        recording_url=str(new.recording_url) if new.recording_url else None,
        files=new.files,
        quotes=[Quote(text=item.text, by=item.by) for item in new.quotes],
        contact=new.contact,
    )
    async with services.database.write() as session:
        activity = await get_activity(session, call.target.slug)
        return await publish_materials(session, call.staff, activity, draft, seen=new.version, now=services.now())


@endpoint(
    "GET",
    "/api/v1/activities/{activity}/materials",
    right=Right.PUBLIC,
    summary="The published materials",
    answer=MaterialsView,
)
async def show(call: Call[None]) -> MaterialsView:
    async with call.services.database.read() as session:
        found = await latest_materials(session, await get_activity(session, call.target.slug))
    if found is None:
        raise NotFound("这个活动还没有公开材料。")
    return found


@endpoint(
    "GET",
    f"/api/v1/activities/{{activity}}/materials/{_FILE}",
    right=Right.PUBLIC,
    summary="A published file: a picture to show, a document to download",
)
async def show_file(call: Call[None]) -> web.FileResponse:
    async with call.services.database.read() as session:
        row = await find_published(session, call.target.id, int(call.request.match_info["file"]))
    return _served(call, row, public=True)


@endpoint(
    "GET",
    "/api/v1/columns/{kind:open-day|lecture}",
    right=Right.PUBLIC,
    summary="A column of the website: the activities of which something is published",
    answer=Column,
)
async def show_column(call: Call[None]) -> Column:
    kind = call.request.match_info["kind"]
    async with call.services.database.read() as session:
        return Column(name=ActivityKind(kind).column, activities=await column(session, kind))


def _served(call: Call[None], row: Attachment, *, public: bool) -> web.FileResponse:
    path = call.services.files.path(row.stored)
    if not path.is_file():
        raise NotFound("文件不在了，请联系管理员。")
    shown = public and row.media_type == "image/jpeg"
    ending = row.name.rsplit(".", 1)[-1]
    name = f"filename=\"file-{row.id}.{ending}\"; filename*=UTF-8''{quote(row.name, safe='')}"
    return web.FileResponse(
        path,
        headers={
            "Content-Type": row.media_type,
            "Content-Disposition": f"{'inline' if shown else 'attachment'}; {name}",
            # Whatever it is, it runs nothing and reaches nothing here.
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
            # It can be taken down: a copy elsewhere is asked about again.
            "Cache-Control": "public, max-age=300" if public else "private, no-store",
        },
    )
