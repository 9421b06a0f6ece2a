"""A viewer of an activity: joins the lanes of the broadcast, and gets again what it says it lost."""

from __future__ import annotations

import asyncio
import secrets
import time
from struct import error as struct_error
from typing import TYPE_CHECKING, Any, Literal

from aiortc.rtp import (
    RTCP_PSFB_APP,
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
    unpack_remb_fci,
)

from streaming import codecs, layers
from streaming.channel import Channel
from streaming.ice import Address
from streaming.layers import Choice
from streaming.peer import Peer
from streaming.sdp import Offer
from streaming.sdp import Track as Agreed
from streaming.track import Track

if TYPE_CHECKING:
    from streaming.broadcast import Broadcast

REPORT_SECONDS = 2.0
CHOICE_SECONDS = 0.5
ESTIMATE_SECONDS = 5.0
"""An estimate that is older says nothing any more; who sends them does so once a second."""
CATCH_UP_SECONDS = 0.003
"""A newcomer gets the packets since the last keyframe at this pace: about 50 Mb/s, so that small buffers hold them."""
MAX_RESENT = 64
"""Packets sent again for one NACK message."""
RESEND_SHARE = 200
"""Packets sent again to one viewer in a second, at most."""


class Viewer(Peer):
    """A WHEP session."""

    kind: Literal["watch"] = "watch"

    def __init__(self, offer: Offer, *, broadcast: Broadcast, picture: bool = True, **keywords: Any) -> None:
        super().__init__(offer, **keywords)
        self.broadcast = broadcast
        self.tracks = choose(offer, broadcast)
        self.picture = picture
        """Whether it wants one: else it gets the sound alone."""
        self._takes = {media.kind: {entry.codec for entry in media.formats} for media in offer.media if media.formats}
        self.channels = [
            Channel(self, broadcast.tracks[codecs.BY_NAME[a.codec].kind], a, offer.media[a.index].abs_send_time or 0)
            for a in self.tracks
        ]
        self.fraction_lost = 0.0
        self.estimate: int | None = None
        """What the viewer says it can receive, in bits a second (REMB); None where it says nothing lately."""
        self._estimate_time = 0.0
        self.choice: Choice | None = None
        self._next_choice = 0.0
        self._next_report = 0.0
        self._resendable = float(RESEND_SHARE)
        self._resend_time = 0.0
        self._catching_up: asyncio.TimerHandle | None = None

    def suits(self, offered: dict[str, codecs.Codec]) -> bool:
        """Whether this viewer's session can carry what a publisher sends: all of it that the viewer would take."""
        received = {channel.kind for channel in self.channels}
        for channel in self.channels:
            track = self.broadcast.tracks.get(channel.kind)
            if channel.kind in offered and (track is None or track.stream is not channel.stream):
                return False
        return not any(
            kind not in received and codec.name in self._takes.get(kind, ()) for kind, codec in offered.items()
        )

    @property
    def layer(self) -> Track | None:
        """The layer of the picture that it gets; None while it gets none."""
        return next((channel.track for channel in self.channels if channel.kind == "video" and channel.lane), None)

    def on_connected(self) -> None:
        assert self.address is not None  # a handshake has one
        now = time.monotonic()
        for channel in self.channels:
            if channel.kind == "video":
                channel.open(self._first_layer(channel, now) if self.picture else None)
            else:
                channel.open(channel.track)
        self.broadcast.viewer_connected(self)
        self.send_report(now)
        self.catch_up()

    def _first_layer(self, channel: Channel, now: float) -> Track | None:
        self.choice = layers.begin(self.broadcast.layers(now), now)
        return self.broadcast.tracks[self.choice.name] if self.choice is not None else channel.track

    def set_picture(self, picture: bool) -> None:
        """Send the picture too, from its next keyframe on, or the sound alone (省流量)."""
        self.picture = picture
        now = time.monotonic()
        for channel in self.channels:
            if channel.kind != "video" or not self.connected:
                continue
            if not picture:
                self.choice = None
                channel.want(None)
            elif channel.lane is None and channel.wanted is None and channel.next_sequence is None:
                track = self._first_layer(channel, now) or self.broadcast.tracks["video"]
                channel.want(track)
                self.broadcast.request_keyframe(now, track)

    def keyframe_sent_next(self, track: Track) -> None:
        """The broadcast is about to send a keyframe: a viewer that waits for one begins here."""
        for channel in self.channels:
            channel.keyframe_sent_next(track)

    def catch_up(self) -> None:
        """Send the next few packets since the keyframe, until there are no more: then this viewer is one of all."""
        self._catching_up = None
        if self.ended:
            return
        behind = [channel.catch_up() for channel in self.channels]
        if any(behind):
            self._catching_up = asyncio.get_running_loop().call_later(CATCH_UP_SECONDS, self.catch_up)

    def _choose_layer(self, now: float) -> None:
        """Let what the viewer can receive decide which layer it gets."""
        self._next_choice = now + CHOICE_SECONDS
        video = next((channel for channel in self.channels if channel.kind == "video"), None)
        if video is None or not self.picture or video.next_sequence is not None:
            return
        offered = self.broadcast.layers(now)
        if not offered:
            return
        if now - self._estimate_time > ESTIMATE_SECONDS:
            self.estimate = None
        estimate = self.estimate
        if estimate is not None:
            estimate -= sum(track.bitrate for track in self.broadcast.tracks.values() if track.codec.kind == "audio")
        before = self.choice or layers.begin(offered, now)
        assert before is not None  # there are layers
        choice = layers.decide(before, offered, estimate, self.fraction_lost, now)
        wanted = self.broadcast.tracks[choice.name]
        if wanted is not (video.wanted or video.track):
            self.broadcast.counters["layers changed"] += 1
            video.want(wanted)
            self.broadcast.request_keyframe(now, wanted)
        self.choice = choice

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
                    if self.picture:
                        self.broadcast.request_keyframe(now, self._shown())
                elif packet.fmt == RTCP_PSFB_APP:
                    self._estimated(packet.fci, now)
            elif isinstance(packet, RtcpRtpfbPacket) and packet.fmt == RTCP_RTPFB_NACK:
                self._resend(packet, now)
            elif isinstance(packet, RtcpRrPacket) and packet.reports:
                self.fraction_lost = max(report.fraction_lost for report in packet.reports) / 256

    def _shown(self) -> Track | None:
        """The layer that it gets or is about to get."""
        return next((c.wanted or c.track for c in self.channels if c.kind == "video"), None)

    def _estimated(self, fci: bytes, now: float) -> None:
        try:
            bitrate, _ssrcs = unpack_remb_fci(fci)
        except (ValueError, struct_error, IndexError):
            self.port.drops["rtcp"] += 1
            return
        self.estimate, self._estimate_time = bitrate, now

    def _resend(self, nack: RtcpRtpfbPacket, now: float) -> None:
        counters = self.broadcast.counters
        counters["nacks received"] += 1
        self._resendable = min(RESEND_SHARE, self._resendable + (now - self._resend_time) * RESEND_SHARE)
        self._resend_time = now
        for channel in self.channels:
            if channel.stream.ssrc == nack.media_ssrc:
                packets = channel.lost(nack.lost[:MAX_RESENT])[: int(self._resendable)]
                self._resendable -= len(packets)
                counters["packets resent"] += len(packets)
                if channel.resend(packets, now):
                    counters["packets resent by rtx"] += len(packets)

    def send_report(self, now: float) -> None:
        """Sender reports for both tracks, so that the player knows what belongs together (RFC 3550 section 6.4.1)."""
        self._next_report = now + REPORT_SECONDS * (0.75 + secrets.randbelow(512) / 1024)
        for channel in self.channels:
            track = channel.track
            clock = self.broadcast.clock(track, now) if track is not None else None
            if clock is None:
                continue
            ssrc = channel.stream.ssrc
            ntp, timestamp = clock
            packets, octets = channel.sent
            info = RtcpSenderInfo(
                ntp_timestamp=ntp,
                rtp_timestamp=(timestamp + channel.shift) & 0xFFFFFFFF,
                packet_count=packets & 0xFFFFFFFF,
                octet_count=octets & 0xFFFFFFFF,
            )
            sdes = RtcpSdesPacket(chunks=[RtcpSourceInfo(ssrc=ssrc, items=[(1, b"minsheng")])])
            self.send_rtcp(bytes(RtcpSrPacket(ssrc=ssrc, sender_info=info)) + bytes(sdes))

    def tick(self, now: float) -> None:
        super().tick(now)
        if not self.connected or self.ended:
            return
        if now >= self._next_report:
            self.send_report(now)
            for channel in self.channels:
                channel.relax()
        if now >= self._next_choice and self.broadcast.layered:
            self._choose_layer(now)

    def address_changed(self, address: Address) -> None:
        name = self.port.name(address)
        for channel in self.channels:
            if channel.lane is not None:
                channel.lane.move(self, address, name)

    async def close(self) -> None:
        if self._catching_up is not None:
            self._catching_up.cancel()
        for channel in self.channels:
            channel.close()
        await super().close()


def choose(offer: Offer, broadcast: Broadcast) -> list[Agreed]:
    """For each m-section the format that the broadcast has, where it was offered."""
    agreed = []
    for index, media in enumerate(offer.media):
        track = broadcast.tracks.get(media.kind)
        if track is None or not broadcast.carries(media.kind):
            continue
        for entry in media.formats:
            if entry.codec == track.codec.name:
                rtx_ssrc = None if entry.rtx is None else track.stream.rtx_ssrc
                agreed.append(Agreed(index, entry.codec, entry.payload_type, track.ssrc, entry.rtx, rtx_ssrc))
                break
    return agreed
