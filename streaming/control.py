"""The control socket between supervisor and relay: one JSON object a line, on a pair of connected sockets.

A request is `{"id", "op", …}`, its answer `{"id", "result"}` or `{"id", "error": {"code", "message"}}`; the relay sends
`{"event", …}` by itself. When one end closes, the other knows that its partner has gone.
"""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

LINE_LIMIT = 4 * 1024 * 1024
"""Bytes of the longest line: statistics of many activities."""
MAX_UNSENT = 8 * 1024 * 1024
"""Bytes that may wait for a partner that does not read; then it is taken for dead."""


class Connection:
    """One end of the control socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def on(cls, sock: socket.socket) -> Connection:
        return cls(*await asyncio.open_connection(sock=sock, limit=LINE_LIMIT))

    def send(self, message: dict[str, Any]) -> None:
        """Queue a message. What a closed or stuck partner does not take is lost with it."""
        if self._writer.is_closing():
            return
        if self._writer.transport.get_write_buffer_size() > MAX_UNSENT:
            self._writer.transport.abort()
            return
        self._writer.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")

    async def receive(self) -> dict[str, Any] | None:
        """The next message, or None when the partner has gone."""
        try:
            line = await self._reader.readuntil()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError):
            return None
        message = json.loads(line)
        return message if isinstance(message, dict) else None

    async def flush(self) -> None:
        try:
            await self._writer.drain()
        except ConnectionError:
            return

    async def close(self) -> None:
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except (ConnectionError, OSError):
            return
