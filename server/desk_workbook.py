"""The board as a workbook: one row an activity, what is due, done and late beside it."""

from collections.abc import Sequence
from datetime import datetime

from feedback.digest.sheet import COUNT, MOMENT, Column, Value
from server.programme.deadlines import DeadlineKind, Form
from server.programme.plan import ActivityKind
from server.protocol import DeadlineView, DeskRow
from server.workbook import one_sheet

STATES = {"scheduled": "预告", "live": "直播中", "ended": "已结束"}
COLUMNS = (
    Column("编号", 8),
    Column("类型", 14),
    Column("专题", 18),
    Column("活动", 30),
    Column("主办单位", 18),
    Column("状态", 10),
    Column("形式", 14),
    Column("开始时间", 20, MOMENT),
    Column("结束时间", 20, MOMENT),
    Column("地点", 20),
    *(column for kind in DeadlineKind for column in (Column(f"{kind.label}期限", 16), Column(f"{kind.label}办理", 24))),
    Column("留言", 8, COUNT),
    Column("提问", 8, COUNT),
    Column("意见建议", 10, COUNT),
    Column("待决定", 8, COUNT),
)


def render(rows: Sequence[DeskRow], as_of: datetime) -> bytes:
    """A sheet 活动看板. Times are Beijing time; what is not known is an empty cell."""
    return one_sheet("政民互动活动看板", "活动看板", COLUMNS, map(_row, rows), as_of)


def _row(row: DeskRow) -> list[Value]:
    found = {item.kind: item for item in row.deadlines}
    return [
        row.slug,
        ActivityKind(row.kind).column,
        row.topic,
        row.title,
        "、".join(unit.name for unit in row.units),
        STATES[row.state],
        Form(row.form).label if row.form else None,
        row.starts_at,
        row.ends_at,
        row.place or None,
        *(cell for kind in DeadlineKind for cell in _deadline(found.get(kind.value))),
        row.counts.comments,
        row.counts.questions,
        row.counts.suggestions,
        row.counts.undecided,
    ]


def _deadline(item: DeadlineView | None) -> tuple[str | None, str | None]:
    """The day, and what became of it."""
    if item is None:
        return None, None
    due = item.due.isoformat() if item.due else None
    if item.done_on is not None:
        late = item.due is not None and item.done_on > item.due
        return due, f"{item.done_on.isoformat()}办理{'，晚于期限' if late else ''}"
    if item.late:
        return due, "逾期未办"
    return due, item.problem or (None if due is None else "未办")
