"""Several processes of the service as one: what each tells its sockets, Redis carries to the others.

Redis may be away. Nothing here waits for it but the two tasks of this module: a comment's way to the sockets of its own
process never does. What could not be carried waits in a bounded queue; a process that may have missed something is told
since when, and reads that from the database.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from logging import getLogger
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from socketio.async_pubsub_manager import AsyncPubSubManager

from server.realtime.rooms import RoomManager

log = getLogger(__name__)

CHANNEL = "minsheng"
WAITING = 5_000
"""Messages that may wait while Redis is away: some minutes of a busy activity."""
PAUSE = 1.0
"""Seconds between two tries."""
SILENCE = 5.0
"""Seconds without a word, not even an answer to a ping, after which the line to Redis counts as cut."""
_PING = 1.5

Missed = Callable[[float], None]
"""Told that messages since a moment (seconds of the epoch) may not have arrived."""


def open_redis(url: str) -> Redis:
    """A client that gives up after moments, and tries once more where a line turns out to be dead."""
    return Redis.from_url(
        url, socket_timeout=SILENCE, socket_connect_timeout=SILENCE, retry=Retry(NoBackoff(), 1), protocol=2
    )


class RedisRoomManager(AsyncPubSubManager, RoomManager):  # type: ignore[misc]  # python-socketio carries no types
    """Rooms of several processes. `on_missed` is called after a time in which other processes could not be heard."""

    def __init__(self, redis: Redis, on_missed: Missed) -> None:
        super().__init__(channel=CHANNEL)
        self._redis = redis
        self._on_missed = on_missed
        self._waiting: asyncio.Queue[str] = asyncio.Queue(WAITING)
        self._carrying: asyncio.Task[None] | None = None
        self._overflown: float | None = None
        self.dropped = 0
        """Messages for other processes that found the queue full, since the start."""

    def initialize(self) -> None:
        """Begin to listen and to carry; called by the library with the first request."""
        super().initialize()
        self._carrying = asyncio.create_task(self._carry(), name="bus")

    async def close(self) -> None:
        """Stop both tasks. Idempotent."""
        listening: asyncio.Task[None] | None = getattr(self, "thread", None)
        for task in (self._carrying, listening):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def emit(
        self,
        event: str,
        data: Any,
        namespace: str | None = None,
        room: str | None = None,
        skip_sid: Any = None,
        callback: Any = None,
        to: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Emit here and elsewhere; what is for one socket of this process concerns no other."""
        target = to or room
        if target is not None and (self.is_connected(target, namespace) or self.is_pre_connected(target, namespace)):
            kwargs["ignore_queue"] = True
        await super().emit(event, data, namespace, target, skip_sid, callback, **kwargs)

    async def _publish(self, data: dict[str, Any]) -> None:
        try:
            self._waiting.put_nowait(json.dumps(data, ensure_ascii=False, separators=(",", ":")))
        except asyncio.QueueFull:
            self.dropped += 1
            self._overflown = self._overflown or time.time()

    async def _carry(self) -> None:
        """Publish in order, each until Redis has it: a message may arrive twice, and says the same twice."""
        while True:
            message = await self._waiting.get()
            while not await self._published(message):  # noqa: ASYNC110 - Redis sends no event when it is back
                await asyncio.sleep(PAUSE)
            if self._overflown is not None and self._waiting.empty():
                since, self._overflown = self._overflown, None
                with suppress(asyncio.QueueFull):
                    self._waiting.put_nowait(json.dumps({"method": "missed", "since": since, "host_id": self.host_id}))

    async def _published(self, message: str) -> bool:
        try:
            async with asyncio.timeout(SILENCE):
                await self._redis.publish(self.channel, message)
        except (RedisError, OSError) as error:
            log.warning("bus: Redis does not take messages: %s", error)
            return False
        return True

    async def _listen(self) -> AsyncIterator[dict[str, Any]]:
        """What other processes say; never ends."""
        since: float | None = None
        while True:
            heard = time.time()
            try:
                async with self._redis.pubsub() as line:
                    async with asyncio.timeout(SILENCE):
                        await line.subscribe(self.channel)
                    if since is not None:
                        self._on_missed(since)
                        since = None
                    async for word in _words(line):
                        heard = time.time()
                        if word is None:
                            continue
                        if word.get("method") != "missed":
                            yield word
                        elif word.get("host_id") != self.host_id:
                            self._on_missed(float(word["since"]))
            except (RedisError, OSError) as error:
                log.warning("bus: Redis is not heard: %s", error)
                since = since or heard
                await asyncio.sleep(PAUSE)


async def _words(line: Any) -> AsyncIterator[dict[str, Any] | None]:
    """What the line brings, None for a sign of life. Raises TimeoutError after a silence."""
    heard = time.monotonic()
    while True:
        message = await line.get_message(timeout=_PING)
        if message is None:
            if time.monotonic() - heard > SILENCE:
                raise TimeoutError("no answer to a ping")
            async with asyncio.timeout(SILENCE):
                await line.ping()
            continue
        heard = time.monotonic()
        word = None
        if message["type"] == "message":
            with suppress(ValueError):
                word = json.loads(message["data"])
        yield word if isinstance(word, dict) else None
