"""The same numbers in all five formats, each read back by a reader of its own."""

import csv
import io
import json
import re
from datetime import datetime
from typing import Any

import openpyxl
import pypdfium2
import pytest
from docx import Document

from feedback.bench.digest import large_digest
from feedback.digest import render
from feedback.digest.csv import plain
from feedback.digest.figures import Unit, figures
from feedback.digest.model import Digest, cleaned
from feedback.digest.wording import moment
from tests.feedback import samples

Numbers = dict[tuple[str, str], str]


def spoken(value: Any, unit: Unit) -> str:
    """A value as documents show it, so that formats can be compared."""
    if value is None or value == "":
        return "—"
    if unit is Unit.SHARE:
        return f"{100 * float(value):.1f}%"
    return value if isinstance(value, str) else str(value)


def in_docx(data: bytes) -> Numbers:
    table = next(table for table in Document(io.BytesIO(data)).tables if table.rows[0].cells[-1].text == "数值")
    return {(row.cells[0].text, row.cells[1].text): row.cells[2].text for row in list(table.rows)[1:]}


def in_xlsx(data: bytes, units: dict[tuple[str, str], Unit]) -> Numbers:
    found: Numbers = {}
    section = ""
    for name, value, *_ in openpyxl.load_workbook(io.BytesIO(data))["概况"].iter_rows(values_only=True):
        if name is None:
            section = ""
        elif not section:
            section = str(name)
        else:
            key = (section, str(name))
            at = value.strftime("%F %T") if isinstance(value, datetime) else value
            found[key] = spoken(at, units[key])
    return found


def in_csv(data: bytes, units: dict[tuple[str, str], Unit]) -> Numbers:
    found: Numbers = {}
    for row in csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")):
        if row["类型"] == "数据":
            section, name = plain(row["昵称"]).split("/", 1)
            found[section, name] = spoken(plain(row["内容"]), units[section, name])
    return found


@pytest.mark.parametrize(
    "digest", [samples.ordinary(), samples.empty(), large_digest(300, 40)], ids=["ordinary", "empty", "large"]
)
def test_every_format_has_the_same_numbers(digest: Digest) -> None:
    lines = figures(cleaned(digest))
    units = {(line.section, line.name): line.unit for line in lines}
    expected = {(line.section, line.name): line.text for line in lines}
    assert len(expected) == len(lines) > 40
    assert in_docx(render(digest, "docx")) == expected
    as_of = ("活动基本情况", "数据截止时间")
    local = digest.as_of.astimezone(samples.BEIJING).strftime("%F %T")
    assert in_xlsx(render(digest, "xlsx"), units) == expected | {as_of: local}
    assert in_csv(render(digest, "csv"), units) == expected | {as_of: local}
    listed = {
        (line["section"], line["name"]): (
            moment(datetime.fromisoformat(line["value"]), year=True)
            if line["unit"] == "moment"
            else spoken(line["value"], Unit(line["unit"]))
        )
        for line in json.loads(render(digest, "json"))["figures"]
    }
    assert listed == expected
    with pypdfium2.PdfDocument(render(digest, "pdf")) as document:
        text = "".join(re.sub(r"—\d+—", "", "".join(page.get_textpage().get_text_range().split())) for page in document)
    for (section, name), value in expected.items():
        if units[section, name] in (Unit.COUNT, Unit.SHARE):
            assert "".join(f"{section}{name}{value}".split()) in text, (section, name)
