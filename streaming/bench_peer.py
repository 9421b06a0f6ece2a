"""A peer for the benchmark: real checks, a real handshake, and as little else as can be."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import socket
import time
from collections.abc import Callable
from functools import cache
from typing import Any, Literal

from aioice import stun

from streaming import dtls
from streaming.dtls import Certificate, HandshakeQueue, SecureTransport, make_certificate
from streaming.kernel import ffi

VIDEO, AUDIO = 96, 111
"""Payload types."""
SSRCS = {VIDEO: 0x1111, AUDIO: 0x2222}

_FORMATS = {
    VIDEO: ("video", "H264/90000", "packetization-mode=1;profile-level-id=42e01f"),
    AUDIO: ("audio", "opus/48000/2", "minptime=10"),
}


@cache
def certificate() -> Certificate:
    """One certificate for all peers of a process."""
    return make_certificate()


@cache
def handshakes() -> HandshakeQueue:
    """One queue for all peers of a process."""
    return HandshakeQueue()


def offer(direction: Literal["sendonly", "recvonly"], fingerprint: str) -> str:
    """The SDP of a peer with this certificate."""
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1"]
    for mid, (payload_type, (kind, rtpmap, fmtp)) in enumerate(_FORMATS.items()):
        lines += [f"m={kind} 9 UDP/TLS/RTP/SAVPF {payload_type}", "c=IN IP4 0.0.0.0", f"a={direction}", f"a=mid:{mid}"]
        lines += ["a=rtcp-mux", f"a=rtpmap:{payload_type} {rtpmap}", f"a=fmtp:{payload_type} {fmtp}"]
        if direction == "sendonly":
            lines.append(f"a=ssrc:{SSRCS[payload_type]} cname:bench")
        lines += ["a=ice-ufrag:bench", f"a=ice-pwd:{'b' * 22}", "a=setup:actpass"]
        lines.append(f"a=fingerprint:sha-256 {fingerprint}")
    return "\r\n".join(lines) + "\r\n"


def value(sdp: str, attribute: str) -> str:
    """The first value of an attribute. Raises ValueError where there is none."""
    found = re.search(rf"^a={attribute}:(.*?)\r?$", sdp, re.MULTILINE)
    if found is None:
        raise ValueError(f"the answer has no {attribute}")
    return found[1]


class BenchPeer:
    """One session over a socket of its own. `on_media` gets each RTP datagram, still encrypted, as a view."""

    def __init__(self, answer: str, on_media: Callable[[BenchPeer, memoryview], None]) -> None:
        self.media = 0
        """RTP datagrams that arrived."""
        self.first_media: float | None = None
        """When the first one did, in seconds of `time.monotonic`."""
        self.secure: SecureTransport
        self._answer = answer
        self._on_media = on_media
        self._buffer = bytearray(2048)
        self._view = memoryview(self._buffer)
        self._checked: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    async def connect(self) -> BenchPeer:
        """Check the way and do the handshake. Raises HandshakeFailed, TimeoutError."""
        self._socket.connect(("127.0.0.1", int(value(self._answer, "candidate").split()[5])))
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._readable)
        algorithm, fingerprint = value(self._answer, "fingerprint").split()
        self.secure = SecureTransport(
            certificate(),
            handshakes(),
            role="client",
            fingerprints=[(algorithm, fingerprint)],
            send=self._send,
            on_closed=lambda: None,
        )
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{value(self._answer, 'ice-ufrag')}:bench"
        request.attributes["PRIORITY"] = 1853824767
        request.attributes["ICE-CONTROLLING"] = secrets.randbits(64)
        request.attributes["USE-CANDIDATE"] = None
        request.add_message_integrity(value(self._answer, "ice-pwd").encode())
        self._socket.send(bytes(request))
        async with asyncio.timeout(15):
            await self._checked
            await self.secure.start()
        return self

    def _send(self, data: bytes) -> None:
        self._socket.send(data)

    def _readable(self) -> None:
        receive, view, buffer = self._socket.recv_into, self._view, self._buffer
        while True:
            try:
                size = receive(view)
            except (BlockingIOError, ConnectionError):
                return
            first = buffer[0]
            if first >= 128:
                if not 192 <= buffer[1] < 224:
                    self.media += 1
                    if self.first_media is None:
                        self.first_media = time.monotonic()
                    self._on_media(self, view[:size])
            elif first >= 20:
                self.secure.feed(bytes(view[:size]))
            elif not self._checked.done():
                self._checked.set_result(None)

    def send(self, data: memoryview) -> None:
        """Send a datagram; one that does not fit into the send buffer is lost."""
        with contextlib.suppress(BlockingIOError):
            self._socket.send(data)

    async def close(self) -> None:
        """End the session."""
        await self.secure.close()
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()


class Crypt:
    """Encrypts and decrypts with a peer's contexts, in a buffer of its own."""

    def __init__(self) -> None:
        self.buffer = bytearray(2048)
        self._pointer = ffi.from_buffer(self.buffer)
        self._length = ffi.new("int *")

    def protect(self, context: Any, size: int) -> int:
        """Encrypt the first `size` bytes of the buffer; returns the new size."""
        self._length[0] = size
        if dtls.protect(context, self._pointer, self._length):
            raise ValueError("srtp_protect")
        return int(self._length[0])

    def unprotect(self, context: Any, data: memoryview) -> bytes | None:
        """The packet in clear text, None for a repetition."""
        self.buffer[: len(data)] = data
        self._length[0] = len(data)
        if dtls.unprotect(context, self._pointer, self._length):
            return None
        return bytes(self.buffer[: self._length[0]])
