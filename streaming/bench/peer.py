"""A peer for the benchmark: real checks, a real handshake, and as little else as can be."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import socket
import sys
import time
from collections.abc import Callable
from functools import cache
from typing import Any, Literal

from aioice import stun

from streaming import dtls
from streaming.dtls import Certificate, HandshakeQueue, SecureTransport, make_certificate
from streaming.ice import answer_check
from streaming.kernel import ffi

SOL_UDP, UDP_GRO = 17, 104
WHOLE = 65_536
"""Bytes that the kernel may deliver in one piece."""
VIDEO, AUDIO = 96, 111
"""Payload types."""
PASSWORD = "b" * 22
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
        lines += ["a=ice-ufrag:bench", f"a=ice-pwd:{PASSWORD}", "a=setup:actpass"]
        lines.append(f"a=fingerprint:sha-256 {fingerprint}")
    return "\r\n".join(lines) + "\r\n"


def value(sdp: str, attribute: str) -> str:
    """The first value of an attribute. Raises ValueError where there is none."""
    found = re.search(rf"^a={attribute}:(.*?)\r?$", sdp, re.MULTILINE)
    if found is None:
        raise ValueError(f"the answer has no {attribute}")
    return found[1]


def check_of(answer: str, password: str, *, controlled: bool = False) -> bytes:
    """A connectivity check of whoever got this answer (RFC 8445 section 7.1)."""
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    request.attributes["USERNAME"] = f"{value(answer, 'ice-ufrag')}:bench"
    request.attributes["PRIORITY"] = 1853824767
    if controlled:
        request.attributes["ICE-CONTROLLED"] = secrets.randbits(64)
    else:
        request.attributes["ICE-CONTROLLING"] = secrets.randbits(64)
        request.attributes["USE-CANDIDATE"] = None
    request.add_message_integrity(password.encode())
    return bytes(request)


class BenchPeer:
    """One session over a socket of its own. `on_media` gets each RTP datagram, still encrypted, as a view.

    With `whole`, what the kernel can deliver in one piece (`UDP_GRO`) is read and counted in one go, and `on_media` is
    not called: a load generator for a thousand viewers on one core has no time for each datagram. `controlled` is for
    an agent that wants to lead the checks (RFC 8445 section 6.1.1).
    """

    def __init__(
        self,
        answer: str,
        on_media: Callable[[BenchPeer, memoryview], None],
        *,
        whole: bool = False,
        controlled: bool = False,
    ) -> None:
        self.media = 0
        """RTP datagrams that arrived."""
        self.first_media: float | None = None
        """When the first one did, in seconds of `time.monotonic`."""
        self.secure: SecureTransport
        self.answer = answer
        self._request = b""
        self._on_media = on_media
        self._whole = whole
        self._controlled = controlled
        self._buffer = bytearray(WHOLE if whole else 2048)
        self._view = memoryview(self._buffer)
        self._checked: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        if whole:
            self._socket.setsockopt(SOL_UDP, UDP_GRO, 1)

    async def connect(self) -> BenchPeer:
        """Check the way and do the handshake. Raises HandshakeFailed, TimeoutError."""
        candidate = value(self.answer, "candidate").split()
        self._socket.connect((candidate[4], int(candidate[5])))
        readable = self._readable_whole if self._whole else self._readable
        asyncio.get_running_loop().add_reader(self._socket.fileno(), readable)
        algorithm, fingerprint = value(self.answer, "fingerprint").split()
        self.secure = SecureTransport(
            certificate(),
            handshakes(),
            role="client",
            fingerprints=[(algorithm, fingerprint)],
            send=self._send,
            on_closed=lambda: None,
        )
        self._request = check_of(self.answer, value(self.answer, "ice-pwd"), controlled=self._controlled)
        checking = asyncio.create_task(self._check())
        try:
            async with asyncio.timeout(15):
                await self._checked
                await self.secure.start()
        finally:
            checking.cancel()
        return self

    async def _check(self) -> None:
        """Check until the handshake is through: a full agent on the other side wants more than one."""
        while True:
            self.consent()
            await asyncio.sleep(0.1)

    def consent(self) -> None:
        """Check again, as players do every few seconds (RFC 7675): without, the relay takes this peer for gone."""
        with contextlib.suppress(OSError):
            self._socket.send(self._request)

    def _send(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            self._socket.send(data)

    def _readable_whole(self) -> None:
        while True:
            try:
                size, control, _, _ = self._socket.recvmsg_into([self._buffer], 64)
            except (BlockingIOError, ConnectionError):
                return
            count = 1
            for level, kind, data in control:
                if level == SOL_UDP and kind == UDP_GRO:
                    count = -(-size // int.from_bytes(data[:4], sys.byteorder))
            self._handle(size, count)

    def _handle(self, size: int, count: int) -> None:
        first = self._buffer[0]
        if first >= 128:
            if not 192 <= self._buffer[1] < 224:
                self.media += count
                if self.first_media is None:
                    self.first_media = time.monotonic()
        elif first >= 20:
            self.secure.feed(bytes(self._view[:size]))
        else:
            self._stun(size)

    def _stun(self, size: int) -> None:
        if self._controlled and self._buffer[0] == 0 and self._buffer[1] == 1:
            # Another agent's check of this peer: answered, as it is the one that chooses.
            check = answer_check(bytes(self._view[:size]), self._socket.getpeername(), lambda ufrag: PASSWORD)
            if check is not None:
                self._socket.send(check.response)
        elif not self._checked.done():
            self._checked.set_result(None)

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
            else:
                self._stun(size)

    def send(self, data: memoryview) -> None:
        """Send a datagram; one that does not fit into the send buffer is lost."""
        with contextlib.suppress(BlockingIOError):
            self._socket.send(data)

    async def close(self, *, goodbye: bool = True) -> None:
        """End the session; without a good-bye the relay has to notice by itself."""
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        await asyncio.sleep(
            0.1
        )  # uvloop lets go of the descriptor a turn later, when another socket may have its number
        if not goodbye:
            self._socket.close()
        await self.secure.close()
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
