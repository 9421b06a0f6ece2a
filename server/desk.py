"""The board: each activity with its deadlines and what came in, and which of them somebody asked for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.activities import outcomes_versions
from server.auth.rights import Principal
from server.deadlines import NOTHING, deadline_views, published, timetable_of
from server.holidays import working_calendar
from server.listing import Listed, list_activities, summary_fields
from server.notices import announced
from server.programme.calendar import beijing_date
from server.protocol import CountsView, DeskRow
from server.store.outcomes import Suggestion
from server.store.removals import ASKED, Removal
from server.store.tables import Entry

SOON = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Asked:
    """Of a kind, a state, a unit, a year (of the start, in Beijing), or with something late or due within a week."""

    kind: str | None = None
    state: str | None = None
    unit: str | None = None
    year: int | None = None
    urgent: bool = False

    def takes(self, row: DeskRow, today: date) -> bool:
        """Whether the row is among them."""
        return (
            self.kind in {None, row.kind}
            and self.state in {None, row.state}
            and (self.unit is None or any(unit.id == self.unit for unit in row.units))
            and (self.year is None or (row.starts_at is not None and beijing_date(row.starts_at).year == self.year))
            and (not self.urgent or _urgent(row, today))
        )


def _urgent(row: DeskRow, today: date) -> bool:
    return any(item.due is not None and not item.done and item.due <= today + SOON for item in row.deadlines)


async def board(
    session: AsyncSession, principal: Principal, today: date, *, on_air: Callable[[str], bool]
) -> list[DeskRow]:
    """The rows that the account may see, in the programme's order."""
    activities = await list_activities(session, principal)
    versions = await outcomes_versions(session)
    counts = await _counts(session, activities, every=principal.unit_id is None)
    calendar, told = await working_calendar(session), await announced(session)
    after = await published(session)
    return [
        DeskRow(
            **summary_fields(activity, on_air=on_air(activity.slug), outcomes_version=versions.get(activity.id, 0)),
            deadlines=deadline_views(
                activity,
                timetable_of(calendar, activity),
                today,
                told=told.get(activity.id),
                after=after.get(activity.id, NOTHING),
            ),
            counts=counts[activity.id],
        )
        for activity in activities
    ]


async def _counts(session: AsyncSession, activities: Sequence[Listed], *, every: bool) -> dict[int, CountsView]:
    """The counts of the activities; `every`: they are all there are."""
    entries = select(Entry.activity_id, Entry.kind, func.count()).group_by(Entry.activity_id, Entry.kind)
    suggestions = select(Suggestion.activity_id, func.count(), func.count(Suggestion.decision)).group_by(
        Suggestion.activity_id
    )
    removals = (
        select(Removal.activity_id, func.count(), func.min(Removal.due))
        .where(Removal.state == ASKED)
        .group_by(Removal.activity_id)
    )
    if not every:
        ids = [activity.id for activity in activities]
        entries = entries.where(Entry.activity_id.in_(ids))
        suggestions = suggestions.where(Suggestion.activity_id.in_(ids))
        removals = removals.where(Removal.activity_id.in_(ids))
    views = {activity.id: CountsView() for activity in activities}
    for activity_id, kind, count in await session.execute(entries):
        setattr(views[activity_id], f"{kind}s", count)
    for activity_id, count, decided in await session.execute(suggestions):
        views[activity_id].suggestions = count
        views[activity_id].undecided = count - decided
    for activity_id, count, due in await session.execute(removals):
        views[activity_id].removals, views[activity_id].removal_due = count, due
    return views
