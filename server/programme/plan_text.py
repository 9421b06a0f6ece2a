"""A plan's text as paragraphs: what a PDF's text layer tears apart is joined again.

The text comes with a blank line between the lines of one paragraph, with page numbers on lines of their own, with form
feeds, and with spaces around figures. Line numbers are kept, so that whoever checks an import finds the place.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

_PAGE_NUMBER = re.compile(r"[-—–\s]*\d{1,3}[-—–\s]*")
_UNITS_AT_END = re.compile(r"[（(]\s*主责单位[^（）()]*[）)]\s*[。.]?$")
_TAIL = 400  # characters within which an activity's units stand; looking through all of a long text would be quadratic
_TIGHT = "\u4e00-\u9fff\u3001-\u303f\uff01-\uff65“”‘’"
_LOOSE_SPACES = re.compile(
    rf"(?<=[{_TIGHT}])\s+(?=[0-9A-Za-z])|(?<=[0-9A-Za-z])\s+(?=[{_TIGHT}])"
    r"|(?<=[）。，、：；！？])\s+|\s+(?=[（）。，、：；！？])"
)


class Marker(StrEnum):
    """How a paragraph begins, by the levels of GB/T 9704."""

    CHAPTER = "一、"
    SECTION = "（一）"
    NUMBER = "1."
    BRACKET = "（1）"
    POINT = "开放点"
    NONE = ""


_MARKERS = (
    (Marker.CHAPTER, re.compile(r"[一二三四五六七八九十]{1,3}、")),
    (Marker.SECTION, re.compile(r"[（(][一二三四五六七八九十]{1,3}[）)]")),
    (Marker.NUMBER, re.compile(r"(\d{1,3})\s*[.．、](?!\d)")),
    (Marker.BRACKET, re.compile(r"[（(]\s*(\d{1,3})\s*[）)]")),
    (Marker.POINT, re.compile(r"(?=开放点\s*\d)")),
)


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph in one line. `number` is that of its marker, `body` what follows the marker, `line` counts from 1."""

    line: int
    marker: Marker
    number: int | None
    body: str

    @property
    def excerpt(self) -> str:
        """Its beginning, to be recognised by."""
        number = (
            "" if self.number is None else f"（{self.number}）" if self.marker is Marker.BRACKET else f"{self.number}."
        )
        text = number + self.body
        return text if len(text) <= 40 else f"{text[:39]}…"


def tidy(text: str) -> str:
    """Text without the spaces that a PDF puts around figures and punctuation; those between words stay."""
    return _LOOSE_SPACES.sub("", re.sub(r"\s+", " ", text)).strip()


def lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines that carry text, numbered from 1: no blank ones and no page numbers."""
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), start=1):
        stripped = line.strip("\ufeff\u3000 \t\f\v")
        if stripped and not _PAGE_NUMBER.fullmatch(stripped):
            yield number, stripped


def paragraphs(text: str) -> Iterator[Paragraph]:
    """The text's paragraphs. One begins at a marker, or after the （主责单位：…） with which an activity ends."""
    begun: tuple[int, Marker, int | None] | None = None
    body = ""
    for line, content in lines(text):
        marker, number, rest = _marker(content)
        if marker is Marker.POINT and begun and not body.endswith(("。", "）", ")", "专题")):
            marker, number, rest = Marker.NONE, None, content  # 开放点 in the middle of a sentence
        if begun and marker is Marker.NONE and not _UNITS_AT_END.search(body[-_TAIL:]):
            body += content
            continue
        if begun:
            yield Paragraph(*begun, tidy(body))
        begun, body = (line, marker, number), rest
    if begun:
        yield Paragraph(*begun, tidy(body))


def _marker(line: str) -> tuple[Marker, int | None, str]:
    for marker, pattern in _MARKERS:
        if found := pattern.match(line):
            number = int(found[1]) if pattern.groups else None
            return marker, number, line[found.end() :].lstrip()
    return Marker.NONE, None, line
