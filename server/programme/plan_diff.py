"""What an import would change, for a person to confirm before anything is changed."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from server.programme.plan import Plan, PlannedActivity


class Effect(StrEnum):
    """What importing an activity does."""

    NEW = "new"
    CHANGED = "changed"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs; empty text where there is nothing."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class PlanChange:
    """What the import does to one activity.

    `ABSENT` is a notice only: an activity that the plan does not name stays, for the plan is not all that is held.
    `inferred`: a unit changes to one that the importer only inferred; it should not be ticked beforehand, for somebody
    may have corrected it.
    """

    slug: str
    effect: Effect
    fields: tuple[FieldChange, ...]
    inferred: bool


def diff(existing: Iterable[PlannedActivity], plan: Plan) -> tuple[PlanChange, ...]:
    """What importing `plan` does to what there is, by slug: new and changed ones in the plan's order, then absent ones.

    An activity that stays the same has no row; where its paragraph stood in the text does not matter.
    """
    names = {unit.id: unit.name for unit in plan.units}
    before = {activity.slug: activity for activity in existing}
    changes: list[PlanChange] = []
    for planned in plan.activities:
        old = before.pop(planned.slug, None)
        fields = _fields(old, planned, names)
        if fields:
            units_change = old is not None and old.units != planned.units
            effect = Effect.CHANGED if old else Effect.NEW
            changes.append(PlanChange(planned.slug, effect, fields, planned.inferred and (units_change or old is None)))
    changes.extend(PlanChange(slug, Effect.ABSENT, (), inferred=False) for slug in before)
    return tuple(changes)


def _fields(old: PlannedActivity | None, new: PlannedActivity, names: dict[str, str]) -> tuple[FieldChange, ...]:
    def texts(activity: PlannedActivity | None) -> dict[str, str]:
        if activity is None:
            return {}
        return {
            "专题": activity.topic or "",
            "名称": activity.title,
            "内容": activity.description,
            "主责单位": "、".join(names.get(unit, unit) for unit in activity.units),
        }

    before = texts(old)
    return tuple(
        FieldChange(label, before.get(label, ""), after)
        for label, after in texts(new).items()
        if before.get(label, "") != after
    )
