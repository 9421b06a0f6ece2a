"""Phones for the benches and the fault tests: the few frames of Engine.IO and Socket.IO that it takes, raw.

A phone of python-socketio costs more than the service's whole work for it; these cost little enough for thousands.
"""

import asyncio
import json
import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import aiohttp

PATIENCE = 10.0
"""Seconds that a page waits for an acknowledgement (`web/src/public/useAudience.ts`)."""
_PASSING = {"unavailable", "rate_limited", "slow_mode"}


class Cut(Exception):
    """The line ended, or the service did not let this phone in."""


class Line:
    """One connection to a namespace. `on_event` gets each event's name and its data."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, namespace: str, on_event: Callable[[str, Any], None]):
        self._socket = socket
        self._namespace = namespace
        self._on_event = on_event
        self._acknowledgements: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._number = 0
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def open(
        cls,
        session: aiohttp.ClientSession,
        url: str,
        namespace: str,
        auth: dict[str, Any],
        on_event: Callable[[str, Any], None],
        headers: dict[str, str] | None = None,
    ) -> "Line":
        """Connect and join. Raises Cut."""
        try:
            address = f"{url}/socket.io/?EIO=4&transport=websocket"
            socket = await session.ws_connect(address, max_msg_size=0, headers=headers)
            try:
                await socket.receive_str(timeout=PATIENCE)
                await socket.send_str(f"40{namespace},{json.dumps(auth)}")
                answer = await socket.receive_str(timeout=PATIENCE)
                # What the service sends in its welcome may come before the answer to the connection itself.
                line = cls(socket, namespace, on_event)
                if not line._take(answer):
                    await line.close()
                    raise Cut(answer)
            except (TypeError, TimeoutError, aiohttp.ClientError) as error:
                await socket.close()
                raise Cut(str(error)) from None
        except (aiohttp.ClientError, OSError) as error:
            raise Cut(str(error)) from None
        return line

    @property
    def cut(self) -> bool:
        """Whether the line has ended."""
        return self._reading.done()

    async def call(self, event: str, data: object, patience: float) -> dict[str, Any]:
        """Emit and wait for the acknowledgement. Raises Cut, TimeoutError."""
        self._number += 1
        number, answer = self._number, asyncio.get_running_loop().create_future()
        self._acknowledgements[number] = answer
        payload = json.dumps([event, data], ensure_ascii=False)
        try:
            await self._socket.send_str(f"42{self._namespace},{number}{payload}")
            async with asyncio.timeout(patience):
                return dict(await answer)
        except (aiohttp.ClientError, ConnectionError) as error:
            raise Cut(str(error)) from None
        finally:
            self._acknowledgements.pop(number, None)

    async def ended(self) -> None:
        """Wait until the other side ends it."""
        await asyncio.wait({self._reading})

    async def close(self) -> None:
        """End the line. Idempotent."""
        await self._socket.close()
        with suppress(Cut):
            await self._reading

    async def _read(self) -> None:
        async for message in self._socket:
            text = str(message.data)
            if text == "2":
                with suppress(aiohttp.ClientError, ConnectionError):
                    await self._socket.send_str("3")
            elif not self._take(text):
                break
        for answer in self._acknowledgements.values():
            if not answer.done():
                answer.set_exception(Cut("the line ended"))

    def _take(self, text: str) -> bool:
        """Take in a frame; False where it ends the connection."""
        head = f"{self._namespace},"
        kind, rest = text[:2], text[2:].removeprefix(head)
        if kind == "43":
            number, _, body = rest.partition("[")
            waiting = self._acknowledgements.get(int(number))
            if waiting is not None and not waiting.done():
                waiting.set_result(json.loads("[" + body)[0])
        elif kind == "42":
            name, *data = json.loads(rest)
            self._on_event(name, data[0] if data else None)
        return kind not in {"41", "44"}


class Citizen:
    """Somebody who reads and writes as the page does: each comment is sent with its key until it is acknowledged."""

    def __init__(self, session: aiohttp.ClientSession, url: str, slug: str, *, patience: float = PATIENCE) -> None:
        self._session = session
        self._url = url
        self._slug = slug
        self._patience = patience
        self._line: Line | None = None
        self._device = secrets.token_urlsafe(16)
        self.seen: dict[int, str] = {}
        """Comments received, by id."""
        self.acknowledged: dict[str, int] = {}
        self.sent = 0
        """Comments handed over, each time that it was tried."""

    async def read(self) -> None:
        """Stay connected, as a page that is open does, until cancelled."""
        while True:
            with suppress(Cut):
                await self._connected()
            await asyncio.sleep(0.3)

    async def say(self, key: str, text: str) -> None:
        """Say it, however long that takes."""
        while True:
            pause = 1.0
            try:
                line = await self._connected()
                self.sent += 1
                answer = await line.call("comment", {"key": key, "text": text, "nickname": ""}, self._patience)
                if answer["ok"]:
                    self.acknowledged[key] = answer["id"]
                    return
                if answer["error"]["code"] not in _PASSING:
                    raise RuntimeError(answer["error"])
                pause = float(answer["error"].get("retry_after", pause))
            except (Cut, TimeoutError):
                pass
            await asyncio.sleep(pause)

    async def close(self) -> None:
        """Close the page."""
        if self._line is not None:
            await self._line.close()

    async def _connected(self) -> Line:
        if self._line is None or self._line.cut:
            auth: dict[str, Any] = {"activity": self._slug, "device": self._device}
            if self.seen:
                auth["last"] = max(self.seen)
            self._line = await Line.open(self._session, self._url, "/audience", auth, self._take)
        return self._line

    def _take(self, event: str, data: Any) -> None:
        if event == "comments":
            self.seen.update((item["id"], item["text"]) for item in data)
        elif event == "removed":
            for gone in data["ids"]:
                self.seen.pop(gone, None)
