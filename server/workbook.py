"""A workbook of one sheet: a long table under a header that stays in view, the same bytes for the same data."""

import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import cast

from openpyxl import Workbook
from openpyxl.packaging.core import DocumentProperties
from openpyxl.xml.functions import tostring

from feedback.digest.archive import stamped
from feedback.digest.sheet import Column, Pen, Value, add_table
from feedback.digest.wording import beijing


def one_sheet(
    title: str, name: str, columns: Sequence[Column], rows: Iterable[Sequence[Value]], as_of: datetime
) -> bytes:
    """The file. Times in the rows are aware and shown in Beijing time; what is not known is an empty cell."""
    book = Workbook(write_only=True)
    body = add_table(Pen(), book.create_sheet(name), columns, rows)
    buffer = io.BytesIO()
    book.save(buffer)
    written = beijing(as_of).replace(tzinfo=None)
    properties = DocumentProperties(creator="民声", title=title, created=written, modified=written)
    core = cast("bytes", tostring(properties.to_tree()))

    def finish(part: str, content: bytes) -> bytes:
        if part == "docProps/core.xml":
            return core
        inside = body if part == "xl/worksheets/sheet1.xml" else b""
        return content.replace(b"</sheetData>", inside + b"</sheetData>", 1)

    return stamped(buffer.getvalue(), as_of, finish)
