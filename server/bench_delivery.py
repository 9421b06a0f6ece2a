"""Figures of delivery: many phones on one service, comments a hundred a second, each received by all of them.

The service runs as an operator runs it, in a process of its own; the phones are raw WebSockets in another.
"""

import asyncio
import json
import multiprocessing
import secrets
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from statistics import median, quantiles
from typing import Any

import aiohttp

from server.bench_service import PASSWORD, cpu_seconds, served

FEW, MANY = 20, 1000
"""Phones of the two runs: what the first costs is the comments' own way to the disk and the scorer."""
RATE = 100
"""Comments a second."""
SECONDS = 10


async def _connect(session: aiohttp.ClientSession, url: str) -> aiohttp.ClientWebSocketResponse:
    """A phone in the room of k01: the few frames of Engine.IO and Socket.IO that it takes."""
    phone = await session.ws_connect(f"{url}/socket.io/?EIO=4&transport=websocket", max_msg_size=0, compress=15)
    await phone.receive()
    auth = json.dumps({"activity": "k01", "device": secrets.token_urlsafe(16)})
    await phone.send_str(f"40/audience,{auth}")
    return phone


async def _listen(phone: aiohttp.ClientWebSocketResponse, delays: list[float], sampled: bool) -> int:
    """Count the comments that arrive; of a sampled phone, how long each took from its sender."""
    count = 0
    greeted = False
    async for message in phone:
        text = str(message.data)
        if text == "2":
            await phone.send_str("3")
        elif text.startswith('42/audience,["comments"') and not greeted:
            greeted = True  # what had been said before this phone came
        elif text.startswith('42/audience,["comments"'):
            count += text.count('"id":')
            if sampled:
                now = time.time()
                for item in json.loads(text[len("42/audience,") :])[1]:
                    if item["text"].startswith("@"):
                        delays.append(now - float(item["text"][1:]))
    return count


async def _phones(url: str, pipe: Connection, number: int) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        phones = [await _connect(session, url) for _ in range(number)]
        delays: list[float] = []
        tasks = [asyncio.create_task(_listen(phone, delays, place % 20 == 0)) for place, phone in enumerate(phones)]
        await asyncio.sleep(2)
        pipe.send("connected")
        await asyncio.to_thread(pipe.poll, None)
        for phone in phones:
            await phone.close()
        counts = await asyncio.gather(*tasks)
        pipe.send((sum(counts), delays))


def _run_phones(url: str, pipe: Connection, number: int) -> None:
    asyncio.run(_phones(url, pipe, number))


async def _speak(url: str) -> int:
    """A hundred comments a second from speakers who each stay within their limit."""
    async with aiohttp.ClientSession(url) as http:
        body = {"username": "admin", "password": PASSWORD}
        async with http.post("/api/v1/session", json=body) as answer:
            cookie = answer.cookies["minsheng_session"].value
        headers = {"Cookie": f"minsheng_session={cookie}"}
        async with http.get("/api/v1/activities/k01") as answer:
            live = (await answer.json())["state"] == "live"
        if not live:
            async with http.post("/api/v1/activities/k01/state", json={"state": "live"}, headers=headers) as answer:
                answer.raise_for_status()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        speakers = [await _connect(session, url) for _ in range(RATE * SECONDS // 8)]
        drains = [asyncio.create_task(_drain(speaker)) for speaker in speakers]
        begun = time.monotonic()
        for number in range(RATE * SECONDS):
            await asyncio.sleep(max(0.0, begun + number / RATE - time.monotonic()))
            payload: dict[str, Any] = {"key": f"{begun}-{number}", "text": f"@{time.time()}", "nickname": ""}
            await speakers[number % len(speakers)].send_str(f'42/audience,{number}["comment",{json.dumps(payload)}]')
        await asyncio.sleep(2)
        for speaker in speakers:
            await speaker.close()
        await asyncio.gather(*drains)
    return RATE * SECONDS


async def _drain(socket_: aiohttp.ClientWebSocketResponse) -> None:
    async for message in socket_:
        if message.data == "2":
            await socket_.send_str("3")


def rows() -> Iterator[tuple[str, str, str]]:
    """The rows of the table; about thirty seconds."""
    with tempfile.TemporaryDirectory() as folder, served(folder) as (url, pid, *_):
        yield from _measure(url, pid)


def _run(url: str, pid: int, phones: int) -> tuple[int, int, list[float], float]:
    """Comments sent, comments received by all phones together, sampled delays, and the service's CPU in seconds."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_run_phones, args=(url, theirs, phones))
    process.start()
    ours.recv()
    before = cpu_seconds(pid)
    sent = asyncio.run(_speak(url))
    used = cpu_seconds(pid) - before
    ours.send("enough")
    received, delays = ours.recv()
    process.join()
    return sent, received, delays, used


def _measure(url: str, pid: int) -> Iterator[tuple[str, str, str]]:
    _, few_received, _, few_used = _run(url, pid, FEW)
    sent, received, delays, used = _run(url, pid, MANY)
    p99 = quantiles(delays, n=100)[98] if len(delays) > 100 else float("nan")
    each = (used - few_used) / max(1, received - few_received)
    yield (
        f"{MANY:,} phones, {RATE} comments a second to all of them",
        f"{received / sent:,.0f} of {MANY:,} receive each",
        "",
    )
    yield (
        "from sent to received",
        f"median {median(delays) * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms",
        "aim: p99 under 500 ms",
    )
    yield (
        "CPU for a comment to one phone more",
        f"{each * 1e6:.1f} µs",
        f"42–53 µs for an emit per comment; all of the service took {used / (SECONDS + 2):.0%} of a core",
    )
