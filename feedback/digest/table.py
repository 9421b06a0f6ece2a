"""Word tables of many rows, written as XML in one go: python-docx makes an object of each cell, which is slow."""

from collections.abc import Iterable, Sequence
from typing import Any
from xml.sax.saxutils import escape

from docx.document import Document as DocumentObject
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from docx.shared import Length, Mm

from feedback.digest.page import HEADING_FONT, TABLE_STYLE
from feedback.digest.report import figure_columns

_ROWS_AT_ONCE = 500
_CENTRED = '<w:jc w:val="center"/>'
_LINE = 'w:val="single" w:sz="4" w:space="0" w:color="000000"'


def add_table(
    document: DocumentObject, header: Sequence[str], widths: Sequence[float], rows: Iterable[Sequence[str]]
) -> None:
    """Append a table whose *header* is repeated on each page. *widths* are in mm; a row never breaks across pages
    unless it is longer than one.
    """
    twips = [Length(Mm(width)).twips for width in widths]
    style = _style_id(document)
    borders = "".join(f"<w:{side} {_LINE}/>" for side in ("top", "left", "bottom", "right", "insideH", "insideV"))
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in twips)
    table: Any = parse_xml(
        f'<w:tbl {nsdecls("w")}><w:tblPr><w:tblW w:w="{sum(twips)}" w:type="dxa"/><w:jc w:val="center"/>'
        f'<w:tblBorders>{borders}</w:tblBorders><w:tblLayout w:type="fixed"/>'
        f'<w:tblCellMar><w:left w:w="85" w:type="dxa"/><w:right w:w="85" w:type="dxa"/></w:tblCellMar></w:tblPr>'
        f"<w:tblGrid>{grid}</w:tblGrid>{_header(header, twips, style)}</w:tbl>"
    )
    cells = list(rows)
    centred = figure_columns(len(header), cells)
    batch: list[str] = []
    for row in cells:
        batch.append(_row(row, twips, centred, style))
        if len(batch) == _ROWS_AT_ONCE:
            _append(table, batch)
    _append(table, batch)
    body: Any = document.element.body
    body.insert_element_before(table, "w:sectPr")


def add_facts(document: DocumentObject, facts: Iterable[tuple[str, str]], widths: tuple[float, float]) -> None:
    """Append a table of two columns, names and what they are, with a header row of its own."""
    add_table(document, ("项目", "内容"), widths, facts)


def text_runs(text: str) -> str:
    """The inside of a run: line feeds and tabs as Word has them, everything else as it is. *text* is already clean."""
    lines = []
    for line in text.split("\n"):
        parts = [f'<w:t xml:space="preserve">{escape(part)}</w:t>' for part in line.split("\t")]
        lines.append("<w:tab/>".join(parts))
    return "<w:br/>".join(lines)


def _append(table: Any, batch: list[str]) -> None:
    if batch:
        rows: Any = parse_xml(f"<w:tbl {nsdecls('w')}>{''.join(batch)}</w:tbl>")
        table.extend(list(rows))
        batch.clear()


def _header(cells: Sequence[str], widths: Sequence[int], style: str) -> str:
    look = f'<w:rPr><w:rFonts w:ascii="{HEADING_FONT}" w:hAnsi="{HEADING_FONT}" w:eastAsia="{HEADING_FONT}"/></w:rPr>'
    inside = "".join(
        f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/><w:vAlign w:val="center"/></w:tcPr>'
        f'<w:p><w:pPr><w:pStyle w:val="{style}"/><w:keepNext/><w:jc w:val="center"/></w:pPr>'
        f"<w:r>{look}{text_runs(cell)}</w:r></w:p></w:tc>"
        for cell, width in zip(cells, widths, strict=True)
    )
    return f"<w:tr><w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>{inside}</w:tr>"


def _row(cells: Sequence[str], widths: Sequence[int], centred: Sequence[bool], style: str) -> str:
    inside = "".join(
        f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/></w:tcPr>'
        f'<w:p><w:pPr><w:pStyle w:val="{style}"/>{_CENTRED if middle else ""}</w:pPr>'
        f"<w:r>{text_runs(cell)}</w:r></w:p></w:tc>"
        for cell, width, middle in zip(cells, widths, centred, strict=True)
    )
    return f"<w:tr><w:trPr><w:cantSplit/></w:trPr>{inside}</w:tr>"


def _style_id(document: DocumentObject) -> str:
    return document.styles[TABLE_STYLE].style_id or TABLE_STYLE
