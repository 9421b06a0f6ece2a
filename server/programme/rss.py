"""An RSS 2.0 feed of what was published, for readers that know nothing newer."""

from collections.abc import Sequence
from datetime import UTC
from email.utils import format_datetime
from xml.sax.saxutils import escape, quoteattr

from server.programme.atom import Entry

CONTENT_TYPE = "application/rss+xml; charset=utf-8"


def feed(title: str, site: str, address: str, entries: Sequence[Entry]) -> str:
    """The feed as XML, from the same entries as the Atom feed; line breaks of a text become those of HTML."""
    parts = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:dc="http://purl.org/dc/elements/1.1/">',
        "<channel>",
        f"<title>{escape(title)}</title>",
        f"<link>{escape(site)}</link>",
        f"<description>{escape(title)}</description>",
        "<language>zh-cn</language>",
        f'<atom:link rel="self" type="application/rss+xml" href={quoteattr(address)}/>',
    ]
    for entry in entries:
        html = escape(entry.text).replace("\n", "<br>")
        parts += [
            "<item>",
            f'<guid isPermaLink="false">{escape(entry.id)}</guid>',
            f"<title>{escape(entry.title)}</title>",
            f"<link>{escape(entry.link)}</link>",
            # RSS wants an address for an author; Dublin Core takes a name.
            f"<dc:creator>{escape(entry.author)}</dc:creator>",
            f"<pubDate>{format_datetime(entry.updated.astimezone(UTC), usegmt=True)}</pubDate>",
            # A description is HTML: escaped once as a text, and once as a part of this document.
            f"<description>{escape(html)}</description>",
            "</item>",
        ]
    return "\n".join([*parts, "</channel>", "</rss>", ""])
