"""What several processes of the service remember together, in Redis: what was taken of a limit, who proved work.

Without Redis, or while it is away, each process remembers for itself, as one process does anyway. Names are digests: no
address and no device stands in Redis.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from logging import getLogger
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from server.realtime.limits import Buckets, Rate, too_fast

log = getLogger(__name__)

PATIENCE = 0.3
"""Seconds that a citizen waits for Redis, at most."""
GIVEN_UP = 2.0
"""Seconds for which it is not asked after that."""

# The generic cell rate algorithm: what is kept is the moment at which the bucket is full again. In Redis's own time, so
# that clocks of several machines need not agree. Returns the milliseconds to wait, 0 where one token was taken.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local each, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = math.max(now, tonumber(redis.call('GET', KEYS[1]) or now)) + each
local wait = full - each * burst - now
if wait > 0 then return math.ceil(wait) end
redis.call('SET', KEYS[1], full, 'PX', math.ceil(full - now))
return 0
"""

_GIVE_BACK = """
local full = tonumber(redis.call('GET', KEYS[1]) or 0) - tonumber(ARGV[1])
local time = redis.call('TIME')
local left = full - time[1] * 1000 - math.floor(time[2] / 1000)
if left > 0 then redis.call('SET', KEYS[1], full, 'PX', math.ceil(left)) else redis.call('DEL', KEYS[1]) end
"""


class SharedMemory:
    """Asks Redis, shortly; every answer is None where it cannot say."""

    def __init__(self, redis: Redis | None, key: bytes) -> None:
        self._redis = redis
        self._key = key[:64]
        self._given_up_until = 0.0
        self._take = None if redis is None else redis.register_script(_TAKE)
        self._give_back = None if redis is None else redis.register_script(_GIVE_BACK)
        self.shared = redis is not None
        """Whether what is remembered holds at other processes too: False without Redis, or while it does not answer."""

    async def take(self, what: str, name: str, rate: Rate) -> float | None:
        """Take one token of the bucket; the seconds to wait where there is none, else 0."""
        if self._take is None:
            return None
        script = self._take
        waits = await self._asked(
            lambda: script(keys=[self._name(what, name)], args=[1000 / rate.per_second, rate.burst])
        )
        return None if waits is None else int(waits) / 1000

    async def give_back(self, what: str, name: str, rate: Rate) -> None:
        """One token was taken for nothing."""
        if self._give_back is not None:
            script = self._give_back
            await self._asked(lambda: script(keys=[self._name(what, name)], args=[1000 / rate.per_second]))

    async def note(self, what: str, name: str, value: str, seconds: float) -> None:
        """Remember a word for so long."""
        if self._redis is not None:
            redis = self._redis
            await self._asked(lambda: redis.set(self._name(what, name), value, px=round(seconds * 1000)))

    async def noted(self, what: str, name: str) -> str | None:
        """The word that was noted, if it still holds."""
        if self._redis is None:
            return None
        redis = self._redis
        value = await self._asked(lambda: redis.get(self._name(what, name)))
        return value.decode() if isinstance(value, bytes) else None

    async def forget(self, what: str, name: str) -> None:
        """Fill a bucket, or forget a word."""
        if self._redis is not None:
            redis = self._redis
            await self._asked(lambda: redis.delete(self._name(what, name)))

    async def gather(self, what: str, name: str, member: str, seconds: float) -> int | None:
        """Add a member to a set that is forgotten after so long; returns how many it has."""
        if self._redis is None:
            return None
        key, pipeline = self._name(what, name), self._redis.pipeline()
        pipeline.sadd(key, member)
        pipeline.expire(key, round(seconds), nx=True)
        pipeline.scard(key)
        answers = await self._asked(pipeline.execute)
        return None if answers is None else int(answers[-1])

    def _name(self, what: str, name: str) -> str:
        return f"minsheng:{what}:{blake2b(name.encode(), key=self._key, digest_size=16).hexdigest()}"

    async def _asked(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        if time.monotonic() < self._given_up_until:
            return None
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await ask()
        except (RedisError, OSError) as error:
            self._given_up_until = time.monotonic() + GIVEN_UP
            self.shared = False
            log.warning("shared memory: Redis does not answer, this process remembers for itself: %s", error)
            return None
        self.shared = True
        return answer


class Limit:
    """A rate for each name, whichever process it is met at."""

    def __init__(self, what: str, rate: Rate, memory: SharedMemory) -> None:
        self._what = f"limit:{what}"
        self._rate = rate
        self._memory = memory
        self._here = Buckets(rate)

    @property
    def refused(self) -> int:
        """How many this process turned away, since the start."""
        return self._here.refused

    async def take(self, name: str) -> None:
        """Take one token. Raises RateLimited with the seconds until the next one."""
        self._here.take(name)
        wait = await self._memory.take(self._what, name, self._rate)
        if wait:
            self._here.refused += 1
            raise too_fast(wait)

    async def give_back(self, name: str) -> None:
        """One token was taken for nothing."""
        self._here.give_back(name)
        await self._memory.give_back(self._what, name, self._rate)

    async def forget(self, name: str) -> None:
        """Fill the bucket."""
        self._here.forget(name)
        await self._memory.forget(self._what, name)
