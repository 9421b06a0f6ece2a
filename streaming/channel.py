"""One kind of media of a viewer: which track it is sent, with which numbers, and how that changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from struct import Struct
from typing import TYPE_CHECKING

from streaming.lane import Lane, Numbers
from streaming.packet import Packet, newer
from streaming.sdp import Track as Agreed
from streaming.track import HISTORY, Track

if TYPE_CHECKING:
    from streaming.viewer import Viewer

CATCH_UP_PACKETS = 16
STRETCHES = 4
"""Changes of layer that are remembered: packets from before an earlier one are not sent again."""
ORIGINAL_NUMBER = Struct("!H")


@dataclass(slots=True)
class Stretch:
    """A run of one track's packets as one viewer gets them. Numbers are the track's; `last` is None while it goes on.

    `squeezed` maps timestamps of the frames that a newcomer gets at once.
    """

    track: Track
    first: int
    numbers: Numbers
    last: int | None = None
    squeezed: dict[int, int] = field(default_factory=dict)

    def holds(self, number: int) -> bool:
        """Whether the packet with this number was sent."""
        last = self.track.sent_sequence if self.last is None else self.last
        return not newer(self.first, number) and not newer(number, last)

    def as_sent(self, packets: Iterable[Packet]) -> list[Packet]:
        """The packets with the timestamps that they had."""
        squeezed = self.squeezed
        return [
            replace(packet, timestamp=squeezed[packet.timestamp]) if packet.timestamp in squeezed else packet
            for packet in packets
        ]


class Channel:
    """Belongs to a viewer. `track` is None as long as nothing is wanted; `wanted` is what its next keyframe brings."""

    __slots__ = (
        "_before",
        "_extension",
        "_octets",
        "_packets",
        "_payload_type",
        "_reached",
        "_rtx",
        "_rtx_sequence",
        "_stamp",
        "_viewer",
        "kind",
        "lane",
        "next_sequence",
        "stream",
        "stretches",
        "track",
        "wanted",
    )

    def __init__(self, viewer: Viewer, track: Track, agreed: Agreed, extension: int) -> None:
        self.kind = track.codec.kind
        self.stream = track.stream
        self.track: Track | None = track
        self.wanted: Track | None = None
        self.lane: Lane | None = None
        self.stretches: list[Stretch] = []
        self.next_sequence: int | None = None
        self._viewer = viewer
        self._payload_type = agreed.payload_type
        self._rtx = agreed.rtx
        self._extension = extension
        self._rtx_sequence = 0
        self._reached = 0
        """The last sequence number, as the viewer counts, of the stretch that ended."""
        self._stamp = 0
        self._before = (0, 0)
        self._packets = self._octets = 0

    @property
    def sent(self) -> tuple[int, int]:
        """Packets and octets of payload sent so far."""
        packets, octets = self._packets, self._octets
        if self.lane is not None:
            packets += self.lane.packets - self._before[0]
            octets += self.lane.octets - self._before[1]
        return packets, octets

    @property
    def shift(self) -> int:
        """What is added to the present track's timestamps."""
        return self.stretches[-1].numbers[1] if self.stretches else 0

    def open(self, track: Track | None) -> None:
        """Begin with the last keyframe of the track, or with its next one; without a track, with nothing."""
        self.track = track
        if track is None:
            return
        first = (track.sent_sequence + 1) & 0xFFFF
        if track.codec.starts_keyframe is not None and track.keyframe_sequence is not None:
            first = self.next_sequence = track.keyframe_sequence
        offset = track.lane(self._payload_type, self._viewer.secure.profile, first, self._extension).offset
        stretch = Stretch(track, first, (offset, 0))
        self.stretches.append(stretch)
        if track.codec.starts_keyframe is None:
            self._join(stretch)
        elif self.next_sequence is None:
            self.wanted = track
            track.waiting.add(self._viewer)
        else:
            self._squeeze(stretch)

    def _squeeze(self, stretch: Stretch) -> None:
        """Give the frames that a newcomer gets at once timestamps a millisecond apart.

        With their own it would play what is past, and stay behind by so much. The mapping is kept, since a packet
        that is sent again under the same number must be the same (RFC 3711 section 9.1).
        """
        track = stretch.track
        count = ((track.last_sequence - stretch.first) & 0xFFFF) + 1
        numbers = ((stretch.first + step) & 0xFFFF for step in range(count))
        stamps = dict.fromkeys(packet.timestamp for packet in track.kept(numbers))
        step = track.codec.clock_rate // 1000
        for rank, stamp in enumerate(reversed(stamps)):
            stretch.squeezed[stamp] = (track.last_timestamp - rank * step) & 0xFFFFFFFF

    def relax(self) -> None:
        """Forget a newcomer's timestamps when their packets cannot be sent again any more."""
        first = self.stretches[0] if self.stretches else None
        if first is not None and first.squeezed and (first.track.sent_sequence - first.first) & 0xFFFF > HISTORY:
            first.squeezed = {}

    def catch_up(self) -> bool:
        """Send the next few packets since the keyframe. Whether there are more; else this viewer is one of all."""
        if self.next_sequence is None or not self.stretches:
            return False
        stretch = self.stretches[-1]
        track = stretch.track
        left = (track.sent_sequence - self.next_sequence + 1) & 0xFFFF
        if left < 0x8000:
            numbers = [(self.next_sequence + step) & 0xFFFF for step in range(min(left, CATCH_UP_PACKETS))]
            self.next_sequence = (self.next_sequence + len(numbers)) & 0xFFFF
            self._send_alone(stretch.as_sent(track.kept(numbers)), stretch.numbers)
            left -= len(numbers)
        if 0 < left < 0x8000:
            return True
        self.next_sequence = None
        self._join(stretch)
        return False

    def _join(self, stretch: Stretch) -> None:
        viewer = self._viewer
        if self.lane is not None or viewer.address is None or viewer.ended:
            return
        track, profile = stretch.track, viewer.secure.profile
        if len(self.stretches) > 1:
            lane = track.mixed_lane(self._payload_type, profile, self._extension)
        else:
            lane = track.lane(self._payload_type, profile, stretch.first, self._extension)
        lane.add(viewer, viewer.secure.tx, viewer.address, viewer.port.name(viewer.address), stretch.numbers)
        self.lane, self._before = lane, (lane.packets, lane.octets)

    def want(self, track: Track | None) -> None:
        """Change to another layer with its next keyframe; None ends this kind of media at once."""
        viewer = self._viewer
        if self.wanted is not None and self.wanted is not track:
            self.wanted.waiting.discard(viewer)
        self.wanted = None
        if track is None:
            self._leave()
        elif track is not self.track or self.lane is None:
            self.wanted = track
            track.waiting.add(viewer)

    def keyframe_sent_next(self, track: Track) -> None:
        """The track is about to send a keyframe: a viewer that waits for it begins or goes on here."""
        if self.wanted is not track:
            return
        self.wanted = None
        if self.lane is None and self.track is track and self.stretches:
            self._join(self.stretches[-1])
            return
        self._leave()
        self.track = track
        first = (track.sent_sequence + 1) & 0xFFFF
        if not self.stretches:  # it had no picture so far
            offset = track.lane(self._payload_type, self._viewer.secure.profile, first, self._extension).offset
            self.stretches.append(Stretch(track, first, (offset, 0)))
            self._join(self.stretches[-1])
            return
        offset = (self._reached + 1 - first) & 0xFFFF
        behind = (self._stamp - track.batch_timestamp) & 0xFFFFFFFF
        # Two layers of one frame, or a clock that is not the same to the tick: time must go on.
        shift = behind + track.codec.clock_rate // 1000 if behind < 0x80000000 else 0
        self.stretches = [*self.stretches[1 - STRETCHES :], Stretch(track, first, (offset, shift))]
        self._join(self.stretches[-1])

    def _leave(self) -> None:
        """Receive nothing more of the present track."""
        self._packets, self._octets = self.sent
        if self.lane is not None:
            self.lane.discard(self._viewer)
            self.lane = None
        if self.track is not None and self.stretches:
            stretch = self.stretches[-1]
            offset, shift = stretch.numbers
            stretch.last = self.track.sent_sequence
            if self.next_sequence is not None:  # it had not caught up
                stretch.last, self.next_sequence = (self.next_sequence - 1) & 0xFFFF, None
            self._reached = (stretch.last + offset) & 0xFFFF
            self._stamp = (self.track.sent_timestamp + shift) & 0xFFFFFFFF
        self.track = None

    def lost(self, numbers: Iterable[int]) -> list[tuple[Stretch, Packet]]:
        """Those of the packets, by the viewer's numbers, that were sent to it and are still here.

        Anything else would be new to it, and in the wrong order.
        """
        found = []
        for number in numbers:
            for stretch in reversed(self.stretches):
                own = (number - stretch.numbers[0]) & 0xFFFF
                if stretch.holds(own):
                    found += [(stretch, packet) for packet in stretch.as_sent(stretch.track.kept([own]))]
                    break
        return found

    def resend(self, packets: list[tuple[Stretch, Packet]], now: float) -> bool:
        """Send packets again: by RTX where it was agreed (RFC 4588), else under the same number. Whether by RTX."""
        if self._rtx is None:
            for stretch, packet in packets:
                self._send_alone([packet], stretch.numbers)
            return False
        again = []
        for stretch, packet in packets:
            offset, shift = stretch.numbers
            payload = ORIGINAL_NUMBER.pack((packet.sequence + offset) & 0xFFFF) + packet.payload
            timestamp = (packet.timestamp + shift) & 0xFFFFFFFF
            again.append(Packet(self._rtx_sequence, timestamp, packet.marker, payload, arrived=now))
            self._rtx_sequence = (self._rtx_sequence + 1) & 0xFFFF
        self._send_to(self._alone(self.stream.rtx_ssrc, self._rtx, (0, 0)), again)
        return True

    def _send_alone(self, packets: list[Packet], numbers: Numbers) -> None:
        self._packets += len(packets)
        self._octets += sum(len(packet.payload) for packet in packets)
        self._send_to(self._alone(self.stream.ssrc, self._payload_type, numbers), packets)

    def _alone(self, ssrc: int, payload_type: int, numbers: Numbers) -> Lane:
        offset, shift = numbers
        return Lane(ssrc=ssrc, payload_type=payload_type, offset=offset, shift=shift, extension=self._extension)

    def _send_to(self, lane: Lane, packets: list[Packet]) -> None:
        viewer = self._viewer
        if viewer.address is not None and packets:
            lane.add(viewer, viewer.secure.tx, viewer.address, viewer.port.name(viewer.address))
            viewer.port.fanout.send(packets, lane)

    def close(self) -> None:
        """Let go of everything."""
        if self.wanted is not None:
            self.wanted.waiting.discard(self._viewer)
            self.wanted = None
        if self.lane is not None:
            self.lane.discard(self._viewer)
