"""Figures of delivery: many phones on one service, comments a hundred a second, each received by all of them.

The service runs as an operator runs it, in a process of its own; the phones are raw WebSockets in another. Meanwhile
others join, and afterwards the same phones hear python-socketio's own `emit`, a message for each comment.
"""

import asyncio
import json
import multiprocessing
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from statistics import median, quantiles
from typing import Any

import aiohttp
import socketio
from aiohttp import web

from server.bench.crowd import Crowd
from server.bench.phone import Line
from server.bench.service import PASSWORD, cpu_seconds, free_port, served, wait_for

SLUG = "k01"
FEW, MANY = 50, 2000
"""Phones of the two runs: what the first costs is the comments' own way to the disk and the scorer."""
RATE = 100
"""Comments a second."""
SECONDS = 10
SPEAKERS = RATE * SECONDS // 8
"""Each says no more than a device may at once."""
QUESTIONS = 50
JOIN_EVERY = 0.25
_PLAIN_PHONES, _PLAIN_RATE, _PLAIN_SECONDS = 200, 50, 6


async def _prepare(url: str) -> None:
    """The activity live, with a queue of questions that newcomers get."""
    async with aiohttp.ClientSession(url) as http:
        async with http.post("/api/v1/session", json={"username": "admin", "password": PASSWORD}) as answer:
            headers = {"Cookie": f"minsheng_session={answer.cookies['minsheng_session'].value}"}
        state = {"state": "live"}
        async with http.post(f"/api/v1/activities/{SLUG}/state", json=state, headers=headers) as answer:
            answer.raise_for_status()
        asked = []
        for number in range(QUESTIONS):
            line = await _open(http, url, number)
            words = {"key": f"q{number}", "text": f"请问第{number}个窗口周末开门吗？", "nickname": ""}
            asked.append((await line.call("question", words, 10))["id"])
            await line.close()
        for entry in asked:
            async with http.post(f"/api/v1/entries/{entry}/acts", json={"act": "approve"}, headers=headers) as answer:
                answer.raise_for_status()


async def _open(session: aiohttp.ClientSession, url: str, number: int, ready: asyncio.Event | None = None) -> Line:
    def take(event: str, _data: Any) -> None:
        if ready is not None and event == "comments":
            ready.set()

    auth = {"activity": SLUG, "device": f"phone-{number:012}"}
    return await Line.open(session, url, "/audience", auth, take)


async def _speak(url: str, pid: int, run: int) -> tuple[int, list[float], float]:
    """A hundred comments a second from speakers who each stay within their limit; and newcomers, who are timed.

    Returns how many were sent, the newcomers' seconds, and the service's CPU in seconds from the first comment on.
    """
    joins: list[float] = []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        address = f"{url}/socket.io/?EIO=4&transport=websocket"
        speakers = [await session.ws_connect(address, max_msg_size=0) for _ in range(SPEAKERS)]
        for number, speaker in enumerate(speakers):
            await speaker.receive()
            auth = json.dumps({"activity": SLUG, "device": f"speaker-{run}-{number:04}"})
            await speaker.send_str(f"40/audience,{auth}")
            # All are in before the first speaks: how long newcomers wait is a row of its own.
            while not (await speaker.receive_str()).startswith("40/audience"):
                pass
        drains = [asyncio.create_task(_drain(speaker)) for speaker in speakers]
        joining = asyncio.create_task(_join(session, url, run, joins))
        before, begun = cpu_seconds(pid), time.monotonic()
        for number in range(RATE * SECONDS):
            await asyncio.sleep(max(0.0, begun + number / RATE - time.monotonic()))
            payload: dict[str, Any] = {"key": f"{run}-{number}", "text": f"@{time.time()}", "nickname": ""}
            await speakers[number % SPEAKERS].send_str(f'42/audience,{number}["comment",{json.dumps(payload)}]')
        joining.cancel()
        await asyncio.sleep(2)
        used = cpu_seconds(pid) - before
        for speaker in speakers:
            await speaker.close()
        await asyncio.gather(joining, *drains, return_exceptions=True)
    return RATE * SECONDS, joins, used


async def _join(session: aiohttp.ClientSession, url: str, run: int, seconds: list[float]) -> None:
    """A newcomer every now and then: from the connection's begin to the last comments and the queue."""
    for number in range(10_000):
        ready = asyncio.Event()
        begun = time.perf_counter()
        line = await _open(session, url, (run + 1) * 100_000 + number, ready)
        await ready.wait()
        seconds.append(time.perf_counter() - begun)
        await line.close()
        await asyncio.sleep(JOIN_EVERY)


async def _drain(speaker: aiohttp.ClientWebSocketResponse) -> None:
    async for message in speaker:
        if message.data == "2":
            await speaker.send_str("3")


def _run(url: str, pid: int, phones: int, run: int) -> tuple[int, int, list[float], list[float], float]:
    """Comments sent and received, delays, times to join, and the service's CPU, all in seconds."""
    crowd = Crowd(int(url.rpartition(":")[2]), SLUG, phones)
    sent, joins, used = asyncio.run(_speak(url, pid, run))
    received, delays = crowd.leave()
    return sent, received, delays, joins, used


def _plain_service(port: int) -> None:
    """python-socketio as its documentation shows it: one `emit` for each comment."""
    server = socketio.AsyncServer(async_mode="aiohttp")

    async def connect(sid: str, _environ: object, _auth: object = None) -> None:
        await server.enter_room(sid, "room", namespace="/audience")
        await server.emit("comments", [], to=sid, namespace="/audience")

    async def speak(app: web.Application) -> Any:
        async def run() -> None:
            number = 0
            while True:
                await asyncio.sleep(1 / _PLAIN_RATE)
                comment = {"id": number, "text": f"@{time.time()}", "nickname": "网友", "at": "2023-09-27T06:00:00Z"}
                await server.emit("comments", [comment], room="room", namespace="/audience")
                number += 1

        task = asyncio.create_task(run())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    server.on("connect", connect, namespace="/audience")
    app = web.Application()
    server.attach(app)
    app.cleanup_ctx.append(speak)
    web.run_app(app, host="127.0.0.1", port=port, print=None)


def _plain() -> tuple[float, int]:
    """CPU in seconds for a comment to one phone with an `emit` per comment, and how many phones heard it."""
    port = free_port(socket.SOCK_STREAM)
    process = multiprocessing.get_context("spawn").Process(target=_plain_service, args=(port,))
    process.start()
    assert process.pid is not None
    try:
        wait_for(port)
        crowd = Crowd(port, SLUG, _PLAIN_PHONES)
        before = cpu_seconds(process.pid)
        time.sleep(_PLAIN_SECONDS)
        used = cpu_seconds(process.pid) - before
        received, _ = crowd.leave()
    finally:
        process.terminate()
        process.join()
    return used / max(1, received), _PLAIN_PHONES


def rows() -> Iterator[tuple[str, str, str]]:
    """The rows of the table; about a minute."""
    with tempfile.TemporaryDirectory() as folder, served(folder) as (url, pid, *_):
        asyncio.run(_prepare(url))
        yield from _measure(url, pid)
        for last, who in ((None, "newcomers"), (1, "phones that come back")):
            yield _burst(url, pid, last, who)


def _burst(url: str, pid: int, last: int | None, who: str) -> tuple[str, str, str]:
    before = cpu_seconds(pid)
    crowd = Crowd(int(url.rpartition(":")[2]), SLUG, MANY, at_once=MANY, last=last)
    used = cpu_seconds(pid) - before
    crowd.leave()
    return (
        f"{MANY:,} {who} in the same moment",
        f"all had what is there after {crowd.joined:.1f} s, {used / MANY * 1000:.1f} ms of CPU each",
        "read once for all of them"
        if last is None
        else f"all with the same last id, of {RATE * SECONDS:,} comments ago",
    )


def _measure(url: str, pid: int) -> Iterator[tuple[str, str, str]]:
    _, few_received, _, _, few_used = _run(url, pid, FEW, 0)
    sent, received, delays, joins, used = _run(url, pid, MANY, 1)
    p99 = quantiles(delays, n=100)[98] if len(delays) > 100 else float("nan")
    more = (used - few_used) / max(1, received - few_received)
    plain, phones = _plain()
    yield (
        f"{MANY:,} phones, {RATE} comments a second to all of them",
        f"{received / sent:,.0f} of {MANY:,} receive each",
        f"all of the service took {used / (SECONDS + 2):.0%} of a core",
    )
    yield (
        "from sent to received",
        f"median {median(delays) * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms",
        "aim: p99 under 500 ms",
    )
    yield (
        "CPU for a comment to one phone",
        f"{used / max(1, received) * 1e6:.1f} µs with all else that was done; {more * 1e6:.1f} µs for one phone more",
        f"{plain * 1e6:.0f} µs with an emit per comment ({phones} phones); aim: 3 µs",
    )
    yield (
        f"a newcomer gets the last 50 comments and {QUESTIONS} questions meanwhile",
        f"median {median(joins) * 1000:.0f} ms, p90 {quantiles(joins, n=10)[8] * 1000:.0f} ms",
        f"aim: under 50 ms at the median ({len(joins)} joins)",
    )
