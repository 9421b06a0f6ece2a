"""The digest of an activity in each format: the same numbers, the same entries, the same bytes for the same data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import cast

from feedback.digest.model import Digest, cleaned


@dataclass(frozen=True, slots=True)
class Format:
    """A file format. `module` has `render(digest) -> bytes`, and is imported when first used: it may be heavy."""

    media_type: str
    extension: str
    module: str

    def render(self, digest: Digest) -> bytes:
        function = cast("Callable[[Digest], bytes]", import_module(self.module).render)
        return function(cleaned(digest))


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "docx": Format(
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx", "feedback.digest.docx"
        ),
        "xlsx": Format(
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx", "feedback.digest.xlsx"
        ),
        "pdf": Format("application/pdf", "pdf", "feedback.digest.pdf"),
        "csv": Format("text/csv; charset=utf-8; header=present", "csv", "feedback.digest.csv"),
        "json": Format("application/json", "json", "feedback.digest.json"),
    }
)


def render(digest: Digest, format: str) -> bytes:  # noqa: A002 - the word of the query parameter and the command line
    """The file. Raises KeyError for an unknown format. Takes seconds for 20,000 entries: call it off the event loop."""
    return FORMATS[format].render(digest)


def filename(digest: Digest, format: str) -> str:  # noqa: A002 - as above
    """A name for the file, in ASCII: the activity's slug and the Beijing time it stands for."""
    from feedback.digest.wording import beijing

    return f"{digest.activity.slug}-{beijing(digest.as_of):%Y%m%d-%H%M}.{FORMATS[format].extension}"
