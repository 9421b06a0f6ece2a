"""The deadlines of the stored activities: counted by the service's calendar, and met or not."""

from datetime import date, datetime
from functools import lru_cache

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.notices import Announced
from server.programme.calendar import WorkingCalendar, beijing_date
from server.programme.deadlines import DeadlineKind, Form, Timetable, timetable
from server.programme.filings import Times
from server.protocol import DeadlineView
from server.store.tables import Activity, Publication

_ALWAYS_SHOWN = (DeadlineKind.NOTICE, DeadlineKind.MATERIALS)


def timetable_of(calendar: WorkingCalendar, activity: Activity) -> Timetable | None:
    """The activity's deadlines, None while it has no form or no time."""
    if activity.form is None or activity.starts_at is None:
        return None
    first = beijing_date(activity.starts_at)
    last = beijing_date(activity.ends_at or activity.starts_at)
    return _counted(calendar, activity.form, first, last, activity.promise_days)


@lru_cache(maxsize=4096)
def _counted(calendar: WorkingCalendar, form: str, first: date, last: date, promise: int | None) -> Timetable:
    # Walking the days is most of what a desk of a thousand activities costs; the same days give the same table.
    return timetable(calendar, Form(form), first, last, promise=promise)


async def materials_published(session: AsyncSession) -> dict[int, datetime]:
    """When the outcomes of each activity were first published: the materials that the service knows of so far."""
    rows = await session.execute(
        select(Publication.activity_id, func.min(Publication.published_at)).group_by(Publication.activity_id)
    )
    return dict(rows.all())


def notice_done(activity: Activity, told: Announced | None) -> date | None:
    """The day on which the times that hold now were announced; a notice of other times has to be corrected first."""
    if told is None or told.times != Times(activity.starts_at, activity.ends_at):
        return None
    return beijing_date(told.since)


def done_on(activity: Activity, told: Announced | None, materials: datetime | None) -> dict[DeadlineKind, date | None]:
    """The day on which each deadline was met; None where it was not yet."""
    published = beijing_date(materials) if materials else None
    return {
        DeadlineKind.NOTICE: notice_done(activity, told),
        DeadlineKind.MATERIALS: published,
        DeadlineKind.ADOPTION: published,
    }


def deadline_views(
    activity: Activity,
    table: Timetable | None,
    today: date,
    *,
    told: Announced | None,
    materials: datetime | None,
) -> list[DeadlineView]:
    """The desk's deadlines of an activity."""
    met = done_on(activity, told, materials)
    views = []
    for kind in met:
        found = table.get(kind) if table else None
        if found is None and kind not in _ALWAYS_SHOWN:
            continue
        due, done = found.due if found else None, met[kind]
        views.append(
            DeadlineView(
                kind=kind.value,
                due=due,
                done=done is not None,
                done_on=done,
                late=due is not None and done is None and today > due,
                problem=found.problem if found else None,
            )
        )
    return views
