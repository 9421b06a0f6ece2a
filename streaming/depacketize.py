"""From RTP payloads back to what was encoded: access units of H.264 (RFC 6184), frames of Opus (RFC 7587)."""

from __future__ import annotations

from dataclasses import dataclass, field

START_CODE = b"\x00\x00\x00\x01"
IDR, SPS, PPS = 5, 7, 8
_STAP_A, _FU_A = 24, 28
LARGEST_UNIT = 4_000_000
"""Bytes of an access unit; a longer one is given up."""


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One coded picture in Annex B form; `timestamp` is the RTP timestamp."""

    timestamp: int
    data: bytes
    keyframe: bool
    has_parameters: bool
    """Whether its sequence and picture parameter sets come with it."""


@dataclass(slots=True)
class H264Assembler:
    """Gathers the packets of a picture. What is incomplete is left out, with all up to the next keyframe.

    Packets come in the order of their sequence numbers; a gap is told by `lost`.
    """

    _timestamp: int | None = None
    _units: list[bytes] = field(default_factory=list)
    _fragments: list[bytes] = field(default_factory=list)
    _size: int = 0
    _whole: bool = True
    _synchronised: bool = False

    def lost(self) -> None:
        """Packets are missing: what is being gathered cannot be decoded, nor what refers to it."""
        self._whole = self._timestamp is None
        self._synchronised = False
        self._fragments.clear()

    def add(self, timestamp: int, marker: bool, payload: bytes) -> AccessUnit | None:
        """Take a payload; returns the picture that it completes."""
        finished = None
        if self._timestamp is not None and timestamp != self._timestamp:
            finished = self._finish()  # the marker got lost
        if self._timestamp is None:
            self._timestamp, self._size = timestamp, 0
        self._take(payload)
        if marker:
            finished = self._finish() or finished
        return finished

    def _take(self, payload: bytes) -> None:
        if not payload:
            return
        self._size += len(payload)
        if self._size > LARGEST_UNIT:
            self.lost()
            return
        kind = payload[0] & 0x1F
        if kind == _STAP_A:
            position = 1
            while position + 2 <= len(payload):
                length = int.from_bytes(payload[position : position + 2], "big")
                self._units.append(payload[position + 2 : position + 2 + length])
                position += 2 + length
        elif kind == _FU_A and len(payload) > 2:
            self._fragment(payload)
        elif 1 <= kind <= 23:
            self._units.append(payload)

    def _fragment(self, payload: bytes) -> None:
        indicator, header = payload[0], payload[1]
        if header & 0x80:
            self._fragments = [bytes(((indicator & 0xE0) | (header & 0x1F),))]
        elif not self._fragments:
            self.lost()  # its beginning is missing
            return
        self._fragments.append(payload[2:])
        if header & 0x40:
            self._units.append(b"".join(self._fragments))
            self._fragments = []

    def _finish(self) -> AccessUnit | None:
        timestamp, units, whole = self._timestamp, self._units, self._whole and not self._fragments
        self._timestamp, self._units, self._fragments, self._whole = None, [], [], True
        keyframe = any(unit and unit[0] & 0x1F == IDR for unit in units)
        slices = [unit for unit in units if unit and 1 <= unit[0] & 0x1F <= IDR]
        # A picture begins with macroblock 0: the Exp-Golomb code of that is a single set bit (ITU-T H.264, 7.3.3).
        if not whole or timestamp is None or not slices or len(slices[0]) < 2 or not slices[0][1] & 0x80:
            self._synchronised = self._synchronised and not slices
            return None
        if keyframe:
            self._synchronised = True
        if not self._synchronised:
            return None
        kinds = {unit[0] & 0x1F for unit in units if unit}
        data = b"".join(START_CODE + unit for unit in units if unit)
        return AccessUnit(timestamp, data, keyframe, {SPS, PPS} <= kinds)


def parameter_sets(data: bytes) -> list[bytes]:
    """The parameter sets of an access unit in Annex B form, as the assembler makes it."""
    return [unit for unit in data.split(START_CODE) if unit and unit[0] & 0x1F in {SPS, PPS}]


class Unwrapper:
    """Makes a counter of 32 bits that comes round one that goes on (RFC 3550 section 5.1)."""

    def __init__(self) -> None:
        self._last: int | None = None

    def __call__(self, value: int) -> int:
        """The value with the rounds before it, the nearest to the last one."""
        if self._last is None:
            self._last = value
        step = (value - self._last) & 0xFFFFFFFF
        self._last += step - 0x100000000 if step & 0x80000000 else step
        return self._last
