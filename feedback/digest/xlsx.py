"""The digest as a workbook: an overview with charts, then one row an entry, filterable."""

import io
from typing import Any

from openpyxl import Workbook
from openpyxl.chart import BarChart, LineChart, Reference
from openpyxl.chart.label import DataLabelList
from openpyxl.worksheet.worksheet import Worksheet

from feedback.decisions import Decision
from feedback.digest.archive import stamped
from feedback.digest.figures import Unit, figures
from feedback.digest.model import Digest
from feedback.digest.sheet import (
    ANY,
    COUNT,
    MOMENT,
    SCORE,
    SHARE,
    Column,
    Pen,
    add_table,
    finisher,
    lines_needed,
    print_on_paper,
    row_height,
)
from feedback.digest.wording import short_moment
from feedback.scorer import Label


def render(digest: Digest) -> bytes:
    """Sheets 概况, 评论, 提问, 意见建议, 拟办清单, 收看人数. Times are Beijing time, as Excel dates know no zone."""
    book = Workbook(write_only=True)
    pen = Pen()
    bodies: dict[str, bytes] = {}
    for number, (title, fill) in enumerate(_SHEETS.items(), 1):
        bodies[f"xl/worksheets/sheet{number}.xml"] = fill(pen, book.create_sheet(title), digest)
    buffer = io.BytesIO()
    book.save(buffer)
    return stamped(buffer.getvalue(), digest.as_of, finisher(f"{digest.activity.title}互动情况", digest.as_of, bodies))


_FACT_WIDTH = 66

_Fact = tuple[str, Any, str]
"""A line of the overview: its name, its value, and the format of the value."""


def _overview(pen: Pen, sheet: Worksheet, digest: Digest) -> bytes:
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 20, _FACT_WIDTH
    print_on_paper(sheet)
    begins: dict[str, int] = {}
    at = 0
    for title, facts in _sections(digest).items():
        if at:
            sheet.append([])
            at += 1
        sheet.append([pen.cell(sheet, title, header=True), pen.cell(sheet, None, header=True)])
        begins[title] = at + 2
        for row, (name, value, number_format) in enumerate(facts, begins[title]):
            sheet.row_dimensions[row].height = row_height(lines_needed(value, _FACT_WIDTH))
            sheet.append([pen.cell(sheet, name), pen.cell(sheet, value, number_format)])
        at += 1 + len(facts)
    _bars(sheet, "情感参考（条）", begins["情感参考"], len(Label), "D2")
    _bars(sheet, "采纳情况（条）", begins["采纳情况"], len(Decision), "D20")
    return b""  # it is all in the sheet


_FORMATS = {Unit.TEXT: ANY, Unit.COUNT: COUNT, Unit.SHARE: SHARE, Unit.MOMENT: MOMENT}


def _sections(digest: Digest) -> dict[str, list[_Fact]]:
    sections: dict[str, list[_Fact]] = {}
    for figure in figures(digest):
        sections.setdefault(figure.section, []).append((figure.name, figure.value, _FORMATS[figure.unit]))
    return sections


def _bars(sheet: Worksheet, title: str, first: int, count: int, anchor: str) -> None:
    """A native bar chart of column B by column A, in one dark grey that prints."""
    chart = BarChart()
    chart.type = "bar"
    chart.title = title
    chart.legend = None
    chart.width, chart.height = 15, 7.5
    chart.add_data(Reference(sheet, min_col=2, min_row=first, max_row=first + count - 1))
    chart.set_categories(Reference(sheet, min_col=1, min_row=first, max_row=first + count - 1))
    chart.series[0].graphicalProperties.solidFill = "595959"
    chart.dataLabels = DataLabelList(showVal=True, showSerName=False, showCatName=False, showLegendKey=False)
    chart.x_axis.scaling.orientation = "maxMin"
    # openpyxl hides axes unless told; Excel then draws a chart without words.
    chart.x_axis.delete, chart.y_axis.delete = False, True
    chart.y_axis.majorGridlines = None
    sheet.add_chart(chart, anchor)


_ENTRY: tuple[Column, ...] = (
    Column("编号", 9, "0"),
    Column("时间", 20, MOMENT),
    Column("昵称", 14),
    Column("内容", 44),
)
_DECISION: tuple[Column, ...] = (
    Column("采纳决定", 11),
    Column("理由", 32),
    Column("转办单位", 20),
    Column("决定时间", 20, MOMENT),
    Column("落实情况", 11),
    Column("落实经过", 36),
)


def _comments(pen: Pen, sheet: Worksheet, digest: Digest) -> bytes:
    columns = (
        *_ENTRY,
        Column("话语类型", 11),
        Column("情感", 9),
        Column("情感得分", 11, SCORE),
        Column("意见建议号", 12, "0"),
    )
    rows = (
        (
            comment.id,
            comment.at,
            comment.nickname,
            comment.text,
            comment.utterance.text if comment.utterance else None,
            comment.label.text if comment.label else None,
            comment.score,
            comment.suggestion,
        )
        for comment in digest.comments
    )
    return add_table(pen, sheet, columns, rows)


def _questions(pen: Pen, sheet: Worksheet, digest: Digest) -> bytes:
    columns = (
        *_ENTRY,
        Column("票数", 8, COUNT),
        Column("合并条数", 10, COUNT),
        Column("状态", 10),
        Column("答复方式", 11),
        Column("答复内容", 44),
        Column("答复时间", 20, MOMENT),
        Column("情感", 9),
        Column("情感得分", 11, SCORE),
        Column("意见建议号", 12, "0"),
    )
    rows = (
        (
            question.id,
            question.at,
            question.nickname,
            question.text,
            question.votes,
            question.merged,
            question.state.text,
            question.mode.text if question.mode else None,
            question.answer,
            question.answered_at,
            question.label.text if question.label else None,
            question.score,
            question.suggestion,
        )
        for question in digest.questions
    )
    return add_table(pen, sheet, columns, rows)


def _suggestions(pen: Pen, sheet: Worksheet, digest: Digest) -> bytes:
    columns = (
        Column("意见建议号", 12, "0"),
        Column("提出人", 14),
        Column("内容", 44),
        Column("分类", 16),
        Column("合并条数", 10, COUNT),
        *_DECISION,
    )
    rows = (
        (
            suggestion.number,
            suggestion.nickname,
            suggestion.text,
            suggestion.topic,
            suggestion.merged,
            suggestion.decision.text if suggestion.decision else "尚未决定",
            suggestion.reason,
            suggestion.transferred_to,
            suggestion.decided_at,
            suggestion.progress.text if suggestion.progress else None,
            "\n".join(
                f"{short_moment(update.at)}，{update.unit or '区级统筹'}，{update.progress.text}：{update.text}"
                for update in suggestion.updates
            )
            or None,
        )
        for suggestion in digest.suggestions
    )
    return add_table(pen, sheet, columns, rows)


def _to_do(pen: Pen, sheet: Worksheet, digest: Digest) -> bytes:
    columns = (Column("事项", 16), Column("内容", 44), Column("承办单位", 24), Column("期限", 12))
    rows = ((line.what, line.text, line.unit, line.due.isoformat() if line.due else None) for line in digest.to_do)
    return add_table(pen, sheet, columns, rows)


def _samples(pen: Pen, sheet: Worksheet, digest: Digest) -> bytes:
    columns = (Column("时间", 20, MOMENT), Column("同时收看", 12, COUNT))
    body = add_table(pen, sheet, columns, ((sample.at, sample.watching) for sample in digest.audience.samples))
    count = len(digest.audience.samples)
    if not count:
        return body
    chart = LineChart()
    chart.title = "同时收看"
    chart.legend = None
    chart.width, chart.height = 24, 9
    chart.add_data(Reference(sheet, min_col=2, min_row=2, max_row=count + 1))
    chart.set_categories(Reference(sheet, min_col=1, min_row=2, max_row=count + 1))
    chart.series[0].graphicalProperties.line.solidFill = "262626"
    chart.series[0].smooth = False
    chart.x_axis.number_format = "hh:mm"
    chart.x_axis.delete, chart.y_axis.delete = False, False
    sheet.add_chart(chart, "D2")
    return body


_SHEETS = {
    "概况": _overview,
    "评论": _comments,
    "提问": _questions,
    "意见建议": _suggestions,
    "拟办清单": _to_do,
    "收看人数": _samples,
}
