"""The door: how many connections stand open, and how long one may say nothing before it has asked for anything.

aiohttp waits for a first request without end, so that a few hundred sockets that say nothing would hold the descriptors
that citizens need. A hall of people behind one address is no attack: they speak at once. So whoever says nothing has
some seconds, and where too many say nothing, those that have been silent longest go, never the newcomer.
"""

import asyncio
import resource
import socket
from collections import Counter
from collections.abc import Callable
from logging import getLogger
from typing import cast

from aiohttp import web

from server.realtime.limits import network_of

log = getLogger(__name__)

SILENT_SECONDS = 10.0
"""For the whole head of the first request."""
FAIR_SECONDS = 2.0
"""Nobody is ended sooner: after a restart a thousand phones of one address come in the same moment, and have spoken
before they can be read."""
STUCK_SECONDS = 60.0
"""Without taking in a byte of what it asked for: the kernel ends such a connection. A slow one goes on."""
ADDRESS_SILENT = 200
"""After that. A browser opens a connection or two in advance: a hundred people have as many that are silent."""
ADDRESS_OPEN = 6_000
"""Connections of one address: a hall of a thousand, or the citizens that an operator puts behind one address."""
MOST_OPEN = 20_000
SPARE_DESCRIPTORS = 200
"""For the database, files, pipes and the relay's control."""
_HEAD_ENDS = b"\r\n\r\n"


def raise_descriptor_limit() -> int:
    """Take as many descriptors as the system lets a process have; returns how many that is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_OPEN + SPARE_DESCRIPTORS
    wanted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return MOST_OPEN + SPARE_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft


class Door:
    """Lets connections in to the server and knows each until it ends.

    `exempt` says for which addresses the limits of one address do not count: reverse proxies.
    """

    def __init__(
        self, *, exempt: Callable[[str], bool], most: int = MOST_OPEN, silent_seconds: float = SILENT_SECONDS
    ) -> None:
        self._exempt = exempt
        self.most = most
        self._silent_seconds = silent_seconds
        self._by_address: Counter[str] = Counter()
        self._silent: dict[_Visitor, None] = {}
        self._silent_by_address: dict[str, dict[_Visitor, None]] = {}
        self.open = 0
        """Connections now."""
        self.refused = 0
        """Connections that were not let in, since the start."""
        self.silent = 0
        """Connections that were ended because they said nothing."""
        self.stuck = 0
        """Connections that ended because they did not read."""

    @property
    def waiting(self) -> int:
        """Connections that have said nothing yet."""
        return len(self._silent)

    def protocol(self, server: Callable[[], asyncio.Protocol]) -> asyncio.Protocol:
        """The protocol of a connection that is about to be made."""
        return _Visitor(self, server())

    def came(self, visitor: "_Visitor", address: str) -> bool:
        """A connection was made; False where it may not stay."""
        self.open += 1
        self._by_address[address] += 1
        one_of_many = not self._exempt(address)
        if one_of_many and self._by_address[address] > ADDRESS_OPEN:
            self.refused += 1
            return False
        if self.open > self.most:
            if not self._silent:
                self.refused += 1
                return False
            self.end_silent(next(iter(self._silent)))
        self._silent[visitor] = None
        self._silent_by_address.setdefault(address, {})[visitor] = None
        visitor.wait(FAIR_SECONDS, self._still_silent)
        return True

    def _still_silent(self, visitor: "_Visitor") -> None:
        """It had a fair time; more is for those who are few."""
        alike = self._silent_by_address.get(visitor.address, {})
        if len(alike) > ADDRESS_SILENT and not self._exempt(visitor.address):
            self.end_silent(visitor)
        else:
            visitor.wait(self._silent_seconds - FAIR_SECONDS, self.end_silent)

    def end_silent(self, visitor: "_Visitor") -> None:
        """It has said nothing for long enough."""
        self.silent += 1
        self.spoke(visitor)
        visitor.abort()

    def spoke(self, visitor: "_Visitor") -> None:
        """Its first request is here; from now on the server's own times hold."""
        self._silent.pop(visitor, None)
        of_address = self._silent_by_address.get(visitor.address, {})
        of_address.pop(visitor, None)
        if not of_address:
            self._silent_by_address.pop(visitor.address, None)

    def left(self, visitor: "_Visitor", exc: Exception | None) -> None:
        """A connection ended."""
        self.stuck += isinstance(exc, TimeoutError)
        self.spoke(visitor)
        self.open -= 1
        self._by_address[visitor.address] -= 1
        if self._by_address[visitor.address] <= 0:
            del self._by_address[visitor.address]


class _Visitor(asyncio.Protocol):
    """Stands before the server's own protocol until the first request is here."""

    def __init__(self, door: Door, protocol: asyncio.Protocol) -> None:
        self._door = door
        self._protocol = protocol
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._head = b""
        self._spoke = False
        self.address = ""

    def wait(self, seconds: float, then: "Callable[[_Visitor], None]") -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, then, self)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        peer = transport.get_extra_info("peername")
        self.address = network_of(str(peer[0])) if peer else ""
        self._protocol.connection_made(transport)
        if not self._door.came(self, self.address):
            self.abort()

    def data_received(self, data: bytes) -> None:
        if not self._spoke:
            self._head = (self._head + data)[-len(data) - 3 :]
            if _HEAD_ENDS in self._head:
                self._spoke, self._head = True, b""
                self._door.spoke(self)
                if self._timer is not None:
                    self._timer.cancel()
        self._protocol.data_received(data)

    def eof_received(self) -> bool | None:
        return self._protocol.eof_received()

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._door.left(self, exc)
        self._protocol.connection_lost(exc)


class DoorSite(web.BaseSite):
    """A TCP address behind the door."""

    def __init__(self, runner: web.AppRunner, door: Door, host: str, port: int) -> None:
        super().__init__(runner)
        self._door = door
        self._host = host
        self._port = port

    @property
    def name(self) -> str:
        """For aiohttp's own messages."""
        return f"http://{self._host}:{self._port}"

    async def start(self) -> None:
        """Listen."""
        await super().start()
        server = self._runner.server
        assert server is not None
        self._server = await asyncio.get_running_loop().create_server(
            lambda: self._door.protocol(server), self._host, self._port, backlog=1024, reuse_address=True
        )
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; what is accepted has it from the socket that listens
            for listening in self._server.sockets:
                listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(STUCK_SECONDS * 1000))
