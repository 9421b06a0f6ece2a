"""Which deadlines a member of staff is to be reminded of today, and the words of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from server.programme.calendar import BEIJING, UnknownYearError, WorkingCalendar, date_text
from server.programme.deadlines import Deadline, DeadlineKind

FIRST_HOUR, LAST_HOUR = 8, 20
"""Reminders go out between these hours of Beijing."""


class Stage(StrEnum):
    """How near a deadline is; each stage is told once."""

    SOON = "soon"
    NEXT = "next"
    TODAY = "today"
    LATE = "late"

    @property
    def label(self) -> str:
        return {
            Stage.SOON: "还有3个工作日以内",
            Stage.NEXT: "还有1个工作日",
            Stage.TODAY: "今天到期",
            Stage.LATE: "已经逾期",
        }[self]


@dataclass(frozen=True, slots=True)
class Item:
    """A deadline that is near and not met."""

    activity_id: int
    title: str
    units: tuple[str, ...]
    kind: DeadlineKind
    due: date
    stage: Stage


def stage(calendar: WorkingCalendar, due: date, today: date) -> Stage | None:
    """How near the deadline is today, None while it is more than three working days away."""
    if today > due:
        return Stage.LATE
    if today == due:
        return Stage.TODAY
    for days, name in ((1, Stage.NEXT), (3, Stage.SOON)):
        try:
            if today >= calendar.count(due, -days)[-1].day.date:
                return name
        except UnknownYearError:
            return Stage.SOON
    return None


def near(
    calendar: WorkingCalendar,
    deadline: Deadline,
    today: date,
    *,
    done: bool,
    activity_id: int,
    title: str,
    units: tuple[str, ...],
) -> Item | None:
    """The reminder that the deadline asks for today, if any."""
    if done or deadline.due is None:
        return None
    found = stage(calendar, deadline.due, today)
    if found is None:
        return None
    return Item(activity_id, title, units, deadline.kind, deadline.due, found)


def hours_open(now: datetime) -> bool:
    """Whether it is a time of day at which people are written to."""
    return FIRST_HOUR <= now.astimezone(BEIJING).hour < LAST_HOUR


def words(items: Iterable[Item], board: str) -> tuple[str, str]:
    """Subject and text of the message that tells them; `board` is the address of the desk."""
    ordered = sorted(items, key=lambda item: (item.due, item.title, item.kind))
    late = sum(item.stage is Stage.LATE for item in ordered)
    subject = f"民声提醒：{len(ordered)}项期限" + (f"，其中{late}项已逾期" if late else "临近")
    lines = []
    for item in ordered:
        lines.append(f"· {item.title}（{'、'.join(item.units)}）")
        lines.append(f"  {item.kind.label}，最迟{date_text(item.due)}，{item.stage.label}")
    text = "\n".join(
        [
            "以下期限需要处理：",
            "",
            *lines,
            "",
            f"办理：{board}",
            "",
            "每项期限在每个阶段只提醒一次。在看板的“邮件提醒”里可以停止接收。",
            "",
        ]
    )
    return subject, text
