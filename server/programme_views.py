"""What goes out about the programme: notices, filings, deadlines, holidays, history, after docs/protocol.md."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel

from server.programme.notices import Change
from server.protocol import UnitView


class FieldView(BaseModel):
    """A field of a notice as printed."""

    label: str
    text: str


class ChangeView(BaseModel):
    """A field before and after; empty where there was or is nothing."""

    label: str
    before: str
    after: str


class NoticeContent(BaseModel):
    """What one version of a notice says: the part that its digest covers."""

    title: str
    fields: list[FieldView]
    changes: list[ChangeView]
    """What it corrects in the version before it."""


class SelectionContent(BaseModel):
    """What one version of a 遴选公告 says: the part that its digest covers."""

    title: str
    fields: list[tuple[str, str]]
    changes: list[ChangeView] = []
    """What it corrects in the version before it; versions of before corrections were told have none."""


class NoticeView(NoticeContent):
    """A published version of a notice."""

    version: int
    published_at: datetime
    published_by: str
    sha256: str


class NoticeHistoryView(BaseModel):
    """The notice that holds, and all its versions, the newest first."""

    latest: NoticeView
    versions: list[NoticeView]


class StaffNoticeView(NoticeView):
    """A published version, with what only staff sees."""

    account: str | None
    objections: list[str]
    reason: str


class NoticeDraftView(BaseModel):
    """The notice as it would be published now."""

    title: str
    fields: list[FieldView]
    free: list[FieldView]
    """The fields that the unit wrote itself, from the version before."""
    missing: list[str]
    due: date | None
    on_time: bool | None
    """None where no day could be counted."""
    objections: list[str]
    """Why publishing now needs a recorded reason."""
    changes: list[ChangeView]
    """What differs from the newest version; empty before the first."""
    version: int
    """The newest published version, 0 before the first."""
    versions: list[StaffNoticeView]


class CountedDayView(BaseModel):
    """A day passed while counting; `number` is null where it does not count."""

    date: date
    kind: Literal["workday", "makeup", "weekend", "holiday"]
    why: str
    number: int | None


class CountedDeadlineView(BaseModel):
    """One deadline with its arithmetic."""

    kind: Literal["notice", "selection", "materials", "adoption"]
    label: str
    due: date | None
    rule: str
    clause: str
    promised: bool
    settled: bool
    problem: str | None
    advised: date | None
    days: list[CountedDayView]


class TimetableView(BaseModel):
    """An activity's deadlines, day by day; without any while `missing` names what has to be set first."""

    form: str | None
    first: date | None
    last: date | None
    deadlines: list[CountedDeadlineView]
    missing: list[str]
    remarks: list[str]
    """What looks wrong about the time: it is over, or overlaps another activity of the unit. Only advice."""


class HolidayView(BaseModel):
    """One line of a year's holiday notice."""

    name: str
    first: date
    last: date
    makeup: list[date]


class HolidayYearView(BaseModel):
    """A year's holidays as entered."""

    year: int
    holidays: list[HolidayView]


class HolidaysView(BaseModel):
    """The years that can be counted, and those that a coordinator entered."""

    known: list[int]
    entered: list[HolidayYearView]


class FilingView(BaseModel):
    """报备: a change of an activity's time, and why."""

    id: int
    filed_at: datetime
    filed_by: str | None
    activity: str
    title: str
    units: list[UnitView]
    grounds: list[str]
    before: str
    after: str
    reason: str
    own: bool
    """Filed by the unit that receives filings."""


class HistoryItem(BaseModel):
    """One act on an activity: who, when, what from, what to."""

    at: datetime
    who: str | None
    """None where the command line did it."""
    act: str
    changes: list[ChangeView]
    note: str


@dataclass(slots=True)
class OpenDeadline:
    """A deadline that is not met yet."""

    label: str
    due: date
    late: bool


@dataclass(slots=True, kw_only=True)
class AssessmentRow:
    """What is known of one activity, for the assessment: facts with their times and digests, and no score."""

    slug: str
    kind: str
    title: str
    units: Sequence[UnitView]
    form: str | None
    starts_at: datetime | None
    ends_at: datetime | None
    leader: str
    attended: str
    """Which of the unit's heads came: only recorded, for the plan asks no more than to try."""
    plan_at: datetime | None
    """When the newest 实施方案 was attached; `emergency_at` the 应急预案."""
    emergency_at: datetime | None
    notice_due: date | None
    notice_at: datetime | None
    """When the times that hold were first announced."""
    notice_on_time: bool | None
    notice_version: int
    notice_sha256: str | None
    notice_reason: str
    """Why it was published late or without a field; empty where it was not."""
    selection: str | None
    """How people on the spot are chosen: 公开遴选 or 定向邀请; None where nobody is."""
    selection_due: date | None
    """The last day for the 遴选公告, where people are chosen by 公开遴选."""
    selection_notice_at: datetime | None
    selection_on_time: bool | None
    selection_reason: str
    """Why it was published late; empty where it was not."""
    registered: int
    holding: int
    """Selected or confirmed."""
    present: int
    satisfaction_answers: int
    satisfaction_share: float | None
    satisfaction_present_answers: int
    """Told with a ticket that was checked in at the door; `online` all others."""
    satisfaction_present_share: float | None
    satisfaction_online_answers: int
    satisfaction_online_share: float | None
    filings: int
    live_started_at: datetime | None
    live_ended_at: datetime | None
    devices: int
    peak: int
    comments: int
    questions: int
    answered: int
    suggestions: int
    decided: int
    adopted: int
    """采纳 and 部分采纳 together."""
    materials_due: date | None
    materials_at: datetime | None
    """When materials were first published; the outcomes and a released recording count as materials too."""
    recording_at: datetime | None
    """When the recording was released to the public."""
    materials_on_time: bool | None
    materials_version: int
    materials_sha256: str | None
    adoption_due: date | None
    """The unit's own promise, None without one."""
    outcomes_at: datetime | None
    adoption_on_time: bool | None
    outcomes_version: int
    outcomes_sha256: str | None
    open: list[OpenDeadline]
    """What is not met yet, in time order."""
    problem: str
    """Why a deadline could not be counted, where form and time are set; empty where all could be."""


class CalendarFeedView(BaseModel):
    """Where an account subscribes to its deadlines."""

    url: str
    public_url: str


def corrected(changes: Iterable[ChangeView]) -> list[str]:
    """What a correction changed, a sentence for each field."""
    return [str(Change(change.label, change.before, change.after)) for change in changes]


def change_view(change: Any) -> ChangeView:
    """A change of a notice or plan as a view."""
    return ChangeView(label=change.label, before=change.before, after=change.after)
