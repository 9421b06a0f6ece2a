"""The document, measured after it is made, against GB/T 9704-2012 and against what it must and must not say."""

import io
import zipfile
from dataclasses import replace
from typing import Any

import pytest
from docx import Document
from docx.oxml.ns import qn
from fontTools.ttLib import TTFont

from feedback.bench.digest import large_digest
from feedback.digest import chart, docx, render, sections
from feedback.digest.model import Digest, Sample
from feedback.digest.wording import BEIJING
from feedback.scorer import Label
from tests.feedback import samples

MM = 1440 / 25.4  # twips


def opened(digest: Digest) -> Any:
    """The document as python-docx has it."""
    return Document(io.BytesIO(render(digest, "docx")))


@pytest.fixture(scope="module")
def document() -> Any:
    """The ordinary afternoon's document."""
    return opened(samples.ordinary())


def text_of(document: Any) -> str:
    """All text, tables included, in its order."""
    body = document.element.body
    return "\n".join("".join(node.text or "" for node in part.iter(qn("w:t"))) for part in body)


def fonts_of(style: Any) -> set[str]:
    """The fonts of a style, for all scripts."""
    fonts = style.element.rPr.rFonts
    assert not any("Theme" in name for name in fonts.attrib)
    return {fonts.get(qn(f"w:{script}")) for script in ("ascii", "hAnsi", "eastAsia")}


def test_the_page_is_a4_with_the_standard_margins(document: Any) -> None:
    section = document.sections[0]
    sizes = [section.page_width, section.page_height, section.top_margin, section.bottom_margin]
    sizes += [section.left_margin, section.right_margin]
    assert [size.mm for size in sizes] == pytest.approx([210, 297, 37, 35, 28, 26], abs=0.05)


def test_the_grid_holds_22_lines_of_28_characters(document: Any) -> None:
    section = document.sections[0]
    grid = section._sectPr.find(qn("w:docGrid"))
    assert grid.get(qn("w:type")) == "linesAndChars"
    line = int(grid.get(qn("w:linePitch"))) / 20
    character = 16 + int(grid.get(qn("w:charSpace"))) / 4096
    assert line == pytest.approx(29, abs=0.1)
    assert character == pytest.approx(15.8, abs=0.01)
    height = (section.page_height - section.top_margin - section.bottom_margin) / 12700
    width = (section.page_width - section.left_margin - section.right_margin) / 12700
    assert int(height / line) == 22
    assert int(width / character) == 28


def test_the_body_is_size_3_fangsong_indented_by_two(document: Any) -> None:
    normal = document.styles["Normal"]
    assert fonts_of(normal) == {"仿宋_GB2312"}
    assert normal.font.size.pt == 16
    indent = normal.element.pPr.ind
    assert indent.get(qn("w:firstLineChars")) == "200"
    assert int(indent.get(qn("w:firstLine"))) == pytest.approx(2 * 15.8 * 20)


def test_the_title_is_size_2_and_centred(document: Any) -> None:
    title = document.styles["Title"]
    assert fonts_of(title) == {"方正小标宋简体"}
    assert (title.font.size.pt, title.paragraph_format.alignment) == (22, 1)
    first = document.paragraphs[0]
    assert first.style.name == "Title"
    assert "观音寺街道政务开放日" in first.text
    assert title.element.find(f".//{qn('w:pBdr')}") is None


@pytest.mark.parametrize(("name", "font", "level"), [("Heading 1", "黑体", "0"), ("Heading 2", "楷体_GB2312", "1")])
def test_headings_are_native_and_black(document: Any, name: str, font: str, level: str) -> None:
    style = document.styles[name]
    assert fonts_of(style) == {font}
    assert (style.font.size.pt, style.font.bold, str(style.font.color.rgb)) == (16, False, "000000")
    assert style.element.pPr.find(qn("w:outlineLvl")).get(qn("w:val")) == level


def test_the_sections_are_there_in_order(document: Any) -> None:
    headings = [part.text for part in document.paragraphs if part.style.name == "Heading 1"]
    assert headings == [
        "一、活动基本情况",
        "二、参与情况",
        "三、审核情况",
        "四、意见建议及采纳情况",
        "五、问题与答复",
        "六、情感参考",
        "七、主题词",
        "八、满意度",
        "九、拟办清单",
        "附件1：数据一览",
        "附件2：评论记录",
    ]


def test_page_numbers_stand_outside_between_dashes(document: Any) -> None:
    assert document.settings.odd_and_even_pages_header_footer
    section = document.sections[0]
    for footer, side, indent in ((section.footer, 2, "right"), (section.even_page_footer, 0, "left")):
        paragraph = footer.paragraphs[0]
        assert paragraph.alignment == side
        assert paragraph._p.pPr.ind.get(qn(f"w:{indent}Chars")) == "100"
        assert "".join(node.text for node in paragraph._p.iter(qn("w:t"))) == "— 1 —"
        assert [node.text.strip() for node in paragraph._p.iter(qn("w:instrText"))] == ["PAGE"]
        sizes = {node.get(qn("w:val")) for node in paragraph._p.iter(qn("w:sz"))}
        faces = {node.get(qn("w:eastAsia")) for node in paragraph._p.iter(qn("w:rFonts"))}
        assert (sizes, faces) == ({"28"}, {"宋体"})
    assert section.footer_distance.mm == pytest.approx(23, abs=0.05)


def test_tables_repeat_their_header_and_keep_rows_together(document: Any) -> None:
    assert len(document.tables) >= 4
    for table in document.tables:
        head, *rows = table.rows
        assert head._tr.trPr.find(qn("w:tblHeader")) is not None
        assert all(row._tr.trPr.find(qn("w:cantSplit")) is not None for row in rows)
        widths = [int(column.get(qn("w:w"))) for column in table._tbl.tblGrid]
        assert sum(widths) == pytest.approx(156 * MM, abs=8)


def test_missing_fonts_have_stand_ins_and_none_is_embedded() -> None:
    with zipfile.ZipFile(io.BytesIO(render(samples.ordinary(), "docx"))) as archive:
        table = archive.read("word/fontTable.xml").decode()
        names = archive.namelist()
    for font in ("方正小标宋简体", "仿宋_GB2312", "楷体_GB2312", "黑体", "宋体"):
        assert f'w:name="{font}"><w:altName' in table
    assert not any("font" in name and not name.endswith(("fontTable.xml", "fontTable.xml.rels")) for name in names)
    assert not any("thumbnail" in name for name in names)


def test_the_properties_say_the_moment_of_the_data(document: Any) -> None:
    local = samples.ordinary().as_of.astimezone(BEIJING)
    assert document.core_properties.created.strftime("%F %T") == local.strftime("%F %T")


def test_it_says_what_happened(document: Any) -> None:
    text = text_of(document)
    for part in (
        "2023年9月27日（周三）14:01至15:58，共117分钟",
        "设备412台",
        "最高同时收看188人",
        "收到评论和提问10条：展示7条，未展示2条",
        "广告刷屏",
        "n＝4条",
        "snownlp-0.12.3",
        "误差说明",
        "老年证在哪里办理",
        "带身份证和一张一寸照片",
        "未留文字记录",
        "地下车库什么时候开放？",
        "转区住房城乡建设委",
        "采纳率66.7%（2÷3）",
        "尚未决定",
        "推进中（9月30日08:40，区级统筹）：第一个小区开工",
        "转办（待接收）",
        "2023年10月9日",
        "n＝20份",
        "85.0%",
        "讲解得很清楚",
    ):
        assert part in text, part
    assert len(document.inline_shapes) == 2


def test_names_are_masked(document: Any) -> None:
    text = text_of(document)
    assert "朱**" in text
    for name in ("朱女士", "大兴老居民", "王强", "朱文静"):
        assert name not in text


def test_typed_markup_is_text() -> None:
    text = text_of(opened(samples.nasty()))
    for part in (
        '=HYPERLINK("http://example.org","点我")',
        "<script>alert(1)</script>&amp;",
        "a␀b␋c␟",
        "𠮷野家的𠀀字",
        "长" * 4000,
    ):
        assert part in text, part[:40]


def test_an_empty_activity_is_reported_as_such() -> None:
    text = text_of(opened(samples.empty()))
    for part in ("未进行直播", "没有网络收看记录", "没有可以评分的文字", "没有收到公开展示的提问", "没有收到意见建议"):
        assert part in text


def test_an_account_that_does_not_add_up_is_said_to_be_so() -> None:
    digest = samples.ordinary()
    wrong = replace(digest, ledger=replace(digest.ledger, received=12))
    assert "不一致，需核对" in text_of(opened(wrong))


def test_what_is_left_out_for_length_is_said() -> None:
    document = opened(large_digest(sections.MOST_COMMENTS + 200, 2 * sections.MOST_OPEN + 800))
    text = text_of(document)
    assert f"公开展示的评论共{sections.MOST_COMMENTS + 200}条，下表按时间列出前{sections.MOST_COMMENTS}条" in text
    assert f"列出前{sections.MOST_OPEN}条" in text
    assert len(document.tables[-1].rows) == sections.MOST_COMMENTS + 1


def test_the_pictures_need_no_other_glyphs_than_they_have() -> None:
    font = TTFont(docx.__file__.replace("docx.py", "labels.otf"))
    assert {ord(character) for character in chart.GLYPHS} <= set(font.getBestCmap())
    words = "".join(label.text for label in Label) + "同时收看人数最高人条（）0123456789.%:—"
    assert set(words) <= set(chart.GLYPHS)


@pytest.mark.parametrize("numbers", [[0, 0], [1, 5], [3] * 2_000, list(range(5_000))])
def test_any_afternoon_can_be_drawn(numbers: list[int]) -> None:
    drawn = [Sample(samples.at(index / 6), number) for index, number in enumerate(numbers)]
    assert chart.watching_line(drawn).startswith(b"\x89PNG")


def test_samples_of_one_moment_can_be_drawn() -> None:
    assert chart.watching_line([Sample(samples.START, 1), Sample(samples.START, 2)]).startswith(b"\x89PNG")
