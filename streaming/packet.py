"""RTP packets as the relay holds them: with the numbers of the broadcast, whoever sent them (RFC 3550 section 5.1)."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct, error, unpack_from

HEADER = Struct("!BBHII")
HEADER_SIZE = 12
EXTENDED = Struct("!BBHIIHHI")
"""A header with one extension element of three bytes (RFC 8285 section 4.2)."""
NUMBERS = Struct("!HI")
"""Sequence number and timestamp, which begin at the third byte."""
MAX_PACKET = 1500
"""Bytes of the largest datagram that is read or written."""


class Malformed(ValueError):
    """A packet that breaks RFC 3550."""


@dataclass(slots=True)
class Packet:
    """One packet of a broadcast. `sequence` and `timestamp` are the broadcast's; the payload is the publisher's."""

    sequence: int
    timestamp: int
    marker: bool
    payload: bytes
    keyframe: bool = False
    arrived: float = 0.0
    """When it came, in seconds of the relay's clock."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the first bytes of a received packet say. `start` and `end` enclose the payload."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    start: int
    end: int
    extension: tuple[int, int, int] | None
    """Profile, and where the header extension's elements start and end."""


def parse(data: bytearray, size: int) -> Header:
    """Read the header of the packet in the first `size` bytes of `data`. Raises Malformed."""
    if size < HEADER_SIZE:
        raise Malformed("shorter than a header")
    first, second, sequence, timestamp, ssrc = HEADER.unpack_from(data)
    if first >> 6 != 2:
        raise Malformed("version")
    start = HEADER_SIZE + 4 * (first & 0x0F)
    end = size
    extension = None
    if first & 0x10:
        if start + 4 > size:
            raise Malformed("truncated extension")
        profile, words = unpack_from("!HH", data, start)
        extension = (profile, start + 4, start + 4 + 4 * words)
        start += 4 + 4 * words
    if first & 0x20:
        if not 0 < data[size - 1] <= size - start:
            raise Malformed("padding")
        end -= data[size - 1]
    if start > end:
        raise Malformed("truncated")
    return Header(second & 0x7F, second > 0x7F, sequence, timestamp, ssrc, start, end, extension)


def extension_value(data: bytearray, extension: tuple[int, int, int], wanted: int) -> bytes | None:
    """The value of one header extension element (RFC 8285 sections 4.2 and 4.3), None where it is not there."""
    profile, position, end = extension
    one_byte = profile == 0xBEDE
    if not one_byte and profile & 0xFFF0 != 0x1000:
        return None
    try:
        while position < end:
            if data[position] == 0:
                position += 1
                continue
            if one_byte:
                identifier, length = data[position] >> 4, (data[position] & 0x0F) + 1
                position += 1
                if identifier == 15:
                    return None
            else:
                identifier, length = data[position], data[position + 1]
                position += 2
            if identifier == wanted:
                return bytes(data[position : position + length]) if position + length <= end else None
            position += length
    except (IndexError, error):
        return None
    return None


def send_time(moment: float) -> int:
    """A moment in seconds as `abs-send-time` writes it: 24 bits, of which 18 are behind the point.

    It is the moment of arrival, not that of sending: a packet that is sent again must be the same to the last byte.
    """
    return int(moment * 0x40000) & 0xFFFFFF


def newer(first: int, second: int) -> bool:
    """Whether sequence number `first` comes after `second`, modulo 2^16 (RFC 3550 appendix A.1)."""
    return 0 < (first - second) & 0xFFFF < 0x8000
