"""Attachments of an activity, and the materials that a unit publishes of it (工作材料公开, 四、工作要求（二）)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.auth.rights import Principal
from server.deadlines import published
from server.errors import BadRequest, Conflict, NotFound
from server.outcomes import content_digest
from server.programme.plan import ActivityKind
from server.protocol import UnitView
from server.store.materials import Attachment, Material
from server.store.outcomes import Publication
from server.store.tables import Act, Activity
from server.uploads import Upload

Purpose = Literal["plan", "emergency", "picture", "document"]
PURPOSES: dict[str, str] = {"plan": "实施方案", "emergency": "应急预案", "picture": "图片", "document": "公开文件"}
MOST_FILES = 60
"""Files of one activity."""


class AttachmentView(BaseModel):
    """A file of an activity, as staff sees it."""

    id: int
    purpose: Purpose
    name: str
    media_type: str
    size: int
    sha256: str
    alt: str
    uploaded_at: datetime
    uploaded_by: str | None
    published: bool
    """Whether the public sees it now."""


class FileView(BaseModel):
    """A published file; `alt` is what a picture shows."""

    id: int
    name: str
    media_type: str
    size: int
    sha256: str
    alt: str


class Quote(BaseModel):
    """Words that reporters may quote, and whose they are."""

    text: str
    by: str


class MaterialsContent(BaseModel):
    """What one version of the materials says: the part that its digest covers."""

    title: str
    column: str
    text: str
    recording_url: str | None
    pictures: list[FileView]
    documents: list[FileView]
    quotes: list[Quote]
    contact: str


class MaterialsView(MaterialsContent):
    """The published materials of an activity."""

    version: int
    published_at: datetime
    published_by: str
    sha256: str


class ColumnEntry(BaseModel):
    """An activity in a column: what is published of it, and how its text begins."""

    slug: str
    title: str
    units: list[UnitView]
    starts_at: datetime | None
    published_at: datetime
    text: str
    picture: FileView | None
    documents: int
    recording: bool
    outcomes_version: int


@dataclass(frozen=True, slots=True)
class Draft:
    """What a unit wants to publish; files by their ids, in the order in which they are shown."""

    text: str
    recording_url: str | None
    files: Sequence[int]
    quotes: Sequence[Quote]
    contact: str


async def attach(
    session: AsyncSession,
    principal: Principal,
    activity_id: int,
    *,
    purpose: Purpose,
    upload: Upload,
    stored: str,
    alt: str,
    now: datetime,
) -> AttachmentView:
    """Record a file that is kept already. Raises Conflict (`too_many`) beyond `MOST_FILES`."""
    await session.execute(select(Activity.id).where(Activity.id == activity_id).with_for_update())
    number = await session.scalar(
        select(func.count()).select_from(Attachment).where(Attachment.activity_id == activity_id)
    )
    if (number or 0) >= MOST_FILES:
        raise Conflict(f"一个活动最多保存{MOST_FILES}个文件，请先删去不用的。", code="too_many")
    row = Attachment(
        activity_id=activity_id,
        purpose=purpose,
        name=upload.name,
        media_type=upload.media_type,
        size=len(upload.content),
        sha256=upload.sha256,
        alt=alt,
        stored=stored,
        uploaded_at=now,
        account_id=principal.account_id,
    )
    session.add(row)
    session.add(_act(principal, activity_id, "attach", now, _named(row)))
    await session.flush()
    await session.refresh(row, ["account"])
    return _view(row, published=False)


async def list_attachments(session: AsyncSession, activity_id: int) -> list[AttachmentView]:
    """All files of an activity in the order in which they came."""
    latest = await _latest(session, activity_id)
    shown = _files_of(latest)
    rows = await session.scalars(
        select(Attachment).where(Attachment.activity_id == activity_id).order_by(Attachment.id)
    )
    return [_view(row, published=row.id in shown) for row in rows]


async def find_attachment(session: AsyncSession, activity_id: int, attachment_id: int) -> Attachment:
    """A file of the activity. Raises NotFound."""
    row = await session.get(Attachment, attachment_id)
    if row is None or row.activity_id != activity_id:
        raise NotFound("没有这个文件，可能已经删去。")
    return row


async def find_published(session: AsyncSession, activity_id: int, attachment_id: int) -> Attachment:
    """A file that the newest version of the materials names. Raises NotFound for every other."""
    if attachment_id not in _files_of(await _latest(session, activity_id)):
        raise NotFound("没有这个文件，可能已经撤下。")
    return await find_attachment(session, activity_id, attachment_id)


async def detach(
    session: AsyncSession, principal: Principal, activity_id: int, attachment_id: int, now: datetime
) -> str:
    """Take a file off an activity. Returns the name under which it lies. Raises Conflict (`published`) for one that
    the public sees.
    """
    await session.execute(select(Activity.id).where(Activity.id == activity_id).with_for_update())
    row = await find_attachment(session, activity_id, attachment_id)
    if attachment_id in _files_of(await _latest(session, activity_id)):
        raise Conflict("这个文件正在公开，请先发布不含它的新版本，再删去。", code="published")
    session.add(_act(principal, activity_id, "detach", now, _named(row)))
    await session.delete(row)
    return row.stored


async def publish_materials(
    session: AsyncSession, principal: Principal, activity: Activity, draft: Draft, *, seen: int, now: datetime
) -> MaterialsView:
    """Publish the next version.

    Raises Conflict: `too_early` before the activity began, `stale` where somebody published after version `seen`,
    `unchanged` where it says the same; BadRequest (`empty`) for nothing, NotFound for a file that is gone.
    """
    await session.execute(select(Activity.id).where(Activity.id == activity.id).with_for_update())
    if activity.state != "ended" and (activity.starts_at is None or activity.starts_at > now):
        raise Conflict("活动还没有开展，开展之后再公开材料。", code="too_early")
    latest = await _latest(session, activity.id)
    if (latest.version if latest else 0) != seen:
        raise Conflict("材料刚刚被别人更新过，请看过最新版本再发布。", code="stale")
    files = [await find_attachment(session, activity.id, file_id) for file_id in dict.fromkeys(draft.files)]
    if any(row.purpose not in {"picture", "document"} for row in files):
        raise BadRequest("实施方案和应急预案只供内部使用，不能公开。", code="bad_file")
    if not (draft.text or files or draft.recording_url):
        raise BadRequest("请填写文字，或者选择要公开的图片、文件、录像。", code="empty")
    content = MaterialsContent(
        title=activity.title,
        column=ActivityKind(activity.kind).column,
        text=draft.text,
        recording_url=draft.recording_url,
        pictures=[_file(row) for row in files if row.purpose == "picture"],
        documents=[_file(row) for row in files if row.purpose == "document"],
        quotes=list(draft.quotes),
        contact=draft.contact,
    ).model_dump()
    sha256 = content_digest(content)
    if latest is not None and latest.sha256 == sha256:
        raise Conflict("内容与已公开的相同，没有需要更新的地方。", code="unchanged")
    row = Material(
        activity_id=activity.id,
        version=seen + 1,
        published_at=now,
        account_id=principal.account_id,
        sha256=sha256,
        content=content,
    )
    session.add(row)
    session.add(_act(principal, activity.id, "materials", now, {"version": row.version, "sha256": sha256}))
    await session.flush()
    return view_of(row, activity)


async def latest_materials(session: AsyncSession, activity: Activity) -> MaterialsView | None:
    """What is published of the activity, None before the first version."""
    row = await _latest(session, activity.id)
    return view_of(row, activity) if row else None


async def materials_version(session: AsyncSession, activity_id: int) -> int:
    """The newest published version, 0 before the first."""
    newest = await session.scalar(select(func.max(Material.version)).where(Material.activity_id == activity_id))
    return newest or 0


async def column(session: AsyncSession, kind: str) -> list[ColumnEntry]:
    """The activities of a column of which anything is published (materials, outcomes, the recording), newest first."""
    shown = await published(session)
    versions = select(Publication.activity_id, func.max(Publication.version)).group_by(Publication.activity_id)
    outcomes = dict((await session.execute(versions)).all())
    newest = select(func.max(Material.id)).group_by(Material.activity_id)
    rows = {row.activity_id: row for row in await session.scalars(select(Material).where(Material.id.in_(newest)))}
    entries = []
    among = select(Activity).where(Activity.kind == kind, Activity.id.in_(list(shown))).order_by(Activity.id)
    for activity in await session.scalars(among):
        after, row = shown[activity.id], rows.get(activity.id)
        if after.first is None:
            continue
        content = MaterialsContent.model_validate(row.content) if row else None
        entries.append(
            ColumnEntry(
                slug=activity.slug,
                title=activity.title,
                units=[UnitView.of(unit) for unit in activity.units],
                starts_at=activity.starts_at,
                published_at=row.published_at if row else after.first,
                text=(content.text if content else activity.summary)[:200],
                picture=content.pictures[0] if content and content.pictures else None,
                documents=len(content.documents) if content else 0,
                recording=after.recording is not None or bool(content and content.recording_url),
                outcomes_version=outcomes.get(activity.id, 0),
            )
        )
    return sorted(entries, key=lambda entry: entry.published_at, reverse=True)


def view_of(row: Material, activity: Activity) -> MaterialsView:
    """A version as the public sees it."""
    return MaterialsView(
        **MaterialsContent.model_validate(row.content).model_dump(),
        version=row.version,
        published_at=row.published_at,
        published_by="、".join(unit.name for unit in activity.units),
        sha256=row.sha256,
    )


async def _latest(session: AsyncSession, activity_id: int) -> Material | None:
    query = select(Material).where(Material.activity_id == activity_id).order_by(Material.version.desc()).limit(1)
    row: Material | None = await session.scalar(query)
    return row


def _files_of(row: Material | None) -> frozenset[int]:
    if row is None:
        return frozenset()
    content = MaterialsContent.model_validate(row.content)
    return frozenset(file.id for file in [*content.pictures, *content.documents])


def _file(row: Attachment) -> FileView:
    return FileView(id=row.id, name=row.name, media_type=row.media_type, size=row.size, sha256=row.sha256, alt=row.alt)


def _view(row: Attachment, *, published: bool) -> AttachmentView:
    return AttachmentView.model_validate(
        {
            **_file(row).model_dump(),
            "purpose": row.purpose,
            "uploaded_at": row.uploaded_at,
            "uploaded_by": row.account.name if row.account else None,
            "published": published,
        }
    )


def _named(row: Attachment) -> dict[str, object]:
    return {"purpose": row.purpose, "name": row.name, "sha256": row.sha256}


def _act(principal: Principal, activity_id: int, act: str, now: datetime, detail: dict[str, object]) -> Act:
    return Act(at=now, account_id=principal.account_id, activity_id=activity_id, act=act, detail=detail)
