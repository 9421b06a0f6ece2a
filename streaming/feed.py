"""A broadcast carried from the relay process that has its publisher to another one with viewers of the same activity.

Over a Unix stream socket: forwards the messages of a `Tap`, with the codecs in the first one and the clock of each
track once a second, so that lips stay in sync; back one byte, the track's number, for each keyframe that is wanted.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from struct import Struct
from typing import TYPE_CHECKING, cast

from streaming import codecs
from streaming.packet import Packet
from streaming.reception import Reception
from streaming.tap import HELLO, Reader, pack
from streaming.tap import KINDS as TAPPED

if TYPE_CHECKING:
    from streaming.broadcast import Broadcast

CLOCK = 3
KINDS = {**TAPPED, "video/1": 4, "video/2": 5}
"""The numbers of the tracks, by name."""
CLOCK_PAYLOAD = Struct("!BQ")
NAMES = {number: kind for kind, number in KINDS.items()}
MAX_BACKLOG = 500_000
"""Bytes that may wait for a process that does not read: some three seconds. Then packets are dropped, and counted."""
KEYFRAME_INTERVAL = 0.5
CONNECT_SECONDS = 5.0


class Outlet(asyncio.Protocol):
    """The end at the publisher's process. `on_keyframe` is called with the track of which the other end wants one."""

    def __init__(self, drops: Counter[str], on_keyframe: Callable[[str], None]) -> None:
        self._drops = drops
        self._on_keyframe = on_keyframe
        self._transport: asyncio.Transport

    @classmethod
    async def connect(
        cls, path: str, names: dict[str, codecs.Codec], drops: Counter[str], on_keyframe: Callable[[str], None]
    ) -> Outlet:
        """Connect to a process that follows. Raises OSError where none listens."""
        loop = asyncio.get_running_loop()
        _, outlet = await loop.create_unix_connection(lambda: cls(drops, on_keyframe), path)
        hello = json.dumps({kind: codec.name for kind, codec in names.items()}).encode()
        outlet._transport.write(pack(HELLO, 0, 0, False, hello))
        return outlet

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        for number in set(data):
            if number in NAMES:
                self._on_keyframe(NAMES[number])

    @property
    def closed(self) -> bool:
        """Whether the other process is gone."""
        return self._transport.is_closing()

    def write(self, name: str, packet: Packet) -> None:
        """Hand over a packet, never waiting."""
        if self.closed or self._transport.get_write_buffer_size() > MAX_BACKLOG:
            self._drops["other relay slow or gone"] += 1
            return
        self._transport.write(pack(KINDS[name], packet.sequence, packet.timestamp, packet.marker, packet.payload))

    def clock(self, name: str, ntp: int, timestamp: int) -> None:
        """Say which NTP time (RFC 5905, 64 bits) a timestamp of a track stands for."""
        if not self.closed:
            self._transport.write(pack(CLOCK, 0, timestamp, False, CLOCK_PAYLOAD.pack(KINDS[name], ntp)))

    def close(self) -> None:
        """Hang up."""
        self._transport.close()


class FeedSource:
    """One track that is fed; its reception knows the clock alone, as nothing gets lost on the way."""

    def __init__(self, name: str, codec: codecs.Codec) -> None:
        self.name = name
        self.kind = codec.kind
        self.codec = codec
        self.reception: Reception | None = Reception(0, codec.clock_rate)
        self.asked = 0.0


class Feed(asyncio.Protocol):
    """The end at a process that follows: what its broadcast has for a publisher. `ended` is called when it is over."""

    def __init__(self, broadcast: Broadcast, ended: Callable[[Feed], None]) -> None:
        self.broadcast = broadcast
        self.created = time.monotonic()
        self.on_air = False
        self.since: float | None = None
        self.last_packet = 0.0
        self.sources: list[FeedSource] = []
        self._ended = ended
        self._reader = Reader()
        self._transport: asyncio.Transport

    @property
    def names(self) -> dict[str, codecs.Codec]:
        """What each track is coded with, layers one by one."""
        return {source.name: source.codec for source in self.sources}

    @property
    def codecs(self) -> dict[str, codecs.Codec]:
        """What each kind of media is coded with."""
        return {source.kind: source.codec for source in self.sources}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        try:
            for kind, sequence, timestamp, marker, payload in self._reader.feed(data):
                if kind == HELLO:
                    self._begin(json.loads(payload))
                elif self.broadcast.publisher is self:
                    self._take(kind, sequence, timestamp, marker, payload, now)
        except (ValueError, KeyError):
            self._transport.abort()

    def _begin(self, agreed: dict[str, str]) -> None:
        self.sources = [FeedSource(name, codecs.BY_NAME[codec]) for name, codec in agreed.items()]
        self.broadcast.publisher_connected(self)

    def _take(self, kind: int, sequence: int, timestamp: int, marker: bool, payload: bytes, now: float) -> None:
        if kind == CLOCK:
            number, ntp = CLOCK_PAYLOAD.unpack(payload)
            for source in self.sources:
                if source.name == NAMES[number] and source.reception is not None:
                    source.reception.report_ntp, source.reception.report_timestamp = ntp, timestamp
                    source.reception.report_time, source.reception.report_middle = now, 1
            return
        self.last_packet = now
        self.broadcast.publish(NAMES[kind], sequence, timestamp, marker, payload, now)
        if not self.on_air:
            self.on_air, self.since = True, time.time()
            self.broadcast.air_changed(True)

    def request_keyframe(self, now: float, name: str | None = None) -> None:
        """Ask the publisher's process, which asks the publisher, for one layer or for all."""
        for source in self.sources:
            if source.kind == "video" and name in (None, source.name) and now - source.asked >= KEYFRAME_INTERVAL:
                source.asked = now
                self._transport.write(bytes([KINDS[source.name]]))

    def end(self, reason: str) -> None:
        """Hang up; another one took its place."""
        self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self._ended(self)


async def follow(path: str, broadcast: Broadcast, ended: Callable[[Feed], None]) -> asyncio.Server:
    """Listen for one feed at `path`; the caller closes the server."""
    server = await asyncio.get_running_loop().create_unix_server(lambda: Feed(broadcast, ended), path)
    asyncio.get_running_loop().call_later(CONNECT_SECONDS, _stop_listening, server, path)
    return server


def _stop_listening(server: asyncio.Server, path: str) -> None:
    server.close()
    Path(path).unlink(missing_ok=True)
