"""Who is watching: devices counted live, and samples of the number for the digest."""

import asyncio
import secrets
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from logging import getLogger

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import insert, select
from sqlalchemy.exc import SQLAlchemyError

from server.store.database import Database
from server.store.tables import Activity, PresenceSample, Visitor

log = getLogger(__name__)

SAMPLE_SECONDS = 10
_SHARE_SECONDS = 3
_SHARED_LIFETIME = 15


class Presence:
    """Counts the devices connected to each activity.

    With Redis the processes of the service add up what each of them has (a device connected to two of them counts
    twice); a process that dies drops out after 15 s. `on_change` gets an activity's id and its new number.
    """

    def __init__(
        self,
        database: Database,
        redis: "Redis | None",
        *,
        now: Callable[[], datetime],
        on_change: Callable[[int, int], Awaitable[None]],
    ) -> None:
        self._database = database
        self._redis = redis
        self._now = now
        self._on_change = on_change
        self._process = secrets.token_hex(8)
        self._devices: dict[int, Counter[str]] = defaultdict(Counter)
        self._elsewhere: dict[int, int] = {}
        self._told: dict[int, int] = {}
        self._visitors: set[tuple[int, str]] = set()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to tell and to sample."""
        self._task = asyncio.create_task(self._run(), name="presence")

    async def close(self) -> None:
        """Stop. Idempotent."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def arrived(self, activity_id: int, device: str, *, live: bool) -> None:
        """A socket of that device connected."""
        self._devices[activity_id][device] += 1
        if live:
            self._visitors.add((activity_id, device))

    def left(self, activity_id: int, device: str) -> None:
        """A socket of that device disconnected."""
        devices = self._devices[activity_id]
        devices[device] -= 1
        if devices[device] <= 0:
            del devices[device]
        if not devices:
            del self._devices[activity_id]

    def watching(self, activity_id: int) -> int:
        """How many devices watch now."""
        here = len(self._devices[activity_id]) if activity_id in self._devices else 0
        return here + self._elsewhere.get(activity_id, 0)

    def numbers(self) -> dict[int, int]:
        """Activity id to how many watch, for those with anybody."""
        return {activity_id: self.watching(activity_id) for activity_id in list(self._devices)}

    def went_live(self, activity_id: int) -> None:
        """Those who had been waiting are viewers from now on."""
        self._visitors.update((activity_id, device) for device in self._devices.get(activity_id, ()))

    async def _run(self) -> None:
        ticks = 0
        while True:
            await asyncio.sleep(1)
            ticks += 1
            if self._redis is not None and ticks % _SHARE_SECONDS == 0:
                try:
                    await self._share(self._redis)
                except (RedisError, OSError) as error:
                    log.warning("presence: Redis does not answer: %s", error)
            await self._tell()
            if ticks % SAMPLE_SECONDS == 0:
                try:
                    await self._sample()
                except (SQLAlchemyError, OSError) as error:
                    log.error("presence: sample not stored: %s", error)

    async def _tell(self) -> None:
        for activity_id in set(self._told) | set(self._devices) | set(self._elsewhere):
            number = self.watching(activity_id)
            if self._told.get(activity_id) != number:
                self._told[activity_id] = number
                await self._on_change(activity_id, number)
            if number == 0:
                self._told.pop(activity_id, None)

    async def _share(self, redis: "Redis") -> None:
        prefix = "minsheng:presence:"
        for activity, devices in list(self._devices.items()):
            await redis.set(f"{prefix}{self._process}:{activity}", len(devices), ex=_SHARED_LIFETIME)
        elsewhere: Counter[int] = Counter()
        async for key in redis.scan_iter(match=f"{prefix}*", count=500):
            _, _, process, activity_id = (key.decode() if isinstance(key, bytes) else key).split(":")
            value = await redis.get(key)
            if process != self._process and value is not None:
                elsewhere[int(activity_id)] += int(value)
        self._elsewhere = dict(elsewhere)

    async def _sample(self) -> None:
        now = self._now()
        visitors, self._visitors = self._visitors, set()
        try:
            async with self._database.write() as session:
                live = (await session.scalars(select(Activity.id).where(Activity.state == "live"))).all()
                # With several processes each stores the whole; the digest takes the highest of one interval.
                for activity_id in live:
                    session.add(PresenceSample(activity_id=activity_id, at=now, watching=self.watching(activity_id)))
                known = await session.execute(
                    select(Visitor.activity_id, Visitor.device).where(
                        Visitor.activity_id.in_({activity_id for activity_id, _ in visitors})
                    )
                )
                fresh = visitors - {(activity, device) for activity, device in known}
                if fresh:
                    await session.execute(
                        insert(Visitor),
                        [{"activity_id": activity, "device": device, "first_at": now} for activity, device in fresh],
                    )
        except BaseException:
            self._visitors |= visitors
            raise
