"""One kind of media of a broadcast: the numbers that viewers see, what was sent lately, and who receives it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from typing import Protocol

from streaming.codecs import Codec
from streaming.fanout import Fanout, Lane
from streaming.packet import Packet, newer

HISTORY = 1024
"""Packets kept to be sent again: about five seconds at 200 packets a second, 1.2 MB at most."""
CACHE_SECONDS = 2.0
"""A group of pictures that is longer is of no use to a newcomer: it would see the past."""
CACHE_BYTES = 1_000_000
BATCH = 60
"""Packets that are gathered at most before they are sent, even if the frame goes on."""


class Waiting(Protocol):
    """A viewer, as a track sees it."""

    def keyframe_sent_next(self, track: Track) -> None: ...


class Track:
    """Numbers packets of one publisher after another as one stream, and hands them to the lanes.

    Sequence numbers and timestamps go on without a jump when the publisher changes, so that a player needs to know
    nothing of it (RFC 3550 section 5.1: they may begin anywhere).
    """

    def __init__(self, codec: Codec, fanout: Fanout) -> None:
        self.codec = codec
        self.ssrc = secrets.randbelow(0xFFFFFFFE) + 1
        self._fanout = fanout
        self._lanes: dict[tuple[int, int, str], Lane] = {}
        self._history: list[Packet | None] = [None] * HISTORY
        self._batch: list[Packet] = []
        self._frame: list[Packet] = []
        self._sequence_offset = 0
        self._timestamp_offset = 0
        self._rebase = True
        self.last_time = 0.0
        self.waiting: set[Waiting] = set()
        """Newcomers for whom no keyframe is kept: they begin with the next one."""
        self.first_sequence: int | None = None
        self.last_sequence = secrets.randbelow(0x4000)
        self.sent_sequence = self.last_sequence
        self.last_timestamp = secrets.randbits(32)
        self.keyframe_sequence: int | None = None
        self._gop_octets = 0
        self._gop_timestamp = 0
        self.packets = 0
        self.octets = 0
        self.frames = 0
        self.size: tuple[int, int] | None = None

    @property
    def pending(self) -> bool:
        """Whether packets wait for the rest of their frame."""
        return bool(self._batch)

    def rebase(self) -> None:
        """The next packet comes from another source: its numbers follow on those sent before."""
        self.flush()
        self._rebase = True
        self.first_sequence = None
        self.keyframe_sequence = None
        self._frame = []

    def timestamp(self, source: int) -> int:
        """The broadcast's timestamp for one of the present publisher."""
        return (source + self._timestamp_offset) & 0xFFFFFFFF

    def add(self, sequence: int, timestamp: int, marker: bool, payload: bytes, now: float) -> Packet | None:
        """Take a packet with the publisher's numbers; None if it is older than the publisher's first here."""
        if self._rebase:
            self._rebase = False
            self._sequence_offset = self.last_sequence + 1 - sequence
            elapsed = int((now - self.last_time) * self.codec.clock_rate) if self.last_time else 0
            self._timestamp_offset = self.last_timestamp + max(elapsed, self.codec.clock_rate // 50) - timestamp
            self.first_sequence = (self.last_sequence + 1) & 0xFFFF
            self.last_sequence = (self.first_sequence - 1) & 0xFFFF
        number = (sequence + self._sequence_offset) & 0xFFFF
        if self.first_sequence is not None:
            if newer(self.first_sequence, number):
                return None
            if number - self.first_sequence & 0xFFFF > 0x4000:
                self.first_sequence = None  # far enough behind to be forgotten before the numbers come round
        packet = Packet(number, self.timestamp(timestamp), marker, payload)
        if newer(number, self.last_sequence):
            self.last_sequence = number
            self.last_timestamp = packet.timestamp
            self.last_time = now
        self.packets += 1
        self.octets += len(payload)
        self.frames += marker
        self._history[number % HISTORY] = packet
        self._cache(packet)
        self._batch.append(packet)
        if marker or self.codec.kind == "audio" or len(self._batch) >= BATCH:
            self.flush()
        return packet

    def _cache(self, packet: Packet) -> None:
        """Keep track of where the newest keyframe begins: from there on a newcomer can be served."""
        codec = self.codec
        if codec.starts_keyframe is None:
            return
        if self._frame and (self._frame[0].timestamp != packet.timestamp or len(self._frame) == HISTORY):
            self._frame = []
        packet.keyframe = codec.starts_keyframe(packet.payload)
        self._frame.append(packet)
        known = self.keyframe_sequence
        if packet.keyframe and known is not None and packet.timestamp == self._gop_timestamp:
            # Another beginning of the keyframe that is known; if it came late, it may be the one to begin with.
            if newer(known, packet.sequence):
                self.keyframe_sequence = packet.sequence
        elif packet.keyframe:
            if codec.dimensions is not None:
                self.size = codec.dimensions(packet.payload) or self.size
            first = self._frame[0].sequence
            for other in self._frame:
                if newer(first, other.sequence):
                    first = other.sequence
            self.keyframe_sequence = first
            self._gop_timestamp = packet.timestamp
            self._gop_octets = sum(len(other.payload) for other in self._frame)
        elif self.keyframe_sequence is not None:
            self._gop_octets += len(packet.payload)
            age = (packet.timestamp - self._gop_timestamp) & 0xFFFFFFFF
            count = (packet.sequence - self.keyframe_sequence) & 0xFFFF
            if (
                self._gop_octets > CACHE_BYTES
                or CACHE_SECONDS * codec.clock_rate < age < 0x80000000
                or HISTORY - 2 * BATCH < count < 0x8000
            ):
                self.keyframe_sequence = None

    def flush(self) -> None:
        """Send what was gathered."""
        batch = self._batch
        if batch:
            self._batch = []
            if self.waiting and any(packet.keyframe for packet in batch):
                for newcomer in list(self.waiting):
                    newcomer.keyframe_sent_next(self)
                self.waiting.clear()
            self.sent_sequence = self.last_sequence
            for lane in self._lanes.values():
                self._fanout.send(batch, lane)

    def send(self, packets: Sequence[Packet], lane: Lane) -> None:
        """Send packets again, or to a newcomer alone."""
        self._fanout.send(packets, lane)

    def lane(self, payload_type: int, profile: str, first: int) -> Lane:
        """The lane for a viewer whose first packet is number `first`, with an SRTP profile of that name.

        A receiver's first sequence number should be in the lower half: if its first packets got lost just before
        the number wraps, it would count the wraps differently and understand nothing (RFC 3711 section 3.3.1).
        """
        key = (payload_type, first & 0x8000, profile)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(ssrc=self.ssrc, payload_type=payload_type, offset=first & 0x8000)
        return lane

    def kept(self, sequences: Iterable[int]) -> list[Packet]:
        """Those of the packets that are still here, by the broadcast's sequence numbers."""
        found = []
        for sequence in sequences:
            packet = self._history[sequence % HISTORY]
            if packet is not None and packet.sequence == sequence:
                found.append(packet)
        return found
