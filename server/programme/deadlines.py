"""The plan's deadlines of one activity, each with the days counted for it.

Clauses are quoted from 大兴区2023年政民互动工作总体方案. The day of the activity does not count; the days between are
walked one by one on a `WorkingCalendar`.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import assert_never

from server.programme.calendar import CountedDay, UnknownYearError, WorkingCalendar

NOTICE_ONLINE = 3
"""Working days before an online activity: “至少3个工作日” (三、政民互动形式)."""
NOTICE_IN_PERSON = 5
"""Working days before an activity with people on the spot: “提前5个工作日” (三、政民互动形式)."""
MATERIALS = 5
"""Working days after the last day: “活动开展后5个工作日内” (四、工作要求（二）)."""

CLAUSE_ONLINE = "应于活动开展前至少3个工作日通过区政府网站、政务新媒体公开发布活动公告"
CLAUSE_IN_PERSON = "提前5个工作日将政民互动举办事项通过区政府网站、政务新媒体等向公众发出公告"
CLAUSE_SELECTION = "采取公开遴选方式的，要通过区政府网站、政务新媒体发布遴选公告"
CLAUSE_MATERIALS = (
    "在政民互动工作开展后5个工作日内，各主责单位要将本单位相关工作材料在区政府网站“政务开放日”“政策公开讲”栏目进行公开"
)
CLAUSE_ADOPTION = "向群众反馈意见建议采纳情况"


class Form(StrEnum):
    """How an activity is held (三、政民互动形式)."""

    ONLINE = "online"
    IN_PERSON = "in-person"
    HYBRID = "hybrid"

    @property
    def label(self) -> str:
        match self:
            case Form.ONLINE:
                return "线上直播"
            case Form.IN_PERSON:
                return "现场参与"
            case Form.HYBRID:
                return "线上线下结合"
            case _:
                assert_never(self)


class DeadlineKind(StrEnum):
    """What is due."""

    NOTICE = "notice"
    SELECTION = "selection"
    MATERIALS = "materials"
    ADOPTION = "adoption"

    @property
    def label(self) -> str:
        match self:
            case DeadlineKind.NOTICE:
                return "公告"
            case DeadlineKind.SELECTION:
                return "遴选公告"
            case DeadlineKind.MATERIALS:
                return "材料公开"
            case DeadlineKind.ADOPTION:
                return "采纳情况反馈"
            case _:
                assert_never(self)


@dataclass(frozen=True, slots=True)
class Deadline:
    """One thing due by the end of a day.

    - `due`: the last day in time, in Beijing; `None` where the calendar does not reach it, and `problem` says so.
    - `rule`: how it is counted; `clause`: the plan's words.
    - `days`: the days walked, in the order of counting, ending with `due`.
    - `advised`: one working day earlier, for who reads the clause as “clear days”; only advice.
    - `promised`: the unit's own promise and not the plan's.
    - `settled`: no holiday notice still to come can move it.
    """

    kind: DeadlineKind
    due: date | None
    rule: str
    clause: str
    days: tuple[CountedDay, ...] = ()
    advised: CountedDay | None = None
    promised: bool = False
    settled: bool = True
    problem: str | None = None

    def is_late(self, today: date, done: date | None = None) -> bool:
        """Whether it was done after its day, or is not done and its day is over. Never for an unknown day."""
        return self.due is not None and (done or today) > self.due


@dataclass(frozen=True, slots=True)
class Timetable:
    """All deadlines of one activity, in the order of their kinds."""

    form: Form
    first: date
    last: date
    deadlines: tuple[Deadline, ...]

    def get(self, kind: DeadlineKind) -> Deadline | None:
        """The deadline of a kind, `None` where the activity has none."""
        for deadline in self.deadlines:
            if deadline.kind is kind:
                return deadline
        return None

    @property
    def problems(self) -> tuple[str, ...]:
        """What could not be counted, as sentences for a person, each once."""
        return tuple(dict.fromkeys(deadline.problem for deadline in self.deadlines if deadline.problem))


def timetable(
    calendar: WorkingCalendar,
    form: Form,
    first: date,
    last: date | None = None,
    *,
    open_selection: bool = False,
    promise: int | None = None,
) -> Timetable:
    """Count an activity's deadlines from its first and last day (Beijing dates; `last` defaults to `first`).

    `open_selection`: representatives are chosen by 公开遴选; without people on the spot it means nothing. `promise`:
    working days after the last day in which the unit itself undertakes to say what was adopted. Where the calendar
    ends, a deadline carries its `problem` and no day. Raises `ValueError` for an end before the start or a promise
    below one.
    """
    last = last or first
    if last < first:
        raise ValueError(f"结束日期{last}早于开始日期{first}")
    if promise is not None and promise < 1:
        raise ValueError("承诺的工作日数至少为1")
    deadlines = [_notice(calendar, form, first)]
    if open_selection and form is not Form.ONLINE:
        deadlines.append(_selection(calendar, first))
    whole = "最后一天" if last > first else ""
    deadlines.append(
        _counted(
            calendar,
            last,
            MATERIALS,
            kind=DeadlineKind.MATERIALS,
            rule=f"活动{whole}之后{MATERIALS}个工作日内，活动当天不计",
            clause=CLAUSE_MATERIALS,
        )
    )
    if promise is not None:
        deadlines.append(
            _counted(
                calendar,
                last,
                promise,
                kind=DeadlineKind.ADOPTION,
                rule=f"本单位承诺：活动{whole}之后{promise}个工作日内（方案要求反馈，未规定期限）",
                clause=CLAUSE_ADOPTION,
                promised=True,
            )
        )
    return Timetable(form, first, last, tuple(deadlines))


def _notice(calendar: WorkingCalendar, form: Form, first: date) -> Deadline:
    online = _counted(
        calendar,
        first,
        -NOTICE_ONLINE,
        kind=DeadlineKind.NOTICE,
        rule=f"线上直播：活动之前至少{NOTICE_ONLINE}个工作日，活动当天不计",
        clause=CLAUSE_ONLINE,
    )
    in_person = _counted(
        calendar,
        first,
        -NOTICE_IN_PERSON,
        kind=DeadlineKind.NOTICE,
        rule=f"{form.label}{'，从严' if form is Form.HYBRID else ''}：提前{NOTICE_IN_PERSON}个工作日，活动当天不计",
        clause=CLAUSE_IN_PERSON,
    )
    match form:
        case Form.ONLINE:
            return online
        case Form.IN_PERSON:
            return in_person
        case Form.HYBRID:
            # The stricter one by comparison, whatever the two numbers are.
            earlier = online.due and in_person.due and online.due < in_person.due
            return online if earlier else in_person
        case _:
            assert_never(form)


def _selection(calendar: WorkingCalendar, first: date) -> Deadline:
    return _counted(
        calendar,
        first,
        -NOTICE_IN_PERSON,
        kind=DeadlineKind.SELECTION,
        rule=f"方案未单独规定期限；最迟与公告同日：提前{NOTICE_IN_PERSON}个工作日，活动当天不计",
        clause=CLAUSE_SELECTION,
    )


def _counted(
    calendar: WorkingCalendar,
    start: date,
    working_days: int,
    *,
    kind: DeadlineKind,
    rule: str,
    clause: str,
    promised: bool = False,
) -> Deadline:
    try:
        days = calendar.count(start, working_days)
    except UnknownYearError as unknown:
        return Deadline(kind, None, rule, clause, promised=promised, settled=False, problem=str(unknown))
    return Deadline(
        kind,
        days[-1].day.date,
        rule,
        clause,
        days,
        advised=_one_more(calendar, days[-1].day.date) if working_days < 0 else None,
        promised=promised,
        settled=all(calendar.settled(counted.day.date) for counted in days),
    )


def _one_more(calendar: WorkingCalendar, due: date) -> CountedDay | None:
    """The working day before `due`, or `None` before the calendar's first year."""
    try:
        return calendar.count(due, -1)[-1]
    except UnknownYearError:
        return None
