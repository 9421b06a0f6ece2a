"""A crowd of phones that listen, cheap enough for thousands beside the service: bytes are counted, little is parsed."""

import asyncio
import json
import multiprocessing
import re
import secrets
import time
from functools import partial
from multiprocessing.connection import Connection

_PING, _PONG = b"\x81\x012", b"\x81\x81\0\0\0\x003"
"""Engine.IO's ping, and its pong masked with zeros, as WebSocket frames (RFC 6455 section 5.2)."""
_ID = b'"id":'
_SAID = re.compile(rb'"@([0-9.]+)"')
_SAMPLED = 40
"""One phone in so many looks at when each comment was sent."""
AT_ONCE = 50
"""Phones that join at the same time."""


def text_frame(text: str) -> bytes:
    """A masked WebSocket text frame of a client; the mask of zeros changes nothing."""
    payload = text.encode()
    if len(payload) < 126:
        return b"\x81" + bytes((0x80 | len(payload),)) + b"\0\0\0\0" + payload
    return b"\x81\xfe" + len(payload).to_bytes(2) + b"\0\0\0\0" + payload


class _Listener(asyncio.Protocol):
    """One phone: joins an activity, answers pings, counts comments."""

    def __init__(self, host: str, slug: str, last: int | None, *, sampled: bool) -> None:
        self._host = host
        self._hello = {"activity": slug} if last is None else {"activity": slug, "last": last}
        self._sampled = sampled
        self._tail = b""
        self._step = 0
        self.joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.count = 0
        self.delays: list[float] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        request = (
            f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {self._host}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        transport.write(request.encode())

    def data_received(self, data: bytes) -> None:
        if _PING in data:
            self._transport.write(_PONG)
        if self._step < 2:
            self._join(data)
        elif self._sampled:
            self._look(data)
        else:
            data = self._tail + data
            self.count += data.count(_ID)
            self._tail = data[1 - len(_ID) :]

    def _join(self, data: bytes) -> None:
        self._tail += data
        if self._step == 0 and b'"sid"' in self._tail:
            auth = json.dumps({**self._hello, "device": secrets.token_urlsafe(16)})
            self._transport.write(text_frame(f"40/audience,{auth}"))
            self._step, self._tail = 1, b""
        elif self._step == 1 and b'"comments"' in self._tail:
            self._step, self._tail = 2, b""
            self.joined.set_result(None)

    def _look(self, data: bytes) -> None:
        now = time.time()
        data = self._tail + data
        end = 0
        for found in _SAID.finditer(data):
            self.count += 1
            self.delays.append(now - float(found[1]))
            end = found.end()
        self._tail = data[end:][-64:]

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.joined.done():
            self.joined.set_exception(exc or ConnectionError("the line ended"))


async def _listen(port: int, slug: str, number: int, at_once: int, last: int | None, pipe: Connection) -> None:
    host = f"127.0.0.1:{port}"
    loop = asyncio.get_running_loop()
    phones: list[_Listener] = []
    begun = time.perf_counter()
    for first in range(0, number, at_once):
        joining = [
            loop.create_connection(
                partial(_Listener, host, slug, last, sampled=place % _SAMPLED == 0), "127.0.0.1", port
            )
            for place in range(first, min(number, first + at_once))
        ]
        joined = [protocol for _, protocol in await asyncio.gather(*joining)]
        await asyncio.gather(*(phone.joined for phone in joined))
        phones += joined
    took = time.perf_counter() - begun
    await asyncio.sleep(1)
    for phone in phones:  # what had been said before does not count
        phone.count = 0
        phone.delays.clear()
    pipe.send(took)
    await asyncio.to_thread(pipe.poll, None)
    pipe.send((sum(phone.count for phone in phones), [delay for phone in phones for delay in phone.delays]))


def _run(port: int, slug: str, number: int, at_once: int, last: int | None, pipe: Connection) -> None:
    asyncio.run(_listen(port, slug, number, at_once, last, pipe))


class Crowd:
    """So many phones in a process of their own, new ones or, with the `last` id that they have, ones that come back.

    `joined` is the seconds until all of them had what is there. Raises EOFError where they could not all join.
    """

    def __init__(self, port: int, slug: str, number: int, *, at_once: int = AT_ONCE, last: int | None = None) -> None:
        self._pipe, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        self._process = context.Process(target=_run, args=(port, slug, number, at_once, last, theirs))
        self._process.start()
        theirs.close()
        self.joined: float = self._pipe.recv()

    def leave(self) -> tuple[int, list[float]]:
        """End; returns the comments that all of them received, and the delays in seconds that some of them saw."""
        self._pipe.send("enough")
        received, delays = self._pipe.recv()
        self._process.join()
        return received, delays
