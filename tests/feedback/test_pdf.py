"""The PDF, read back by a second reader (PDFium): page, lines, texts, fonts, numbers; and its shape as a picture."""

import io
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from feedback.digest import pdf, render, sections, typeset
from feedback.digest.model import Digest, cleaned
from feedback.digest.report import Report, Text
from tests.feedback import samples

MM = 72 / 25.4


def opened(data: bytes) -> Any:
    """The document as PDFium has it."""
    return pypdfium2.PdfDocument(data)


def texts(data: bytes) -> list[str]:
    """The text of each page."""
    with opened(data) as document:
        return [page.get_textpage().get_text_range().replace("\r\n", "\n") for page in document]


def flat(data: bytes) -> str:
    """All text without its lines: a sentence may be broken anywhere."""
    return "".join("".join(texts(data)).split())


@pytest.fixture(scope="module")
def ordinary() -> bytes:
    """The ordinary afternoon."""
    return render(samples.ordinary(), "pdf")


def test_it_holds_22_lines_of_28_characters_between_the_margins() -> None:
    data = pdf.write(Report("标题", samples.START, [Text("国" * 28 * 60)]))
    with opened(data) as document:
        page = document[1]  # the second page has no title
        assert [size / MM for size in page.get_size()] == pytest.approx([210, 297], abs=0.1)
        text = page.get_textpage()
        lines = [line for line in text.get_text_range().split("\r\n") if set(line) == {"国"}]
        assert [len(line) for line in lines] == [28] * 22
        boxes = [text.get_charbox(index) for index in range(28 * 22) if text.get_text_range(index, 1) == "国"]
        left, right = min(box[0] for box in boxes) / MM, max(box[2] for box in boxes) / MM
        top, bottom = max(box[3] for box in boxes) / MM, min(box[1] for box in boxes) / MM
        assert 28 <= left < 29.5
        assert 182.5 < right <= 184
        assert 297 - 37 - 2 < top <= 297 - 37
        assert bottom >= 35


def test_page_numbers_stand_outside(ordinary: bytes) -> None:
    with opened(ordinary) as document:
        for number, page in enumerate(document, 1):
            text = page.get_textpage()
            # By the reader's own search: it counts an emoji as two characters where a string has one.
            place, _ = text.search(f"— {number} —").get_next()
            left = text.get_charbox(place)[0] / MM
            assert left > 150 if number % 2 else left < 40


def test_it_says_what_the_word_document_says(ordinary: bytes) -> None:
    text = flat(ordinary)
    for part in (
        "一、活动基本情况",
        "九、拟办清单",
        "最高同时收看188人",
        "采纳率66.7%（2÷3）",
        "朱**",
        "第一个小区开工",
    ):
        assert part in text, part
    for name in ("朱女士", "大兴老居民", "王强", "朱文静"):
        assert name not in text


def test_a_table_repeats_its_header(ordinary: bytes) -> None:
    pages = [page for page in texts(ordinary) if "类别" in page and "数值" in page]
    assert len(pages) > 1


def test_typed_markup_is_text() -> None:
    text = flat(render(samples.nasty(), "pdf"))
    for part in ('=HYPERLINK("http://example.org","点我")', "<script>alert(1)</script>&amp;", "_x0041_不是转义"):
        assert part in text, part
    assert text.count("长") > 4000
    inert = '#strong[重] $a$ *b* = c `d` @e \\ #panic("x") // f /* g */'
    assert inert.replace(" ", "") in flat(pdf.write(Report(inert, samples.START, [Text(inert)])))


def test_the_fonts_in_it_are_free_ones(ordinary: bytes) -> None:
    assert b"CIDFontType0" in ordinary or b"CIDFontType2" in ordinary
    assert not any(name in ordinary for name in (b"FangSong_GB2312", b"SimSun", b"SimHei", b"FZXiaoBiaoSong"))
    free = {*typeset.TITLE, *typeset.BODY, *typeset.HEADING, *typeset.SUBHEADING}
    assert not any("GB2312" in name or name.startswith(("Sim", "FZ")) for name in free)


def test_a_machine_without_a_chinese_font_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typeset, "BODY", ("No Such Font",))
    assert typeset.typeset(tmp_path, 0) == typeset.NO_FONT
    assert "fonts-noto-cjk" in str(pdf.NoFont())


def test_it_can_be_drawn(ordinary: bytes) -> None:
    with opened(ordinary) as document:
        picture = document[0].render(scale=0.5).to_pil().convert("L")
    assert picture.size == pytest.approx((298, 421), abs=2)
    dark = sum(picture.histogram()[:128])
    assert 0.01 < dark / (picture.width * picture.height) < 0.3
    buffer = io.BytesIO()
    picture.save(buffer, "png")
    assert len(buffer.getvalue()) > 2_000


def test_the_report_is_the_same_for_both_documents() -> None:
    digest: Digest = cleaned(samples.ordinary())
    assert sections.report(digest) == sections.report(digest)
