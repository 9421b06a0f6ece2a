"""One remote peer: its ICE credentials, its address, its DTLS association and its life from offer to end."""

from __future__ import annotations

import asyncio
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Literal

from streaming import dtls
from streaming.dtls import Certificate, HandshakeFailed, HandshakeQueue, SecureTransport
from streaming.ice import Address, Credentials
from streaming.kernel import ffi
from streaming.packet import MAX_PACKET
from streaming.port import Port
from streaming.sdp import Offer

CONNECT_SECONDS = 15.0
"""From the offer to the end of the DTLS handshake."""
SILENCE_SECONDS = 30.0
"""A connected peer from which nothing authentic came for so long has vanished."""
HOLD_SECONDS = 10.0
"""A connected peer that was heard from so lately keeps its address, whoever else claims to send from there."""
PASSIVE_DELAY = 0.05
"""Seconds between the first connectivity check of a DTLS server and our ClientHello, lest it comes too early."""


class Peer(ABC):
    """Base of a publisher's and a viewer's session, which differ in what they do with packets.

    `closed` is called once, when the session is over, with the reason.
    """

    kind: Literal["publish", "watch"]

    def __init__(
        self,
        offer: Offer,
        *,
        port: Port,
        certificate: Certificate,
        handshakes: HandshakeQueue,
        closed: Callable[[Any, str], None],
    ) -> None:
        self.id = secrets.token_urlsafe(24)
        self.local = Credentials.make()
        self.remote = Credentials(offer.ufrag, offer.password)
        self.setup: Literal["active", "passive"] = "active" if offer.setup == "passive" else "passive"
        self.addresses: list[Address] = []
        self.address: Address | None = None
        self.connected = False
        self.ended = False
        self.port = port
        self.created = time.monotonic()
        self.last_seen = self.created
        self._nominated = False
        self._closed = closed
        self._previous: Credentials | None = None
        self._task: asyncio.Task[None] | None = None
        self.secure = SecureTransport(
            certificate,
            handshakes,
            role="client" if self.setup == "active" else "server",
            fingerprints=offer.fingerprints,
            send=self._send_dtls,
            on_closed=lambda: self.end("closed by peer"),
        )
        port.add(self.local.ufrag, self)

    # What the port calls

    def password_of(self, ufrag: str) -> str:
        if self._previous is not None and ufrag == self._previous.ufrag:
            return self._previous.password
        return self.local.password

    def checked(self, address: Address, nominated: bool) -> None:
        """A connectivity check with the right password came from `address`."""
        self.last_seen = time.monotonic()
        if self.ended:
            return
        if self.address is None or (nominated and address != self.address):
            self.address = address
            self.address_changed(address)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._connect())

    def holds(self, address: Address) -> bool:
        """Whether nobody else may have this address now."""
        alive = self.connected and not self.ended and time.monotonic() - self.last_seen < HOLD_SECONDS
        return alive and address == self.address

    def dtls_received(self, data: bytes, address: Address) -> None:
        """Take a datagram of the handshake, which is answered where it came from.

        The peer has chosen that way, though it may not have said so by a nomination yet: an answer by another one
        would be lost, and sent again only a second later.
        """
        if not self.connected and not self.ended and address != self.address:
            self.address = address
            self.address_changed(address)
        if not self.secure.feed(data):
            self.port.drops["handshake queue full"] += 1

    def rtp_received(self, size: int, now: float) -> None:
        self.port.drops["rtp from a viewer"] += 1

    def rtcp_received(self, size: int, now: float) -> None:
        """Decrypt the RTCP packet in the port's buffer and hand it on."""
        if not self.connected:
            self.port.drops["before the handshake"] += 1
            return
        self.port.length[0] = size
        if dtls.unprotect_rtcp(self.secure.rx, self.port.pointer, self.port.length):
            self.port.drops["srtcp"] += 1
            return
        self.last_seen = now
        self.rtcp(bytes(self.port.buffer[: self.port.length[0]]), now)

    # What the two kinds of session do

    @abstractmethod
    def on_connected(self) -> None:
        """The keys are there."""

    @abstractmethod
    def rtcp(self, data: bytes, now: float) -> None:
        """Take a compound RTCP packet, decrypted."""

    @abstractmethod
    def address_changed(self, address: Address) -> None:
        """The peer is to be reached at another address from now on."""

    def tick(self, now: float) -> None:
        """Called some ten times a second."""
        if self.ended:
            return
        if not self.connected and now - self.created > CONNECT_SECONDS:
            self.end("never connected")
        elif self.connected and now - self.last_seen > SILENCE_SECONDS:
            self.end("vanished")

    # Life

    async def _connect(self) -> None:
        try:
            if self.setup == "active":
                await asyncio.sleep(PASSIVE_DELAY)
            async with asyncio.timeout(CONNECT_SECONDS):
                await self.secure.start()
        except (HandshakeFailed, TimeoutError, ConnectionError):
            self.port.drops["handshake failed"] += 1
            self.end("handshake failed")
            return
        if not self.ended:
            self.connected = True
            self.last_seen = time.monotonic()
            self.on_connected()

    def restart_ice(self, remote: Credentials) -> Credentials:
        """New credentials on both sides (RFC 8445 section 9); the old ones hold until the next restart."""
        if self._previous is not None:
            self.port.forget_ufrag(self._previous.ufrag)
        self._previous, self.local, self.remote = self.local, Credentials.make(), remote
        self.port.add(self.local.ufrag, self)
        return self.local

    def send_rtcp(self, data: bytes) -> None:
        """Protect and send a compound RTCP packet. Raises ValueError where it is longer than MAX_PACKET bytes."""
        if not self.connected or self.address is None:
            return
        if len(data) > MAX_PACKET:
            raise ValueError(f"an RTCP packet of {len(data)} bytes")
        buffer, length = self.port.outgoing, self.port.length
        ffi.memmove(buffer, data, len(data))
        length[0] = len(data)
        if dtls.protect_rtcp(self.secure.tx, buffer, length):
            self.port.drops["protect"] += 1
            return
        self.port.send(bytes(ffi.buffer(buffer, length[0])), self.address)

    def _send_dtls(self, data: bytes) -> None:
        if self.address is not None:
            self.port.send(data, self.address)

    def end(self, reason: str) -> None:
        """End the session; `wait_closed` waits until the peer was told."""
        if self.ended:
            return
        self.ended = True
        self._closed(self, reason)

    async def close(self) -> None:
        """Release everything after `end`."""
        self.ended = True
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
            await asyncio.wait([self._task])
        self.connected = False
        await self.secure.close()
        self.port.forget_ufrag(self.local.ufrag)
        if self._previous is not None:
            self.port.forget_ufrag(self._previous.ufrag)
        self.port.forget(self)
