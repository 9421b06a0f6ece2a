"""The deadlines of the stored activities: counted by the service's calendar, and met or not."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.listing import Listed
from server.notices import Announced
from server.programme.calendar import WorkingCalendar, beijing_date
from server.programme.deadlines import DeadlineKind, Form, Timetable, timetable
from server.programme.filings import Times
from server.protocol import DeadlineView
from server.store.materials import Material
from server.store.outcomes import Publication
from server.store.recordings import Recording
from server.store.tables import Activity

_ALWAYS_SHOWN = (DeadlineKind.NOTICE, DeadlineKind.MATERIALS)
_KINDS = tuple(DeadlineKind)


def timetable_of(calendar: WorkingCalendar, activity: Activity | Listed) -> Timetable | None:
    """The activity's deadlines, None while it has no form or no time."""
    if activity.form is None or activity.starts_at is None:
        return None
    first = beijing_date(activity.starts_at)
    last = beijing_date(activity.ends_at or activity.starts_at)
    return _counted(calendar, activity.form, first, last, activity.open_selection, activity.promise_days)


@lru_cache(maxsize=4096)
def _counted(
    calendar: WorkingCalendar, form: str, first: date, last: date, open_selection: bool, promise: int | None
) -> Timetable:
    # Walking the days is most of what a desk of a thousand activities costs; the same days give the same table.
    return timetable(calendar, Form(form), first, last, open_selection=open_selection, promise=promise)


@dataclass(frozen=True, slots=True)
class Published:
    """When the materials and the outcomes of an activity were first published, and its recording released."""

    materials: datetime | None = None
    outcomes: datetime | None = None
    recording: datetime | None = None

    @property
    def first(self) -> datetime | None:
        """What the plan asks for after an activity (工作材料公开): any of the three, whichever came first."""
        return min((at for at in (self.materials, self.outcomes, self.recording) if at is not None), default=None)


NOTHING = Published()


async def published(session: AsyncSession) -> dict[int, Published]:
    """What was published after each activity; activities without anything are not among them."""
    first = {}
    for table in (Material, Publication):
        rows = await session.execute(
            select(table.activity_id, func.min(table.published_at)).group_by(table.activity_id)
        )
        first[table] = dict(rows.all())
    materials, outcomes = first[Material], first[Publication]
    released = select(Recording.activity_id, Recording.released_at).where(Recording.released_at.is_not(None))
    recordings = dict((await session.execute(released)).all())
    return {
        activity_id: Published(materials.get(activity_id), outcomes.get(activity_id), recordings.get(activity_id))
        for activity_id in materials.keys() | outcomes.keys() | recordings.keys()
    }


def notice_done(activity: Activity | Listed, told: Announced | None) -> date | None:
    """The day on which the times that hold now were announced; a notice of other times has to be corrected first."""
    if told is None or told.times != Times(activity.starts_at, activity.ends_at):
        return None
    return beijing_date(told.since)


class Met(NamedTuple):
    """The day on which each deadline was met, in the order of `DeadlineKind`; None where it was not yet."""

    notice: date | None
    selection: date | None
    materials: date | None
    adoption: date | None

    def of(self, kind: DeadlineKind) -> date | None:
        """The day of one kind."""
        return self[_KINDS.index(kind)]


def done_on(activity: Activity | Listed, told: Announced | None, after: Published) -> Met:
    """The day on which each deadline was met."""
    return Met(
        notice_done(activity, told),
        _day(activity.selection_announced_at),
        _day(after.first),
        _day(after.outcomes),
    )


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else beijing_date(moment)


def deadline_views(
    activity: Activity | Listed,
    table: Timetable | None,
    today: date,
    *,
    told: Announced | None,
    after: Published,
) -> list[DeadlineView]:
    """The desk's deadlines of an activity."""
    views = []
    for kind, done in zip(_KINDS, done_on(activity, told, after), strict=True):
        found = table.get(kind) if table else None
        if found is None and kind not in _ALWAYS_SHOWN:
            continue
        due = found.due if found else None
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
