"""Requests whose body trickles in or never comes: they end, whatever they were meant for, and the others go on."""

import asyncio
import contextlib
import gzip
import json

import aiohttp

from server.http import bodies
from server.http.bodies import Patience
from tests.citizen import Client
from tests.server.test_door import SLUG, bystander, metric, own_service, undisturbed
from tests.service import ServiceProcess, Staff

__all__ = ["bystander", "own_service"]

SLOW, TOO_MANY = (f'minsheng_connections_ended_total{{why="{why}"}}' for why in ("slow body", "too many bodies"))
PATHS = [
    "/api/v1/session",
    "/api/v1/receipts",
    f"/api/v1/activities/{SLUG}/subscriptions",
    f"/whep/{SLUG}",
    "/socket.io/?EIO=4&transport=polling",
]


def head(path: str, length: int, *more: str, method: str = "POST") -> bytes:
    """The head of a request with a body of so many bytes."""
    kind = "application/sdp" if path.startswith("/whep") else "application/json"
    lines = [f"{method} {path} HTTP/1.1", "Host: slow", f"Content-Length: {length}", *more]
    if not any(line.startswith("Content-Type") for line in lines):
        lines.append(f"Content-Type: {kind}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def trickle(port: int, first: bytes, rest: bytes, each: float) -> tuple[int, bytes]:
    """Send the head, then the rest byte by byte; returns status and body of what came back, (0, b"") for nothing."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = asyncio.create_task(reader.read())
    with contextlib.suppress(ConnectionError):
        writer.write(first)
        for byte in rest:
            await asyncio.wait({answer}, timeout=each)
            if answer.done():
                break
            writer.write(bytes((byte,)))
            await writer.drain()
    content = b""
    with contextlib.suppress(ConnectionError):
        content = await answer
    writer.close()
    status, _, body = content.partition(b"\r\n\r\n")
    return int(status.split()[1]) if status else 0, body


async def test_two_hundred_slow_bodies_of_one_address(own_service: ServiceProcess, bystander: Client) -> None:
    admin = await Staff.sign_in(own_service)
    slow = []
    for number in range(200):
        path = PATHS[number % len(PATHS)]
        slow.append(asyncio.create_task(trickle(own_service.port, head(path, 1000), b" " * 1000, 1)))
        if number % 50 == 0:
            await asyncio.sleep(0.05)  # each says its head in time: what says nothing is the door's
    # Slow as well, but going on: a file at 4 kB a second, for longer than the others may take.
    document = b"%PDF-1.7\n" + b"0" * 50_000
    cookie = f"Cookie: {admin.cookie}"
    upload = f"/api/v1/activities/{SLUG}/files?purpose=document&name=a.pdf"
    first = head(upload, len(document), cookie, "Content-Type: application/octet-stream")
    going = asyncio.create_task(steady(own_service.port, first, document))
    async with asyncio.timeout(60):
        while await metric(own_service, TOO_MANY) < 150 - bodies.ADDRESS_BODIES:  # what polls ends at once
            await asyncio.sleep(0.1)
    assert await metric(own_service, "minsheng_bodies_unfinished") <= bodies.ADDRESS_BODIES
    await undisturbed(own_service, bystander)
    async with asyncio.timeout(60):
        answers = await asyncio.gather(*slow)
    polled = {status for (status, _), path in zip(answers, PATHS * 40, strict=True) if "socket.io" in path}
    told = [answer for answer, path in zip(answers, PATHS * 40, strict=True) if answer[0] and "socket.io" not in path]
    assert polled <= {0, 400}  # nothing where our next byte met a line that was closed already
    assert len(told) > 80
    assert {status for status, _ in told} == {408}
    assert {json.loads(body)["error"]["code"] for _, body in told} == {"too_slow"}
    assert len(told) <= await metric(own_service, TOO_MANY) + await metric(own_service, SLOW) <= 160
    assert await going == 201
    await undisturbed(own_service, bystander)
    assert await metric(own_service, "minsheng_bodies_unfinished") == 0
    await admin.close()


async def steady(port: int, first: bytes, content: bytes) -> int:
    """Send a body at 4 kB a second; returns the status of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(first)
    for start in range(0, len(content), 2048):
        writer.write(content[start : start + 2048])
        await asyncio.sleep(0.5)
    status = int((await reader.readline()).split()[1])
    writer.close()
    return status


async def test_nothing_compressed_is_taken(service: ServiceProcess) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    async with aiohttp.ClientSession(service.url) as session:
        for path, kind in (("/api/v1/receipts", "application/json"), (f"/whep/{SLUG}", "application/sdp")):
            headers = {"Content-Encoding": "gzip", "Content-Type": kind}
            async with session.post(path, data=bomb, headers=headers) as answer:
                assert answer.status == 415
                assert (await answer.json())["error"]["code"] == "unsupported_media_type"


def test_bytes_buy_time_and_no_more_than_a_tunnel_takes() -> None:
    patience = Patience()
    assert patience.spend(bodies.FIRST_SECONDS - 1, 0)
    assert patience.spend(1.5, bodies.LEAST_RATE)
    assert not patience.spend(1, bodies.LEAST_RATE)
    patience = Patience()
    assert patience.spend(5, 10**9)
    assert patience.spend(bodies.LONGEST_PAUSE - 6, 10**9)
    assert not patience.spend(2, 10**9)
    patience = Patience()
    for second in range(1, 10_000):  # a bad line, for hours
        assert patience.spend(1, second * bodies.LEAST_RATE)
