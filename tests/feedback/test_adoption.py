"""采纳情况反馈: the same numbers and texts in every form, whatever was typed."""

import csv
import io
import json
from dataclasses import replace

import openpyxl
import pypdfium2
import pytest
from docx import Document

from feedback.digest.adoption import WRITERS, Answered, Record, cleaned, figures, render
from feedback.digest.csv import plain
from feedback.ledger import Ledger
from tests.feedback import samples


def record(**changes: object) -> Record:
    """A published version with three decisions."""
    plain_one = Record(
        slug="k05",
        title="观音寺街道政务开放日",
        units=("观音寺街道",),
        held="2023年9月27日（周三）14:01至15:58",
        version=2,
        published_at=samples.at(5000),
        sha256="ab" * 32,
        ledger=Ledger(received=10, shown=7, withheld=2, withdrawn=1),
        suggestions=samples.ordinary().suggestions[:3],
        answered=(Answered("周末能不能办居住证？", "欧**", "现场答复", "", samples.at(45)),),
    )
    return replace(plain_one, **changes)  # type: ignore[arg-type] # a test changes what it names


def test_every_form_has_the_same_numbers() -> None:
    made = record()
    expected = {(line.section, line.name): line.text for line in figures(made)}
    assert expected["采纳情况", "合计"] == "3"
    assert expected["采纳情况", "采纳率"] == "66.7%"
    sheet = openpyxl.load_workbook(io.BytesIO(render(made, "xlsx")))["概况"]
    rows = list(sheet.iter_rows(min_row=2, values_only=True))
    assert {(row[0], row[1]): str(row[2]) for row in rows} == expected
    table = list(csv.reader(io.StringIO(render(made, "csv").decode("utf-8-sig"), newline="")))
    assert {(row[0], row[1]): plain(row[2]) for row in table[1 : table.index([])]} == expected
    document = json.loads(render(made, "json"))
    counts = {(line["section"], line["name"]): line["value"] for line in document["figures"] if line["unit"] == "count"}
    assert {key: str(value) for key, value in counts.items()}.items() <= expected.items()
    words = "".join(part.text for part in Document(io.BytesIO(render(made, "docx"))).paragraphs)
    with pypdfium2.PdfDocument(render(made, "pdf")) as opened:
        printed = "".join("".join(page.get_textpage().get_text_range().split()) for page in opened)
    sentences = (
        "共收到评论和提问10条：展示7条，未展示2条，合并0条，本人撤回1条，依法删除0条。",
        "其中意见建议3条：采纳1条，部分采纳1条，未采纳0条，留作参考0条，转办1条。",
        "采纳率66.7%。",
    )
    for sentence in sentences:
        assert sentence in words
        assert sentence in printed


@pytest.mark.parametrize("form", WRITERS)
def test_the_worst_that_people_type_comes_out_whole(form: str) -> None:
    nasty = samples.nasty()
    answered = tuple(Answered(text, text[:20], "书面答复", text, None) for text in samples.NASTY)
    made = record(title="=1+1<b>", suggestions=nasty.suggestions, answered=answered)
    assert render(made, form) == render(replace(made), form)
    if form == "json":
        texts = [item["text"] for item in json.loads(render(made, form))["suggestions"]]
        assert texts == [item.text for item in cleaned(made).suggestions]
    if form == "csv":
        rows = list(csv.reader(io.StringIO(render(made, form).decode("utf-8-sig"), newline="")))
        assert not any(cell[:1] in "=+-@＝＋" for row in rows for cell in row if cell)


def test_nothing_received_is_said() -> None:
    words = Document(io.BytesIO(render(record(suggestions=(), answered=(), ledger=Ledger()), "docx")))
    text = "".join(part.text for part in words.paragraphs)
    assert "没有收到意见建议" in text
    assert "没有公开答复的提问" in text
