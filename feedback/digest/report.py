"""A document before it has a format: a title and blocks, which `docx.py` and `pdf.py` write in the same form."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Heading:
    """“一、” (level 1) or “（一）” (level 2); an annex begins on a page of its own."""

    text: str
    level: int = 1
    annex: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph of the body."""

    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """A small line under a picture or a table."""

    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """Cells under a header that is repeated on each page; *widths* in mm, 156 in all."""

    header: Sequence[str]
    widths: Sequence[float]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG, 150 mm wide, with its description for those who don't see it."""

    png: bytes
    description: str


Block = Heading | Text | Note | Table | Picture


@dataclass(frozen=True, slots=True)
class Report:
    """What is written: texts are already fit for XML (`feedback.text.clean`)."""

    title: str
    as_of: datetime
    blocks: Sequence[Block]


_FIGURE = re.compile(r"[\d.,]+%?|—|")


def figure_columns(columns: int, rows: Sequence[Sequence[str]]) -> list[bool]:
    """Which columns hold numbers and shares alone: those stand in the middle."""
    return [all(_FIGURE.fullmatch(row[index]) for row in rows) for index in range(columns)]


def leads_on(text: str) -> bool:
    """Whether a paragraph announces what follows, and stays on its page."""
    return text.endswith("：")


_NUMERALS = "一二三四五六七八九十"


def numbered(sections: Sequence[tuple[str, Sequence[Block]]]) -> list[Block]:
    """Sections under “一、”, “二、” … in their order; at most ten."""
    blocks: list[Block] = []
    for numeral, (title, inside) in zip(_NUMERALS, sections, strict=False):
        blocks += [Heading(f"{numeral}、{title}"), *inside]
    return blocks
