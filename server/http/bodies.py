"""Bodies that trickle in: who sends one has to go on sending it, at a least rate, whichever endpoint it is meant for.

aiohttp waits for a body without end, so that a few thousand requests that announce one and never send it would hold the
connections that citizens need. No total time would do: a film is gigabytes, and a bad line takes hours for it. So each
byte buys time, and what was bought is bounded.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from heapq import nsmallest

from aiohttp import web

from server.errors import ServiceError
from server.realtime.limits import network_of
from server.services import SERVICES

FIRST_SECONDS = 10.0
"""For the beginning of a body."""
LEAST_RATE = 1024
"""Bytes that buy one second: less than a telephone line carries."""
LONGEST_PAUSE = 30.0
"""Seconds without a byte, however much has come before: a train goes through a tunnel."""
ADDRESS_BODIES = 100
"""Those of one address that take longer than a moment. A hall of a thousand sends small ones, here at once."""
LOOK_SECONDS = 1.0
"""The moment."""


class SlowBody(TimeoutError):
    """What a handler meets that reads on. aiohttp takes a TimeoutError as the end of what it still waited for."""


class TooSlow(ServiceError):
    """The body did not come, or not fast enough; the connection ends."""

    status, code = 408, "too_slow"


class Compressed(ServiceError):
    """A body with a Content-Encoding (RFC 9110 section 15.5.16)."""

    status, code = 415, "unsupported_media_type"


class Patience:
    """How long a body may go on without a byte: seconds, bought by bytes and spent by waiting."""

    def __init__(self) -> None:
        self.left = FIRST_SECONDS
        self._received = 0

    def spend(self, seconds: float, received: int) -> bool:
        """So much time went by, and so many bytes are here in all. Returns whether any patience is left."""
        bought = (received - self._received) / LEAST_RATE
        self._received = received
        self.left = min(LONGEST_PAUSE, self.left + bought) - seconds
        return self.left > 0


class _Body:
    """One that is on its way; looks at itself once a second."""

    def __init__(self, owner: "Bodies", request: web.Request) -> None:
        self._owner = owner
        self._request = request
        self.patience = Patience()
        self.late = False
        """Whether it took longer than a moment."""
        self._looked = time.monotonic()
        self._timer = self._look_later()

    def _look_later(self) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        content, transport, now = self._request.content, self._request.transport, time.monotonic()
        seconds, self._looked = now - self._looked, now
        if content.is_eof() or transport is None:
            self._owner.arrived(self)
            return
        if not transport.is_reading():
            seconds = 0.0  # what is here waits for the service: that time is not the sender's
        if self.patience.spend(seconds, content.total_raw_bytes):
            self._timer = self._look_later()
            self.late = True
            self._owner.late(self)
        else:
            self._owner.too_slow(self)

    def end(self) -> None:
        """Whoever reads it, now or later, meets SlowBody."""
        self.stop()
        self._request.content.set_exception(SlowBody("the body does not come"))

    def stop(self) -> None:
        """Look no more."""
        self._timer.cancel()


class Bodies:
    """Knows each unfinished body, by address."""

    def __init__(self) -> None:
        self._unfinished: dict[_Body, str] = {}
        self._by_address: dict[str, dict[_Body, None]] = {}
        self.slow = 0
        """Bodies that were ended because they did not come, since the start."""
        self.crowded = 0
        """Bodies that were ended because their address had too many, the slowest first."""

    @property
    def unfinished(self) -> int:
        """How many are awaited now."""
        return len(self._unfinished)

    @contextmanager
    def watched(self, request: web.Request, address: str) -> Iterator[None]:
        """Watch the request's body until the end of the block."""
        body = _Body(self, request)
        self._unfinished[body] = address
        self._by_address.setdefault(address, {})[body] = None
        try:
            yield
        finally:
            self.arrived(body)

    def late(self, body: _Body) -> None:
        """It is not here yet: if its address has too many of that kind, the slowest end."""
        of_address = self._by_address[self._unfinished[body]]
        if len(of_address) <= ADDRESS_BODIES:
            return
        late = [one for one in of_address if one.late]
        # An upload over a bad line has more patience left than whoever sends next to nothing.
        for slowest in nsmallest(len(late) - ADDRESS_BODIES, late, key=lambda one: one.patience.left):
            self.crowded += 1
            self._end(slowest)

    def too_slow(self, body: _Body) -> None:
        """Its patience is over."""
        self.slow += 1
        self._end(body)

    def _end(self, body: _Body) -> None:
        self.arrived(body)
        body.end()

    def arrived(self, body: _Body) -> None:
        """It is awaited no more. Idempotent."""
        body.stop()
        address = self._unfinished.pop(body, None)
        if address is not None:
            self._by_address[address].pop(body)
            if not self._by_address[address]:
                del self._by_address[address]


@web.middleware
async def bodies(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Refuse what is compressed; watch what did not come with the head: nearly every body did."""
    if request.headers.get("Content-Encoding", "identity") != "identity":
        # Two hundred kilobytes of it may be as many megabytes, and half a second's work. No browser sends it.
        raise Compressed("请不要压缩请求的内容。")
    if request.content.is_eof():
        return await handler(request)
    services = request.app[SERVICES]
    with services.bodies.watched(request, network_of(services.authenticator.address_of(request))):
        try:
            return await handler(request)
        except SlowBody:
            raise TooSlow("网络太慢，内容没有传完，请稍后再试。") from None
