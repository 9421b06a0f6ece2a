"""A report as a tagged PDF in the form of GB/T 9704-2012, with a subset of a free font in it.

Typst sets the type (`report.typ`), in a process of its own: it takes the memory of the whole document and gives it
back, and whatever befalls it stays there. Texts reach it as data, never as markup.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from feedback.digest.model import Digest
from feedback.digest.report import Heading, Note, Picture, Report, Table, Text, figure_columns, leads_on
from feedback.digest.sections import report
from feedback.digest.typeset import NO_FONT

_TEMPLATE = Path(__file__).with_name("report.typ")
_TIMEOUT = 120
"""Seconds; a digest of 22,000 entries takes about two."""
_WHOLE = 300
"""Characters up to which a row is kept on one page."""


class NoFont(Exception):
    """There is no free Chinese font on this machine; the text says what to install."""

    def __init__(self) -> None:
        super().__init__("服务器上没有可用的中文字体，不能生成 PDF。请安装思源或 Noto 字体（Debian：fonts-noto-cjk）。")


def render(digest: Digest) -> bytes:
    """The digest as a .pdf. Raises NoFont."""
    return write(report(digest))


def write(content: Report) -> bytes:
    """A report as a .pdf. Raises NoFont."""
    with tempfile.TemporaryDirectory(prefix="minsheng-pdf-") as name:
        folder = Path(name)
        blocks = [_block(block, index, folder) for index, block in enumerate(content.blocks)]
        data = {"title": content.title, "blocks": blocks}
        (folder / "report.json").write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
        (folder / "report.typ").write_bytes(_TEMPLATE.read_bytes())
        done = subprocess.run(  # noqa: S603 - this interpreter, this module
            [sys.executable, "-m", "feedback.digest.typeset", name, str(int(content.as_of.timestamp()))],
            stderr=subprocess.PIPE,
            timeout=_TIMEOUT,
            check=False,
            cwd=Path(__file__).parents[2],
        )
        if done.returncode == NO_FONT:
            raise NoFont
        if done.returncode != 0:
            raise RuntimeError(f"typst: {done.stderr.decode(errors='replace')[-2000:]}")
        return (folder / "report.pdf").read_bytes()


def _block(block: object, index: int, folder: Path) -> dict[str, Any]:
    match block:
        case Heading(text, level, annex):
            return {"kind": "heading", "level": level, "text": _line(text), "annex": annex}
        case Text(text):
            return {"kind": "text", "lines": _lines(text), "sticky": leads_on(text)}
        case Note(text):
            return {"kind": "note", "lines": _lines(text)}
        case Table(header, widths, rows):
            centred = figure_columns(len(header), rows)
            cells = [
                {"lines": _lines(cell), "whole": whole, "figure": middle}
                for row in rows
                for whole in (max(map(len, row)) <= _WHOLE,)
                for cell, middle in zip(row, centred, strict=True)
            ]
            return {"kind": "table", "header": [*map(_line, header)], "widths": [*widths], "cells": cells}
        case Picture(png, description):
            name = f"{index}.png"
            (folder / name).write_bytes(png)
            return {"kind": "picture", "file": name, "alt": _line(description)}
    raise TypeError(f"no block: {block!r}")


def _lines(text: str) -> list[str]:
    return text.replace("\t", "    ").split("\n")


def _line(text: str) -> str:
    return " ".join(_lines(text))
