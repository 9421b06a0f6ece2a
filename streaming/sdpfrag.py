"""SDP fragments of PATCH (RFC 8840, RFC 9725 section 4.3): what a client tells about its ICE session, and our answer."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import BadOffer

MAX_FRAGMENT = 16384
"""Characters."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """Credentials of the sender. Its candidates are read past: an ICE-lite agent waits for checks (RFC 8445 section 2.5)."""

    ufrag: str | None
    password: str | None


def parse(text: str) -> Fragment:
    """Read a fragment. Raises BadOffer if it holds nothing of ICE."""
    if len(text) > MAX_FRAGMENT:
        raise BadOffer(f"The fragment has more than {MAX_FRAGMENT} characters.")
    values: dict[str, str] = {}
    relevant = False
    for line in text.splitlines():
        name, _, value = line.strip().partition(":")
        if name in ("a=ice-ufrag", "a=ice-pwd"):
            values.setdefault(name, value)
        relevant = relevant or name in ("a=candidate", "a=end-of-candidates", "a=ice-ufrag")
    if not relevant:
        raise BadOffer("The fragment holds neither candidates nor ICE credentials (RFC 8840).")
    return Fragment(values.get("a=ice-ufrag"), values.get("a=ice-pwd"))


def write(ufrag: str, password: str, candidates: list[str]) -> str:
    """The answer to an ICE restart."""
    lines = ["a=ice-lite", f"a=ice-ufrag:{ufrag}", f"a=ice-pwd:{password}"]
    lines += [f"a=candidate:{candidate}" for candidate in candidates]
    lines.append("a=end-of-candidates")
    return "\r\n".join(lines) + "\r\n"
