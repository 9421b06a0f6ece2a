"""The facts of the assessment as a workbook: one row an activity, filterable."""

from collections.abc import Sequence
from datetime import date, datetime

from feedback.digest.sheet import COUNT, MOMENT, SHARE, Column, Sheet, Value, book
from server.programme.deadlines import Form
from server.programme.plan import ActivityKind
from server.programme_views import AssessmentRow, OpenDeadline

COLUMNS = (
    Column("编号", 8),
    Column("类型", 14),
    Column("活动", 28),
    Column("主办单位", 18),
    Column("形式", 14),
    Column("开始时间", 20, MOMENT),
    Column("结束时间", 20, MOMENT),
    Column("牵头负责人", 16),
    Column("到场的主要负责同志", 20),
    Column("实施方案", 20, MOMENT),
    Column("应急预案", 20, MOMENT),
    Column("公告期限", 12),
    Column("公告发布", 20, MOMENT),
    Column("公告按时", 10),
    Column("公告版本", 10, COUNT),
    Column("公告校验码", 20),
    Column("公告迟发等的原因", 24),
    Column("遴选方式", 12),
    Column("遴选公告期限", 14),
    Column("遴选公告", 20, MOMENT),
    Column("遴选公告按时", 12),
    Column("遴选公告迟发的原因", 24),
    Column("报名人数", 10, COUNT),
    Column("入选和确认", 12, COUNT),
    Column("到场人数", 10, COUNT),
    Column("满意度份数", 12, COUNT),
    Column("满意率", 10, SHARE),
    Column("现场满意度份数", 14, COUNT),
    Column("现场满意率", 12, SHARE),
    Column("线上满意度份数", 14, COUNT),
    Column("线上满意率", 12, SHARE),
    Column("报备次数", 10, COUNT),
    Column("直播开始", 20, MOMENT),
    Column("直播结束", 20, MOMENT),
    Column("收看设备", 10, COUNT),
    Column("最高同时收看", 14, COUNT),
    Column("留言", 8, COUNT),
    Column("提问", 8, COUNT),
    Column("已答复", 8, COUNT),
    Column("意见建议", 10, COUNT),
    Column("已决定", 8, COUNT),
    Column("采纳和部分采纳", 16, COUNT),
    Column("材料公开期限", 14),
    Column("材料公开", 20, MOMENT),
    Column("回放公开", 20, MOMENT),
    Column("材料按时", 10),
    Column("材料版本", 10, COUNT),
    Column("材料校验码", 20),
    Column("承诺反馈期限", 14),
    Column("采纳情况公布", 20, MOMENT),
    Column("承诺按时", 10),
    Column("采纳情况版本", 14, COUNT),
    Column("采纳情况校验码", 20),
    Column("待办和逾期", 30),
    Column("无法计算的期限", 30),
)


def render(rows: Sequence[AssessmentRow], as_of: datetime) -> bytes:
    """A sheet 考核事实. Times are Beijing time; what is not known is an empty cell."""
    return book("政民互动考核事实", as_of, [Sheet("考核事实", COLUMNS, map(_row, rows))])


def _row(row: AssessmentRow) -> list[Value]:
    return [
        row.slug,
        ActivityKind(row.kind).column,
        row.title,
        "、".join(unit.name for unit in row.units),
        Form(row.form).label if row.form else None,
        row.starts_at,
        row.ends_at,
        row.leader or None,
        row.attended or None,
        row.plan_at,
        row.emergency_at,
        _day(row.notice_due),
        row.notice_at,
        _yes(row.notice_on_time),
        row.notice_version,
        row.notice_sha256,
        row.notice_reason or None,
        row.selection,
        _day(row.selection_due),
        row.selection_notice_at,
        _yes(row.selection_on_time),
        row.selection_reason or None,
        row.registered,
        row.holding,
        row.present,
        row.satisfaction_answers,
        row.satisfaction_share,
        row.satisfaction_present_answers,
        row.satisfaction_present_share,
        row.satisfaction_online_answers,
        row.satisfaction_online_share,
        row.filings,
        row.live_started_at,
        row.live_ended_at,
        row.devices,
        row.peak,
        row.comments,
        row.questions,
        row.answered,
        row.suggestions,
        row.decided,
        row.adopted,
        _day(row.materials_due),
        row.materials_at,
        row.recording_at,
        _yes(row.materials_on_time),
        row.materials_version,
        row.materials_sha256,
        _day(row.adoption_due),
        row.outcomes_at,
        _yes(row.adoption_on_time),
        row.outcomes_version,
        row.outcomes_sha256,
        "；".join(open_words(item) for item in row.open) or None,
        row.problem or None,
    ]


def open_words(item: OpenDeadline) -> str:
    """A deadline that is not met: “公告，最迟2023-10-07，已逾期”."""
    return f"{item.label}，最迟{item.due.isoformat()}{'，已逾期' if item.late else ''}"


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _yes(value: bool | None) -> str | None:
    return None if value is None else "是" if value else "否"
