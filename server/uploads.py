"""What an uploaded file is, by its content and never by the name that it came with; and where it is kept.

Pictures are drawn anew, so that nothing of the camera's notes (place, time, owner) and nothing hidden behind them is
kept. Documents are PDF, OFD (GB/T 33190) and Office files without macros; everything else is refused by name.
"""

import asyncio
import hashlib
import io
import os
import secrets
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from server.errors import BadRequest

LARGEST = 20 * 1024 * 1024
"""Bytes of one file."""
MOST_PIXELS = 50_000_000
LONGEST_SIDE = 2560
"""Pixels of a published picture: enough for print at 20 cm, and quick on a phone."""

_CONTENT_TYPES: Final = "[Content_Types].xml"
_OFFICE: Final = {
    b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml": (
        ".docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml": (
        ".xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    b"application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml": (
        ".pptx",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ),
}
_OLD_OFFICE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was checked: its bytes as they are kept, a name with the ending that belongs to them."""

    name: str
    media_type: str
    content: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def check_picture(name: str, content: bytes) -> Upload:
    """A JPEG of the picture, upright, without metadata, at most `LONGEST_SIDE` pixels long.

    Raises BadRequest (`bad_file`) for what is no JPEG, PNG or WebP, is damaged, or would be huge when unpacked.
    """
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG", "PNG", "WEBP")) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise BadRequest("图片的像素太多，请缩小后再上传。", code="bad_file")
            picture.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # a large JPEG is unpacked no larger than needed
            picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))  # before anything copies it in its full size
            seen = ImageOps.exif_transpose(picture).convert("RGBA")
            flat = Image.new("RGB", seen.size, "white")
            flat.paste(seen, mask=seen.getchannel("A"))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise BadRequest("这不是可以打开的图片。请上传 JPG、PNG 或 WebP 格式的图片。", code="bad_file") from None
    kept = io.BytesIO()
    flat.save(kept, "JPEG", quality=88, optimize=True)
    return Upload(_named(name, ".jpg"), "image/jpeg", kept.getvalue())


def check_document(name: str, content: bytes) -> Upload:
    """The document as it is. Raises BadRequest (`bad_file`) for another kind, a damaged one, or one with macros."""
    if content.startswith(b"%PDF-"):
        return Upload(_named(name, ".pdf"), "application/pdf", content)
    if content.startswith(_OLD_OFFICE):
        raise BadRequest("不接受旧格式的 Office 文件（doc、xls、ppt、wps），请另存为 docx 或 PDF。", code="bad_file")
    if content.startswith(b"PK\x03\x04"):
        ending, media_type = _packed(content)
        return Upload(_named(name, ending), media_type, content)
    raise BadRequest("请上传 PDF、OFD、docx、xlsx 或 pptx 格式的文件。", code="bad_file")


def _packed(content: bytes) -> tuple[str, str]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            if "OFD.xml" in names:
                return ".ofd", "application/ofd"
            if any(name.lower().endswith("vbaproject.bin") for name in names):
                raise BadRequest("文件带有宏，请另存为不带宏的 docx、xlsx 或 PDF。", code="bad_file")
            with archive.open(_CONTENT_TYPES) as part:
                declared = part.read(256 * 1024)
    except (zipfile.BadZipFile, KeyError, OSError, RuntimeError, NotImplementedError, EOFError):
        raise BadRequest("文件损坏，或者不是 docx、xlsx、pptx、OFD。", code="bad_file") from None
    found = next((kind for main, kind in _OFFICE.items() if main in declared), None)
    if found is None:
        raise BadRequest("压缩包不能上传，请上传 PDF、OFD、docx、xlsx 或 pptx 格式的文件。", code="bad_file")
    return found


def _named(name: str, ending: str) -> str:
    """The last part of the name with the content's own ending; nothing in it can be taken for a path or a header."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    stem = last.rsplit(".", 1)[0] if "." in last else last
    kept = "".join(sign for sign in stem if sign.isprintable() and sign not in '<>:"|?*;').strip(" .")
    return f"{kept[:_LONGEST_NAME] or '文件'}{ending}"


class FileStore:
    """Keeps checked files in a folder, each under a name of our own making; what it returns is on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Unpacking a picture takes memory: one at a time.
        self._turn = asyncio.Lock()

    async def keep(self, check: Callable[[str, bytes], Upload], name: str, content: bytes) -> tuple[Upload, str]:
        """Check a file and keep it. Returns it with the name under which it lies. Raises what `check` raises."""
        async with self._turn:
            upload = await asyncio.to_thread(check, name, content)
            return upload, await asyncio.to_thread(self._write, upload.content)

    def path(self, stored: str) -> Path:
        """Where a file lies."""
        return self._folder / stored

    async def remove(self, stored: str) -> None:
        """Delete a file. It does not matter if it is gone."""
        await asyncio.to_thread(self.path(stored).unlink, missing_ok=True)

    def _write(self, content: bytes) -> str:
        self._folder.mkdir(parents=True, exist_ok=True)
        stored = secrets.token_hex(16)
        draft = self._folder / f".{stored}"
        with draft.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self._folder / stored)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return stored
