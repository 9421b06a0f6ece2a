"""The process that sets a PDF: `python -m feedback.digest.typeset FOLDER SECONDS`, report.json to report.pdf.

It imports nothing that it does not need, as its memory counts.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path

TITLE = ("Noto Serif CJK SC", "Source Han Serif SC", "思源宋体", "FandolSong", "AR PL UMing CN", "Noto Sans CJK SC")
BODY = ("Zhuque Fangsong (technical preview)", "Zhuque Fangsong", "朱雀仿宋", "FandolFang R", "FandolFang", *TITLE)
SUBHEADING = ("LXGW WenKai", "霞鹜文楷", "FandolKai", "AR PL UKai CN", "AR PL UKai", *TITLE)
HEADING = ("Noto Sans CJK SC", "Source Han Sans SC", "思源黑体", "FandolHei", "WenQuanYi Micro Hei", *TITLE)
"""Free fonts alone, best first: those that the standard names are proprietary and may not be embedded."""

NO_FONT = 3
"""Exit status where the machine has no free Chinese font."""


def typeset(folder: Path, seconds: int) -> int:
    """Make *folder*/report.pdf; it says that it was made *seconds* after 1970. Returns the exit status."""
    import typst

    fonts = typst.Fonts(include_embedded_fonts=False)
    there = set(fonts.families())
    faces = {
        name: _first(wanted, there)
        for name, wanted in (("title", TITLE), ("body", BODY), ("subheading", SUBHEADING), ("heading", HEADING))
    }
    if not faces["body"]:
        return NO_FONT
    compiler = typst.Compiler(font_paths=fonts, root=str(folder), sys_inputs={"faces": json.dumps(faces)})
    compiler.compile(
        str(folder / "report.typ"), output=str(folder / "report.pdf"), format="pdf", timestamp=seconds, pdf_tags=True
    )
    return 0


def _first(wanted: Iterable[str], there: set[str]) -> list[str]:
    return [name for name in wanted if name in there][:1]


if __name__ == "__main__":
    sys.exit(typeset(Path(sys.argv[1]), int(sys.argv[2])))
