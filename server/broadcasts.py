"""What is on air: the relay's news, carried to pages and consoles."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from logging import getLogger
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from server.stream_history import StreamHistory
from streaming.errors import RelayError
from streaming.figures import RelayStats
from streaming.supervisor import PublisherChanged, RelayChanged, RelayEvent, Supervisor

log = getLogger(__name__)

_STREAM_SECONDS = 2.0


class Broadcasts:
    """Knows who is on air, and tells: `on_broadcast` when a publisher comes or goes, `on_stream` its health every 2 s.

    The relay calls `relay_said` in the event loop; the news waits in a bounded queue for the task that carries it.
    """

    def __init__(
        self,
        *,
        on_broadcast: Callable[[str, bool], Awaitable[None]],
        on_stream: Callable[[str, dict[str, Any]], Awaitable[None]],
        on_health: Callable[[bool], Awaitable[None]],
    ) -> None:
        self._on_broadcast = on_broadcast
        self._on_stream = on_stream
        self._on_health = on_health
        self._relay: Supervisor | None = None
        self._on_air: set[str] = set()
        self._news: asyncio.Queue[RelayEvent] = asyncio.Queue(1000)
        self._tasks: list[asyncio.Task[None]] = []
        self.history = StreamHistory()
        self.latest: RelayStats | None = None
        """The relay's last figures; None before the first and while it restarts."""

    async def start(self, relay: Supervisor) -> None:
        """Begin to carry the news of a relay that runs."""
        self._relay = relay
        self._tasks = [
            asyncio.create_task(self._carry(), name="broadcasts"),
            asyncio.create_task(self._watch(relay), name="stream-health"),
        ]

    async def close(self) -> None:
        """Stop. Idempotent."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def on_air(self, slug: str) -> bool:
        """Whether a publisher sends for this activity."""
        return slug in self._on_air

    def relay_said(self, event: RelayEvent) -> None:
        """Take in the relay's news: the state at once, the telling in order."""
        match event:
            case PublisherChanged(activity, on_air):
                (self._on_air.add if on_air else self._on_air.discard)(activity)
            case RelayChanged(up) if not up:
                for activity in list(self._on_air):
                    self.relay_said(PublisherChanged(activity, on_air=False))
                self.latest = None
        try:
            self._news.put_nowait(event)
        except asyncio.QueueFull:
            log.error("broadcasts: too much news from the relay, one dropped: %s", event)

    async def stream(self, slug: str) -> dict[str, Any]:
        """The `Stream` object of the protocol."""
        stats = self.latest.activities.get(slug) if self.latest else None
        publisher = stats.publisher if stats else None
        return {
            "on_air": self.on_air(slug),
            "publisher": None if publisher is None else {**publisher.as_dict(), "since": _moment(publisher.since)},
            "viewers": stats.viewers if stats else 0,
            "moment": self.history.latest(slug),
            "layers": [layer.as_dict() for layer in stats.layers] if stats else [],
            "sound_alone": stats.sound_alone if stats else 0,
            "relay": "up" if self._relay is not None and self._relay.up else "restarting",
        }

    async def _carry(self) -> None:
        while True:
            try:
                match await self._news.get():
                    case PublisherChanged(activity, on_air):
                        await self._on_broadcast(activity, on_air)
                    case RelayChanged(up):
                        await self._on_health(up)
            except (SQLAlchemyError, OSError) as error:
                log.error("broadcasts: news not told: %s", error)

    async def _watch(self, relay: Supervisor) -> None:
        told: set[str] = set()
        while True:
            await asyncio.sleep(_STREAM_SECONDS)
            try:
                self.latest = await relay.stats()
            except RelayError:
                self.latest = None
            activities = set(self.latest.activities) if self.latest else set()
            for slug in activities | told:
                self.history.add(slug, self.latest.activities.get(slug) if self.latest else None, time.time())
                try:
                    await self._on_stream(slug, await self.stream(slug))
                except (SQLAlchemyError, OSError) as error:
                    log.error("broadcasts: the stream of %s not told: %s", slug, error)
            told = activities


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
