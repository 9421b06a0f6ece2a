"""A report as a Word document in the form of GB/T 9704-2012 (`page.py`), which a clerk can edit and pass on."""

import io

from docx.document import Document as DocumentObject
from docx.shared import Mm

from feedback.digest.model import Digest
from feedback.digest.page import NOTE_STYLE, PICTURE_STYLE, new_document, to_bytes
from feedback.digest.report import Heading, Note, Picture, Report, Table, Text, leads_on
from feedback.digest.sections import report
from feedback.digest.table import add_table


def render(digest: Digest) -> bytes:
    """The digest as a .docx."""
    return write(report(digest))


def write(content: Report) -> bytes:
    """A report as a .docx."""
    document = new_document()
    document.add_paragraph(content.title, style="Title")
    for block in content.blocks:
        match block:
            case Heading(text, level, annex):
                document.add_paragraph(text, style=f"Heading {level}").paragraph_format.page_break_before = (
                    annex or None
                )
            case Text(text):
                # A paragraph a line: Word spreads the characters of a line that ends within a justified paragraph.
                for line in text.split("\n"):
                    document.add_paragraph(line).paragraph_format.keep_with_next = leads_on(text) or None
            case Note(text):
                document.add_paragraph(text, style=NOTE_STYLE)
            case Table(header, widths, rows):
                add_table(document, header, widths, rows)
            case Picture(png, description):
                _picture(document, png, description)
    return to_bytes(document, content.title, content.as_of)


def _picture(document: DocumentObject, png: bytes, description: str) -> None:
    paragraph = document.add_paragraph(style=PICTURE_STYLE)
    shape = paragraph.add_run().add_picture(io.BytesIO(png), width=Mm(150))
    shape._inline.docPr.set("descr", description)
