"""The facts of the assessment as a Word document in the form of GB/T 9704-2012: one pack an activity, no score."""

from collections.abc import Sequence
from datetime import date, datetime

from feedback.digest.page import NOTE_STYLE, new_document, to_bytes
from feedback.digest.table import add_facts, add_table
from feedback.digest.wording import moment, period
from server.assessment_workbook import open_words
from server.programme.deadlines import Form
from server.programme.notice_document import numeral
from server.programme.plan import ActivityKind
from server.programme_views import AssessmentRow

TITLE = "政民互动活动组织情况"
_WIDTHS = (36, 120)
_NUMBERED = 99
"""Activities with a numeral before their heading; Chinese numerals of headings go no further here."""


def render(rows: Sequence[AssessmentRow], as_of: datetime, *, whose: str) -> bytes:
    """A .docx: an overview of all of them, then each with its times and digests. `whose` goes with the title."""
    document = new_document()
    title = f"{whose}{TITLE}"
    document.add_paragraph(title, style="Title")
    document.add_paragraph(
        f"以下事实由民声平台记录，截至{moment(as_of, year=True)}，时间均为北京时间。"
        "方案没有规定考核权重，本材料只列事实，不打分。"
    )
    document.add_paragraph("一、总体情况", style="Heading 1")
    if not rows:
        document.add_paragraph("没有符合条件的活动。")
        return to_bytes(document, title, as_of)
    document.add_paragraph(_overview(rows))
    add_table(
        document,
        ("活动", "主办单位", "公告", "材料公开", "待办和逾期"),
        (44, 32, 22, 22, 36),
        [
            (
                row.title,
                "、".join(unit.name for unit in row.units),
                _met(row.notice_due, row.notice_on_time),
                _met(row.materials_due, row.materials_on_time),
                "\n".join(open_words(item) for item in row.open) or "—",
            )
            for row in rows
        ],
    )
    for number, row in enumerate(rows, 2):
        lead = f"{numeral(number)}、" if number <= _NUMBERED else ""
        document.add_paragraph(f"{lead}{row.title}", style="Heading 1")
        add_facts(document, _facts(row), _WIDTHS)
        digests = [
            f"{name}第{version}版 SHA-256：{sha256}"
            for name, version, sha256 in (
                ("公告", row.notice_version, row.notice_sha256),
                ("材料", row.materials_version, row.materials_sha256),
                ("采纳情况", row.outcomes_version, row.outcomes_sha256),
            )
            if sha256
        ]
        for line in digests:
            document.add_paragraph(line, style=NOTE_STYLE)
    return to_bytes(document, title, as_of)


def _overview(rows: Sequence[AssessmentRow]) -> str:
    held = [row for row in rows if row.live_started_at is not None]
    late = sum(any(item.late for item in row.open) for row in rows)
    return (
        f"共{len(rows)}项活动，已直播{len(held)}项；公告按时{sum(row.notice_on_time is True for row in rows)}项，"
        f"材料按时公开{sum(row.materials_on_time is True for row in rows)}项，有逾期未办的{late}项；"
        f"报备{sum(row.filings for row in rows)}次；"
        f"收到提问{sum(row.questions for row in rows)}条，已答复{sum(row.answered for row in rows)}条；"
        f"收到意见建议{sum(row.suggestions for row in rows)}条，已决定{sum(row.decided for row in rows)}条。"
    )


def _facts(row: AssessmentRow) -> list[tuple[str, str]]:
    promise = []
    if row.adoption_due is not None:
        promise.append(("承诺反馈", _done(row.adoption_due, row.outcomes_at, row.adoption_on_time)))
    return [
        ("栏目", ActivityKind(row.kind).column),
        ("主办单位", "、".join(unit.name for unit in row.units)),
        ("形式", Form(row.form).label if row.form else "未确定"),
        ("计划时间", period(row.starts_at, row.ends_at)),
        ("牵头负责人", row.leader or "没有记录"),
        ("主要负责同志", row.attended or "没有记录"),
        ("实施方案", _kept(row.plan_at)),
        ("应急预案", _kept(row.emergency_at)),
        ("公告", _done(row.notice_due, row.notice_at, row.notice_on_time)),
        *_people(row),
        ("报备", f"{row.filings}次" if row.filings else "没有"),
        ("直播", period(row.live_started_at, row.live_ended_at) if row.live_started_at else "没有直播"),
        ("收看", f"设备{row.devices}台，最高同时{row.peak}人" if row.devices else "没有网络收看记录"),
        ("互动", f"留言{row.comments}条，提问{row.questions}条，已答复{row.answered}条"),
        ("意见建议", f"{row.suggestions}条，已决定{row.decided}条，采纳和部分采纳{row.adopted}条"),
        ("材料公开", _done(row.materials_due, _first(row), row.materials_on_time)),
        ("回放", moment(row.recording_at, year=True) + "公开" if row.recording_at else "没有公开"),
        ("采纳情况公布", moment(row.outcomes_at, year=True) if row.outcomes_at else "没有记录"),
        *promise,
    ]


def _people(row: AssessmentRow) -> list[tuple[str, str]]:
    facts = []
    if row.problem:
        facts.append(("无法计算的期限", row.problem))
    if row.notice_reason:
        facts.append(("公告的说明", row.notice_reason))
    if row.selection is not None:
        facts += [
            ("遴选", f"{row.selection}；遴选公告：{_selection(row)}"),
            ("现场参与", f"报名{row.registered}人，入选和确认{row.holding}人，到场{row.present}人"),
        ]
    if row.selection_reason:
        facts.append(("遴选公告的说明", row.selection_reason))
    if row.satisfaction_share is not None:
        ways = (
            ("现场", row.satisfaction_present_answers, row.satisfaction_present_share),
            ("线上", row.satisfaction_online_answers, row.satisfaction_online_share),
        )
        parts = [f"{way}{answers}份，满意率{share:.0%}" for way, answers, share in ways if share is not None]
        facts.append(("满意度", "；".join(parts)))
    return facts


def _selection(row: AssessmentRow) -> str:
    if row.selection_due is not None:
        return _done(row.selection_due, row.selection_notice_at, row.selection_on_time)
    return moment(row.selection_notice_at, year=True) if row.selection_notice_at else "没有记录"


def _first(row: AssessmentRow) -> datetime | None:
    """When the first of what counts as materials was published."""
    return min((at for at in (row.materials_at, row.outcomes_at, row.recording_at) if at is not None), default=None)


def _kept(at: datetime | None) -> str:
    return f"{moment(at, year=True)}存档" if at else "没有记录"


def _met(due: date | None, on_time: bool | None) -> str:
    if on_time is None:
        return "未办" if due else "—"
    return "按时" if on_time else "晚于期限"


def _done(due: date | None, at: datetime | None, on_time: bool | None) -> str:
    limit = f"期限{due.isoformat()}" if due else "没有期限"
    if at is None:
        return f"没有记录，{limit}" if due else "没有记录"
    words = "" if on_time is None else "，按时" if on_time else "，晚于期限"
    return f"{moment(at, year=True)}{words}（{limit}）"
