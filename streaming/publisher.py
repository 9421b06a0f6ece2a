"""The publisher of an activity: takes its packets in, and asks for those that are missing and for keyframes."""

from __future__ import annotations

import secrets
import time
from struct import error as struct_error
from struct import unpack_from
from typing import TYPE_CHECKING, Any, Literal

from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
    pack_remb_fci,
)

from streaming import codecs, dtls
from streaming.ice import Address
from streaming.packet import Header, Malformed, extension_value, parse
from streaming.peer import Peer
from streaming.reception import Reception
from streaming.sdp import Media, Offer
from streaming.sdp import Track as Agreed
from streaming.transport_cc import TransportFeedback

if TYPE_CHECKING:
    from streaming.broadcast import Broadcast

KEYFRAME_INTERVAL = 0.5
"""Seconds between two keyframe requests to the publisher, however many viewers ask."""
QUIET_SECONDS = 2.5
"""Without a packet for so long, the activity is off the air; the session stays."""
REPORT_SECONDS = 1.0
FEEDBACK_SECONDS = 0.1
MAX_BITRATE = 4_000_000
"""Bits a second that a publisher without transport-wide feedback is told it may send."""


class Source:
    """One stream that the publisher may send: a payload type, a layer's `rid`, and the SSRC once it is known."""

    def __init__(self, media: Media, agreed: Agreed, name: str, rid: str | None = None) -> None:
        self.name = name
        self.kind = media.kind
        self.rid = rid
        self.rid_extension = media.rid
        self.repaired_rid_extension = media.repaired_rid
        self.codec = codecs.BY_NAME[agreed.codec]
        self.payload_type = agreed.payload_type
        self.rtx = agreed.rtx
        self.rtx_ssrc: int | None = None
        self.declared = frozenset(media.ssrcs)
        self.transport_cc = media.transport_cc
        self.reception: Reception | None = None
        self.keyframe_asked = 0.0
        self.keyframe_wanted = False


def sources(media: Media, agreed: Agreed) -> list[Source]:
    """The streams of one media section: several where it sends layers, with the names of their tracks."""
    if not media.rids:
        return [Source(media, agreed, media.kind)]
    names = [media.kind, *(f"{media.kind}/{place}" for place in range(1, len(media.rids)))]
    return [Source(media, agreed, name, rid) for name, rid in zip(names, media.rids, strict=True)]


class Publisher(Peer):
    """A WHIP session. `owner` is whoever may take its place."""

    kind: Literal["publish"] = "publish"

    def __init__(self, offer: Offer, *, owner: str, broadcast: Broadcast, **keywords: Any) -> None:
        super().__init__(offer, **keywords)
        self.owner = owner
        self.broadcast = broadcast
        self.ssrc = secrets.randbits(32)
        self.on_air = False
        self.since: float | None = None
        self.last_packet = 0.0
        self.tracks = choose(offer)
        sections = [sources(offer.media[agreed.index], agreed) for agreed in self.tracks]
        self.sources = [source for section in sections for source in section]
        self._by_payload_type = {section[0].payload_type: section for section in sections}
        self._by_rtx = {section[0].rtx: section for section in sections if section[0].rtx is not None}
        self._feedback = TransportFeedback()
        self._next_feedback = self._next_report = 0.0

    @property
    def names(self) -> dict[str, codecs.Codec]:
        """What each track is coded with, layers one by one."""
        return {source.name: source.codec for source in self.sources}

    @property
    def codecs(self) -> dict[str, codecs.Codec]:
        return {source.kind: source.codec for source in self.sources}

    def on_connected(self) -> None:
        self.broadcast.publisher_connected(self)

    def address_changed(self, address: Address) -> None:
        """Nothing is kept by address: reports go wherever the peer is."""

    def rtp_received(self, size: int, now: float) -> None:
        port = self.port
        if not self.connected:
            port.drops["before the handshake"] += 1
            return
        port.length[0] = size
        if dtls.unprotect(self.secure.rx, port.pointer, port.length):
            port.drops["srtp"] += 1  # not from this peer, or a replay
            return
        self.last_seen = now
        if self.broadcast.publisher is not self:
            port.drops["publisher replaced"] += 1
            return
        try:
            self._accept(port.buffer, port.length[0], now)
        except Malformed:
            port.drops["rtp"] += 1

    def _accept(self, data: bytearray, size: int, now: float) -> None:
        header = parse(data, size)
        section, repaired = self._by_payload_type.get(header.payload_type), False
        if section is None:
            section, repaired = self._by_rtx.get(header.payload_type), True
            if section is None:
                self.port.drops["payload type"] += 1
                return
        if section[0].transport_cc is not None and header.extension is not None:
            number = extension_value(data, header.extension, section[0].transport_cc)
            if number is not None and len(number) == 2:
                self._feedback.add(int.from_bytes(number, "big"), now)
        start, sequence = header.start, header.sequence
        if repaired:
            # RFC 4588 section 4: the original sequence number comes before the payload. Without one it is padding.
            if header.end - start < 2:
                return
            (sequence,) = unpack_from("!H", data, start)
            start += 2
            source = self._repaired(section, header, data)
        else:
            source = self._source(section, header, data)
        if source is None:
            self.port.drops["ssrc"] += 1
            return
        reception = source.reception
        if reception is None or not reception.add(sequence, header.timestamp, now):
            self.port.drops["duplicate"] += 1
            return
        self.last_packet = now
        if not self.on_air:
            self._begin(now)
        payload = bytes(data[start : header.end])
        self.broadcast.publish(source.name, sequence, header.timestamp, header.marker, payload, now)
        if reception.missing:
            self._request_missing(source, reception, now)

    def _source(self, section: list[Source], header: Header, data: bytearray) -> Source | None:
        """The stream of an SSRC; the first packets of a layer say which one it is (RFC 8852)."""
        ssrc = header.ssrc
        for source in section:
            if source.reception is not None and source.reception.ssrc == ssrc:
                return source
        first = section[0]
        if first.rid is None:
            # The first SSRC of an undeclared stream is taken for it.
            if ssrc not in first.declared if first.declared else first.reception is not None:
                return None
            return self._learn(first, ssrc)
        rid = _identifier(data, header, first.rid_extension)
        for source in section:
            if source.rid == rid and source.reception is None:
                return self._learn(source, ssrc)
        return None

    def _repaired(self, section: list[Source], header: Header, data: bytearray) -> Source | None:
        """The stream that an RTX packet repairs."""
        if section[0].rid is None:
            return section[0]
        for source in section:
            if source.rtx_ssrc == header.ssrc:
                return source
        rid = _identifier(data, header, section[0].repaired_rid_extension)
        for source in section:
            if source.rid == rid and source.rtx_ssrc is None:
                source.rtx_ssrc = header.ssrc
                return source
        return None

    def _learn(self, source: Source, ssrc: int) -> Source:
        source.reception = Reception(ssrc, source.codec.clock_rate)
        self.broadcast.rebase(source.name)
        return source

    def _begin(self, now: float) -> None:
        self.on_air = True
        if self.since is None:
            self.since = time.time()
        self.broadcast.air_changed(True)

    def rtcp(self, data: bytes, now: float) -> None:
        try:
            packets = RtcpPacket.parse(data)
        except (ValueError, struct_error, IndexError):
            self.port.drops["rtcp"] += 1
            return
        for packet in packets:
            if isinstance(packet, RtcpSrPacket):
                for source in self.sources:
                    if source.reception is not None and source.reception.ssrc == packet.ssrc:
                        info = packet.sender_info
                        source.reception.sender_report(info.ntp_timestamp, info.rtp_timestamp, now)

    def request_keyframe(self, now: float, name: str | None = None) -> None:
        """Ask for a keyframe of one layer or of all, at once or when the last request is old enough."""
        for source in self.sources:
            if source.kind != "video" or name not in (None, source.name):
                continue
            # Wanted until it can be asked for: before the first packet nobody knows whom to ask.
            source.keyframe_wanted = True
            if source.reception is None or now - source.keyframe_asked < KEYFRAME_INTERVAL:
                continue
            source.keyframe_wanted, source.keyframe_asked = False, now
            self.broadcast.counters["keyframe requests sent"] += 1
            pli = RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=self.ssrc, media_ssrc=source.reception.ssrc)
            self.send_rtcp(bytes(RtcpRrPacket(ssrc=self.ssrc)) + bytes(pli))

    def _request_missing(self, source: Source, reception: Reception, now: float) -> None:
        wanted = reception.due(now)
        if wanted:
            self.broadcast.counters["nacks sent"] += 1
            nack = RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=self.ssrc, media_ssrc=reception.ssrc, lost=sorted(wanted))
            self.send_rtcp(bytes(RtcpRrPacket(ssrc=self.ssrc)) + bytes(nack))

    def tick(self, now: float) -> None:
        super().tick(now)
        if self.ended or not self.connected:
            return
        if self.on_air and now - self.last_packet > QUIET_SECONDS:
            self.on_air = False
            self.broadcast.air_changed(False)
        for source in self.sources:
            if source.keyframe_wanted or self.broadcast.awaits_keyframe(source.name):
                self.request_keyframe(now, source.name)
            if source.reception is not None and source.reception.missing:
                self._request_missing(source, source.reception, now)
        if now >= self._next_feedback:
            self._next_feedback = now + FEEDBACK_SECONDS
            self._send_feedback()
        if now >= self._next_report:
            self._next_report = now + REPORT_SECONDS
            self._send_report(now)

    def _send_feedback(self) -> None:
        first = next((source.reception for source in self.sources if source.reception is not None), None)
        report = self._feedback.report(self.ssrc, first.ssrc) if first is not None else None
        if report is not None:
            self.send_rtcp(report)

    def _send_report(self, now: float) -> None:
        receptions = [source.reception for source in self.sources if source.reception is not None]
        if not receptions:
            return
        data = bytes(RtcpRrPacket(ssrc=self.ssrc, reports=[reception.report(now) for reception in receptions]))
        if not any(source.transport_cc is not None for source in self.sources):
            fci = pack_remb_fci(MAX_BITRATE, [reception.ssrc for reception in receptions])
            data += bytes(RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=self.ssrc, media_ssrc=0, fci=fci))
        self.send_rtcp(data)


def _identifier(data: bytearray, header: Header, extension: int | None) -> str | None:
    if header.extension is None or extension is None:
        return None
    value = extension_value(data, header.extension, extension)
    return value.decode("ascii", "replace") if value is not None else None


def choose(offer: Offer) -> list[Agreed]:
    """For each m-section the format that the relay wants to receive."""
    agreed = []
    order = list(codecs.BY_NAME)
    for index, media in enumerate(offer.media):
        if media.formats:
            best = min(media.formats, key=lambda entry: order.index(entry.codec))
            agreed.append(Agreed(index, best.codec, best.payload_type, rtx=best.rtx))
    return agreed
