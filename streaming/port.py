"""The one UDP port: reads datagrams, tells STUN, DTLS, RTP and RTCP apart (RFC 7983, RFC 5761), finds their peer."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections import Counter
from typing import Protocol

from streaming import ice, kernel
from streaming.dtls import RTCP_TRAILER
from streaming.errors import RelayError
from streaming.fanout import Fanout
from streaming.ice import Address
from streaming.packet import MAX_PACKET

READS = 64
"""Datagrams read before the event loop gets its turn."""
BUFFER_BYTES = 4 * 1024 * 1024
"""Asked of the kernel for each direction; it gives what net.core.rmem_max and wmem_max allow."""
MAX_ADDRESSES = 8
"""Addresses that one peer may have proved to have: a browser tries one for each of its interfaces."""


class Receiver(Protocol):
    """A peer, as the port sees it."""

    addresses: list[Address]

    def password_of(self, ufrag: str) -> str: ...
    def checked(self, address: Address, nominated: bool) -> None: ...
    def holds(self, address: Address) -> bool: ...
    def dtls_received(self, data: bytes) -> None: ...
    def rtp_received(self, size: int, now: float) -> None: ...
    def rtcp_received(self, size: int, now: float) -> None: ...


class Port:
    """Owns the socket. `buffer` holds the datagram that is being handled; peers decrypt it in place."""

    def __init__(self, sock: socket.socket, *, plain: bool = False) -> None:
        self.socket = sock
        self.drops: Counter[str] = Counter()
        self.fanout = Fanout(sock, self.drops, plain=plain)
        self.buffer = bytearray(2048)
        self.pointer = kernel.ffi.from_buffer(self.buffer)
        self.length = kernel.ffi.new("int *")
        self.outgoing = kernel.ffi.new("char[]", MAX_PACKET + RTCP_TRAILER)
        """Where a packet that is no media is encrypted before it is sent."""
        self.received = 0
        self._view = memoryview(self.buffer)
        self._by_ufrag: dict[str, Receiver] = {}
        self._by_address: dict[Address, Receiver] = {}

    @classmethod
    def bind(cls, port: int, *, plain: bool = False) -> Port:
        """Bind the port on all addresses, IPv6 and IPv4. Raises RelayError with a sentence if it cannot be had."""
        try:
            sock = _bind_dual(port) or _bind_ipv4(port)
        except OSError as error:
            raise RelayError(
                f"UDP port {port} cannot be used ({error.strerror}). Is another relay running? Choose another port."
            ) from error
        sock.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            sock.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
        for forced in (33, 32):  # SO_RCVBUFFORCE and SO_SNDBUFFORCE, for who may
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, forced, BUFFER_BYTES)
        return cls(sock, plain=plain)

    @property
    def number(self) -> int:
        return int(self.socket.getsockname()[1])

    def start(self) -> None:
        asyncio.get_running_loop().add_reader(self.socket.fileno(), self._readable)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.socket.fileno())
        self.socket.close()

    def add(self, ufrag: str, peer: Receiver) -> None:
        self._by_ufrag[ufrag] = peer

    def forget_ufrag(self, ufrag: str) -> None:
        self._by_ufrag.pop(ufrag, None)

    def forget(self, peer: Receiver) -> None:
        """Nothing from this peer's addresses is taken any more."""
        for address in peer.addresses:
            if self._by_address.get(address) is peer:
                del self._by_address[address]
        peer.addresses.clear()

    def name(self, address: Address) -> bytes:
        return kernel.pack_name(address, self.socket.family)

    def send(self, data: bytes, address: Address) -> None:
        """Send one datagram that is not media; what does not fit into the send buffer is lost, as UDP may."""
        try:
            self.socket.sendto(data, address)
        except BlockingIOError:
            self.drops["send buffer full"] += 1
        except OSError:
            self.drops["unreachable"] += 1

    def _readable(self) -> None:
        now = time.monotonic()
        receive, view = self.socket.recvfrom_into, self._view
        for _ in range(READS):
            try:
                size, address = receive(view)
            except BlockingIOError:
                break
            except OSError:
                # An ICMP error of an earlier send; the socket goes on.
                self.drops["icmp"] += 1
                continue
            self.received += 1
            if size:
                self._dispatch(size, address, now)

    def _dispatch(self, size: int, address: Address, now: float) -> None:
        first = self.buffer[0]
        if first < 4:
            self._check(bytes(self._view[:size]), address)
            return
        peer = self._by_address.get(address)
        if peer is None:
            self.drops["unknown sender"] += 1
        elif 128 <= first < 192 and size >= 8:
            if 192 <= self.buffer[1] < 224:
                peer.rtcp_received(size, now)
            else:
                peer.rtp_received(size, now)
        elif 20 <= first < 64:
            peer.dtls_received(bytes(self._view[:size]))
        else:
            self.drops["no protocol"] += 1

    def _check(self, data: bytes, address: Address) -> None:
        check = ice.answer_check(data, address, self._password_of)
        if check is None:
            self.drops["stun"] += 1
            return
        peer = self._by_ufrag[check.ufrag]
        holder = self._by_address.get(address)
        if holder is not peer:
            if holder is not None and holder.holds(address):
                # The password is right, but the sender's address may be forged: it belongs to a session that lives.
                self.drops["address in use"] += 1
                return
            self._learn(address, peer)
        self.send(check.response, address)
        peer.checked(address, check.nominated)

    def _password_of(self, ufrag: str) -> str | None:
        peer = self._by_ufrag.get(ufrag)
        return None if peer is None else peer.password_of(ufrag)

    def _learn(self, address: Address, peer: Receiver) -> None:
        previous = self._by_address.get(address)
        if previous is not None:
            previous.addresses.remove(address)
        self._by_address[address] = peer
        peer.addresses.append(address)
        if len(peer.addresses) > MAX_ADDRESSES:
            del self._by_address[peer.addresses.pop(0)]


def _bind_dual(port: int) -> socket.socket | None:
    """An IPv6 socket that takes IPv4 as well; None where the machine has no IPv6."""
    try:
        sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    except OSError:
        return None
    try:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(("::", port))
    except OSError as error:
        sock.close()
        if error.errno in (97, 99):  # EAFNOSUPPORT, EADDRNOTAVAIL
            return None
        raise
    return sock


def _bind_ipv4(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.bind(("0.0.0.0", port))  # noqa: S104 - a relay is there to be reached
    except OSError:
        sock.close()
        raise
    return sock
