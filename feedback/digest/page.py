"""The form of the document: page, grid, fonts, styles and page numbers after GB/T 9704-2012.

Lengths are in twips (1/20 pt) where the format wants them so. A digest is a working report: it has no 发文机关标志, no
发文字号 and no 印章.
"""

import io
from datetime import datetime
from typing import Any

from docx import Document
from docx.document import Document as DocumentObject
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Mm, Pt, RGBColor
from docx.styles.style import ParagraphStyle

from feedback.digest.archive import stamped
from feedback.digest.wording import beijing

TITLE_FONT = "方正小标宋简体"
BODY_FONT = "仿宋_GB2312"
SUBHEADING_FONT = "楷体_GB2312"
HEADING_FONT = "黑体"
NUMBER_FONT = "宋体"

# Free or widespread fonts that a machine without the named ones may take instead (w:altName).
_FALL_BACKS = {
    TITLE_FONT: ("FZXiaoBiaoSong-B05S", "思源宋体", "Noto Serif CJK SC", "SimSun"),
    BODY_FONT: ("仿宋", "FangSong", "朱雀仿宋", "FandolFang", "Noto Serif CJK SC"),
    SUBHEADING_FONT: ("楷体", "KaiTi", "霞鹜文楷", "LXGW WenKai", "FandolKai", "AR PL UKai CN"),
    HEADING_FONT: ("SimHei", "思源黑体", "Noto Sans CJK SC", "WenQuanYi Micro Hei"),
    NUMBER_FONT: ("SimSun", "思源宋体", "Noto Serif CJK SC"),
}

SIZE_2 = Pt(22)  # 2号
SIZE_3 = Pt(16)  # 3号
SIZE_4 = Pt(14)  # 4号
SIZE_SMALL_4 = Pt(12)  # 小4号, for tables, which the standard leaves free

# 22 lines in 225 mm and 28 characters in 156 mm. The nominal pitches, 29 pt and 15.8 pt, overshoot both by a hair, and
# a line or a character would drop out: these are the largest that fit.
_LINE_PITCH = 579  # 28.95 pt
_CHARACTER_PITCH = round((15.7925 - 16) * 4096)  # what the grid adds to 16 pt, in 1/4096 pt

_FOOTER_FROM_EDGE = Mm(23)  # the number stands 7 mm under the text area, which ends 35 mm above the edge

TABLE_STYLE = "Digest Table Text"
NOTE_STYLE = "Digest Note"
PICTURE_STYLE = "Digest Picture"


def new_document() -> DocumentObject:
    """An empty document in form: styles Normal, Title, Heading 1, Heading 2 and three of its own, no content."""
    document = Document()
    _drop_thumbnail(document)
    _page(document)
    _defaults(document)
    _styles(document)
    _page_numbers(document)
    _fonts(document)
    return document


def to_bytes(document: DocumentObject, title: str, as_of: datetime) -> bytes:
    """The file. Its properties say *as_of*, not the time of writing."""
    properties = document.core_properties
    written = beijing(as_of).replace(tzinfo=None)
    properties.title, properties.author, properties.last_modified_by = title, "民声", "民声"
    properties.comments, properties.keywords, properties.language = "", "", "zh-CN"
    properties.created = properties.modified = written
    properties.revision = 1
    buffer = io.BytesIO()
    document.save(buffer)
    return stamped(buffer.getvalue(), as_of)


def _drop_thumbnail(document: DocumentObject) -> None:
    """python-docx's template carries the picture of another document."""
    relations: Any = document.part.package.rels
    for name in [name for name, relation in relations.items() if relation.reltype.endswith("/thumbnail")]:
        del relations[name]


def _page(document: DocumentObject) -> None:
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(37), Mm(35)
    section.left_margin, section.right_margin = Mm(28), Mm(26)
    section.footer_distance = _FOOTER_FROM_EDGE
    properties = section._sectPr
    for grid in properties.findall(qn("w:docGrid")):
        properties.remove(grid)
    properties.append(
        parse_xml(
            f'<w:docGrid {nsdecls("w")} w:type="linesAndChars" w:linePitch="{_LINE_PITCH}"'
            f' w:charSpace="{_CHARACTER_PITCH}"/>'
        )
    )


def _defaults(document: DocumentObject) -> None:
    """The document's own defaults agree with Normal: readers take the grid's base size from either."""
    defaults: Any = document.styles.element.find(qn("w:docDefaults"))
    fonts = "".join(f' w:{script}="{BODY_FONT}"' for script in ("ascii", "hAnsi", "eastAsia", "cs"))
    defaults.getparent().replace(
        defaults,
        parse_xml(
            f"<w:docDefaults {nsdecls('w')}><w:rPrDefault><w:rPr><w:rFonts{fonts}/>"
            '<w:sz w:val="32"/><w:szCs w:val="32"/><w:lang w:val="en-US" w:eastAsia="zh-CN" w:bidi="ar-SA"/>'
            "</w:rPr></w:rPrDefault><w:pPrDefault/></w:docDefaults>"
        ),
    )


def _styles(document: DocumentObject) -> None:
    styles: Any = document.styles
    normal = styles["Normal"]
    _font(normal, BODY_FONT, SIZE_3)
    normal.paragraph_format.space_before = normal.paragraph_format.space_after = Pt(0)
    normal.paragraph_format.line_spacing = 1.0  # one line of the grid
    normal.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.JUSTIFY
    normal.paragraph_format.widow_control = False  # a page has its 22 lines
    _indent(normal, 2)
    _condense(normal)
    title = styles["Title"]
    _bare(title)
    _font(title, TITLE_FONT, SIZE_2)
    title.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
    title.paragraph_format.space_after = Pt(29)
    title.paragraph_format.line_spacing = Pt(36)
    _off_grid(title)
    _indent(title, 0)
    for name, font in (("Heading 1", HEADING_FONT), ("Heading 2", SUBHEADING_FONT)):
        heading = styles[name]
        _bare(heading)
        _font(heading, font, SIZE_3)
        heading.paragraph_format.space_before = heading.paragraph_format.space_after = Pt(0)
        heading.paragraph_format.line_spacing = 1.0
        heading.paragraph_format.keep_with_next = True
        _indent(heading, 2)
    _font(_own(styles, TABLE_STYLE), BODY_FONT, SIZE_SMALL_4)
    note = _own(styles, NOTE_STYLE)
    _font(note, BODY_FONT, SIZE_SMALL_4)
    note.paragraph_format.space_before = note.paragraph_format.space_after = Pt(6)
    picture = _own(styles, PICTURE_STYLE)
    picture.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
    picture.paragraph_format.space_before = Pt(6)
    picture.paragraph_format.keep_with_next = True


def _own(styles: Any, name: str) -> ParagraphStyle:
    """A style for what does not keep to the grid: tables, notes under them, pictures."""
    style: ParagraphStyle = styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
    style.base_style = styles["Normal"]
    style.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.LEFT
    _indent(style, 0)
    _off_grid(style)
    return style


def _off_grid(style: ParagraphStyle) -> None:
    """Let larger or smaller characters than the grid's keep their own width."""
    properties: Any = style.element.get_or_add_pPr()
    properties.insert_element_before(
        parse_xml(f'<w:snapToGrid {nsdecls("w")} w:val="0"/>'), "w:spacing", "w:ind", "w:jc", "w:outlineLvl", "w:rPr"
    )


def _condense(style: ParagraphStyle) -> None:
    """Set characters at 98 % of their width, which the eye does not see.

    LibreOffice gives a character that is wider than the grid's pitch two cells, and 16 pt is wider than 15.8 pt. Word
    and WPS justify the line to the same 28 characters either way.
    """
    properties: Any = style.element.get_or_add_rPr()
    properties.insert_element_before(parse_xml(f'<w:w {nsdecls("w")} w:val="98"/>'), "w:sz", "w:szCs")


def _bare(style: ParagraphStyle) -> None:
    """Take off the borders, colours and theme fonts that the template gives a heading."""
    element: Any = style.element
    for tag in ("w:pPr", "w:rPr"):
        for child in element.findall(qn(tag)):
            kept = [item for item in child if item.tag in (qn("w:outlineLvl"), qn("w:keepNext"), qn("w:keepLines"))]
            for item in list(child):
                if item not in kept:
                    child.remove(item)
    style.font.bold = False
    style.font.color.rgb = RGBColor(0, 0, 0)


def _font(style: ParagraphStyle, name: str, size: Any) -> None:
    style.font.size = size
    style.font.name = name
    fonts: Any = style.element.get_or_add_rPr().get_or_add_rFonts()
    for theme in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
        fonts.attrib.pop(qn(theme), None)
    fonts.set(qn("w:eastAsia"), name)
    fonts.set(qn("w:cs"), name)


def _indent(style: ParagraphStyle, characters: int) -> None:
    """First-line indent in characters, with the same in twips for readers that know no characters."""
    indent: Any = style.element.get_or_add_pPr().get_or_add_ind()
    indent.set(qn("w:firstLineChars"), str(characters * 100))
    indent.set(qn("w:firstLine"), str(round(characters * 15.8 * 20)))


def _page_numbers(document: DocumentObject) -> None:
    """“— 1 —” in 4号 宋体, at the right of odd pages and the left of even ones, one character in from the edge."""
    document.settings.odd_and_even_pages_header_footer = True
    section = document.sections[0]
    for footer, side, indent in (
        (section.footer, WD_ALIGN_PARAGRAPH.RIGHT, "right"),
        (section.even_page_footer, WD_ALIGN_PARAGRAPH.LEFT, "left"),
    ):
        footer.is_linked_to_previous = False
        paragraph = footer.paragraphs[0]
        paragraph.alignment = side
        properties: Any = paragraph._p.get_or_add_pPr()
        place = properties.get_or_add_ind()
        place.set(qn("w:firstLineChars"), "0")
        place.set(qn("w:firstLine"), "0")
        place.set(qn(f"w:{indent}Chars"), "100")
        place.set(qn(f"w:{indent}"), "280")
        fonts = "".join(f' w:{script}="{NUMBER_FONT}"' for script in ("ascii", "hAnsi", "eastAsia", "cs"))
        look = f'<w:rPr><w:rFonts{fonts}/><w:sz w:val="28"/><w:szCs w:val="28"/></w:rPr>'
        # Three runs and a field: LibreOffice takes a simple field's look from its first run.
        for inside in (
            '<w:t xml:space="preserve">— </w:t>',
            '<w:fldChar w:fldCharType="begin"/>',
            '<w:instrText xml:space="preserve"> PAGE </w:instrText>',
            '<w:fldChar w:fldCharType="separate"/>',
            "<w:t>1</w:t>",
            '<w:fldChar w:fldCharType="end"/>',
            '<w:t xml:space="preserve"> —</w:t>',
        ):
            paragraph._p.append(parse_xml(f"<w:r {nsdecls('w')}>{look}{inside}</w:r>"))


def _fonts(document: DocumentObject) -> None:
    """The font table names what to take where a font is missing; no font is embedded."""
    entries = "".join(
        f'<w:font w:name="{name}"><w:altName w:val="{",".join(others)}"/><w:charset w:val="86"/>'
        f'<w:family w:val="auto"/><w:pitch w:val="variable"/></w:font>'
        for name, others in _FALL_BACKS.items()
    )
    table: Any = document.part.part_related_by(RELATIONSHIP_TYPE.FONT_TABLE)
    table._blob = (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<w:fonts {nsdecls("w")}>{entries}</w:fonts>'.encode()
    )
