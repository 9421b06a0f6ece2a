"""遴选公告: composed from the selection, published as versions with a digest, late only with a recorded reason."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import cast

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.auth.rights import Principal
from server.errors import Conflict
from server.outcomes import content_digest
from server.programme import draw
from server.programme.calendar import BEIJING
from server.programme.deadlines import DeadlineKind, Timetable
from server.programme.notices import Change, field_changes, time_objections
from server.programme.places import Category
from server.store.places import Selection, SelectionNotice
from server.store.tables import Act, Activity

Fields = Sequence[tuple[str, str]]


def title_of(activity: Activity) -> str:
    """The notice's title."""
    return f"{activity.title}参与人员遴选公告"


def fields_of(activity: Activity, selection: Selection) -> list[tuple[str, str]]:
    """What the notice says, in the order in which it is read; nothing empty."""

    def moment(at: datetime) -> str:
        return f"{at.astimezone(BEIJING):%Y-%m-%d %H:%M}"

    places = "，".join(f"{Category(name).text}{count}人" for name, count in selection.quotas.items())
    open_call = selection.mode == "open"
    fields = [
        ("活动", activity.title),
        ("主办单位", "、".join(unit.name for unit in activity.units)),
        ("活动时间", moment(activity.starts_at) if activity.starts_at else ""),
        ("活动地点", activity.place),
        ("遴选方式", "公开遴选" if open_call else "定向邀请，凭邀请码报名"),
        ("人员范围和名额", places),
        ("报名时间", f"{moment(selection.opens_at)}至{moment(selection.closes_at)}"),
        ("报名条件", selection.requirements),
        ("抽取方法", draw.METHOD if open_call else ""),
        ("种子承诺值（SHA-256）", draw.commitment(selection.seed) if open_call else ""),
        ("公共随机值来源", selection.public_source if open_call else ""),
    ]
    return [(label, text) for label, text in fields if text]


def says(notice: SelectionNotice, activity: Activity, selection: Selection) -> bool:
    """Whether the published notice says what holds now."""
    return not corrections(notice, activity, selection)


def corrections(notice: SelectionNotice, activity: Activity, selection: Selection) -> tuple[Change, ...]:
    """What holds now and differs from the published notice."""
    told = [("标题", str(notice.content["title"])), *cast("Fields", notice.content["fields"])]
    return field_changes(told, [("标题", title_of(activity)), *fields_of(activity, selection)])


def objections(selection: Selection, timetable: Timetable | None, today: date) -> tuple[str, ...]:
    """Why publishing on that day (in Beijing) needs a recorded reason; 定向邀请 has no day."""
    if selection.mode != "open":
        return ()
    return time_objections(DeadlineKind.SELECTION, timetable, today)


async def publish_notice(
    session: AsyncSession,
    principal: Principal,
    activity: Activity,
    selection: Selection,
    timetable: Timetable | None,
    *,
    reason: str,
    today: date,
    now: datetime,
) -> SelectionNotice:
    """Publish the 遴选公告, or its correction, which says what it changed.

    Raises Conflict: `unchanged`, `needs_reason` where the day is over and no reason is given.
    """
    versions = await notice_versions(session, activity.id)
    changed = corrections(versions[0], activity, selection) if versions else ()
    if versions and not changed:
        raise Conflict("公告内容与已发布的版本相同，没有需要更正的地方。", code="unchanged")
    found = list(objections(selection, timetable, today))
    if found and not reason:
        raise Conflict(f"{'；'.join(found)}。仍要发布，请填写原因。", code="needs_reason", field="reason")
    content: dict[str, object] = {
        "title": title_of(activity),
        "fields": [list(pair) for pair in fields_of(activity, selection)],
        "changes": [{"label": item.label, "before": item.before, "after": item.after} for item in changed],
    }
    row = SelectionNotice(
        activity_id=activity.id,
        version=len(versions) + 1,
        published_at=now,
        account_id=principal.account_id,
        sha256=content_digest(content),
        content=content,
        objections=found,
        reason=reason if found else "",
    )
    session.add(row)
    activity.selection_announced_at = activity.selection_announced_at or now
    detail = {"version": row.version, "sha256": row.sha256, "objections": found, "reason": row.reason}
    session.add(
        Act(
            at=now,
            account_id=principal.account_id,
            activity_id=activity.id,
            act="selection-notice",
            detail=detail,
        )
    )
    await session.flush()
    return row


async def notice_versions(session: AsyncSession, activity_id: int) -> Sequence[SelectionNotice]:
    """All published versions, the newest first."""
    query = select(SelectionNotice).where(SelectionNotice.activity_id == activity_id)
    return (await session.scalars(query.order_by(SelectionNotice.version.desc()))).all()
