"""Notices (活动公告): the five required fields, whether one is in time, what a correction changed.

Source: 三、政民互动形式, “公告内容至少包括活动时间、活动时长、活动大体流程安排、网民参与方式、主办单位等”. The clause
speaks of online activities; the service asks the same of every notice, for the plan gives no other list.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from server.programme.calendar import BEIJING, WEEKDAYS
from server.programme.deadlines import DeadlineKind, Timetable


class NoticeField(StrEnum):
    """A required field."""

    TIME = "time"
    DURATION = "duration"
    FLOW = "flow"
    PARTICIPATION = "participation"
    ORGANISER = "organiser"

    @property
    def label(self) -> str:
        """The plan's word for it."""
        return _LABELS[self]


_LABELS = {
    NoticeField.TIME: "活动时间",
    NoticeField.DURATION: "活动时长",
    NoticeField.FLOW: "活动大体流程安排",
    NoticeField.PARTICIPATION: "网民参与方式",
    NoticeField.ORGANISER: "主办单位",
}


@dataclass(frozen=True, slots=True)
class NoticeFacts:
    """What a notice is made of. Moments carry a time zone; `units` are names as they will be printed.

    `free`: further fields as (label, text), in order; empty ones are left out of the notice.
    """

    title: str
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    flow: str = ""
    participation: str = ""
    units: tuple[str, ...] = ()
    free: tuple[tuple[str, str], ...] = ()


def missing(facts: NoticeFacts) -> tuple[NoticeField, ...]:
    """The required fields that are empty, in the plan's order. An end that is not after the start is no duration."""
    texts = _texts(facts)
    return tuple(field for field in NoticeField if not texts[field])


def compose(facts: NoticeFacts) -> tuple[tuple[str, str], ...]:
    """The notice's fields as (label, text): those required in the plan's order, then the free ones. None is empty."""
    texts = _texts(facts)
    required = ((field.label, texts[field]) for field in NoticeField)
    return tuple((label, text) for label, text in (*required, *facts.free) if text.strip())


def objections(facts: NoticeFacts, timetable: Timetable | None, published_on: date) -> tuple[str, ...]:
    """Why a notice on that day (in Beijing) needs a recorded reason: sentences in Chinese, none when all is well.

    `timetable` is that of the activity as announced, `None` while it has no date.
    """
    lacking = (f"公告缺少{field.label}" for field in missing(facts))
    return (*lacking, *time_objections(DeadlineKind.NOTICE, timetable, published_on))


def time_objections(kind: DeadlineKind, timetable: Timetable | None, published_on: date) -> tuple[str, ...]:
    """Why 公告 or 遴选公告, published on that day, is not known to be in time: one sentence or none."""
    deadline = timetable.get(kind) if timetable else None
    if deadline is None:
        return (f"活动日期未定，无法核对{kind.label}是否按时",)
    if deadline.due is None:
        return (f"无法核对{kind.label}是否按时：{deadline.problem}",)
    if deadline.is_late(published_on, published_on):
        return (f"{kind.label}晚于期限：最迟应为{deadline.days[-1].day}，{deadline.rule}",)
    return ()


@dataclass(frozen=True, slots=True)
class Change:
    """One field of a notice that a correction changed; `before` or `after` is empty where it was added or removed."""

    label: str
    before: str
    after: str

    def __str__(self) -> str:
        if not self.before:
            return f"增加{self.label}：{self.after}"
        if not self.after:
            return f"删去{self.label}（原为：{self.before}）"
        return f"{self.label}由“{self.before}”更正为“{self.after}”"


def changes(before: NoticeFacts, after: NoticeFacts) -> tuple[Change, ...]:
    """What a correction changed, in the order of the new notice, then what it removed."""
    return field_changes((("标题", before.title), *compose(before)), (("标题", after.title), *compose(after)))


def field_changes(before: Iterable[tuple[str, str]], after: Iterable[tuple[str, str]]) -> tuple[Change, ...]:
    """What differs between two notices as (label, text)."""
    old, new = dict(before), dict(after)
    labels = dict.fromkeys((*new, *old))
    return tuple(
        Change(label, old.get(label, ""), new.get(label, ""))
        for label in labels
        if old.get(label, "") != new.get(label, "")
    )


def moment_text(moment: datetime) -> str:
    """A moment in Beijing: `2023年9月27日（周三）14:00`."""
    local = moment.astimezone(BEIJING)
    return f"{local.year}年{local.month}月{local.day}日（周{WEEKDAYS[local.weekday()]}）{local:%H:%M}"


def span_text(starts_at: datetime, ends_at: datetime) -> str:
    """From when to when in Beijing; the day is said once where it is one day."""
    start, end = starts_at.astimezone(BEIJING), ends_at.astimezone(BEIJING)
    last = f"{end:%H:%M}" if start.date() == end.date() else moment_text(end)
    return f"{moment_text(start)}至{last}"


def duration_text(starts_at: datetime, ends_at: datetime) -> str:
    """How long, to the minute: `1小时30分钟`; days beyond 24 hours. Empty where the end is not after the start."""
    minutes = int((ends_at - starts_at).total_seconds() // 60)
    if minutes <= 0:
        return ""
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = ((days, "天"), (hours, "小时"), (rest, "分钟"))
    return "".join(f"{amount}{unit}" for amount, unit in parts if amount)


def _texts(facts: NoticeFacts) -> dict[NoticeField, str]:
    start, end = facts.starts_at, facts.ends_at
    span, duration = moment_text(start) if start else "", ""
    if start and end and (duration := duration_text(start, end)):
        span = span_text(start, end)
    return {
        NoticeField.TIME: span,
        NoticeField.DURATION: duration,
        NoticeField.FLOW: facts.flow.strip(),
        NoticeField.PARTICIPATION: facts.participation.strip(),
        NoticeField.ORGANISER: "、".join(unit.strip() for unit in facts.units if unit.strip()),
    }
