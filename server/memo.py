"""Remembers what was read for a moment, and reads once for all who ask at the same time."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class _Look(Generic[V]):
    version: int
    begun: float
    reading: "asyncio.Task[V]"


class Memo(Generic[K, V]):
    """Up to `capacity` answers, each for `lifetime` seconds from when it began to be read; the longest unused go first.

    Owner of the tasks that read. What fails is told to all who wait for it, and not remembered.
    """

    def __init__(
        self,
        read: Callable[[K], Awaitable[V]],
        *,
        lifetime: float,
        capacity: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._lifetime = lifetime
        self._capacity = capacity
        self._clock = clock
        self._looks: OrderedDict[K, _Look[V]] = OrderedDict()
        self._reading: set[asyncio.Task[V]] = set()
        self.reads = 0
        """How often something was read, since the start."""

    async def find(self, key: K, version: int = 0) -> V:
        """What is there for the key: remembered where it began to be read at the same version.

        Raises what reading raises.
        """
        now = self._clock()
        look = self._looks.get(key)
        if look is None or look.version != version or now - look.begun > self._lifetime:
            look = self._begin(key, version, now)
        self._looks.move_to_end(key)
        # Whoever goes away meanwhile must not end the look of the others.
        return await asyncio.shield(look.reading)

    def forget(self, key: K) -> None:
        """Read anew next time, also where a look is under way."""
        self._looks.pop(key, None)

    async def close(self) -> None:
        """Stop reading. Idempotent."""
        for reading in self._reading:
            reading.cancel()
        await asyncio.gather(*self._reading, return_exceptions=True)
        self._looks.clear()

    def _begin(self, key: K, version: int, now: float) -> _Look[V]:
        self.reads += 1
        look = _Look(version, now, asyncio.ensure_future(self._read(key)))
        self._reading.add(look.reading)
        look.reading.add_done_callback(lambda _: self._ended(key, look))
        self._looks[key] = look
        if len(self._looks) > self._capacity:
            self._looks.popitem(last=False)
        return look

    def _ended(self, key: K, look: _Look[V]) -> None:
        """Keep what was found for its time, not longer; what failed not at all."""
        self._reading.discard(look.reading)
        if look.reading.cancelled() or look.reading.exception() is not None:
            self._drop(key, look)
        else:
            asyncio.get_running_loop().call_later(self._lifetime, self._drop, key, look)

    def _drop(self, key: K, look: _Look[V]) -> None:
        if self._looks.get(key) is look:
            del self._looks[key]
