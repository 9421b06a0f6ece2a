"""A citizen's phone: one Socket.IO client of `/audience`, and what it has received."""

import asyncio
import contextlib
import secrets
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import socketio

EVENTS = (
    "comments",
    "questions",
    "removed",
    "presence",
    "broadcast",
    "state",
    "stream",
    "health",
    "acted",
    "colleague",
)


class Client:
    """A socket that keeps every event in order of arrival."""

    def __init__(self, url: str, namespace: str, auth: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._url = url
        self._namespace = namespace
        self._auth = auth
        self._headers = headers or {}
        self.received: defaultdict[str, list[Any]] = defaultdict(list)
        self._news = asyncio.Event()
        self._sio = socketio.AsyncClient(reconnection=False, handle_sigint=False)
        for event in EVENTS:
            self._sio.on(event, self._keep(event), namespace=namespace)

    def _keep(self, event: str) -> Callable[[Any], None]:
        def keep(data: Any) -> None:
            self.received[event].append(data)
            self._news.set()

        return keep

    async def connect(self) -> "Client":
        """Connect. Raises socketio's ConnectionError where the server refuses."""
        await self._sio.connect(
            self._url,
            auth=self._auth,
            headers=self._headers,
            namespaces=[self._namespace],
            transports=["websocket"],
        )
        return self

    async def call(self, event: str, data: object) -> dict[str, Any]:
        """Emit and wait for the acknowledgement."""
        answer: dict[str, Any] = await self._sio.call(event, data, namespace=self._namespace, timeout=10)
        return answer

    async def until(self, condition: Callable[[], Any], seconds: float = 10) -> Any:
        """Wait until the condition gives something true, and return that."""
        async with asyncio.timeout(seconds):
            while True:
                self._news.clear()
                # An entry that the condition looks into may not have come yet.
                with contextlib.suppress(KeyError):
                    if found := condition():
                        return found
                await self._news.wait()

    def entries(self, event: str) -> dict[int, dict[str, Any]]:
        """The newest form of each comment or question received, by id."""
        return {item["id"]: item for batch in self.received[event] for item in batch}

    async def entry(self, event: str, entry_id: int, *, scored: bool = False) -> dict[str, Any]:
        """Wait for a comment or question, with `scored` until it has a label too; returns its newest form."""

        def ready() -> dict[str, Any] | None:
            found = self.entries(event).get(entry_id)
            return found if found is not None and (not scored or found["label"]) else None

        entry: dict[str, Any] = await self.until(ready, 20)
        return entry

    async def close(self) -> None:
        """Disconnect and wait until that is done."""
        await self._sio.disconnect()
        await self._sio.eio.wait()


def citizen(url: str, activity: object, **auth: object) -> Client:
    """A citizen who has not connected yet, on a device of its own unless one is given."""
    return Client(url, "/audience", {"activity": activity, "device": secrets.token_urlsafe(16), **auth})


def host(url: str, activity: str, cookie: str) -> Client:
    """A host's console that has not connected yet."""
    return Client(url, "/host", {"activity": activity}, {"Cookie": cookie})


def speech(text: str, nickname: str = "小李", key: str | None = None) -> dict[str, str]:
    """The payload of a comment or a question."""
    return {"key": key or secrets.token_urlsafe(9), "text": text, "nickname": nickname}
