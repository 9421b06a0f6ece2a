"""The workbook, read back by a second reader: types, texts, formulas, headers, charts."""

import io
import re
import zipfile
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

import openpyxl
import pytest

from feedback.bench.digest import large_digest
from feedback.digest import render
from feedback.digest.sheet import MOMENT, lines_needed, storable
from feedback.text import clean
from tests.feedback import samples

NS = {"s": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def read(data: bytes) -> Any:
    """The workbook as openpyxl has it."""
    return openpyxl.load_workbook(io.BytesIO(data))


def raw_texts(data: bytes, sheet: int, column: str) -> list[str]:
    """A column's texts from the XML itself, with the format's escapes undone, as Excel does it."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        root = ElementTree.fromstring(archive.read(f"xl/worksheets/sheet{sheet}.xml"))
    texts = []
    for cell in root.iterfind(".//s:c", NS):
        if re.fullmatch(rf"{column}\d+", cell.get("r", "")):
            text = cell.findtext("s:is/s:t", "", NS)
            texts.append(re.sub(r"_x([0-9A-Fa-f]{4})_", lambda match: chr(int(match[1], 16)), text))
    return texts[1:]


def test_every_text_comes_back_as_it_was_typed() -> None:
    digest = samples.nasty()
    data = render(digest, "xlsx")
    assert raw_texts(data, 2, "D") == [clean(comment.text) for comment in digest.comments]
    assert raw_texts(data, 3, "I") == [clean(question.answer or "") for question in digest.questions]
    assert raw_texts(data, 4, "C") == [clean(suggestion.text) for suggestion in digest.suggestions]


def test_no_cell_computes() -> None:
    book = read(render(samples.nasty(), "xlsx"))
    texts = 0
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type in {"s", "n", "d"}, f"{sheet.title}!{cell.coordinate}"
                if isinstance(cell.value, str):
                    texts += 1
                    assert cell.quotePrefix
                    assert cell.hyperlink is None
    assert texts > 200


def test_cells_have_types() -> None:
    sheet = read(render(samples.ordinary(), "xlsx"))["评论"]
    titles = [cell.value for cell in sheet[1]]
    first = dict(zip(titles, sheet[2], strict=True))
    assert first["时间"].value == datetime(2023, 9, 27, 14, 3)  # noqa: DTZ001 - Excel knows no zones
    assert first["时间"].number_format == MOMENT
    assert first["情感得分"].value == 0.93
    assert first["编号"].value == 1
    assert first["情感"].value == "正面"


@pytest.mark.parametrize("name", ["评论", "提问", "意见建议", "收看人数"])
def test_headers_stay_and_filter(name: str) -> None:
    sheet = read(render(samples.ordinary(), "xlsx"))[name]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == sheet.dimensions
    assert sheet.print_title_rows == "$1:$1"
    assert all(sheet.column_dimensions[letter].width > 5 for letter in "AB")


def test_the_charts_are_native() -> None:
    with zipfile.ZipFile(io.BytesIO(render(samples.ordinary(), "xlsx"))) as archive:
        charts = [name for name in archive.namelist() if name.startswith("xl/charts/chart")]
        assert len(charts) == 3
        assert b"\xe6\x83\x85\xe6\x84\x9f\xe5\x8f\x82\xe8\x80\x83" in archive.read(charts[0])  # 情感参考
        assert all(member.date_time == (2023, 10, 1, 1, 20, 0) for member in archive.infolist())


def test_the_overview_holds_the_ledger() -> None:
    sheet = read(render(samples.ordinary(), "xlsx"))["概况"]
    facts = {row[0].value: row[1].value for row in sheet.iter_rows() if row[0].value}
    assert (facts["收到"], facts["展示"], facts["未展示"], facts["撤回"]) == (10, 7, 2, 1)
    assert facts["收到与各项合计"] == "平衡"
    assert facts["广告刷屏"] == 1
    assert facts["采纳率"] == pytest.approx(2 / 3)


def test_an_empty_activity_is_a_workbook_too() -> None:
    book = read(render(samples.empty(), "xlsx"))
    assert book["评论"].max_row == 1
    facts = {row[0].value: row[1].value for row in book["概况"].iter_rows() if row[0].value}
    assert facts["实际直播时间"] == "未直播"
    assert facts["采纳率"] is None


def test_every_one_of_many_entries_is_there() -> None:
    book = read(render(large_digest(1_200, 300), "xlsx"))
    assert (book["评论"].max_row, book["提问"].max_row, book["意见建议"].max_row) == (1_201, 301, 31)


def test_a_text_longer_than_a_cell_says_that_it_was_cut() -> None:
    assert storable("长" * 32_767) == "长" * 32_767
    assert len(storable("长" * 40_000)) == 32_767
    assert storable("长" * 40_000).endswith("全文见JSON）")


def test_lines_are_counted_in_the_width_of_han_characters() -> None:
    assert lines_needed("abc", 10) == 1
    assert lines_needed("大兴区政务开放日", 10) == 2
    assert lines_needed("一\n二\n", 10) == 3
    assert lines_needed(None, 10) == lines_needed(12345, 2) == 1
