"""What is taken and what is refused, by content and never by name; a picture keeps nothing of its camera."""

import asyncio
import io
import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from server.errors import BadRequest
from server.uploads import LONGEST_SIDE, FileStore, check_document, check_picture
from tests.programme.uploads import OFD, PDF, archive, docx, huge_png, photo, with_member, xlsx


def test_a_photo_is_drawn_anew_upright_and_without_its_notes() -> None:
    secret = "GPS 39.725 北纬"
    source = photo(640, 480, secret=secret) + b"<script>alert(1)</script>"
    upload = check_picture("C:\\张三\\IMG_0001.php.jpeg", source)
    assert (upload.name, upload.media_type) == ("IMG_0001.php.jpg", "image/jpeg")
    with Image.open(io.BytesIO(upload.content)) as picture:
        assert picture.size == (480, 640)
        assert len(picture.getexif()) == 0
        assert "comment" not in picture.info
        red, _, blue = picture.convert("RGB").getpixel((470, 10))  # type: ignore[misc]
        assert red > 200 > 50 > blue, "the red corner is at the top right once it stands upright"
    assert secret.encode() not in upload.content
    assert b"script" not in upload.content
    assert b"Exif" not in upload.content


def test_a_large_picture_is_made_smaller_and_what_is_clear_becomes_white() -> None:
    drawing = io.BytesIO()
    Image.new("RGBA", (6000, 300), (0, 0, 0, 0)).save(drawing, "PNG")
    upload = check_picture("图.png", drawing.getvalue())
    with Image.open(io.BytesIO(upload.content)) as picture:
        assert picture.size == (LONGEST_SIDE, LONGEST_SIDE // 20)
        assert picture.convert("RGB").getpixel((10, 10)) == (255, 255, 255)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a picture",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"GIF89a" + bytes(30),
        photo()[:200],
        huge_png(),
        PDF,
    ],
    ids=["empty", "text", "svg", "gif", "cut", "huge", "pdf"],
)
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(BadRequest) as refused:
        check_picture("真的是图片.jpg", content)
    assert refused.value.code == "bad_file"


@pytest.mark.parametrize(("content", "ending"), [(PDF, ".pdf"), (OFD, ".ofd"), (docx(), ".docx"), (xlsx(), ".xlsx")])
def test_a_document_gets_the_ending_of_its_content(content: bytes, ending: str) -> None:
    upload = check_document("活动方案.exe", content)
    assert upload.name == f"活动方案{ending}"
    assert upload.content == content


@pytest.mark.parametrize(
    "content",
    [
        b"<html><script>alert(1)</script>",
        b"MZ\x90\x00",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512),
        archive(readme__txt=b"hello"),
        with_member(docx(), "word/vbaProject.bin"),
        docx()[:100],
        photo(),
    ],
    ids=["html", "exe", "doc", "zip", "macros", "cut", "photo"],
)
def test_what_is_no_document_is_refused_with_words(content: bytes) -> None:
    with pytest.raises(BadRequest) as refused:
        check_document("方案.pdf", content)
    assert refused.value.code == "bad_file"
    assert refused.value.message.endswith("。")


@given(st.text(max_size=300))
def test_no_name_is_a_path_or_breaks_a_header(name: str) -> None:
    kept = check_document(name, PDF).name
    assert kept.endswith(".pdf")
    assert 4 < len(kept) <= 124
    assert kept.isprintable()
    assert not set(kept) & set('/\\<>:"|?*;\r\n\0')
    assert not kept.startswith(".")


@given(st.binary(max_size=2000))
def test_no_bytes_raise_anything_but_a_refusal(content: bytes) -> None:
    for check in (check_picture, check_document):
        for prefix in (b"", b"PK\x03\x04", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"):
            with suppress(BadRequest):
                check("x", prefix + content)


async def test_what_is_kept_is_there_and_what_is_removed_is_gone(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "files")
    kept = await asyncio.gather(*(store.keep(check_document, f"{number}.pdf", PDF) for number in range(4)))
    assert len({stored for _, stored in kept}) == 4
    assert all(store.path(stored).read_bytes() == PDF for _, stored in kept)
    with pytest.raises(BadRequest):
        await store.keep(check_document, "x.pdf", b"nothing")
    for _ in range(2):
        await store.remove(kept[0][1])
    assert sorted(os.listdir(tmp_path / "files")) == sorted(stored for _, stored in kept[1:])
