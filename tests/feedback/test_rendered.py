"""The documents as LibreOffice opens them, drawn as pictures: pages are A4, and there is something on each."""

import os
import shutil
import subprocess
from pathlib import Path

import pypdfium2
import pytest

from feedback.digest import render
from feedback.digest.adoption import render as render_adoption
from tests.feedback import samples
from tests.feedback.test_adoption import record


@pytest.fixture(scope="module")
def office() -> str:
    """LibreOffice; where it is absent the test says so, where documents have to be drawn that is a failure."""
    path = shutil.which("soffice") or shutil.which("libreoffice")
    if path is None:
        words = "THE DOCUMENTS ARE DRAWN BY LIBREOFFICE: install libreoffice-writer-nogui and libreoffice-calc-nogui"
        if os.environ.get("MINSHENG_TEST_OFFICE"):
            pytest.fail(words)
        pytest.skip(words)
    return path


def test_libreoffice_opens_and_draws_them(office: str, tmp_path: Path) -> None:
    files = {
        "digest.docx": render(samples.ordinary(), "docx"),
        "nasty.docx": render(samples.nasty(), "docx"),
        "digest.xlsx": render(samples.ordinary(), "xlsx"),
        "adoption.docx": render_adoption(record(), "docx"),
        "adoption.xlsx": render_adoption(record(), "xlsx"),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    profile = f"-env:UserInstallation=file://{tmp_path / 'profile'}"
    for kind in ("docx", "xlsx"):
        folder = tmp_path / kind
        subprocess.run(
            [office, profile, "--headless", "--convert-to", "pdf", "--outdir", str(folder)]
            + [str(tmp_path / name) for name in files if name.endswith(kind)],
            check=True,
            capture_output=True,
            timeout=240,
        )
        drawn = sorted(folder.glob("*.pdf"))
        assert [path.stem for path in drawn] == sorted(name.split(".")[0] for name in files if name.endswith(kind))
        for path in drawn:
            with pypdfium2.PdfDocument(path) as document:
                first = document[0]
                assert sorted(round(size / 72 * 25.4) for size in first.get_size()) == [210, 297]
                picture = first.render(scale=0.5).to_pil().convert("L")
                ink = sum(picture.histogram()[:160]) / (picture.width * picture.height)
                assert 0.002 < ink < 0.4, (path.name, ink)
                words = "".join("".join(page.get_textpage().get_text_range().split()) for page in document)
            assert "采纳" in words, path.name
            if path.stem == "digest" and kind == "docx":
                assert "—1—" in words
                assert "九、拟办清单" in words
