"""Notices (活动公告): composed from the activity, published as versions with a digest, corrected in the open."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.auth.rights import Principal
from server.errors import Conflict, NotFound
from server.outcomes import content_digest
from server.programme.calendar import beijing_date
from server.programme.deadlines import DeadlineKind, Form, Timetable
from server.programme.filings import Times
from server.programme.notices import NoticeFacts, NoticeField, changes, compose, missing, objections
from server.programme_views import (
    ChangeView,
    FieldView,
    NoticeContent,
    NoticeDraftView,
    NoticeHistoryView,
    NoticeView,
    StaffNoticeView,
    change_view,
)
from server.store.tables import Act, Activity, Notice

FORM_LABEL, PLACE_LABEL = "活动形式", "活动地点"
RESERVED = frozenset({"标题", FORM_LABEL, PLACE_LABEL, *(field.label for field in NoticeField)})
"""Labels that the service fills from the activity; a free field may not bear one."""

Free = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Announced:
    """What the public was told last. `since` is when the times that hold now were first published."""

    version: int
    since: datetime
    times: Times
    sha256: str
    reason: str
    """Why versions of these times were published late or without a field; all of them, empty where none was."""


def facts_of(activity: Activity, free: Free) -> NoticeFacts:
    """What a notice of the activity is made of; form and place follow the required fields where they are set."""
    own = []
    if activity.form is not None:
        own.append((FORM_LABEL, Form(activity.form).label))
    if activity.place:
        own.append((PLACE_LABEL, activity.place))
    return NoticeFacts(
        title=activity.title,
        starts_at=activity.starts_at,
        ends_at=activity.ends_at,
        flow=activity.flow,
        participation=activity.participation,
        units=tuple(unit.name for unit in activity.units),
        free=(*own, *free),
    )


async def draft(session: AsyncSession, activity: Activity, timetable: Timetable | None, today: date) -> NoticeDraftView:
    """The notice as it would be published today, and what stands in its way."""
    rows = await versions_of(session, activity.id)
    free = _free_of(rows[0]) if rows else ()
    facts = facts_of(activity, free)
    deadline = timetable.get(DeadlineKind.NOTICE) if timetable else None
    due = deadline.due if deadline else None
    return NoticeDraftView(
        title=facts.title,
        fields=_fields(compose(facts)),
        free=_fields(free),
        missing=[field.label for field in missing(facts)],
        due=due,
        on_time=None if due is None else today <= due,
        objections=list(objections(facts, timetable, today)),
        changes=_changes(rows[0], facts) if rows else [],
        version=rows[0].version if rows else 0,
        versions=[_staff_view(row, activity) for row in rows],
    )


async def publish(
    session: AsyncSession,
    principal: Principal,
    activity: Activity,
    timetable: Timetable | None,
    *,
    free: Free,
    reason: str,
    seen: int,
    now: datetime,
) -> NoticeView:
    """Publish the next version.

    Raises Conflict: `stale` where somebody published after version `seen`, `unchanged` where there is nothing to
    correct, `needs_reason` where a field is missing or the day is over and no reason is given.
    """
    # Two clerks at once: the second waits here and then sees the first one's version.
    await session.execute(select(Activity.id).where(Activity.id == activity.id).with_for_update())
    rows = await versions_of(session, activity.id)
    latest = rows[0] if rows else None
    if (latest.version if latest else 0) != seen:
        raise Conflict("公告刚刚被别人更新过，请看过最新版本再发布。", code="stale")
    facts = facts_of(activity, free)
    corrected = _changes(latest, facts) if latest else []
    if latest and not corrected:
        raise Conflict("公告内容与已发布的版本相同，没有需要更正的地方。", code="unchanged")
    found = list(objections(facts, timetable, beijing_date(now)))
    if found and not reason:
        raise Conflict(f"{'；'.join(found)}。仍要发布，请填写原因。", code="needs_reason")
    content = NoticeContent(title=facts.title, fields=_fields(compose(facts)), changes=corrected).model_dump()
    row = Notice(
        activity_id=activity.id,
        version=seen + 1,
        published_at=now,
        account_id=principal.account_id,
        starts_at=activity.starts_at,
        ends_at=activity.ends_at,
        sha256=content_digest(content),
        content=content,
        facts=_facts_json(facts),
        objections=found,
        reason=reason if found else "",
    )
    session.add(row)
    session.add(
        Act(
            at=now,
            account_id=principal.account_id,
            activity_id=activity.id,
            act="notice",
            detail={"version": row.version, "sha256": row.sha256, "objections": found, "reason": row.reason},
        )
    )
    await session.flush()
    return view_of(row, activity)


async def versions_of(session: AsyncSession, activity_id: int) -> Sequence[Notice]:
    """All versions, the newest first."""
    query = select(Notice).where(Notice.activity_id == activity_id).order_by(Notice.version.desc())
    return (await session.scalars(query)).all()


async def history(session: AsyncSession, activity: Activity) -> NoticeHistoryView:
    """The notice that holds and its versions. Raises NotFound before the first."""
    rows = await versions_of(session, activity.id)
    if not rows:
        raise NotFound("这个活动还没有发布公告。")
    views = [view_of(row, activity) for row in rows]
    return NoticeHistoryView(latest=views[0], versions=views)


async def announced(session: AsyncSession, activity_ids: Iterable[int] | None = None) -> dict[int, Announced]:
    """What was announced for each of these activities (all of them by default) that has a notice."""
    query = select(
        Notice.activity_id,
        Notice.version,
        Notice.published_at,
        Notice.starts_at,
        Notice.ends_at,
        Notice.sha256,
        Notice.reason,
    )
    if activity_ids is not None:
        query = query.where(Notice.activity_id.in_(list(activity_ids)))
    found: dict[int, Announced] = {}
    rows = (await session.execute(query.order_by(Notice.activity_id, Notice.version))).all()
    for activity_id, version, published_at, starts_at, ends_at, sha256, reason in rows:
        times, before = Times(starts_at, ends_at), found.get(activity_id)
        same = before if before and before.times == times else None
        reasons = "；".join(filter(None, (same.reason, reason))) if same else reason
        found[activity_id] = Announced(version, same.since if same else published_at, times, sha256, reasons)
    return found


def view_of(row: Notice, activity: Activity) -> NoticeView:
    """A version as the public sees it."""
    return NoticeView(
        **NoticeContent.model_validate(row.content).model_dump(),
        version=row.version,
        published_at=row.published_at,
        published_by="、".join(unit.name for unit in activity.units),
        sha256=row.sha256,
    )


def _staff_view(row: Notice, activity: Activity) -> StaffNoticeView:
    return StaffNoticeView(
        **view_of(row, activity).model_dump(),
        account=row.account.name if row.account else None,
        objections=row.objections,
        reason=row.reason,
    )


def _fields(pairs: Iterable[tuple[str, str]]) -> list[FieldView]:
    return [FieldView(label=label, text=text) for label, text in pairs]


def _changes(row: Notice, facts: NoticeFacts) -> list[ChangeView]:
    return [change_view(change) for change in changes(_facts(row), facts)]


def _free_of(row: Notice) -> tuple[tuple[str, str], ...]:
    return tuple(pair for pair in _facts(row).free if pair[0] not in RESERVED)


def _facts_json(facts: NoticeFacts) -> dict[str, object]:
    return {
        "title": facts.title,
        "starts_at": facts.starts_at.isoformat() if facts.starts_at else None,
        "ends_at": facts.ends_at.isoformat() if facts.ends_at else None,
        "flow": facts.flow,
        "participation": facts.participation,
        "units": list(facts.units),
        "free": [list(pair) for pair in facts.free],
    }


def _facts(row: Notice) -> NoticeFacts:
    data = cast("dict[str, Any]", row.facts)

    def moment(name: str) -> datetime | None:
        return datetime.fromisoformat(data[name]) if data[name] else None

    return NoticeFacts(
        title=data["title"],
        starts_at=moment("starts_at"),
        ends_at=moment("ends_at"),
        flow=data["flow"],
        participation=data["participation"],
        units=tuple(data["units"]),
        free=tuple((label, text) for label, text in data["free"]),
    )
