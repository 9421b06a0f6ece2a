"""The Socket.IO server and what the rest of the service tells through it."""

import json
import logging
from typing import Any

import socketio
from pydantic_core import to_jsonable_python
from redis.asyncio import Redis

from server.activities import Directory, Known
from server.broadcasts import Broadcasts
from server.moderation import Moderated
from server.moderation_rules import Rules
from server.realtime.bus import Missed, RedisRoomManager
from server.realtime.channels import AUDIENCE, HOST, room
from server.realtime.delivery import Delivery
from server.realtime.malformed import Malformed
from server.realtime.packets import TextPacket
from server.realtime.rooms import RoomManager, use_direct_sockets

LARGEST_MESSAGE = 256 * 1024
"""Bytes of one message from a client; a longer one ends its connection."""


class CompactJson:
    """JSON as it travels: Chinese as UTF-8, three bytes a character where an escape takes six."""

    @staticmethod
    def dumps(value: object, **_options: object) -> str:
        """Without spaces, without escapes."""
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    loads = staticmethod(json.loads)


def make_server(redis: Redis | None, malformed: Malformed, on_missed: Missed) -> socketio.AsyncServer:
    """The Socket.IO server; with Redis, several processes reach each other's sockets."""
    log = logging.getLogger("server.socket")
    log.setLevel(logging.ERROR)  # the libraries tell every packet below that
    log.addFilter(malformed)
    manager = RoomManager() if redis is None else RedisRoomManager(redis, on_missed)
    server = socketio.AsyncServer(
        async_mode="aiohttp",
        json=CompactJson,
        serializer=TextPacket,
        client_manager=manager,
        cors_allowed_origins=None,  # same origin alone
        max_http_buffer_size=LARGEST_MESSAGE,
        ping_interval=20,
        ping_timeout=20,
        namespaces=[AUDIENCE, HOST],
        logger=log,
        engineio_logger=log,
    )
    use_direct_sockets(server)
    return server


def broadcast_news(activity: Known, *, on_air: bool) -> dict[str, Any]:
    """The event `broadcast`: the state of an activity, and on which terms it may be spoken to."""
    terms = {"slow_seconds": activity.slow_seconds, "identity": activity.identity}
    return {"state": activity.state, "on_air": on_air, **terms}


class Hub:
    """Tells rooms what happened. Holds no state of its own."""

    def __init__(
        self,
        sio: socketio.AsyncServer,
        directory: Directory,
        broadcasts: Broadcasts,
        delivery: Delivery,
        rules: Rules,
    ) -> None:
        self._sio = sio
        self._directory = directory
        self._broadcasts = broadcasts
        self._delivery = delivery
        self._rules = rules

    async def announce(self, slug: str, *, here: bool = False) -> None:
        """The state of an activity, or who is on air, changed; with `here`, told to this process's sockets alone."""
        activity = await self._directory.find(slug)
        news = broadcast_news(activity, on_air=self._broadcasts.on_air(slug))
        rules = {"moderation": activity.moderation, "challenge": activity.challenge}
        for namespace, told in ((AUDIENCE, news), (HOST, news | rules)):
            await self._sio.emit("broadcast", told, room=room(activity.id), namespace=namespace, ignore_queue=here)

    async def published(self, activity_id: int, version: int) -> None:
        """A version of the outcomes is public now: pages that are open show it."""
        await self._sio.emit("outcomes", {"version": version}, room=room(activity_id), namespace=AUDIENCE)

    async def noticed(self, activity_id: int, version: int) -> None:
        """A notice, or its correction, is public now: pages that are open ask for the activity again."""
        await self._sio.emit("notice", {"version": version}, room=room(activity_id), namespace=AUDIENCE)

    async def moderated(self, result: Moderated) -> None:
        """Staff changed an entry: its new form goes to everybody, the line of the log to the other hosts."""
        self._delivery.changed(result.entry.id, *result.touched)
        self._rules.wake()  # a ban holds, and is lifted, at once
        line = to_jsonable_python(result.line)
        await self._sio.emit("acted", line, room=room(result.entry.activity_id), namespace=HOST)

    def handed(self, entry_id: int) -> None:
        """An entry was handed to another unit, or that unit did something about it."""
        self._delivery.told_staff(entry_id)

    def withdrawn(self, *entry_ids: int) -> None:
        """An author took an entry back: it disappears from every page, and what it was merged with changes."""
        self._delivery.changed(*entry_ids)

    async def watching(self, activity_id: int, number: int) -> None:
        """The number of those who watch changed."""
        for namespace in (AUDIENCE, HOST):
            await self._sio.emit("presence", {"watching": number}, room=room(activity_id), namespace=namespace)

    async def stream(self, slug: str, stream: dict[str, Any]) -> None:
        """The health of a stream, for its hosts."""
        activity = await self._directory.find(slug)
        await self._sio.emit("stream", stream, room=room(activity.id), namespace=HOST)

    async def health(self, parts: dict[str, str]) -> None:
        """A part of this process's service went away or came back: every console that is connected to it is told."""
        await self._sio.emit("health", parts, namespace=HOST, ignore_queue=True)
