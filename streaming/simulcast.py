"""What an offer says of simulcast: the layers that it would send (RFC 8853, RFC 8851)."""

from __future__ import annotations

import re

MAX_LAYERS = 3
"""Layers that are taken of one picture; an offer of more is answered with the first ones (RFC 8853 section 5.3.2)."""

_RID = re.compile(r"[A-Za-z0-9_-]{1,16}")
"""RFC 8851 section 10, and no longer than a header extension of one byte holds (RFC 8852 section 3)."""


def layers(section: str) -> list[str]:
    """The restriction identifiers of the layers that a media section would send, in its order; none without simulcast.

    Of alternatives the first counts; one that begins paused is as good as any. What was not declared by `a=rid`, or is
    no identifier, is left out.
    """
    declared = set()
    wanted: list[str] = []
    for line in section.splitlines():
        if line.startswith("a=rid:"):
            words = line[len("a=rid:") :].split()
            if len(words) >= 2 and words[1] == "send":
                declared.add(words[0])
        elif line.startswith("a=simulcast:") and not wanted:
            words = line[len("a=simulcast:") :].split()
            streams = dict(zip(words[::2], words[1::2], strict=False)).get("send", "")
            wanted = [stream.split(",")[0].removeprefix("~") for stream in streams.split(";")]
    found = [rid for rid in dict.fromkeys(wanted) if rid in declared and _RID.fullmatch(rid)]
    return found[:MAX_LAYERS] if len(found) > 1 else []


def sections(text: str) -> list[str]:
    """The media sections of an SDP, each from its `m=` line on."""
    return re.split(r"^(?=m=)", text, flags=re.MULTILINE)[1:]
