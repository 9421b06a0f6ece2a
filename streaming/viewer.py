"""A viewer of an activity: joins the lanes of the broadcast, and gets again what it says it lost."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import replace
from struct import error as struct_error
from typing import TYPE_CHECKING, Any, Literal

from aiortc.rtp import (
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
)

from streaming import codecs
from streaming.fanout import Lane
from streaming.ice import Address
from streaming.packet import Packet, newer
from streaming.peer import Peer
from streaming.sdp import Offer
from streaming.sdp import Track as Agreed
from streaming.track import Track

if TYPE_CHECKING:
    from streaming.broadcast import Broadcast

REPORT_SECONDS = 2.0
CATCH_UP_PACKETS = 16
CATCH_UP_SECONDS = 0.003
"""A newcomer gets the packets since the last keyframe at this pace: about 50 Mb/s, so that small buffers hold them."""
MAX_RESENT = 64
"""Packets sent again for one NACK message."""
RESEND_SHARE = 200
"""Packets sent again to one viewer in a second, at most."""


class Channel:
    """One track of a viewer: its lane once it has caught up, and a lane of its own for what it alone receives."""

    def __init__(self, track: Track, agreed: Agreed) -> None:
        self.track = track
        self.payload_type = agreed.payload_type
        self.lane: Lane | None = None
        self.own: Lane | None = None
        self.first_sequence: int | None = None
        self.next_sequence: int | None = None
        self.squeezed: dict[int, int] = {}
        self.lane_packets = 0
        self.lane_octets = 0

    @property
    def sent(self) -> tuple[int, int]:
        """Packets and octets of payload sent so far."""
        packets = octets = 0
        if self.own is not None:
            packets, octets = self.own.packets, self.own.octets
        if self.lane is not None:
            packets += self.lane.packets - self.lane_packets
            octets += self.lane.octets - self.lane_octets
        return packets, octets


class Viewer(Peer):
    """A WHEP session."""

    kind: Literal["watch"] = "watch"

    def __init__(self, offer: Offer, *, broadcast: Broadcast, **keywords: Any) -> None:
        super().__init__(offer, **keywords)
        self.broadcast = broadcast
        self.tracks = choose(offer, broadcast)
        self._takes = {media.kind: {entry.codec for entry in media.formats} for media in offer.media if media.formats}
        self.channels = [Channel(broadcast.tracks[codecs.BY_NAME[a.codec].kind], a) for a in self.tracks]
        self.fraction_lost = 0.0
        self._next_report = 0.0
        self._resendable = float(RESEND_SHARE)
        self._resend_time = 0.0
        self._catching_up: asyncio.TimerHandle | None = None

    def suits(self, offered: dict[str, codecs.Codec]) -> bool:
        """Whether this viewer's session can carry what a publisher sends: all of it that the viewer would take."""
        received = {channel.track.codec.kind for channel in self.channels}
        for channel in self.channels:
            kind = channel.track.codec.kind
            if kind in offered and self.broadcast.tracks.get(kind) is not channel.track:
                return False
        return not any(
            kind not in received and codec.name in self._takes.get(kind, ()) for kind, codec in offered.items()
        )

    def on_connected(self) -> None:
        assert self.address is not None  # a handshake has one
        for channel in self.channels:
            self._open(channel)
        self.broadcast.viewer_connected(self)
        self.send_report(time.monotonic())
        self.catch_up()

    def _open(self, channel: Channel) -> None:
        track = channel.track
        first = (track.sent_sequence + 1) & 0xFFFF
        if track.codec.starts_keyframe is None:
            channel.next_sequence = None
        elif track.keyframe_sequence is not None:
            first = channel.next_sequence = track.keyframe_sequence
            self._squeeze(channel)
        else:
            channel.next_sequence = None
        channel.first_sequence = first
        lane = channel.track.lane(channel.payload_type, self.secure.profile, first)
        channel.own = Lane(ssrc=lane.ssrc, payload_type=lane.payload_type, offset=lane.offset)
        assert self.address is not None
        channel.own.add(self, self.secure.tx, self.address, self.port.name(self.address))
        if track.codec.starts_keyframe is None:
            self._join(channel)
        elif channel.next_sequence is None:
            track.waiting.add(self)

    def _squeeze(self, channel: Channel) -> None:
        """Give the frames that a newcomer gets at once timestamps a millisecond apart.

        With their own it would play what is past, and stay behind by so much. The mapping is kept, since a packet
        that is sent again under the same number must be the same (RFC 3711 section 9.1).
        """
        track = channel.track
        start = channel.next_sequence
        assert start is not None
        stamps = dict.fromkeys(packet.timestamp for packet in track.kept(_numbers(start, track.last_sequence)))
        newest = track.last_timestamp
        step = track.codec.clock_rate // 1000
        for rank, stamp in enumerate(reversed(stamps)):
            channel.squeezed[stamp] = (newest - rank * step) & 0xFFFFFFFF

    def keyframe_sent_next(self, track: Track) -> None:
        """The broadcast is about to send a keyframe: a viewer that waits for one begins here."""
        for channel in self.channels:
            if channel.track is track and channel.lane is None and channel.next_sequence is None:
                self._join(channel)

    def _join(self, channel: Channel) -> None:
        if channel.lane is not None or self.address is None or self.ended:
            return
        assert channel.first_sequence is not None
        lane = channel.track.lane(channel.payload_type, self.secure.profile, channel.first_sequence)
        lane.add(self, self.secure.tx, self.address, self.port.name(self.address))
        channel.lane = lane
        channel.lane_packets, channel.lane_octets = lane.packets, lane.octets

    def catch_up(self) -> None:
        """Send the next few packets since the keyframe, until there are no more: then this viewer is one of all."""
        self._catching_up = None
        again = False
        for channel in self.channels:
            if self.ended or channel.next_sequence is None or channel.own is None:
                continue
            track = channel.track
            left = (track.sent_sequence - channel.next_sequence + 1) & 0xFFFF
            if left < 0x8000:
                numbers = [(channel.next_sequence + step) & 0xFFFF for step in range(min(left, CATCH_UP_PACKETS))]
                channel.next_sequence = (channel.next_sequence + len(numbers)) & 0xFFFF
                track.send(self._as_sent(channel, track.kept(numbers)), channel.own)
                left -= len(numbers)
            if 0 < left < 0x8000:
                again = True
            else:
                channel.next_sequence = None
                self._join(channel)
        if again:
            self._catching_up = asyncio.get_running_loop().call_later(CATCH_UP_SECONDS, self.catch_up)

    @staticmethod
    def _as_sent(channel: Channel, packets: list[Packet]) -> list[Packet]:
        squeezed = channel.squeezed
        return [
            replace(packet, timestamp=squeezed[packet.timestamp]) if packet.timestamp in squeezed else packet
            for packet in packets
        ]

    def rtcp(self, data: bytes, now: float) -> None:
        try:
            packets = RtcpPacket.parse(data)
        except (ValueError, struct_error, IndexError):
            self.port.drops["rtcp"] += 1
            return
        for packet in packets:
            if isinstance(packet, RtcpPsfbPacket):
                if packet.fmt in (RTCP_PSFB_PLI, RTCP_PSFB_FIR):
                    self.broadcast.counters["keyframe requests received"] += 1
                    self.broadcast.request_keyframe(now)
            elif isinstance(packet, RtcpRtpfbPacket) and packet.fmt == RTCP_RTPFB_NACK:
                self._resend(packet, now)
            elif isinstance(packet, RtcpRrPacket) and packet.reports:
                self.fraction_lost = max(report.fraction_lost for report in packet.reports) / 256

    def _resend(self, nack: RtcpRtpfbPacket, now: float) -> None:
        self.broadcast.counters["nacks received"] += 1
        self._resendable = min(RESEND_SHARE, self._resendable + (now - self._resend_time) * RESEND_SHARE)
        self._resend_time = now
        for channel in self.channels:
            own = channel.own
            if own is None or own.ssrc != nack.media_ssrc or channel.first_sequence is None:
                continue
            first, track = channel.first_sequence, channel.track
            numbers = [(number - own.offset) & 0xFFFF for number in nack.lost[:MAX_RESENT]]
            # Only what this viewer was sent before: anything else would be new to it, and in the wrong order.
            numbers = [
                number for number in numbers if not newer(first, number) and not newer(number, track.sent_sequence)
            ]
            packets = track.kept(numbers)[: int(self._resendable)]
            self._resendable -= len(packets)
            self.broadcast.counters["packets resent"] += len(packets)
            track.send(self._as_sent(channel, packets), own)

    def send_report(self, now: float) -> None:
        """Sender reports for both tracks, so that the player knows what belongs together (RFC 3550 section 6.4.1)."""
        self._next_report = now + REPORT_SECONDS * (0.75 + secrets.randbelow(512) / 1024)
        for channel in self.channels:
            ssrc = channel.track.ssrc
            clock = self.broadcast.clock(channel.track, now)
            if clock is None:
                continue
            ntp, timestamp = clock
            packets, octets = channel.sent
            info = RtcpSenderInfo(
                ntp_timestamp=ntp,
                rtp_timestamp=timestamp,
                packet_count=packets & 0xFFFFFFFF,
                octet_count=octets & 0xFFFFFFFF,
            )
            sdes = RtcpSdesPacket(chunks=[RtcpSourceInfo(ssrc=ssrc, items=[(1, b"minsheng")])])
            self.send_rtcp(bytes(RtcpSrPacket(ssrc=ssrc, sender_info=info)) + bytes(sdes))

    def tick(self, now: float) -> None:
        super().tick(now)
        if self.connected and not self.ended and now >= self._next_report:
            self.send_report(now)

    def address_changed(self, address: Address) -> None:
        name = self.port.name(address)
        for channel in self.channels:
            for lane in (channel.lane, channel.own):
                if lane is not None:
                    lane.move(self, address, name)

    async def close(self) -> None:
        if self._catching_up is not None:
            self._catching_up.cancel()
        for channel in self.channels:
            channel.track.waiting.discard(self)
            if channel.lane is not None:
                channel.lane.discard(self)
            if channel.own is not None:
                channel.own.discard(self)
        await super().close()


def _numbers(first: int, last: int) -> list[int]:
    return [(first + step) & 0xFFFF for step in range(((last - first) & 0xFFFF) + 1)]


def choose(offer: Offer, broadcast: Broadcast) -> list[Agreed]:
    """For each m-section the format that the broadcast has, where it was offered."""
    agreed = []
    for index, media in enumerate(offer.media):
        track = broadcast.tracks.get(media.kind)
        if track is None or not broadcast.carries(media.kind):
            continue
        for entry in media.formats:
            if entry.codec == track.codec.name:
                agreed.append(Agreed(index, entry.codec, entry.payload_type, ssrc=track.ssrc))
                break
    return agreed
