"""The numbers in VP8's payload descriptor (RFC 7741 section 4.2), made to go on when layers or publishers change.

Pictures are numbered by each encoder for itself. A viewer who is switched to another layer, always at a keyframe, must
see numbers that go on: so the keyframe of a layer gets the number after the highest that any layer has, and what
follows it is counted from there. Whoever stays with the layer sees a gap before a keyframe, which is harmless.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Pictures:
    """The highest numbers that any layer of a stream was given, without the rounds cut off."""

    picture: int = -1
    base: int = -1


@dataclass(frozen=True, slots=True)
class Places:
    """Where the numbers are in a payload; None where it has none."""

    picture: int | None
    bits: int
    base: int | None


def places(payload: bytes) -> Places | None:
    """Where PictureID and TL0PICIDX are; None where there is neither, or the payload is shorter than it says."""
    if len(payload) < 2 or not payload[0] & 0x80:
        return None
    flags, position = payload[1], 2
    picture, bits, base = None, 0, None
    if flags & 0x80:
        if position >= len(payload):
            return None
        picture, bits = position, 15 if payload[position] & 0x80 else 7
        position += 2 if bits == 15 else 1
    if flags & 0x40:
        base = position
        position += 1
    if position > len(payload) or (picture is None and base is None):
        return None
    return Places(picture, bits, base)


def _nearest(value: int, near: int | None, bits: int) -> int:
    """The number whose last bits are `value` and that is nearest to `near`."""
    if near is None:
        return value
    half = 1 << (bits - 1)
    return near + ((value - near + half) & ((1 << bits) - 1)) - half


class Renumbering:
    """The numbers of one layer. `pictures` is shared by all layers of the stream."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures
        self._picture_offset = self._base_offset = 0
        self._before = (0, 0)
        self._begin: int | None = None
        self._last_picture: int | None = None
        self._last_base: int | None = None
        self._highest = -1

    def restart(self) -> None:
        """Another encoder begins: its numbers follow on those that were there."""
        self._begin = self._last_picture = self._last_base = None
        self._highest = -1

    def __call__(self, payload: bytes, *, keyframe: bool) -> bytes:
        """The payload with this stream's numbers; `keyframe` says that it begins one."""
        found = places(payload)
        if found is None or found.picture is None:
            return payload
        raw = payload[found.picture] & 0x7F
        if found.bits == 15:
            raw = raw << 8 | payload[found.picture + 1]
        picture = self._last_picture = _nearest(raw, self._last_picture, found.bits)
        base = 0
        if found.base is not None:
            base = self._last_base = _nearest(payload[found.base], self._last_base, 8)
        if self._begin is None or (keyframe and picture > self._begin):
            self._anchor(picture, base)
        assert self._begin is not None
        current = (self._picture_offset, self._base_offset)
        offset, base_offset = current if picture >= self._begin else self._before
        picture, base = picture + offset, base + base_offset
        shared = self._pictures
        self._highest = max(self._highest, picture)
        shared.picture = max(shared.picture, picture)
        if found.base is not None:
            shared.base = max(shared.base, base)
        return _written(payload, found, picture, base)

    def _anchor(self, picture: int, base: int) -> None:
        """Count from here, where others are ahead."""
        self._before = (self._picture_offset, self._base_offset)
        if self._pictures.picture > self._highest:
            self._picture_offset = self._pictures.picture + 1 - picture
            self._base_offset = self._pictures.base + 1 - base
        elif self._begin is None:
            self._picture_offset = self._base_offset = 0
        self._begin = picture


def _written(payload: bytes, found: Places, picture: int, base: int) -> bytes:
    assert found.picture is not None
    changed = bytearray(payload)
    if found.bits == 15:
        changed[found.picture] = 0x80 | (picture >> 8) & 0x7F
        changed[found.picture + 1] = picture & 0xFF
    else:
        changed[found.picture] = picture & 0x7F
    if found.base is not None:
        changed[found.base] = base & 0xFF
    return bytes(changed)
