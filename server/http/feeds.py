"""Feeds of what was published: notices, corrections, materials and outcomes, as Atom, RSS and JSON Feed."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.auth.rights import Right
from server.http.endpoint import Call, endpoint
from server.http.notices import address_of_site
from server.materials import MaterialsContent
from server.programme import atom, rss
from server.programme_views import ChangeView, NoticeContent, SelectionContent
from server.store.materials import Material
from server.store.outcomes import Publication
from server.store.places import SelectionNotice
from server.store.tables import Activity, Notice

TITLE = "政民互动：活动公告、遴选公告、工作材料和采纳情况"
MOST = 50
"""Entries of a feed."""


@endpoint("GET", "/notices.atom", right=Right.PUBLIC, summary="What was published last, as an Atom feed (RFC 4287)")
async def show_atom(call: Call[None]) -> web.Response:
    base = address_of_site(call)
    text = atom.feed(TITLE, base, f"{base}/notices.atom", await _published(call, base))
    return _answer(text, atom.CONTENT_TYPE)


@endpoint("GET", "/notices.rss", right=Right.PUBLIC, summary="The same as RSS 2.0")
async def show_rss(call: Call[None]) -> web.Response:
    base = address_of_site(call)
    text = rss.feed(TITLE, base, f"{base}/notices.rss", await _published(call, base))
    return _answer(text, rss.CONTENT_TYPE)


@endpoint("GET", "/notices.json", right=Right.PUBLIC, summary="The same as a JSON Feed (version 1.1)")
async def show_json(call: Call[None]) -> web.Response:
    base = address_of_site(call)
    items = [
        {
            "id": entry.id,
            "url": entry.link,
            "title": entry.title,
            "content_text": entry.text,
            "date_published": entry.updated.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "authors": [{"name": entry.author}],
        }
        for entry in await _published(call, base)
    ]
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": TITLE,
        "home_page_url": base,
        "feed_url": f"{base}/notices.json",
        "language": "zh-CN",
        "items": items,
    }
    return _answer(json.dumps(feed, ensure_ascii=False), "application/feed+json; charset=utf-8")


def _answer(text: str, media_type: str) -> web.Response:
    return web.Response(body=text.encode(), headers={"Content-Type": media_type, "Cache-Control": "public, max-age=60"})


async def _published(call: Call[None], base: str) -> list[atom.Entry]:
    async with call.services.database.read() as session:
        entries = [
            *[_notice(row, activity, base) for row, activity in await _newest(session, Notice)],
            *[_selection(row, activity, base) for row, activity in await _newest(session, SelectionNotice)],
            *[_materials(row, activity, base) for row, activity in await _newest(session, Material)],
            *[_outcomes(row, activity, base) for row, activity in await _newest(session, Publication)],
        ]
    return sorted(entries, key=lambda entry: entry.updated, reverse=True)[:MOST]


async def _newest(session: AsyncSession, table: Any) -> list[tuple[Any, Activity]]:
    rows = await session.execute(
        select(table, Activity)
        .join(Activity, Activity.id == table.activity_id)
        .order_by(table.published_at.desc(), table.id.desc())
        .limit(MOST)
    )
    return [(row, activity) for row, activity in rows]


def _entry(activity: Activity, base: str, *, part: str, title: str, updated: datetime, text: str) -> atom.Entry:
    return atom.Entry(
        id=f"{base}/a/{activity.slug}#{part}",
        title=title,
        author="、".join(unit.name for unit in activity.units),
        link=f"{base}/a/{activity.slug}",
        updated=updated,
        text=text,
    )


def _notice(row: Notice, activity: Activity, base: str) -> atom.Entry:
    content = NoticeContent.model_validate(row.content)
    return _entry(
        activity,
        base,
        part=f"notice-{row.version}",
        title=f"{'更正公告' if row.version > 1 else '活动公告'}：{content.title}",
        updated=row.published_at,
        text="\n".join([*_corrected(content.changes), *(f"{field.label}：{field.text}" for field in content.fields)]),
    )


def _selection(row: SelectionNotice, activity: Activity, base: str) -> atom.Entry:
    content = SelectionContent.model_validate(row.content)
    return _entry(
        activity,
        base,
        part=f"selection-{row.version}",
        title=f"{'更正' if row.version > 1 else ''}遴选公告：{activity.title}",
        updated=row.published_at,
        text="\n".join([*_corrected(content.changes), *(f"{label}：{text}" for label, text in content.fields)]),
    )


def _corrected(changes: Sequence[ChangeView]) -> list[str]:
    return [f"更正{change.label}：由“{change.before or '无'}”改为“{change.after or '无'}”" for change in changes]


def _materials(row: Material, activity: Activity, base: str) -> atom.Entry:
    content = MaterialsContent.model_validate(row.content)
    parts = [f"图片{len(content.pictures)}张" if content.pictures else "", "录像" if content.recording_url else ""]
    parts += [document.name for document in content.documents]
    return _entry(
        activity,
        base,
        part=f"materials-{row.version}",
        title=f"{content.column}：{content.title}{'（更新）' if row.version > 1 else ''}",
        updated=row.published_at,
        text="\n".join(part for part in (content.text, "、".join(part for part in parts if part)) if part),
    )


def _outcomes(row: Publication, activity: Activity, base: str) -> atom.Entry:
    numbers = row.content["numbers"]
    if not isinstance(numbers, dict):
        raise TypeError("a publication's numbers are a mapping")
    return _entry(
        activity,
        base,
        part=f"outcomes-{row.version}",
        title=f"采纳情况：{activity.title}",
        updated=row.published_at,
        text=(
            f"收到意见建议{numbers['suggestions']}条：采纳{numbers['adopted']}条，部分采纳{numbers['partly_adopted']}条，"
            f"未采纳{numbers['not_adopted']}条，留作参考{numbers['kept_for_reference']}条，转办{numbers['transferred']}条。"
        ),
    )
