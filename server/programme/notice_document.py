"""A notice as a Word document in the form of GB/T 9704-2012, as the digest has it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Pt
from docx.text.run import Run

from feedback.digest.page import BODY_FONT, new_document, to_bytes
from server.programme.calendar import BEIJING

_NUMERALS = "一二三四五六七八九十"
_CHARACTER = 15.8  # pt, the pitch of the grid
_ONE_LINE = 23  # characters that stand beside a heading in one line of 28, with its number and indent


def render(
    title: str,
    fields: Iterable[tuple[str, str]],
    units: Sequence[str],
    published_at: datetime,
    *,
    version: int,
    corrected: Sequence[str] = (),
) -> bytes:
    """A .docx: title, what it corrects, each field after a heading of its own, then the units and the day (落款)."""
    document = new_document()
    heading = f"{title}{'（更正）' if version > 1 else ''}"
    document.add_paragraph(heading, style="Title")
    if corrected:
        document.add_paragraph(f"与第{version - 1}版相比，本版更正：{'；'.join(corrected)}。")
    for number, (label, text) in enumerate(fields, 1):
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        head = document.add_paragraph(f"{numeral(number)}、{label}", style="Heading 1")
        if len(lines) == 1 and len(label) + len(text) <= _ONE_LINE:
            head.add_run("：")
            _set_in(head.add_run(lines[0]), BODY_FONT)
            continue
        for line in lines:
            document.add_paragraph(line)
    local = published_at.astimezone(BEIJING)
    # What is signed stands on the page of the signature.
    document.paragraphs[-1].paragraph_format.keep_with_next = True
    document.add_paragraph().paragraph_format.keep_with_next = True
    for line in ("、".join(units), f"{local.year}年{local.month}月{local.day}日"):
        signature = document.add_paragraph(line)
        signature.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        signature.paragraph_format.right_indent = Pt(4 * _CHARACTER)  # 右空四字
        signature.paragraph_format.keep_with_next = True
    return to_bytes(document, heading, published_at)


def _set_in(run: Run, font: str) -> None:
    run.font.name = font
    fonts: Any = run._r.get_or_add_rPr().get_or_add_rFonts()
    fonts.set(qn("w:eastAsia"), font)


def numeral(number: int) -> str:
    """1 to 99 as Chinese numerals: 一, 十, 十二, 二十."""
    tens, ones = divmod(number, 10)
    if not tens:
        return _NUMERALS[ones - 1]
    return f"{_NUMERALS[tens - 1] if tens > 1 else ''}十{_NUMERALS[ones - 1] if ones else ''}"
