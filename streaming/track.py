"""One kind of media of a broadcast: the numbers that viewers see, what was sent lately, and who receives it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Protocol

from streaming.codecs import Codec
from streaming.fanout import Fanout
from streaming.lane import Lane
from streaming.packet import Packet, newer
from streaming.vp8 import Pictures, Renumbering

HISTORY = 1024
"""Packets kept to be sent again: about five seconds at 200 packets a second, 1.2 MB at most."""
CACHE_SECONDS = 2.0
"""A group of pictures that is longer is of no use to a newcomer: it would see the past."""
CACHE_BYTES = 1_000_000
BATCH = 60
"""Packets that are gathered at most before they are sent, even if the frame goes on."""
EARLY = 16
"""Numbers left free where a stream does not begin with a keyframe's beginning: that may come yet."""
LIVE_SECONDS = 1.5
"""Without a packet for so long, a layer is not there to be chosen."""


class Waiting(Protocol):
    """A viewer, as a track sees it."""

    def keyframe_sent_next(self, track: Track) -> None: ...


class Stream:
    """What viewers see as one stream, whichever of its layers they get: its SSRCs, its clock, its pictures' numbers."""

    def __init__(self) -> None:
        self.ssrc = secrets.randbelow(0xFFFFFFFE) + 1
        self.rtx_ssrc = secrets.randbelow(0xFFFFFFFE) + 1
        """The SSRC under which packets are sent again (RFC 4588)."""
        self.pictures = Pictures()
        self.fresh = True
        """Whether the next packet is the first of a publisher: the layers that follow it share its clock."""
        self.last_time = 0.0
        self.last_timestamp = secrets.randbits(32)


class Track:
    """Numbers packets of one publisher after another as one stream, and hands them to the lanes.

    Sequence numbers and timestamps go on without a jump when the publisher changes, so that a player needs to know
    nothing of it (RFC 3550 section 5.1: they may begin anywhere). The layers of a picture are a track each, of one
    `stream`.
    """

    def __init__(self, codec: Codec, fanout: Fanout, name: str = "", stream: Stream | None = None) -> None:
        self.codec = codec
        self.name = name or codec.kind
        self.stream = stream or Stream()
        self.ssrc = self.stream.ssrc
        self._fanout = fanout
        self._lanes: dict[tuple[int, int, str, int], Lane] = {}
        self._history: list[Packet | None] = [None] * HISTORY
        self._batch: list[Packet] = []
        self._frame: list[Packet] = []
        self._sequence_offset = 0
        self._timestamp_offset = 0
        self._rebase = True
        self._renumbering = Renumbering(self.stream.pictures) if codec.name == "VP8" else None
        self.last_time = 0.0
        self.waiting: set[Waiting] = set()
        """Viewers who begin, or go on, with this track's next keyframe."""
        self.first_sequence: int | None = None
        self.last_sequence = secrets.randbelow(0x4000)
        self.sent_sequence = self.last_sequence
        self.last_timestamp = self.sent_timestamp = self.stream.last_timestamp
        self.batch_timestamp = 0
        """That of the frame that is being sent."""
        self.keyframe_sequence: int | None = None
        self._gop_octets = 0
        self._gop_timestamp = 0
        self.packets = 0
        self.octets = 0
        self.frames = 0
        self.size: tuple[int, int] | None = None
        self.bitrate = 0
        """Bits a second, as of the last measurement."""
        self._measured = (0.0, 0)

    def live(self, now: float) -> bool:
        """Whether it is being sent."""
        return self.packets > 0 and now - self.last_time < LIVE_SECONDS

    @property
    def pixels(self) -> int:
        """The size of its picture; 0 until it is known."""
        return self.size[0] * self.size[1] if self.size is not None else 0

    def measure(self, now: float) -> None:
        """Take the bit rate since the last time."""
        before, octets = self._measured
        self._measured = (now, self.octets)
        if before and now > before:
            rate = 8 * (self.octets - octets) / (now - before)
            self.bitrate = int((self.bitrate + rate) / 2 if self.bitrate else rate)

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
        if self._renumbering is not None:
            self._renumbering.restart()

    def timestamp(self, source: int) -> int:
        """The broadcast's timestamp for one of the present publisher."""
        return (source + self._timestamp_offset) & 0xFFFFFFFF

    def add(self, sequence: int, timestamp: int, marker: bool, payload: bytes, now: float) -> Packet | None:
        """Take a packet with the publisher's numbers; None if it is older than the publisher's first here."""
        keyframe = self.codec.starts_keyframe is not None and self.codec.starts_keyframe(payload)
        if self._rebase:
            self._begin(sequence, timestamp, payload, now)
        if self._renumbering is not None:
            payload = self._renumbering(payload, keyframe=keyframe)
        number = (sequence + self._sequence_offset) & 0xFFFF
        if self.first_sequence is not None:
            if newer(self.first_sequence, number):
                return None
            if number - self.first_sequence & 0xFFFF > 0x4000:
                self.first_sequence = None  # far enough behind to be forgotten before the numbers come round
        packet = Packet(number, self.timestamp(timestamp), marker, payload, keyframe, now)
        if newer(number, self.last_sequence):
            self.last_sequence = number
            self.last_timestamp = self.stream.last_timestamp = packet.timestamp
            self.last_time = self.stream.last_time = now
        self.packets += 1
        self.octets += len(payload)
        self.frames += marker
        self._history[number % HISTORY] = packet
        self._cache(packet)
        if self._batch and self._batch[-1].timestamp != packet.timestamp:
            self.flush()  # a batch is of one frame, so that a layer can be left and entered between two of them
        self._batch.append(packet)
        if marker or self.codec.kind == "audio" or len(self._batch) >= BATCH:
            self.flush()
        return packet

    def _begin(self, sequence: int, timestamp: int, payload: bytes, now: float) -> None:
        """Let the numbers of a source that begins follow on those before; the layers of one publisher share a clock."""
        self._rebase = False
        stream, rate = self.stream, self.codec.clock_rate
        # A picture's stream begins with its size: where the first packet to arrive has none, what was before it may
        # still come.
        early = 0 if self.codec.dimensions is None or self.codec.dimensions(payload) is not None else EARLY
        self._sequence_offset = self.last_sequence + 1 + early - sequence
        elapsed = int((now - stream.last_time) * rate) if stream.last_time else 0
        if stream.fresh:
            elapsed = max(elapsed, rate // 50)
            stream.fresh = False
        self._timestamp_offset = stream.last_timestamp + elapsed - timestamp
        self.first_sequence = (self.last_sequence + 1) & 0xFFFF
        self.last_sequence = (self.first_sequence - 1) & 0xFFFF

    def _cache(self, packet: Packet) -> None:
        """Keep track of where the newest keyframe begins: from there on a newcomer can be served."""
        codec = self.codec
        if codec.starts_keyframe is None:
            return
        if self._frame and (self._frame[0].timestamp != packet.timestamp or len(self._frame) == HISTORY):
            self._frame = []
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
            self.batch_timestamp = batch[0].timestamp
            if self.waiting and any(packet.keyframe for packet in batch):
                waiting, self.waiting = self.waiting, set()
                for viewer in waiting:
                    viewer.keyframe_sent_next(self)
            self.sent_sequence = self.last_sequence
            if (batch[0].timestamp - self.sent_timestamp) & 0xFFFFFFFF < 0x80000000:
                self.sent_timestamp = batch[0].timestamp
            for lane in self._lanes.values():
                self._fanout.send(batch, lane)

    def lane(self, payload_type: int, profile: str, first: int, extension: int = 0) -> Lane:
        """The lane for a viewer whose first packet is number `first`, with an SRTP profile of that name.

        A receiver's first sequence number should be in the lower half: if its first packets got lost just before
        the number wraps, it would count the wraps differently and understand nothing (RFC 3711 section 3.3.1).
        """
        key = (payload_type, first & 0x8000, profile, extension)
        lane = self._lanes.get(key)
        if lane is None:
            lane = Lane(ssrc=self.ssrc, payload_type=payload_type, offset=first & 0x8000, extension=extension)
            self._lanes[key] = lane
        return lane

    def mixed_lane(self, payload_type: int, profile: str, extension: int = 0) -> Lane:
        """The lane for viewers who come from another layer, with numbers of their own."""
        key = (payload_type, -1, profile, extension)
        lane = self._lanes.get(key)
        if lane is None:
            lane = Lane(ssrc=self.ssrc, payload_type=payload_type, extension=extension, mixed=True)
            self._lanes[key] = lane
        return lane

    def kept(self, sequences: Iterable[int]) -> list[Packet]:
        """Those of the packets that are still here, by the broadcast's sequence numbers."""
        found = []
        for sequence in sequences:
            packet = self._history[sequence % HISTORY]
            if packet is not None and packet.sequence == sequence:
                found.append(packet)
        return found
