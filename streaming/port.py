"""The one port: reads datagrams, tells STUN, DTLS, RTP and RTCP apart (RFC 7983, RFC 5761), finds their peer.

The same number is taken over TCP too, for peers that UDP does not reach (`tcp.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections import Counter
from typing import Protocol

from streaming import ice, kernel, tcp
from streaming.dtls import RTCP_TRAILER
from streaming.errors import RelayError
from streaming.fanout import Fanout
from streaming.ice import Address
from streaming.packet import MAX_PACKET
from streaming.tcp import Listener, StreamAddress

READS = 64
"""Datagrams read before the event loop gets its turn."""
BUFFER_BYTES = 4 * 1024 * 1024
"""Asked of the kernel for each direction; it gives what net.core.rmem_max and wmem_max allow."""
MAX_ADDRESSES = 8
"""Addresses that one peer may have proved to have: a browser tries one for each of its interfaces."""
BIND_TRIES = 20
"""Free UDP ports to try, where any will do, until one is free for TCP as well."""


class Receiver(Protocol):
    """A peer, as the port sees it."""

    addresses: list[Address]

    def password_of(self, ufrag: str) -> str: ...
    def checked(self, address: Address, nominated: bool) -> None: ...
    def holds(self, address: Address) -> bool: ...
    def dtls_received(self, data: bytes, address: Address) -> None: ...
    def rtp_received(self, size: int, now: float) -> None: ...
    def rtcp_received(self, size: int, now: float) -> None: ...


class Port:
    """Owns the sockets. `buffer` holds the datagram that is being handled; peers decrypt it in place."""

    def __init__(self, sock: socket.socket, tcp_socket: socket.socket, *, plain: bool = False) -> None:
        self.socket = sock
        self.drops: Counter[str] = Counter()
        self.listener = Listener(tcp_socket, self.drops, received=self._framed, lost=self._lost)
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
        """Bind the port on all addresses, IPv6 and IPv4, UDP and TCP; 0 takes a free one.

        Raises RelayError with a sentence if it cannot be had.
        """
        for tries in range(BIND_TRIES):
            sock = _bind_udp(port)
            try:
                tcp_socket = tcp.bind(sock.family, sock.getsockname()[1])
            except RelayError:
                sock.close()
                if port != 0 or tries == BIND_TRIES - 1:
                    raise
                continue
            break
        sock.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            sock.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
        for forced in (33, 32):  # SO_RCVBUFFORCE and SO_SNDBUFFORCE, for who may
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, forced, BUFFER_BYTES)
        return cls(sock, tcp_socket, plain=plain)

    @property
    def number(self) -> int:
        return int(self.socket.getsockname()[1])

    def start(self) -> None:
        asyncio.get_running_loop().add_reader(self.socket.fileno(), self._readable)
        self.listener.start()

    async def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.socket.fileno())
        self.socket.close()
        await self.listener.close()

    def add(self, ufrag: str, peer: Receiver) -> None:
        self._by_ufrag[ufrag] = peer

    def forget_ufrag(self, ufrag: str) -> None:
        self._by_ufrag.pop(ufrag, None)

    def forget(self, peer: Receiver) -> None:
        """Nothing from this peer's addresses is taken any more."""
        for address in peer.addresses:
            if self._by_address.get(address) is peer:
                del self._by_address[address]
            if isinstance(address, StreamAddress):
                address.connection.close()
        peer.addresses.clear()

    def name(self, address: Address) -> bytes:
        """The address for the kernel; empty for a connection, which needs none."""
        if isinstance(address, StreamAddress):
            return b""
        return kernel.pack_name(address, self.socket.family)

    def send(self, data: bytes, address: Address) -> None:
        """Send one datagram that is not media; what does not fit into the send buffer is lost, as UDP may."""
        if isinstance(address, StreamAddress):
            address.connection.send(data)
            return
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

    def _framed(self, data: bytes, address: StreamAddress) -> None:
        """A frame of a TCP connection is as good as a datagram."""
        self.received += 1
        self._view[: len(data)] = data
        self._dispatch(len(data), address, time.monotonic())

    def _lost(self, address: StreamAddress) -> None:
        """A TCP connection ended; its peer may come back at another address."""
        peer = self._by_address.pop(address, None)
        if peer is not None:
            peer.addresses.remove(address)

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
            peer.dtls_received(bytes(self._view[:size]), address)
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
        if isinstance(address, StreamAddress):
            address.connection.recognise()
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
            oldest = peer.addresses.pop(0)
            del self._by_address[oldest]
            if isinstance(oldest, StreamAddress):
                oldest.connection.close()


def _bind_udp(port: int) -> socket.socket:
    try:
        return _bind_dual(port) or _bind_ipv4(port)
    except OSError as error:
        raise RelayError(
            f"UDP port {port} cannot be used ({error.strerror}). Is another relay running? Choose another port."
        ) from error


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
