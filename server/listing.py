"""The activities as lists read them: the columns that lists need, as plain rows in the programme's order.

Loading whole objects with their units was most of what a board of a thousand activities cost.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.auth.rights import Principal
from server.protocol import UnitView
from server.store.tables import Activity, ActivityUnit, Unit


@dataclass(slots=True)
class Listed:
    """An activity in a list, with the names that `Activity` has."""

    units: Sequence[UnitView]
    id: int
    slug: str
    kind: str
    number: int
    topic: str | None
    title: str
    form: str | None
    starts_at: datetime | None
    ends_at: datetime | None
    place: str
    state: str
    live_started_at: datetime | None
    live_ended_at: datetime | None
    open_selection: bool
    selection_announced_at: datetime | None
    promise_days: int | None
    leader: str
    attended: str


_COLUMNS = [getattr(Activity, name) for name in Listed.__slots__ if name != "units"]


def summary_fields(activity: Activity | Listed, *, on_air: bool, outcomes_version: int) -> dict[str, Any]:
    """The fields of `SummaryView`, for itself and for what has more."""
    return {
        "slug": activity.slug,
        "kind": activity.kind,
        "number": activity.number,
        "topic": activity.topic,
        "title": activity.title,
        "units": activity.units if isinstance(activity, Listed) else [UnitView.of(unit) for unit in activity.units],
        "form": activity.form,
        "starts_at": activity.starts_at,
        "ends_at": activity.ends_at,
        "place": activity.place,
        "state": activity.state,
        "on_air": on_air,
        "outcomes_version": outcomes_version,
    }


async def list_activities(session: AsyncSession, principal: Principal | None = None) -> list[Listed]:
    """All activities: the newest plan's first, each in its order, then those that units added.

    A member of staff gets the own unit's alone.
    """
    query = select(*_COLUMNS).order_by(
        Activity.plan_year.is_(None), Activity.plan_year.desc(), Activity.kind.desc(), Activity.number, Activity.id
    )
    if principal is not None and principal.unit_id is not None:
        query = query.join(ActivityUnit, ActivityUnit.activity_id == Activity.id).where(
            ActivityUnit.unit_id == principal.unit_id
        )
    units = await _units(session)
    rows: Sequence[Sequence[Any]] = (await session.execute(query)).all()
    return [Listed(units.get(row[0], ()), *row) for row in rows]


async def _units(session: AsyncSession) -> dict[int, Sequence[UnitView]]:
    """The units of each activity by their ids; activities of the same units share one list."""
    names = await session.execute(select(Unit.id, Unit.name))
    views = {unit_id: UnitView(id=unit_id, name=name) for unit_id, name in names.all()}
    held: dict[int, list[str]] = {}
    pairs = select(ActivityUnit.activity_id, ActivityUnit.unit_id).order_by(ActivityUnit.unit_id)
    for activity_id, unit_id in (await session.execute(pairs)).all():
        held.setdefault(activity_id, []).append(unit_id)
    shared: dict[tuple[str, ...], Sequence[UnitView]] = {}
    found = {}
    for activity_id, unit_ids in held.items():
        key = tuple(unit_ids)
        if key not in shared:
            shared[key] = [views[unit_id] for unit_id in unit_ids]
        found[activity_id] = shared[key]
    return found
