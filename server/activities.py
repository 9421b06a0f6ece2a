"""Activities: who may reach which, what state they are in, and a short memory of both."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.auth.rights import Principal
from server.errors import BadRequest, Conflict, Forbidden, NotFound
from server.memo import Memo
from server.store.database import Database
from server.store.outcomes import Publication
from server.store.tables import Act, Activity, ActivityUnit, Unit

# An ended activity may go live again: a host who ended it by mistake goes on.
TRANSITIONS = {("scheduled", "live"), ("live", "ended"), ("ended", "live"), ("scheduled", "ended")}

_SLUG = re.compile(r"[a-z0-9-]{1,32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Known:
    """What every message needs to know of an activity."""

    id: int
    slug: str
    state: str
    unit_ids: frozenset[str]
    moderation: str = "after"
    slow_seconds: int = 0
    challenge: str = "auto"
    identity: str = "guest"


class Directory:
    """Remembers each activity for a second, so that a comment does not cost a query.

    A change made here is seen at once; one made by another process within `lifetime` seconds.
    """

    def __init__(
        self, database: Database, *, lifetime: float = 1.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        # Strangers may ask for any name.
        self._by_slug = Memo(self._look_up, lifetime=lifetime, capacity=4096, clock=clock)

    async def close(self) -> None:
        """Stop looking. Idempotent."""
        await self._by_slug.close()

    async def find(self, slug: str) -> Known:
        """The activity of that slug. Raises NotFound."""
        if not _SLUG.fullmatch(slug):  # the database is not asked for what it cannot have
            raise NotFound("没有找到这个活动。")
        known = await self._by_slug.find(slug)
        if known is None:
            raise NotFound("没有找到这个活动。")
        return known

    async def _look_up(self, slug: str) -> Known | None:
        async with self._database.read() as session:
            activity = await session.scalar(select(Activity).where(Activity.slug == slug))
        if activity is None:
            return None
        units = frozenset(unit.id for unit in activity.units)
        return Known(
            id=activity.id,
            slug=activity.slug,
            state=activity.state,
            unit_ids=units,
            moderation=activity.moderation,
            slow_seconds=activity.slow_seconds,
            challenge=activity.challenge,
            identity=activity.identity,
        )

    def forget(self, slug: str) -> None:
        """Look the activity up again next time."""
        self._by_slug.forget(slug)


def require_reach(principal: Principal, unit_ids: frozenset[str]) -> None:
    """Raise Forbidden where the account does not reach an activity of these units."""
    if not principal.reaches(unit_ids):
        raise Forbidden("这个活动由其他单位主办，您没有权限。")


async def get_activity(session: AsyncSession, slug: str) -> Activity:
    """The activity of that slug. Raises NotFound."""
    activity = await session.scalar(select(Activity).where(Activity.slug == slug))
    if activity is None:
        raise NotFound("没有找到这个活动。")
    return activity


async def add_activity(
    session: AsyncSession,
    principal: Principal,
    *,
    kind: str,
    title: str,
    unit_ids: Sequence[str],
    summary: str,
    form: str | None,
    starts_at: datetime | None,
    ends_at: datetime | None,
    now: datetime,
) -> Activity:
    """Add an activity beside the plan, with a slug of its own (`x01`).

    A member of staff always holds it, other units beside. Raises BadRequest without a unit, for an unknown one
    (`bad_unit`), and for an end without or before its start (`bad_times`).
    """
    check_times(starts_at, ends_at)
    wanted = dict.fromkeys([*([principal.unit_id] if principal.unit_id else []), *unit_ids])
    if not wanted:
        raise BadRequest("请选择主办单位。", code="bad_unit")
    activity = Activity(
        slug=await _next_slug(session),
        kind=kind,
        number=0,
        title=title,
        summary=summary,
        form=form,
        starts_at=starts_at,
        ends_at=ends_at,
        units=await find_units(session, list(wanted)),
    )
    session.add(activity)
    await session.flush()
    facts = {"title": title, "kind": kind, "units": list(wanted), "form": form, "summary": summary}
    times = {"starts_at": starts_at, "ends_at": ends_at}
    facts |= {name: value.isoformat() for name, value in times.items() if value}
    session.add(
        Act(
            at=now,
            account_id=principal.account_id,
            activity_id=activity.id,
            act="create",
            detail={"to": {name: value for name, value in facts.items() if value}},
        )
    )
    return activity


async def _next_slug(session: AsyncSession) -> str:
    # Two at once would take the same number; the slug is unique, so one of them is told to try again.
    slugs = await session.scalars(select(Activity.slug).where(Activity.slug.like("x%")))
    taken = [int(slug[1:]) for slug in slugs if slug[1:].isascii() and slug[1:].isdecimal()]
    return f"x{max(taken, default=0) + 1:02}"


async def find_units(session: AsyncSession, unit_ids: Sequence[str]) -> list[Unit]:
    """The units of these ids. Raises BadRequest (`bad_unit`) for one that does not exist."""
    units = (await session.scalars(select(Unit).where(Unit.id.in_(unit_ids)))).all()
    if len(units) != len(set(unit_ids)):
        raise BadRequest("没有这个单位。", code="bad_unit")
    return list(units)


def check_times(starts_at: datetime | None, ends_at: datetime | None) -> None:
    """Raise BadRequest (`bad_times`) for an end that is not after its start."""
    if ends_at is not None and (starts_at is None or ends_at <= starts_at):
        raise BadRequest("结束时间需要晚于开始时间。", code="bad_times")


async def siblings(session: AsyncSession, activity: Activity) -> Sequence[Activity]:
    """The other activities with a time that a unit of this one holds."""
    query = (
        select(Activity)
        .join(ActivityUnit, ActivityUnit.activity_id == Activity.id)
        .where(
            ActivityUnit.unit_id.in_([unit.id for unit in activity.units]),
            Activity.id != activity.id,
            Activity.starts_at.is_not(None),
        )
        .order_by(Activity.id)
    )
    return (await session.scalars(query)).unique().all()


async def outcomes_versions(session: AsyncSession) -> dict[int, int]:
    """The newest published version of each activity that has one."""
    rows = await session.execute(
        select(Publication.activity_id, func.max(Publication.version)).group_by(Publication.activity_id)
    )
    return dict(rows.all())


def change_state(activity: Activity, state: str, now: datetime) -> None:
    """Start or end an activity. Raises Conflict for a transition that makes no sense."""
    if (activity.state, state) not in TRANSITIONS:
        words = {"scheduled": "尚未开始", "live": "正在直播", "ended": "已经结束"}
        raise Conflict(f"活动{words[activity.state]}，不能这样操作。", code="illegal_transition")
    if state == "live":
        activity.live_started_at = activity.live_started_at or now
        activity.live_ended_at = None
    else:
        activity.live_ended_at = now
    activity.state = state
