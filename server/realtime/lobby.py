"""Sockets that are connected and in no namespace: they have some seconds to say what they came for.

A connection whose namespace was refused, for want of a name or a right, is one of them.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from logging import getLogger
from typing import Any

import socketio

from server.realtime.channels import AUDIENCE, HOST
from server.realtime.limits import network_of

log = getLogger(__name__)

JOIN_SECONDS = 10.0
FAIR_SECONDS = 3.0
"""Nobody is ended sooner: after a restart a thousand phones of one address come in the same moment."""
ADDRESS_WAITING = 200
"""Of one address, after that."""
ADDRESS_SOCKETS = 5_000
"""Sockets of one address that may have joined."""
_EVERY = 1.0


@dataclass(slots=True)
class _Guest:
    since: float
    address: str
    joined: bool = False


class Lobby:
    """Owner of the task that looks once a second who is still waiting."""

    def __init__(
        self,
        sio: socketio.AsyncServer,
        *,
        address_of: Callable[[dict[str, Any]], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sio = sio
        self._address_of = address_of
        self._clock = clock
        self._guests: dict[str, _Guest] = {}
        self._task: asyncio.Task[None] | None = None
        self.silent = 0
        """Sockets ended because they never joined, since the start."""
        self.crowded = 0
        """Sockets ended because there were too many of one address."""

    async def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run(), name="lobby")

    async def close(self) -> None:
        """Stop. Idempotent."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    @property
    def waiting(self) -> int:
        """Sockets that are connected and in no namespace, as of the last look."""
        return sum(not guest.joined for guest in self._guests.values())

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_EVERY)
            for sid in self.look():
                await self._end(sid)

    def look(self) -> list[str]:
        """Note who came, joined and left; returns whom to send away, the longest waiting first."""
        now, sockets, manager = self._clock(), self._sio.eio.sockets, self._sio.manager
        for sid in self._guests.keys() - sockets.keys():
            del self._guests[sid]
        waiting: Counter[str] = Counter()
        joined: Counter[str] = Counter()
        for sid in list(sockets):
            guest = self._guests.get(sid)
            if guest is None:
                environ = self._sio.environ.get(sid)
                if environ is None:
                    continue  # its first request is being answered
                guest = self._guests[sid] = _Guest(now, network_of(self._address_of(environ)))
            # A namespace may let go of a socket again: then it waits anew, from when it came.
            guest.joined = any(manager.sid_from_eio_sid(sid, name) is not None for name in (AUDIENCE, HOST))
            (joined if guest.joined else waiting)[guest.address] += 1
        leaving: list[str] = []
        for sid, guest in self._guests.items():
            if guest.joined or now - guest.since <= FAIR_SECONDS:
                continue
            if now - guest.since > JOIN_SECONDS or waiting[guest.address] > ADDRESS_WAITING:
                waiting[guest.address] -= 1
                self.silent += 1
                leaving.append(sid)
        for sid, guest in reversed(self._guests.items()):
            if guest.joined and joined[guest.address] > ADDRESS_SOCKETS:
                joined[guest.address] -= 1
                self.crowded += 1
                leaving.append(sid)
        return leaving

    async def empty(self) -> None:
        """Let go of everybody, since the service stops: phones come again, to whoever serves then."""
        for socket in list(self._sio.eio.sockets.values()):
            transport = getattr(socket, "transport_of_room", None)
            if transport is not None:
                transport.close()  # after what is being written
            else:
                await socket.close(wait=False)

    async def _end(self, sid: str) -> None:
        socket = self._sio.eio.sockets.get(sid)
        transport = getattr(socket, "transport_of_room", None)
        if transport is not None:
            transport.abort()  # whoever says nothing does not answer a goodbye either
        elif socket is not None:
            await socket.close(wait=False, abort=True)
