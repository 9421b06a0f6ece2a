"""The highest layer of a picture as one stream, for the packager: it goes on when layers come and go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from streaming.packet import Packet, newer
from streaming.track import Track


class Highest:
    """Follows the highest layer that is there, from keyframe to keyframe, with sequence numbers that go on."""

    def __init__(self) -> None:
        self._track: Track | None = None
        self._first: int | None = None
        self._offset = 0
        self._last = 0

    def take(self, track: Track, packet: Packet, live: Sequence[Track]) -> Packet | None:
        """The packet with its number in that stream; None where it is of another layer. `live` ascends by size."""
        best = live[-1] if live else track
        if self._track is None:
            if track is not best:
                return None
            self._track, self._last = track, (packet.sequence - 1) & 0xFFFF
        if track is not self._track:
            if track is not best or not packet.keyframe:
                return None
            self._track, self._first = track, packet.sequence
            self._offset = (self._last + 1 - packet.sequence) & 0xFFFF
        elif self._first is not None and newer(self._first, packet.sequence):
            return None  # from before the change: its number is taken
        number = (packet.sequence + self._offset) & 0xFFFF
        if newer(number, self._last):
            self._last = number
            if self._first is not None and (number - self._offset - self._first) & 0xFFFF > 0x4000:
                self._first = None  # far enough behind to be forgotten before the numbers come round
        return replace(packet, sequence=number) if self._offset else packet
