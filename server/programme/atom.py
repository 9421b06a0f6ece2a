"""An Atom feed (RFC 4287) of what was published."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.sax.saxutils import escape, quoteattr

CONTENT_TYPE = "application/atom+xml; charset=utf-8"
_BEFORE_ANYTHING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `id` never changes for the same thing; `text` is plain, its line breaks are kept."""

    id: str
    title: str
    author: str
    link: str
    updated: datetime
    text: str


def feed(title: str, site: str, address: str, entries: Sequence[Entry]) -> str:
    """The feed as XML. `site` is the page for people, `address` the feed's own; entries come as they are given.

    The texts are those that the service stored: without characters that XML cannot hold.
    """
    updated = max((entry.updated for entry in entries), default=_BEFORE_ANYTHING)
    parts = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="zh-CN">',
        f"<id>{escape(address)}</id>",
        f"<title>{escape(title)}</title>",
        f"<updated>{_moment(updated)}</updated>",
        f'<link rel="self" type="application/atom+xml" href={quoteattr(address)}/>',
        f'<link rel="alternate" type="text/html" href={quoteattr(site)}/>',
    ]
    for entry in entries:
        parts += [
            "<entry>",
            f"<id>{escape(entry.id)}</id>",
            f"<title>{escape(entry.title)}</title>",
            f"<author><name>{escape(entry.author)}</name></author>",
            f"<updated>{_moment(entry.updated)}</updated>",
            f'<link rel="alternate" type="text/html" href={quoteattr(entry.link)}/>',
            f'<content type="text">{escape(entry.text)}</content>',
            "</entry>",
        ]
    return "\n".join([*parts, "</feed>", ""])


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
