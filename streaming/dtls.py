"""DTLS and SRTP of one peer, and the only place where private names of aiortc and pylibsrtp are used.

`RTCDtlsTransport` does the handshake, checks the fingerprint and derives the keys; it needs nothing of an ICE transport
but `role`, `_recv` and `_send`. The two SRTP contexts that it makes are then used directly, in place, by whoever has a
buffer: `Session.protect` of pylibsrtp copies each packet three times.

`tests/streaming/test_private_names.py` fails when one of these names moves.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Literal, cast

from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from OpenSSL import SSL
from pylibsrtp._binding import lib

protect: Callable[[Any, Any, Any], int] = lib.srtp_protect
"""`srtp_protect(context, packet, length)`: encrypts in place and changes `length`; 0 when it went well."""

unprotect: Callable[[Any, Any, Any], int] = lib.srtp_unprotect
protect_rtcp: Callable[[Any, Any, Any], int] = lib.srtp_protect_rtcp
unprotect_rtcp: Callable[[Any, Any, Any], int] = lib.srtp_unprotect_rtcp

RTP_TRAILER = 16
"""Bytes that protection adds to an RTP packet at most: the tag of AES-GCM (RFC 7714 section 13.2); HMAC-SHA1 has 10."""

RTCP_TRAILER = 20
"""Bytes that it adds to an RTCP packet at most: the same and the packet's index (RFC 3711 section 3.4)."""

SSL_MODE_RELEASE_BUFFERS = 0x10
"""SSL_CTX_set_mode(3): a connection that is idle, as each is after its handshake, gives its buffers back."""

MAX_WAITING = 16
"""Datagrams of a handshake that wait for their turn; a flight has at most a handful."""

MAX_QUEUE = 2048
"""Datagrams of all handshakes together."""


class HandshakeFailed(Exception):
    """The peer did not complete the DTLS handshake, or showed another certificate than its SDP announced."""


class Certificate(RTCCertificate):
    """The relay's certificate. One OpenSSL context serves all handshakes: making it costs as much as a tenth of one."""

    _context: Any = None

    def _create_ssl_context(self, srtp_profiles: Any) -> Any:
        if self._context is None:
            self._context = super()._create_ssl_context(srtp_profiles)
            # Nobody resumes a session here. By default a context keeps twenty thousand of them, each with its peer's
            # certificate.
            self._context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
            self._context.set_options(SSL.OP_NO_TICKET)
            self._context.set_mode(SSL_MODE_RELEASE_BUFFERS)
        return self._context

    @property
    def fingerprint(self) -> str:
        """The SHA-256 digest as in a=fingerprint (RFC 8122 section 5)."""
        return next(entry.value for entry in self.getFingerprints() if entry.algorithm == "sha-256")


def make_certificate() -> Certificate:
    """A self-signed certificate on P-256, valid for this process."""
    return Certificate.generateCertificate()


class HandshakeQueue:
    """Gives handshakes their datagrams one at a time, one in each turn of the event loop.

    A step of a handshake costs up to a millisecond. When hundreds of viewers arrive at once, the packets of those
    already watching pass in between.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[_Wire, bytes]] = deque()
        self._scheduled = False

    def put(self, wire: _Wire, data: bytes) -> bool:
        """Whether there was room for it: who floods the port with handshakes waits in no queue without end."""
        if len(self._waiting) >= MAX_QUEUE:
            return False
        self._waiting.append((wire, data))
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._turn)
        return True

    def _turn(self) -> None:
        wire, data = self._waiting.popleft()
        wire.deliver(data)
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._turn)
        else:
            self._scheduled = False


class _Wire:
    """What `RTCDtlsTransport` uses of an `RTCIceTransport`."""

    role = "controlled"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        # No asyncio.Queue: the four deques in it take 2.5 kB, for as long as the session lasts.
        self._datagrams: list[bytes] = []
        self._wanted: asyncio.Future[None] | None = None
        self._write = send
        self._closed = False

    def deliver(self, data: bytes) -> bool:
        if len(self._datagrams) >= MAX_WAITING:
            return False
        self._datagrams.append(data)
        self._wake()
        return True

    def close(self) -> None:
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        if self._wanted is not None and not self._wanted.done():
            self._wanted.set_result(None)

    async def _recv(self) -> bytes:
        while not self._datagrams:
            if self._closed:
                raise ConnectionError
            self._wanted = asyncio.get_running_loop().create_future()
            await self._wanted
        return self._datagrams.pop(0)

    async def _send(self, data: bytes) -> None:
        if self._closed:
            raise ConnectionError
        self._write(data)


class SecureTransport:
    """The DTLS association of a peer. After `start`, `rx` and `tx` are the SRTP contexts to give to `unprotect` etc."""

    def __init__(
        self,
        certificate: Certificate,
        queue: HandshakeQueue,
        *,
        role: Literal["client", "server"],
        fingerprints: list[tuple[str, str]],
        send: Callable[[bytes], None],
        on_closed: Callable[[], None],
    ) -> None:
        self._wire = _Wire(send)
        self._queue = queue
        self._role = role
        self._parameters = RTCDtlsParameters(
            fingerprints=[RTCDtlsFingerprint(algorithm=name, value=value) for name, value in fingerprints],
            role="client" if role == "server" else "server",
        )
        self._transport = RTCDtlsTransport(cast("Any", self._wire), [certificate])
        self._transport._set_role(role)
        self._on_closed = on_closed
        self._closing = False
        self.rx: Any = None
        self.tx: Any = None
        self.profile = ""

    async def start(self) -> None:
        """Do the handshake. Raises HandshakeFailed; the caller sets the time limit."""
        try:
            await self._transport.start(self._parameters)
        except SSL.Error as error:  # OpenSSL gave up sending its flight again
            raise HandshakeFailed from error
        if self._transport.state != "connected":
            raise HandshakeFailed
        # The contexts live as long as their sessions, which the transport keeps.
        self.rx = self._transport._rx_srtp._srtp[0]
        self.tx = self._transport._tx_srtp._srtp[0]
        connection: Any = self._transport._ssl
        self.profile = connection.get_selected_srtp_profile().decode()
        self._transport.on("statechange", self._state_changed)

    def feed(self, data: bytes) -> bool:
        """Take a DTLS datagram from the peer, unless too many wait."""
        return self._queue.put(self._wire, data)

    def _state_changed(self) -> None:
        if self._transport.state in ("closed", "failed") and not self._closing:
            self._closing = True
            self._on_closed()

    async def close(self) -> None:
        """Tell the peer with a close_notify alert, where it got that far, and end the transport's task."""
        self._closing = True
        task = self._transport._task
        await self._transport.stop()
        self._wire.close()
        if task is not None:
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()
        # The parts of a session hold each other in a circle, which the collector finds late; what OpenSSL and libsrtp
        # hold, most of a session's memory, is given back now.
        self.rx = self.tx = None
        self._transport._ssl = None
        self._transport._rx_srtp = self._transport._tx_srtp = None  # type: ignore[assignment]
