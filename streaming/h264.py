"""What the relay reads of an H.264 bit stream: the size of the picture, for the statistics."""

from __future__ import annotations

_CHROMA_PROFILES = frozenset((100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135))
_MAX_GOLOMB = 32


class _Bits:
    """A reader of a raw byte sequence payload (H.264 section 7.2). Raises IndexError behind the end."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = len(data) * 8

    def u(self, count: int) -> int:
        if count > self._left:
            raise IndexError
        self._left -= count
        return self._value >> self._left & ((1 << count) - 1)

    def ue(self) -> int:
        zeros = 0
        while not self.u(1):
            zeros += 1
            if zeros > _MAX_GOLOMB:
                raise IndexError
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        value = self.ue()
        return (value + 1) // 2 if value % 2 else -value // 2


def _skip_scaling_lists(bits: _Bits, chroma_format: int) -> None:
    for index in range(12 if chroma_format == 3 else 8):
        if not bits.u(1):
            continue
        last = following = 8
        for _ in range(16 if index < 6 else 64):
            if following:
                following = (last + bits.se()) % 256
            last = following or last


def dimensions(unit: bytes) -> tuple[int, int] | None:
    """Width and height in pixels from a sequence parameter set with its NAL header (H.264 section 7.3.2.1.1).

    None where it cannot be read: the set came from outside, and nothing but a figure on a screen depends on it.
    """
    bits = _Bits(unit[1:257].replace(b"\x00\x00\x03", b"\x00\x00"))
    try:
        profile = bits.u(8)
        bits.u(16)
        bits.ue()
        chroma_format = 1
        separate_planes = 0
        if profile in _CHROMA_PROFILES:
            chroma_format = bits.ue()
            if chroma_format == 3:
                separate_planes = bits.u(1)
            bits.ue()
            bits.ue()
            bits.u(1)
            if bits.u(1):
                _skip_scaling_lists(bits, chroma_format)
        bits.ue()
        order = bits.ue()
        if order == 0:
            bits.ue()
        elif order == 1:
            bits.u(1)
            bits.se()
            bits.se()
            for _ in range(min(bits.ue(), 256)):
                bits.se()
        bits.ue()
        bits.u(1)
        width = (bits.ue() + 1) * 16
        map_units = bits.ue() + 1
        frames_only = bits.u(1)
        height = map_units * 16 * (2 - frames_only)
        if not frames_only:
            bits.u(1)
        bits.u(1)
        if bits.u(1):
            left, right, top, bottom = (bits.ue() for _ in range(4))
            planar = chroma_format if not separate_planes else 0
            crop_x = 2 if planar in (1, 2) else 1
            crop_y = (2 if planar == 1 else 1) * (2 - frames_only)
            width -= crop_x * (left + right)
            height -= crop_y * (top + bottom)
    except IndexError:
        return None
    return (width, height) if 0 < width <= 16384 and 0 < height <= 16384 else None
