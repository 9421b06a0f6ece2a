"""The calendar feed of the stored activities."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.deadlines import NOTHING, done_on, published, timetable_of
from server.notices import announced
from server.programme.calendar import WorkingCalendar
from server.programme.calendar_feed import FeedActivity, FeedEvent, activity_events, feed
from server.programme.deadlines import DeadlineKind
from server.store.tables import Act, Activity, ActivityUnit

_CHANGES = ("edit", "notice", "publish", "materials", "state")
"""Acts that change what a feed says."""


async def feed_of(
    session: AsyncSession,
    name: str,
    base: str,
    *,
    now: datetime,
    unit_id: str | None = None,
    calendar: WorkingCalendar | None = None,
) -> str:
    """The feed of all activities that have a date, or of one unit's; with a calendar, of their deadlines too."""
    query = select(Activity).where(Activity.starts_at.is_not(None)).order_by(Activity.starts_at, Activity.id)
    if unit_id is not None:
        query = query.join(ActivityUnit, ActivityUnit.activity_id == Activity.id).where(ActivityUnit.unit_id == unit_id)
    activities: Sequence[Activity] = (await session.scalars(query)).all()
    changed = {
        activity_id: (at, count)
        for activity_id, at, count in await session.execute(
            select(Act.activity_id, func.max(Act.at), func.count())
            .where(Act.act.in_(_CHANGES), Act.entry_id.is_(None), Act.activity_id.is_not(None))
            .group_by(Act.activity_id)
        )
    }
    told, after = await announced(session), await published(session)
    events: list[FeedEvent] = []
    for activity in activities:
        if activity.starts_at is None:
            continue  # the query leaves these out; the type does not know
        met = done_on(activity, told.get(activity.id), after.get(activity.id, NOTHING))
        # Before the first change that is logged nothing but the date itself is known to have been set.
        changed_at, sequence = changed.get(activity.id, (min(activity.starts_at, now), 0))
        events += activity_events(
            FeedActivity(
                slug=activity.slug,
                title=activity.title,
                units=tuple(unit.name for unit in activity.units),
                starts_at=activity.starts_at,
                ends_at=activity.ends_at,
                changed_at=changed_at,
                place=activity.place,
                url=f"{base}/a/{activity.slug}",
                sequence=sequence,
                timetable=timetable_of(calendar, activity) if calendar else None,
                done=frozenset(kind for kind in DeadlineKind if met.of(kind) is not None),
            ),
            urlsplit(base).hostname or "minsheng",
            deadlines=calendar is not None,
        )
    return feed(name, events)
