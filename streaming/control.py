"""The control socket between the service and the relay: JSON lines, requests answered by number, events in between."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from streaming.errors import BY_CODE, RelayDown, RelayError

log = logging.getLogger(__name__)

MAX_LINE = 4 * 1024 * 1024
"""Bytes of one message: the figures of some thousand viewers fit."""
MAX_BACKLOG = 16 * 1024 * 1024
"""Bytes that may wait for a service that does not read; then the relay gives up on it."""


class Client:
    """The service's end. `on_event` gets what the relay says by itself."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        on_event: Callable[[dict[str, Any]], None],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._on_event = on_event
        self._number = 0
        self._ended = False
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def run(self) -> None:
        """Read until the relay is gone; then every request that waits fails with RelayDown."""
        try:
            while line := await self._reader.readline():
                message = json.loads(line)
                if "event" in message:
                    self._on_event(message)
                elif (future := self._waiting.pop(message["id"], None)) is not None and not future.done():
                    future.set_result(message)
        except (ConnectionError, ValueError):
            pass
        finally:
            self._ended = True
            waiting, self._waiting = self._waiting, {}
            for future in waiting.values():
                if not future.done():
                    future.set_exception(RelayDown("The media relay does not answer; it is being started again."))
            self._writer.close()

    def close(self) -> None:
        """Hang up."""
        self._writer.close()

    async def call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """One request. Raises what the relay raised, or RelayDown."""
        if self._ended:
            raise RelayDown("The media relay does not answer; it is being started again.")
        self._number += 1
        number = self._number
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            self._writer.write(json.dumps({"id": number, "op": operation, **arguments}).encode() + b"\n")
            async with asyncio.timeout(10):
                answer = await future
        except (ConnectionError, TimeoutError) as error:
            raise RelayDown("The media relay does not answer; it is being started again.") from error
        finally:
            self._waiting.pop(number, None)
        if "error" in answer:
            raise BY_CODE.get(answer["error"], RelayError)(answer["message"])
        result: dict[str, Any] = answer["ok"]
        return result


class Server:
    """The relay's end. `handle` does an operation; `event` tells the service something."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        handle: Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._handle = handle

    async def run(self) -> None:
        """Serve until the service is gone."""
        try:
            while line := await self._reader.readline():
                message = json.loads(line)
                number, operation = message.pop("id"), message.pop("op")
                try:
                    answer: dict[str, Any] = {"id": number, "ok": await self._handle(operation, message)}
                except RelayError as error:
                    answer = {"id": number, "error": type(error).__name__, "message": str(error)}
                except Exception:  # one request's fault must not end the relay
                    log.exception("the operation %s failed", operation)
                    message = "The media relay could not do this; its log says why."
                    answer = {"id": number, "error": "RelayError", "message": message}
                self._write(answer)
        except (ConnectionError, ValueError):
            pass

    def event(self, name: str, **facts: Any) -> None:
        """Tell the service something it did not ask for."""
        self._write({"event": name, **facts})

    def _write(self, message: dict[str, Any]) -> None:
        if self._writer.is_closing():
            return  # the service has gone: nobody is left to be told
        if self._writer.transport.get_write_buffer_size() > MAX_BACKLOG:
            self._writer.transport.abort()  # `run` ends, and the relay with it
            return
        self._writer.write(json.dumps(message).encode() + b"\n")
