"""Files as clerks bring them, and as attackers do."""

import io
import struct
import zipfile

import openpyxl
from docx import Document
from PIL import Image


def photo(width: int = 640, height: int = 480, *, secret: str = "") -> bytes:
    """A JPEG as a phone writes it: lying on its side, with the camera's notes, the place among them."""
    picture = Image.new("RGB", (width, height), "navy")
    picture.paste("red", (0, 0, width // 2, height // 2))
    notes = Image.Exif()
    notes[0x0112] = 6  # turn by 90 degrees to see it upright
    notes[0x010E] = secret or "张三的手机"
    notes.get_ifd(0x8825)[2] = (39.0, 43.0, 30.0)  # latitude
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", exif=notes, comment=secret.encode())
    return buffer.getvalue()


def huge_png() -> bytes:
    """A few bytes that say they are a picture of ten thousand times ten thousand pixels."""
    buffer = io.BytesIO()
    Image.new("1", (8, 8)).save(buffer, "PNG")
    whole = buffer.getvalue()
    header = b"IHDR" + struct.pack(">II", 9000, 9000) + whole[24:29]
    import zlib

    return whole[:12] + header + struct.pack(">I", zlib.crc32(header)) + whole[33:]


def docx() -> bytes:
    document = Document()
    document.add_paragraph("实施方案")
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def xlsx() -> bytes:
    buffer = io.BytesIO()
    openpyxl.Workbook().save(buffer)
    return buffer.getvalue()


def with_member(archive: bytes, name: str, content: bytes = b"x") -> bytes:
    """The archive with one more member."""
    buffer = io.BytesIO(archive)
    with zipfile.ZipFile(buffer, "a") as file:
        file.writestr(name, content)
    return buffer.getvalue()


def archive(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in members.items():
            file.writestr(name.replace("__", "."), content)
    return buffer.getvalue()


PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
OFD = archive(OFD__xml=b"<ofd:OFD/>")
