"""The parts of a workbook: typed cells, and long tables under a header that stays in view.

A cell that looks like a formula is written as a string with the format's own mark for it (`quotePrefix`), so that it
neither computes when the file is opened nor when somebody edits the cell, and shows exactly what was said.
"""

import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from xml.sax.saxutils import escape

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.packaging.core import DocumentProperties
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet
from openpyxl.xml.functions import tostring

from feedback.digest.archive import stamped
from feedback.digest.wording import beijing

_FONT = "宋体"
_LONGEST_CELL = 32767  # Excel's limit; a longer text ends with a sign that it does
_CUT = "……（过长，全文见JSON）"
_ESCAPE_LIKE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")

MOMENT = "yyyy-mm-dd hh:mm:ss"
SHARE = "0.0%"
SCORE = "0.0000"
COUNT = "#,##0"
_TEXT = "@"
_WIDEST_ON_A4 = 160  # characters
ANY = "General"


Value = str | int | float | datetime | None


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    width: float  # in characters
    format: str = ANY


class Pen:
    """Makes cells, each kind of style once."""

    def __init__(self) -> None:
        self._styles: dict[tuple[Any, ...], Any] = {}
        line = Side(style="thin", color="FFBFBFBF")
        self._border = Border(left=line, right=line, top=line, bottom=line)

    def cell(
        self,
        sheet: Worksheet,
        value: Any,
        number_format: str = ANY,
        *,
        header: bool = False,
    ) -> Any:
        """A cell whose type is that of *value*: text, number or aware datetime; None is an empty cell."""
        cell: Any = WriteOnlyCell(sheet)
        is_text = isinstance(value, str)
        if is_text:
            cell.value = storable(value)
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


def add_table(pen: Pen, sheet: Worksheet, columns: Sequence[Column], rows: Iterable[Sequence[Value]]) -> bytes:
    """Write a header that stays in view and can filter. The rows under it come back as XML for the finished file:
    openpyxl makes an object of every cell, which takes four times as long.
    """
    for index, column in enumerate(columns, 1):
        sheet.column_dimensions[get_column_letter(index)].width = column.width
    sheet.freeze_panes = "A2"
    print_on_paper(sheet, landscape=True, wide=sum(column.width for column in columns) > _WIDEST_ON_A4)
    sheet.print_title_rows = "1:1"
    sheet.append([pen.cell(sheet, column.title, header=True) for column in columns])
    texts = [f't="inlineStr" s="{pen.cell(sheet, "", column.format).style_id}"' for column in columns]
    others = [f's="{pen.cell(sheet, None, column.format).style_id}"' for column in columns]
    letters = [get_column_letter(index) for index in range(1, len(columns) + 1)]
    parts: list[str] = []
    at = 1
    for at, row in enumerate(rows, 2):
        lines = max(lines_needed(value, column.width) for value, column in zip(row, columns, strict=True))
        parts.append(f'<row r="{at}" ht="{row_height(lines)}">' if lines > 1 else f'<row r="{at}">')
        for letter, text, other, value in zip(letters, texts, others, row, strict=True):
            if value is None:
                parts.append(f'<c r="{letter}{at}" {other}/>')
            elif isinstance(value, str):
                inside = f'<is><t xml:space="preserve">{escape(storable(value))}</t></is>'
                parts.append(f'<c r="{letter}{at}" {text}>{inside}</c>')
            else:
                number = _serial(value) if isinstance(value, datetime) else value
                parts.append(f'<c r="{letter}{at}" {other}><v>{number!r}</v></c>')
        parts.append("</row>")
    sheet.auto_filter.ref = f"A1:{letters[-1]}{at}"
    return "".join(parts).encode()


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of a workbook."""

    title: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Value]]


def book(title: str, as_of: datetime, sheets: Sequence[Sheet]) -> bytes:
    """A workbook of tables; the same sheets and *as_of* give the same bytes."""
    workbook = Workbook(write_only=True)
    pen = Pen()
    bodies = {
        f"xl/worksheets/sheet{number}.xml": add_table(
            pen, workbook.create_sheet(sheet.title), sheet.columns, sheet.rows
        )
        for number, sheet in enumerate(sheets, 1)
    }
    buffer = io.BytesIO()
    workbook.save(buffer)
    return stamped(buffer.getvalue(), as_of, finisher(title, as_of, bodies))


def finisher(title: str, as_of: datetime, bodies: Mapping[str, bytes]) -> Callable[[str, bytes], bytes]:
    """For `archive.stamped`: puts the rows in their sheets, and properties that say *as_of*."""
    written = beijing(as_of).replace(tzinfo=None)
    properties = DocumentProperties(creator="民声", title=title, created=written, modified=written)
    core = cast("bytes", tostring(properties.to_tree()))

    def finish(name: str, content: bytes) -> bytes:
        if name == "docProps/core.xml":
            return core
        return content.replace(b"</sheetData>", bodies.get(name, b"") + b"</sheetData>", 1)

    return finish


def lines_needed(value: Value, width: float) -> int:
    """How many lines *value* takes in a column of *width* digits, a Han character being two digits wide."""
    if not isinstance(value, str) or (2 * len(value) < width and "\n" not in value):
        return 1
    room = int(width) - 1
    lines = (sum(2 if character > "\u2e7f" else 1 for character in line) for line in value.split("\n"))
    return sum(max(1, -(-line // room)) for line in lines)


def row_height(lines: int) -> int:
    """Height of a row in points; Excel allows 409. Not every reader finds it out by itself."""
    return min(15 * lines, 409)


def storable(text: str) -> str:
    """*text* as the format holds it: “_x0041_” is an escape there and would show as “A”; a cell has a limit."""
    text = _ESCAPE_LIKE.sub("_x005F_", text)
    return text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - len(_CUT)] + _CUT


def _serial(at: datetime) -> float:
    """Excel's number of a moment: days since the end of 1899, to the second."""
    local = beijing(at).replace(tzinfo=None, microsecond=0)
    return (local - datetime(1899, 12, 30)).total_seconds() / 86400  # noqa: DTZ001 - Excel's epoch has no zone


def print_on_paper(sheet: Worksheet, *, landscape: bool = False, wide: bool = False) -> None:
    """Fit the columns to one page: A4, A3 for many columns, on which the letters would be too small otherwise."""
    sheet.page_setup.paperSize = 8 if wide else 9
    sheet.page_setup.orientation = "landscape" if landscape else "portrait"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    footer: Any = sheet.oddFooter
    footer.center.text = "&P / &N"
