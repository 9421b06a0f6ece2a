"""A copy of a broadcast for the packager: the relay's packets, in order, over a Unix stream socket.

Each message: length (4 bytes), kind (1: video, 2: audio), sequence number (2), timestamp (4), marker (1), payload. The
first says in JSON which kinds there are.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from struct import Struct

from streaming.packet import Packet

HEAD = Struct("!IBHIB")
KINDS = {"video": 1, "audio": 2}
HELLO = 0
MAX_BACKLOG = 2_000_000
"""Bytes that may wait for a packager that is slow: some ten seconds. Then packets are dropped, and counted."""
MAX_MESSAGE = 1 << 16


def pack(kind: int, sequence: int, timestamp: int, marker: bool, payload: bytes) -> bytes:
    """One message."""
    return HEAD.pack(HEAD.size - 4 + len(payload), kind, sequence, timestamp, marker) + payload


class Tap:
    """The relay's end."""

    def __init__(self, transport: asyncio.WriteTransport, kinds: Iterable[str], drops: Counter[str]) -> None:
        self._transport = transport
        self._drops = drops
        transport.write(pack(HELLO, 0, 0, False, json.dumps(sorted(kinds)).encode()))

    @classmethod
    async def connect(cls, path: str, kinds: Iterable[str], drops: Counter[str]) -> Tap:
        """Connect to a packager. Raises OSError where none listens."""
        transport, _ = await asyncio.get_running_loop().create_unix_connection(asyncio.Protocol, path)
        return cls(transport, kinds, drops)

    @property
    def closed(self) -> bool:
        """Whether the packager is gone."""
        return self._transport.is_closing()

    def write(self, kind: str, packet: Packet) -> None:
        """Hand over a packet, never waiting."""
        if self._transport.is_closing() or self._transport.get_write_buffer_size() > MAX_BACKLOG:
            self._drops["packager slow or gone"] += 1
            return
        message = pack(KINDS[kind], packet.sequence, packet.timestamp, packet.marker, packet.payload)
        self._transport.write(message)

    def close(self) -> None:
        """Hang up."""
        self._transport.close()


class Reader:
    """The packager's end: bytes in, messages out."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[int, int, int, bool, bytes]]:
        """The complete messages: kind, sequence, timestamp, marker, payload. Raises ValueError for nonsense."""
        self._buffer += data
        while len(self._buffer) >= HEAD.size:
            length, kind, sequence, timestamp, marker = HEAD.unpack_from(self._buffer)
            if not HEAD.size - 4 <= length <= MAX_MESSAGE:
                raise ValueError(f"a message of {length} bytes")
            if len(self._buffer) < 4 + length:
                return
            payload = bytes(self._buffer[HEAD.size : 4 + length])
            del self._buffer[: 4 + length]
            yield kind, sequence, timestamp, bool(marker), payload
