"""The digest as a workbook: typed cells, one row an entry, and texts that stay texts.

A cell that looks like a formula is written as a string with the format's own mark for it (`quotePrefix`), so that it
neither computes when the file is opened nor when somebody edits the cell, and shows exactly what was said.
"""

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.chart import BarChart, LineChart, Reference
from openpyxl.chart.label import DataLabelList
from openpyxl.packaging.core import DocumentProperties
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet
from openpyxl.xml.functions import tostring

from feedback.decisions import DENOMINATOR, Decision
from feedback.digest.archive import stamped
from feedback.digest.model import Digest
from feedback.digest.wording import beijing, moment, period
from feedback.scorer import Label
from feedback.states import Reason

_FONT = "宋体"
_LONGEST_CELL = 32767  # Excel's limit; a longer text ends with a sign that it does
_CUT = "……（过长，全文见JSON）"
_ESCAPE_LIKE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")

_MOMENT = "yyyy-mm-dd hh:mm:ss"
_SHARE = "0.0%"
_SCORE = "0.0000"
_COUNT = "#,##0"
_TEXT = "@"
_ANY = "General"


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    width: float  # in characters
    format: str = _ANY


def render(digest: Digest) -> bytes:
    """Sheets 概况, 评论, 提问, 意见建议, 收看人数. Times are Beijing time, as Excel dates know no zone."""
    book = Workbook(write_only=True)
    pen = _Pen()
    _overview(pen, book.create_sheet("概况"), digest)
    _comments(pen, book.create_sheet("评论"), digest)
    _questions(pen, book.create_sheet("提问"), digest)
    _suggestions(pen, book.create_sheet("意见建议"), digest)
    _samples(pen, book.create_sheet("收看人数"), digest)
    buffer = io.BytesIO()
    book.save(buffer)
    written = beijing(digest.as_of).replace(tzinfo=None)
    properties = DocumentProperties(
        creator="民声", title=f"{digest.activity.title}互动情况", created=written, modified=written
    )
    core = cast("bytes", tostring(properties.to_tree()))
    return stamped(buffer.getvalue(), digest.as_of, {"docProps/core.xml": core})


class _Pen:
    """Makes cells, each kind of style once."""

    def __init__(self) -> None:
        self._styles: dict[tuple[Any, ...], Any] = {}
        line = Side(style="thin", color="FFBFBFBF")
        self._border = Border(left=line, right=line, top=line, bottom=line)

    def cell(
        self,
        sheet: Worksheet,
        value: Any,
        number_format: str = _ANY,
        *,
        header: bool = False,
    ) -> Any:
        """A cell whose type is that of *value*: text, number or aware datetime; None is an empty cell."""
        cell: Any = WriteOnlyCell(sheet)
        is_text = isinstance(value, str)
        if is_text:
            text = _ESCAPE_LIKE.sub("_x005F_", value)  # “_x0041_” is an escape in this format, and would show as “A”
            cell.value = text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - len(_CUT)] + _CUT
            cell.data_type = "s"  # also what openpyxl took for a formula or an error code
        elif isinstance(value, datetime):
            cell.value = beijing(value).replace(tzinfo=None, microsecond=0)
        else:
            cell.value = value
        key = (is_text, number_format, header)
        style = self._styles.get(key)
        if style is None:
            cell.font = Font(name="黑体" if header else _FONT, size=11)
            cell.alignment = Alignment(
                vertical="center" if header else "top", horizontal="center" if header else None, wrap_text=is_text
            )
            cell.border = self._border
            cell.number_format = _TEXT if is_text else number_format
            cell.quotePrefix = is_text
            if header:
                cell.fill = PatternFill("solid", fgColor="FFE7E6E6")
            self._styles[key] = cell._style
        else:
            cell._style = style
        return cell


def _table(pen: _Pen, sheet: Worksheet, columns: Sequence[_Column], rows: Iterable[Sequence[Any]]) -> int:
    """Write a header that stays in view and can filter, and *rows* under it. The number of rows."""
    last = get_column_letter(len(columns))
    for index, column in enumerate(columns, 1):
        sheet.column_dimensions[get_column_letter(index)].width = column.width
    sheet.freeze_panes = "A2"
    _print_on_a4(sheet, landscape=True)
    sheet.print_title_rows = "1:1"
    sheet.append([pen.cell(sheet, column.title, header=True) for column in columns])
    count = 0
    for row in rows:
        sheet.append([pen.cell(sheet, value, column.format) for value, column in zip(row, columns, strict=True)])
        count += 1
    sheet.auto_filter.ref = f"A1:{last}{count + 1}"
    return count


def _print_on_a4(sheet: Worksheet, *, landscape: bool = False) -> None:
    sheet.page_setup.paperSize = 9  # A4
    sheet.page_setup.orientation = "landscape" if landscape else "portrait"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    footer: Any = sheet.oddFooter
    footer.center.text = "&P / &N"


_Fact = tuple[str, Any, str]
"""A line of the overview: its name, its value, and the format of the value."""


def _overview(pen: _Pen, sheet: Worksheet, digest: Digest) -> None:
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 26, 58
    _print_on_a4(sheet)
    begins: dict[str, int] = {}
    at = 0
    for title, facts in _sections(digest).items():
        if at:
            sheet.append([])
            at += 1
        sheet.append([pen.cell(sheet, title, header=True), pen.cell(sheet, "", header=True)])
        begins[title] = at + 2
        for name, value, number_format in facts:
            sheet.append([pen.cell(sheet, name), pen.cell(sheet, value, number_format)])
        at += 1 + len(facts)
    _bars(sheet, "情感参考（条）", begins["情感参考"], len(Label), "D2")
    _bars(sheet, "采纳情况（条）", begins["采纳情况"], len(Decision), "D20")


def _sections(digest: Digest) -> dict[str, list[_Fact]]:
    activity, audience, ledger, sentiment = digest.activity, digest.audience, digest.ledger, digest.sentiment
    adoption = digest.adoption
    live = period(activity.live_started_at, activity.live_ended_at) if activity.live_started_at else "未直播"
    return {
        "活动基本情况": [
            ("活动名称", activity.title, _ANY),
            ("类别", activity.kind_text, _ANY),
            ("专题", activity.topic or "—", _ANY),
            ("主责单位", "、".join(activity.units) or "—", _ANY),
            ("形式", activity.form_text, _ANY),
            ("计划时间", period(activity.starts_at, activity.ends_at), _ANY),
            ("实际直播时间", live, _ANY),
            ("地点", activity.place or "—", _ANY),
            ("数据截止时间", digest.as_of, _MOMENT),
        ],
        "参与情况": [
            ("收看设备数", audience.devices, _COUNT),
            ("最高同时收看", audience.peak, _COUNT),
            ("最高收看时刻", moment(audience.peak_at), _ANY),
            ("累计收看分钟数", round(audience.watch_minutes), _COUNT),
            ("评论（展示）", len(digest.comments), _COUNT),
            ("提问（展示）", len(digest.questions), _COUNT),
            ("其中已答复", len(digest.answered), _COUNT),
        ],
        "审核台账": [
            ("收到", ledger.received, _COUNT),
            ("展示", ledger.shown, _COUNT),
            ("未展示", ledger.withheld, _COUNT),
            ("合并", ledger.merged, _COUNT),
            ("撤回", ledger.withdrawn, _COUNT),
            ("依法删除", ledger.deleted, _COUNT),
            ("收到与各项合计", "平衡" if ledger.balanced else "不平衡，请核对", _ANY),
        ],
        "隐藏原因": [(reason.text, digest.hidden.get(reason, 0), _COUNT) for reason in Reason],
        "情感参考": [
            *((label.text, sentiment.counts.get(label, 0), _COUNT) for label in Label),
            ("评分文本数 n", sentiment.scored, _COUNT),
            ("模型", sentiment.model, _ANY),
            ("说明", sentiment.note, _ANY),
        ],
        "采纳情况": [
            *((decision.text, number, _COUNT) for decision, number in adoption.by_decision.items()),
            ("尚未决定", adoption.undecided, _COUNT),
            ("采纳率", adoption.rate, _SHARE),
            ("采纳率口径", DENOMINATOR, _ANY),
        ],
    }


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


_ENTRY: tuple[_Column, ...] = (
    _Column("编号", 9, "0"),
    _Column("时间", 20, _MOMENT),
    _Column("昵称", 14),
    _Column("内容", 60),
)
_DECISION: tuple[_Column, ...] = (
    _Column("采纳决定", 11),
    _Column("理由", 44),
    _Column("转办单位", 20),
    _Column("决定时间", 20, _MOMENT),
)


def _comments(pen: _Pen, sheet: Worksheet, digest: Digest) -> None:
    columns = (
        *_ENTRY,
        _Column("话语类型", 11),
        _Column("情感", 9),
        _Column("情感得分", 11, _SCORE),
        _Column("意见建议号", 12, "0"),
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
    _table(pen, sheet, columns, rows)


def _questions(pen: _Pen, sheet: Worksheet, digest: Digest) -> None:
    columns = (
        *_ENTRY,
        _Column("票数", 8, _COUNT),
        _Column("状态", 10),
        _Column("答复方式", 11),
        _Column("答复内容", 60),
        _Column("答复时间", 20, _MOMENT),
        _Column("情感", 9),
        _Column("情感得分", 11, _SCORE),
        _Column("意见建议号", 12, "0"),
    )
    rows = (
        (
            question.id,
            question.at,
            question.nickname,
            question.text,
            question.votes,
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
    _table(pen, sheet, columns, rows)


def _suggestions(pen: _Pen, sheet: Worksheet, digest: Digest) -> None:
    columns = (_Column("意见建议号", 12, "0"), _Column("提出人", 14), _Column("内容", 60), *_DECISION)
    rows = (
        (
            suggestion.number,
            suggestion.nickname,
            suggestion.text,
            suggestion.decision.text if suggestion.decision else "尚未决定",
            suggestion.reason,
            suggestion.transferred_to,
            suggestion.decided_at,
        )
        for suggestion in digest.suggestions
    )
    _table(pen, sheet, columns, rows)


def _samples(pen: _Pen, sheet: Worksheet, digest: Digest) -> None:
    columns = (_Column("时间", 20, _MOMENT), _Column("同时收看", 12, _COUNT))
    count = _table(pen, sheet, columns, ((sample.at, sample.watching) for sample in digest.audience.samples))
    if not count:
        return
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
