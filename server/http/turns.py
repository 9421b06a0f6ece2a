"""What is read over HTTP, in turns: a few requests of an address at a time, so that thousands of one delay no other.

Each costs milliseconds of the one loop. A hall behind one address that opens the page together waits as long as without
this: there is no more to be had than a core. Who asks from another address does not wait for all of them.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from server.errors import RateLimited

AT_ONCE = 16
MOST_WAITING = 5_000
"""Of one address: a hall of a thousand, each phone with all that a page asks for."""


@dataclass(slots=True)
class _Line:
    served: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


class Turns:
    """Lines of those who wait, by address; an address with nobody in it takes no memory."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}
        self.refused = 0
        """Requests that found the line of their address full, since the start."""

    @asynccontextmanager
    async def turn(self, address: str) -> AsyncIterator[None]:
        """Wait for the address's turn, and have it for the block. Raises RateLimited where too many wait."""
        line = self._lines.setdefault(address, _Line())
        if line.served < AT_ONCE:
            line.served += 1
        else:
            await self._wait(address, line)
        try:
            yield
        finally:
            self._pass_on(address, line)

    async def _wait(self, address: str, line: _Line) -> None:
        if len(line.waiting) >= MOST_WAITING:
            self.refused += 1
            raise RateLimited("同一网络的访问太多，请稍后再试。", retry_after=5)
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.waiting.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self._pass_on(address, line)  # it was called in the moment it left
            raise

    def _pass_on(self, address: str, line: _Line) -> None:
        self._next(line)
        if line.served == 0:
            self._lines.pop(address, None)

    @staticmethod
    def _next(line: _Line) -> None:
        while line.waiting:
            following = line.waiting.popleft()
            if not following.done():
                following.set_result(None)  # the place goes over to it
                return
        line.served -= 1
