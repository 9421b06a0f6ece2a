"""Across activities: what was asked again and again, what was decided, what was done, and what is overdue."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from feedback.decisions import Decision, Progress
from feedback.digest.sheet import COUNT, MOMENT, Column, Sheet, book
from feedback.recurring import Asked, Group, recurring
from feedback.states import PUBLIC, State
from server.auth.rights import Principal
from server.deadlines import timetable_of
from server.followup import WAITING, list_handovers
from server.holidays import working_calendar
from server.listing import Listed, list_activities
from server.outcomes import PUBLISHABLE, said
from server.programme.deadlines import DeadlineKind
from server.store.entries import QUESTION
from server.store.outcomes import Suggestion
from server.store.tables import Entry

MOST_ASKED = 2_000
"""The newest questions and suggestions that are compared with each other."""
MOST_GROUPS = 100


@dataclass(frozen=True, slots=True)
class Item:
    """A suggestion with where it stands."""

    activity: Listed
    number: int
    text: str
    topic: str
    decision: Decision | None
    progress: Progress | None
    transferred_to: str | None
    decided_at: datetime | None
    due: date | None
    """The day by which the unit promised to say what was adopted."""
    overdue: bool


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A unit's numbers over all its activities."""

    name: str
    activities: int
    suggestions: int
    decided: int
    adopted: int
    done: int
    under_way: int
    overdue: int
    handed_over: int
    """Entries that other units asked it to deal with and that wait."""
    handed_over_late: int


@dataclass(frozen=True, slots=True)
class Across:
    """What an account may see of all activities, as of a moment."""

    as_of: datetime
    titles: dict[str, str]
    groups: Sequence[Group]
    items: Sequence[Item]
    units: Sequence[UnitRow]


async def across(session: AsyncSession, principal: Principal, today: date, now: datetime) -> Across:
    """Everything; staff gets the own unit's activities."""
    activities = {activity.id: activity for activity in await list_activities(session, principal)}
    items = await _items(session, activities, await _promised(session, activities.values()), today)
    asked = await _asked(session, activities)
    groups = await asyncio.to_thread(recurring, asked)
    late, waiting = await _handed_over(session, principal, today)
    names = {unit.id: unit.name for activity in activities.values() for unit in activity.units}
    units = [
        _unit(unit_id, name, activities.values(), items, waiting, late)
        for unit_id, name in sorted(names.items(), key=lambda pair: pair[1])
    ]
    titles = {activity.slug: activity.title for activity in activities.values()}
    return Across(now, titles, groups[:MOST_GROUPS], items, units)


async def _promised(session: AsyncSession, activities: Iterable[Listed]) -> dict[int, date | None]:
    """The day by which the unit promised to say what was adopted."""
    calendar = await working_calendar(session)
    found = {}
    for activity in activities:
        table = timetable_of(calendar, activity)
        promise = table.get(DeadlineKind.ADOPTION) if table else None
        found[activity.id] = promise.due if promise else None
    return found


async def _items(
    session: AsyncSession, activities: dict[int, Listed], due: dict[int, date | None], today: date
) -> list[Item]:
    rows = await session.scalars(
        select(Suggestion)
        .where(Suggestion.activity_id.in_(activities))
        .order_by(Suggestion.activity_id, Suggestion.number)
    )
    found = []
    for row in rows:
        if State(row.entry.state) not in PUBLISHABLE:
            continue
        activity = activities[row.activity_id]
        promised = due.get(row.activity_id)
        found.append(
            Item(
                activity=activity,
                number=row.number,
                text=said(row),
                topic=row.topic,
                decision=Decision(row.decision) if row.decision else None,
                progress=Progress(row.updates[-1].progress) if row.updates else None,
                transferred_to=row.receiver.name if row.receiver else None,
                decided_at=row.decided_at,
                due=promised,
                overdue=row.decision is None and promised is not None and promised < today,
            )
        )
    return found


async def _asked(session: AsyncSession, activities: dict[int, Listed]) -> list[Asked]:
    rows = await session.execute(
        select(Entry.id, Entry.activity_id, Entry.text, Entry.answer_mode, Entry.merged_count, Suggestion.decision)
        .outerjoin(Suggestion, Suggestion.entry_id == Entry.id)
        .where(
            Entry.activity_id.in_(activities),
            Entry.state.in_([state.value for state in PUBLIC]),
            or_(Entry.kind == QUESTION, Suggestion.id.is_not(None)),
        )
        .order_by(Entry.id.desc())
        .limit(MOST_ASKED)
    )
    return [
        Asked(number, activities[activity].slug, text, mode is not None or decision is not None, merged)
        for number, activity, text, mode, merged, decision in rows
    ]


async def _handed_over(session: AsyncSession, principal: Principal, today: date) -> tuple[Counter[str], Counter[str]]:
    late: Counter[str] = Counter()
    waiting: Counter[str] = Counter()
    for handover in await list_handovers(session, principal):
        if handover.state in WAITING:
            waiting[handover.unit_id] += 1
            late[handover.unit_id] += handover.due is not None and handover.due < today
    return late, waiting


def _unit(
    unit_id: str,
    name: str,
    activities: Iterable[Listed],
    items: Sequence[Item],
    waiting: Counter[str],
    late: Counter[str],
) -> UnitRow:
    own = [item for item in items if any(unit.id == unit_id for unit in item.activity.units)]
    return UnitRow(
        name=name,
        activities=sum(any(unit.id == unit_id for unit in activity.units) for activity in activities),
        suggestions=len(own),
        decided=sum(item.decision is not None for item in own),
        adopted=sum(item.decision in (Decision.ADOPTED, Decision.PARTLY_ADOPTED) for item in own),
        done=sum(item.progress is Progress.DONE for item in own),
        under_way=sum(item.progress is Progress.UNDER_WAY for item in own),
        overdue=sum(item.overdue for item in own),
        handed_over=waiting[unit_id],
        handed_over_late=late[unit_id],
    )


_NUMBERS = (
    "活动",
    "意见建议",
    "已决定",
    "采纳和部分采纳",
    "已落实",
    "推进中",
    "逾期未决定",
    "转办待办",
    "转办逾期",
)


def workbook(found: Across) -> bytes:
    """Sheets 各单位, 反复提出, 意见建议; one row each, filterable."""
    units = (Column("单位", 24), *(Column(title, 12, COUNT) for title in _NUMBERS))
    asked = (
        Column("提出次数", 10, COUNT),
        Column("活动数", 10, COUNT),
        Column("尚未答复或决定", 14, COUNT),
        Column("内容", 60),
        Column("活动", 50),
    )
    items = (
        Column("活动", 36),
        Column("主办单位", 20),
        Column("意见建议号", 12, "0"),
        Column("内容", 44),
        Column("采纳决定", 11),
        Column("转办单位", 20),
        Column("决定时间", 20, MOMENT),
        Column("落实情况", 11),
        Column("承诺反馈期限", 14),
        Column("逾期", 8),
        Column("分类", 14),
    )
    return book(
        "意见建议跨活动汇总",
        found.as_of,
        [
            Sheet(
                "各单位",
                units,
                [
                    (
                        row.name, row.activities, row.suggestions, row.decided, row.adopted, row.done, row.under_way,
                        row.overdue, row.handed_over, row.handed_over_late,
                    )
                    for row in found.units
                ],
            ),
            Sheet(
                "反复提出",
                asked,
                [
                    (
                        group.times,
                        len(group.activities),
                        group.unsettled,
                        group.entries[0].text,
                        "、".join(found.titles[slug] for slug in group.activities),
                    )
                    for group in found.groups
                ],
            ),
            Sheet(
                "意见建议",
                items,
                [
                    (
                        item.activity.title,
                        "、".join(unit.name for unit in item.activity.units),
                        item.number,
                        item.text,
                        item.decision.text if item.decision else "尚未决定",
                        item.transferred_to,
                        item.decided_at,
                        item.progress.text if item.progress else None,
                        item.due.isoformat() if item.due else None,
                        "是" if item.overdue else None,
                        item.topic or None,
                    )
                    for item in found.items
                ],
            ),
        ],
    )  # fmt: skip
