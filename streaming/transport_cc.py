"""Transport-wide feedback to a publisher (draft-holmer-rmcat-transport-wide-cc-extensions-01).

A browser raises its bit rate within a second or two where it gets this, and hardly at all without.
"""

from __future__ import annotations

from struct import pack

from aiortc.rtp import RTCP_RTPFB, pack_rtcp_packet

FEEDBACK_FORMAT = 15
MAX_PACKETS = 400
"""Packets in one report: at 100 ms a report ten times what a publisher of 4 Mb/s sends, and at most 950 bytes."""

_TICK = 250e-6
_REFERENCE = 64e-3


class TransportFeedback:
    """Notes when each numbered packet arrived, and reports it."""

    def __init__(self) -> None:
        self._arrivals: dict[int, float] = {}
        self._highest: int | None = None
        self._next: int | None = None
        self._count = 0

    def add(self, number: int, now: float) -> None:
        """A packet with the transport-wide sequence number `number` (16 bits) arrived."""
        if self._highest is None:
            self._highest = number
        else:
            self._highest = max(self._highest, number := self._unwrap(number))
        if len(self._arrivals) < MAX_PACKETS:
            self._arrivals.setdefault(number, now)

    def _unwrap(self, number: int) -> int:
        highest = self._highest or 0
        difference = (number - highest) & 0xFFFF
        return highest + (difference if difference < 0x8000 else difference - 0x10000)

    def report(self, ssrc: int, media_ssrc: int) -> bytes | None:
        """The RTCP packet about what arrived since the last one; None if nothing did."""
        if not self._arrivals:
            return None
        first = min(self._arrivals)
        if self._next is not None and self._next < first and first - self._next < MAX_PACKETS:
            first = self._next
        last = min(max(self._arrivals), first + MAX_PACKETS - 1)
        begin = self._arrivals[min(self._arrivals)]
        reference = int(begin / _REFERENCE)
        previous = reference * 256
        statuses: list[int] = []
        deltas = bytearray()
        for number in range(first, last + 1):
            arrival = self._arrivals.get(number)
            delta = None if arrival is None else int(arrival / _TICK) - previous
            if delta is None or not -0x8000 <= delta <= 0x7FFF:
                statuses.append(0)
                continue
            previous += delta
            if 0 <= delta <= 0xFF:
                statuses.append(1)
                deltas.append(delta)
            else:
                statuses.append(2)
                deltas += pack("!h", delta)
        self._arrivals.clear()
        self._next = last + 1
        body = pack("!LLHH", ssrc, media_ssrc, first & 0xFFFF, len(statuses))
        body += (reference & 0xFFFFFF).to_bytes(3, "big") + bytes([self._count & 0xFF])
        self._count += 1
        body += _chunks(statuses) + deltas
        # The padding that makes whole words is announced in the header (RFC 3550 section 6.4.1).
        padding = -len(body) % 4
        if not padding:
            return pack_rtcp_packet(RTCP_RTPFB, FEEDBACK_FORMAT, body)
        body += bytes(padding - 1) + bytes([padding])
        packet = bytearray(pack_rtcp_packet(RTCP_RTPFB, FEEDBACK_FORMAT, bytes(body)))
        packet[0] |= 0x20
        return bytes(packet)


def _chunks(statuses: list[int]) -> bytes:
    """Run-length chunks where a status repeats, else vectors of seven two-bit symbols (sections 3.1.3 and 3.1.4)."""
    data = bytearray()
    position = 0
    while position < len(statuses):
        status = statuses[position]
        end = position + 1
        while end < len(statuses) and statuses[end] == status and end - position < 0x1FFF:
            end += 1
        if end - position >= 7 or end == len(statuses):
            data += pack("!H", status << 13 | (end - position))
            position = end
            continue
        symbols = statuses[position : position + 7]
        symbols += [0] * (7 - len(symbols))
        word = 0xC000
        for index, symbol in enumerate(symbols):
            word |= symbol << (12 - 2 * index)
        data += pack("!H", word)
        position += 7
    return bytes(data)
