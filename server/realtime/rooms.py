"""Sending to a room: one frame, built once, written to every WebSocket of the room.

python-socketio makes two tasks, a timer and a queue entry for each client and message (some 50 µs), and lets the queue
of a phone that does not read grow without end. A server's frames are unmasked (RFC 6455 section 5.1), so that the same
bytes do for all clients, and what is left for each is one write. Whoever polls, or has packets waiting, goes the
library's way.

This touches private names of python-socketio and python-engineio; `tests/server/test_rooms.py` fails when they move.
"""

import asyncio
import time
from collections import Counter
from struct import pack
from typing import Any, ClassVar, NamedTuple

import socketio
from aiohttp import web
from engineio import packet as engine_packet
from engineio.async_drivers.aiohttp import WebSocket
from socketio import packet as socket_packet

from server.realtime.channels import activities_of, is_room

LONGEST_BACKLOG = 256 * 1024
"""Bytes that may wait for a phone that does not read. Then its line is cut: it comes back and gets what it missed."""
FRAMES_AT_ONCE, FRAMES_PER_SECOND = 200.0, 50
"""What one socket may send: a host with quick fingers, or a page that catches up after a break, sends less."""
WRITES = 500
"""Writes before others get their turn in the event loop: some milliseconds."""


def text_frame(payload: bytes) -> bytes:
    """A whole, unmasked WebSocket text frame (RFC 6455 section 5.2)."""
    length = len(payload)
    if length < 126:
        return b"\x81" + bytes((length,)) + payload
    if length < 65_536:
        return b"\x81\x7e" + pack("!H", length) + payload
    return b"\x81\x7f" + pack("!Q", length) + payload


class DirectWebSocket(WebSocket):  # type: ignore[misc]  # python-engineio carries no types
    """A WebSocket that lends its transport to the room; without permessage-deflate (RFC 7692).

    One that sends faster than any page does is read more slowly: what it sends waits in its own line, and costs the
    others nothing.

    Every browser offers to deflate; doing so anew for each phone costs more than all the rest of a message's way, and
    some 300 kB a phone.
    """

    throttled: ClassVar[int] = 0
    """Frames that waited because their socket sends too fast, since the start."""
    _frames = FRAMES_AT_ONCE
    _counted = 0.0

    async def wait(self) -> str | bytes:
        """The next frame, later where there were too many."""
        now = time.monotonic()
        self._frames = min(FRAMES_AT_ONCE, self._frames + (now - self._counted) * FRAMES_PER_SECOND)
        self._counted = now
        if self._frames < 1:
            DirectWebSocket.throttled += 1
            await asyncio.sleep(1 / FRAMES_PER_SECOND)
        self._frames -= 1
        frame: str | bytes = await super().wait()
        return frame

    async def __call__(self, environ: dict[str, Any]) -> web.WebSocketResponse:
        """Answer the upgrade and serve the connection until it ends."""
        request: web.Request = environ["aiohttp.request"]
        self._sock = web.WebSocketResponse(max_msg_size=self.server.max_http_buffer_size, compress=False)
        await self._sock.prepare(request)
        self.environ = environ
        engine_socket = self.handler.__self__
        engine_socket.transport_of_room = request.transport
        try:
            await self.handler(self)
        except Exception:
            # A frame that is no Engine.IO; the library would leave the socket open until its ping times out.
            self.server.logger.exception("a socket ends: its frame cannot be decoded")
            await engine_socket.close(wait=False, abort=True)
        finally:
            engine_socket.transport_of_room = None
        return self._sock


class Encoded(NamedTuple):
    """An event as it travels: a Socket.IO packet, and the WebSocket frame that holds it."""

    packet: str
    frame: bytes


class RoomManager(socketio.AsyncManager):  # type: ignore[misc]  # python-socketio carries no types
    """Writes to rooms itself; leaves acknowledgements and everything else to the library."""

    slow = 0
    """Phones whose line was cut because they did not read, since the start."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._told: Counter[tuple[str | None, str]] = Counter()

    def told(self, namespace: str, room: str) -> int:
        """How often the room was told something, by whichever process, since the start of this one."""
        return self._told[namespace, room]

    def encode(self, event: str, data: Any, namespace: str | None) -> Encoded:
        """The event, to be sent to one socket or to many."""
        packet = self.server.packet_class(socket_packet.EVENT, namespace=namespace, data=[event, data]).encode()
        return Encoded(packet, text_frame(b"4" + packet.encode()))

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
        """Emit to a client or a room of this process."""
        target = to or room
        if target is not None and is_room(target):
            self._told[namespace, target] += 1
        if callback is not None or skip_sid is not None or namespace not in self.rooms:
            await super().emit(event, data, namespace, target, skip_sid, callback, **kwargs)
            return
        await self.send(self.encode(event, data, namespace), namespace, target)

    async def send(self, event: Encoded, namespace: str | None, target: str | None) -> None:
        """Send to a client or a room of this process."""
        packet, frame = event
        for number, (_, engine_sid) in enumerate(list(self.get_participants(namespace, target)), 1):
            if not self._write(engine_sid, frame):
                await self.server._send_eio_packet(engine_sid, engine_packet.Packet(engine_packet.MESSAGE, packet))
            if number % WRITES == 0:
                await asyncio.sleep(0)

    def inhabited(self) -> set[int]:
        """The activities that have sockets in this process."""
        return activities_of(name for rooms in self.rooms.values() for name in rooms)

    def _write(self, engine_sid: str, frame: bytes) -> bool:
        """Write the frame, unless this client is one for the library."""
        engine_socket = self.server.eio.sockets.get(engine_sid)
        transport = getattr(engine_socket, "transport_of_room", None)
        if engine_socket is None or transport is None or engine_socket.upgrading or not engine_socket.queue.empty():
            return False
        if transport.get_write_buffer_size() > LONGEST_BACKLOG:
            self.slow += 1
            transport.abort()
        elif not transport.is_closing():
            transport.write(frame)
        return True


def use_direct_sockets(server: socketio.AsyncServer) -> None:
    """Let the server's WebSockets lend their transports."""
    server.eio._async = {**server.eio._async, "websocket": DirectWebSocket}
