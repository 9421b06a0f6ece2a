"""ICE over TCP, for networks that block UDP: passive candidates (RFC 6544), each datagram framed (RFC 4571).

A connection is a place where a peer is to be reached, like a UDP address: the port hands on what its frames hold, and a
peer is found by its connectivity check. What a slow connection cannot take is dropped, as UDP would; it is never queued
without bound.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple, cast

from streaming.errors import RelayError

MAX_FRAME = 2048
"""Bytes of one frame; nothing of ICE, DTLS or RTP comes near. A longer one ends its connection."""
MAX_QUEUE = 128 * 1024
"""Bytes that may wait in this process for one connection, some 0.8 s of a broadcast; then packets are dropped."""
SEND_BUFFER = 64 * 1024
"""Bytes asked of the kernel for one connection (it takes twice that): what waits there is delay too."""
CHECK_SECONDS = 10.0
"""From accepting a connection to its first connectivity check with a right password."""
MAX_CONNECTIONS = 2048
MAX_STRANGERS = 256
"""Connections that have not shown a password yet."""
BACKLOG = 256


class StreamAddress(NamedTuple):
    """The far end of a TCP connection, used where a UDP peer has its socket address."""

    host: str
    port: int
    connection: Connection


class Connection(asyncio.Protocol):
    """One TCP connection. `known` once somebody's password was shown on it."""

    def __init__(self, listener: Listener) -> None:
        self.known = False
        self.address: StreamAddress
        self._listener = listener
        self._pending = bytearray()
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        host, port = transport.get_extra_info("peername")[:2]
        self.address = StreamAddress(host, port, self)
        if not self._listener.admit(self):
            self._transport.abort()
            return
        self._transport.set_write_buffer_limits(high=MAX_QUEUE)
        self._deadline = asyncio.get_running_loop().call_later(CHECK_SECONDS, self._expire)

    def _expire(self) -> None:
        if not self.known:
            self._listener.drops["tcp: no check in time"] += 1
            self.close()

    def recognise(self) -> None:
        """A check with a right password came over it: it may stay."""
        self.known = True
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def data_received(self, data: bytes) -> None:
        pending = self._pending
        pending += data
        start = 0
        while len(pending) - start >= 2 and self._transport is not None:
            size = int.from_bytes(pending[start : start + 2], "big")
            if size > MAX_FRAME:
                self._listener.drops["tcp: frame too long"] += 1
                self.close()
                return
            if len(pending) - start - 2 < size:
                break
            if size:
                self._listener.received(bytes(pending[start + 2 : start + 2 + size]), self.address)
            start += 2 + size
        del pending[:start]

    def send(self, data: bytes) -> None:
        """Frame and send one datagram, or drop and count it where the connection is gone or too slow."""
        transport = self._transport
        if transport is None or transport.is_closing():
            self._listener.drops["tcp: closed"] += 1
        elif transport.get_write_buffer_size() + len(data) > MAX_QUEUE:
            self._listener.drops["tcp: too slow"] += 1
        else:
            transport.write(len(data).to_bytes(2, "big") + data)

    def close(self) -> None:
        """Hang up at once; what waits is dropped. Idempotent."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._deadline is not None:
            self._deadline.cancel()
        self._listener.forget(self)


class Listener:
    """The TCP socket and its connections. `received` is called with each datagram, `lost` when a connection is gone."""

    def __init__(
        self,
        sock: socket.socket,
        drops: Counter[str],
        *,
        received: Callable[[bytes, StreamAddress], None],
        lost: Callable[[StreamAddress], None],
    ) -> None:
        self.drops = drops
        self.received = received
        self._socket = sock
        self._lost = lost
        self._connections: set[Connection] = set()
        self._starting: asyncio.Task[asyncio.Server] | None = None

    def __len__(self) -> int:
        return len(self._connections)

    def start(self) -> None:
        """Take connections from now on."""
        loop = asyncio.get_running_loop()
        self._starting = loop.create_task(
            loop.create_server(lambda: Connection(self), sock=self._socket, backlog=BACKLOG)
        )

    def admit(self, connection: Connection) -> bool:
        """Whether there is room for one more."""
        strangers = sum(not other.known for other in self._connections)
        if len(self._connections) >= MAX_CONNECTIONS or strangers >= MAX_STRANGERS:
            self.drops["tcp: too many connections"] += 1
            return False
        self._connections.add(connection)
        return True

    def forget(self, connection: Connection) -> None:
        """A connection ended."""
        if connection in self._connections:
            self._connections.discard(connection)
            self._lost(connection.address)

    async def close(self) -> None:
        """End the socket and every connection."""
        if self._starting is not None:
            server = await self._starting
            server.close()
        self._socket.close()
        for connection in list(self._connections):
            connection.close()


def bind(family: int, port: int) -> socket.socket:
    """A TCP socket beside the UDP one, with the same number. Raises RelayError with a sentence."""
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Its connections inherit these two.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if family == socket.AF_INET6:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            sock.bind(("::", port))
        else:
            sock.bind(("0.0.0.0", port))  # noqa: S104 - a relay is there to be reached
    except OSError as error:
        sock.close()
        raise RelayError(
            f"TCP port {port} cannot be used ({error.strerror}). Something else listens there; choose another port."
        ) from error
    sock.setblocking(False)
    return sock
