"""Peers made by hand: a socket, connectivity checks, DTLS and SRTP, and every packet as it arrived."""

import asyncio
import contextlib
import random
import re
import secrets
from collections.abc import Callable
from typing import Any, Literal

import psutil
from aioice import stun
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import HeaderExtensionsMap, RtcpPacket, RtpPacket

from streaming import dtls
from streaming.dtls import Certificate, HandshakeQueue, SecureTransport, make_certificate
from streaming.kernel import ffi
from streaming.sdp import REPAIRED_RID, RID, SEND_TIME, TRANSPORT_CC
from streaming.supervisor import Session

VIDEO_SSRC, AUDIO_SSRC = 0x1111, 0x2222
H264, OPUS, VP8, RTX = 96, 111, 100, 97
RID_EXTENSION, REPAIRED_EXTENSION, SEND_TIME_EXTENSION = 10, 11, 3

FORMATS = {
    H264: ("video", "H264/90000", "packetization-mode=1;profile-level-id=42e01f"),
    VP8: ("video", "VP8/90000", None),
    OPUS: ("audio", "opus/48000/2", "minptime=10"),
}

KEYFRAME = bytes.fromhex("6742c01fd9005005ba1000000300100000030328f1831920")
"""A sequence parameter set of 1280x720: the payload with which a keyframe begins."""

_certificates: list[Certificate] = []


def certificate() -> Certificate:
    """One certificate for all peers of a run."""
    if not _certificates:
        _certificates.append(make_certificate())
    return _certificates[0]


def offer(
    direction: Literal["sendonly", "recvonly"],
    formats: tuple[int, ...] = (H264, OPUS),
    *,
    setup: str = "actpass",
    ufrag: str = "peer",
    password: str = "0123456789abcdefghijkl",
    extra: str = "",
    rtx: bool = False,
    remb: bool = False,
    rids: tuple[str, ...] = (),
) -> str:
    """The SDP of a peer; a sender declares its SSRCs, and numbers its packets for transport-wide feedback.

    `rtx` and `remb` offer both for the first video; with `rids` a sender has layers and declares no SSRC.
    """
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0"]
    lines.append("a=group:BUNDLE " + " ".join(str(mid) for mid in range(len(formats))))
    for mid, payload_type in enumerate(formats):
        kind, rtpmap, fmtp = FORMATS[payload_type]
        repaired = rtx and kind == "video"
        both = f"{payload_type} {RTX}" if repaired else f"{payload_type}"
        lines += [f"m={kind} 9 UDP/TLS/RTP/SAVPF {both}", "c=IN IP4 0.0.0.0", f"a={direction}", f"a=mid:{mid}"]
        lines += ["a=rtcp-mux", "a=rtcp-rsize", f"a=rtpmap:{payload_type} {rtpmap}"]
        if fmtp:
            lines.append(f"a=fmtp:{payload_type} {fmtp}")
        if repaired:
            lines += [f"a=rtpmap:{RTX} rtx/90000", f"a=fmtp:{RTX} apt={payload_type}"]
        if remb and kind == "video":
            lines += [f"a=rtcp-fb:{payload_type} goog-remb", f"a=extmap:{SEND_TIME_EXTENSION} {SEND_TIME}"]
        if rids and kind == "video":
            lines += [f"a=extmap:{RID_EXTENSION} {RID}", f"a=extmap:{REPAIRED_EXTENSION} {REPAIRED_RID}"]
            lines += [f"a=rid:{rid} send" for rid in rids]
            lines.append("a=simulcast:send " + ";".join(rids))
            lines.append(f"a=extmap:5 {TRANSPORT_CC}")
        elif direction == "sendonly":
            lines.append(f"a=ssrc:{VIDEO_SSRC if kind == 'video' else AUDIO_SSRC} cname:peer")
            lines.append(f"a=extmap:5 {TRANSPORT_CC}")
        lines += [f"a=ice-ufrag:{ufrag}", f"a=ice-pwd:{password}", f"a=setup:{setup}"]
        lines.append(f"a=fingerprint:sha-256 {certificate().fingerprint}")
        if extra:
            lines.append(extra)
    return "\r\n".join(lines) + "\r\n"


def value(sdp: str, attribute: str) -> str:
    """The first value of an attribute. Raises AssertionError where there is none."""
    found = re.search(rf"^a={attribute}:(.*?)\r?$", sdp, re.MULTILINE)
    assert found is not None, f"no {attribute} in {sdp}"
    return found[1]


def binding_request(ufrag: str, password: str, *, nominate: bool = True) -> stun.Message:
    """A connectivity check of a controlling agent (RFC 8445 section 7.1)."""
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    request.attributes["USERNAME"] = f"{ufrag}:peer"
    request.attributes["PRIORITY"] = 1853824767
    request.attributes["ICE-CONTROLLING"] = secrets.randbits(64)
    if nominate:
        request.attributes["USE-CANDIDATE"] = None
    request.add_message_integrity(password.encode())
    return request


def _extensions() -> HeaderExtensionsMap:
    """The header extensions of what peers send, and of what they are sent."""
    known = HeaderExtensionsMap()
    identifiers = {RID_EXTENSION: RID, REPAIRED_EXTENSION: REPAIRED_RID, SEND_TIME_EXTENSION: SEND_TIME}
    extensions = [RTCRtpHeaderExtensionParameters(id=number, uri=uri) for number, uri in identifiers.items()]
    known.configure(RTCRtpParameters(headerExtensions=extensions))
    return known


class Peer(asyncio.DatagramProtocol):
    """One side of a session with the relay, over a socket of its own on the loopback interface.

    `loss` is the share of media and feedback that the wire loses, in each direction; `delay` gives seconds by which
    it holds a datagram back. Checks and the handshake pass. `host` is where it finds the relay.
    """

    def __init__(
        self,
        *,
        loss: float = 0.0,
        delay: Callable[[], float] | None = None,
        seed: int = 1,
        host: str = "127.0.0.1",
    ) -> None:
        self.rtp: list[RtpPacket] = []
        self.rtcp: list[Any] = []
        self.datagrams: list[bytes] = []
        self.checks: list[stun.Message] = []
        self.lost = 0
        self.closed = False
        self.nominating = True
        self.session: Session | None = None
        self.secure: SecureTransport
        self.transport: asyncio.DatagramTransport
        self._host = host
        self._loss = loss
        self._delay = delay
        self._random = random.Random(seed)
        self._early: list[bytes] = []
        self._news = asyncio.Event()
        self._buffer = bytearray(4096)
        self._pointer = ffi.from_buffer(self._buffer)
        self._length = ffi.new("int *")

    async def open(self, port: int) -> "Peer":
        """Open the socket."""
        self.transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, remote_addr=(self._host, port)
        )
        return self

    async def connect(self, answer: str, *, role: Literal["client", "server"] = "client") -> "Peer":
        """Check the way to the relay that `answer` names, and do the handshake."""
        algorithm, fingerprint = value(answer, "fingerprint").split()
        if not hasattr(self, "transport"):
            await self.open(int(value(answer, "candidate").split()[5]))
        self.secure = SecureTransport(
            certificate(),
            HandshakeQueue(),
            role=role,
            fingerprints=[(algorithm, fingerprint)],
            send=self.transport.sendto,
            on_closed=self._closed,
        )
        self.check(value(answer, "ice-ufrag"), value(answer, "ice-pwd"))
        await self.until(lambda: self.checks)
        async with asyncio.timeout(5):
            await self.secure.start()
        # What came on the heels of the handshake, before this task had its turn.
        early, self._early = self._early, []
        for data in early:
            self._media(data)
        return self

    def check(self, ufrag: str, password: str) -> stun.Message:
        """Send a connectivity check."""
        request = binding_request(ufrag, password, nominate=self.nominating)
        self.transport.sendto(bytes(request))
        return request

    async def close(self) -> None:
        """End the session as a page that is closed does."""
        await self.secure.close()
        self.transport.close()

    async def vanish(self) -> None:
        """End without a word."""
        self.transport.close()
        await self.secure.close()

    def send(self, packet: RtpPacket | bytes) -> None:
        """Encrypt and send an RTP packet."""
        self._send(packet if isinstance(packet, bytes) else packet.serialize(_extensions()), dtls.protect)

    def send_rtcp(self, *packets: Any) -> None:
        """Encrypt and send a compound RTCP packet."""
        self._send(b"".join(bytes(packet) for packet in packets), dtls.protect_rtcp)

    def _send(self, data: bytes, protect: Callable[[Any, Any, Any], int]) -> None:
        self._buffer[: len(data)] = data
        self._length[0] = len(data)
        assert protect(self.secure.tx, self._pointer, self._length) == 0
        self._pass(bytes(self._buffer[: self._length[0]]), self.transport.sendto)

    def _pass(self, data: bytes, act: Callable[[bytes], None]) -> None:
        if self._random.random() < self._loss:
            self.lost += 1
        elif self._delay is not None:
            asyncio.get_running_loop().call_later(self._delay(), act, data)
        else:
            act(data)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if data[0] >= 128:
            self._pass(data, self._media)
            return
        if data[0] < 4:
            self.checks.append(stun.parse_message(data))
        else:
            self.secure.feed(data)
        self._news.set()

    def _media(self, data: bytes) -> None:
        if self.secure.rx is None:
            self._early.append(data)
            return
        self.datagrams.append(data)
        self._news.set()
        self._buffer[: len(data)] = data
        self._length[0] = len(data)
        feedback = 192 <= data[1] < 224
        unprotect = dtls.unprotect_rtcp if feedback else dtls.unprotect
        if unprotect(self.secure.rx, self._pointer, self._length):
            return  # a repetition
        clear = bytes(self._buffer[: self._length[0]])
        if feedback:
            self.rtcp += RtcpPacket.parse(clear)
        else:
            self.rtp.append(RtpPacket.parse(clear, _extensions()))

    def _closed(self) -> None:
        self.closed = True
        self._news.set()

    async def until(self, condition: Callable[[], Any], seconds: float = 5) -> Any:
        """Wait until the condition gives something true, and return that."""
        async with asyncio.timeout(seconds):
            while not (found := condition()):
                self._news.clear()
                await self._news.wait()
        return found

    def payloads(self, payload_type: int = H264) -> list[bytes]:
        """The payloads that arrived, in the order of arrival."""
        return [packet.payload for packet in self.rtp if packet.payload_type == payload_type]


class Sender:
    """What a publisher's encoder does: numbers and stamps packets of one stream; `rid` names it as a layer."""

    def __init__(
        self,
        peer: Peer,
        payload_type: int = H264,
        ssrc: int = VIDEO_SSRC,
        *,
        sequence: int = 65530,
        rid: str | None = None,
    ) -> None:
        self.peer = peer
        self.rid = rid
        self.payload_type = payload_type
        self.ssrc = ssrc
        self.sequence = sequence
        self.timestamp = 0xFFFFFF00
        self.sent: list[bytes] = []

    def packet(self, payload: bytes, *, marker: bool = False) -> RtpPacket:
        """The next packet, not sent yet."""
        packet = RtpPacket(
            payload_type=self.payload_type,
            marker=int(marker),
            sequence_number=self.sequence & 0xFFFF,
            timestamp=self.timestamp & 0xFFFFFFFF,
            ssrc=self.ssrc,
            payload=payload,
        )
        packet.extensions.rtp_stream_id = self.rid
        self.sequence += 1
        return packet

    def frame(self, *sizes: int, keyframe: bool = False) -> list[bytes]:
        """Send a frame of packets of random content and these sizes in bytes; returns the payloads."""
        payloads = [KEYFRAME] if keyframe else []
        payloads += [b"\x41" + secrets.token_bytes(size - 1) for size in sizes]
        for number, payload in enumerate(payloads):
            self.peer.send(self.packet(payload, marker=number == len(payloads) - 1))
        self.timestamp += 3600
        self.sent += payloads
        return payloads


def media_processes() -> set[int | None]:
    """The relays and publishers that this test run itself started and that are still there."""
    found: set[int | None] = set()
    for child in psutil.Process().children():  # not what a service of another test has started
        with contextlib.suppress(psutil.NoSuchProcess):  # it has gone since, which is what is asked
            if "streaming." in " ".join(child.cmdline()):
                found.add(child.pid)
    return found
