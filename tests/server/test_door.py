"""Sockets that connect and say nothing, floods from one address, oversized and invalid frames: the others go on."""

import asyncio
import contextlib
import json
import re
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import psutil
import pytest

from server import door as doors
from server.bench.crowd import Crowd
from server.config import Settings
from server.door import Door
from server.realtime import lobby as lobbies
from server.realtime.rooms import FRAMES_AT_ONCE
from server.serve import prepare, running
from server.services import SERVICES
from tests.citizen import Client, citizen, speech
from tests.service import ServiceProcess, Staff, free_media_port, free_port

SLUG = "k02"


@pytest.fixture
def own_service(tmp_path: Path) -> Iterator[ServiceProcess]:
    """A service that a test may besiege."""
    process = ServiceProcess(tmp_path / "data").start()
    yield process
    assert process.stop() == 0
    assert "Traceback" not in process.log.read_text()


@pytest.fixture
async def bystander(own_service: ServiceProcess) -> AsyncIterator[Client]:
    """A citizen who was there before, and speaks meanwhile."""
    admin = await Staff.sign_in(own_service)
    await admin.done("POST", f"/api/v1/activities/{SLUG}/state", {"state": "live"})
    await admin.close()
    client = await citizen(own_service.url, SLUG).connect()
    yield client
    await client.close()


async def metric(service: ServiceProcess, name: str) -> float:
    async with aiohttp.ClientSession(service.url) as session, session.get("/metrics") as answer:
        found = re.search(rf"^{re.escape(name)} (\S+)$", await answer.text(), re.MULTILINE)
    assert found is not None, name
    return float(found[1])


async def undisturbed(service: ServiceProcess, bystander: Client) -> None:
    """Who is there speaks and is heard, and who comes gets in."""
    assert (await bystander.call("comment", speech("我还在说话")))["ok"]
    newcomer = await citizen(service.url, SLUG).connect()
    await newcomer.until(lambda: newcomer.received["comments"])
    await newcomer.close()
    async with aiohttp.ClientSession(service.url) as session, session.get(f"/api/v1/activities/{SLUG}") as answer:
        assert answer.status == 200


async def test_five_hundred_connections_that_say_nothing(own_service: ServiceProcess, bystander: Client) -> None:
    opened = await asyncio.gather(*(asyncio.open_connection("127.0.0.1", own_service.port) for _ in range(500)))
    for _, writer in opened[-50:]:
        writer.write(b"GET / HTTP/1.1\r\nHost: slow\r\nX-Slow: ")  # a head that never ends is silence, too
    await asyncio.sleep(doors.FAIR_SECONDS + 0.5)
    assert await metric(own_service, "minsheng_connections_silent") <= doors.ADDRESS_SILENT
    await undisturbed(own_service, bystander)
    async with asyncio.timeout(doors.SILENT_SECONDS + 5):
        for reader, _ in opened:
            with contextlib.suppress(ConnectionError):
                assert await reader.read(100) == b""
    assert await metric(own_service, "minsheng_connections_silent") == 0
    assert await metric(own_service, 'minsheng_connections_ended_total{why="silent"}') == 500
    for _, writer in opened:
        writer.close()


async def test_a_thousand_phones_of_one_address_come_in_the_same_moment(
    own_service: ServiceProcess, bystander: Client
) -> None:
    """As after a restart, behind the one address of an operator: none of them is taken for an attacker."""
    crowd = await asyncio.to_thread(Crowd, own_service.port, SLUG, 1_000, at_once=1_000)
    assert await metric(own_service, 'minsheng_connections_ended_total{why="silent"}') == 0
    assert await metric(own_service, 'minsheng_connections_ended_total{why="never joined"}') == 0
    await undisturbed(own_service, bystander)
    await asyncio.to_thread(crowd.leave)


async def test_sockets_that_never_join_or_may_not(own_service: ServiceProcess, bystander: Client) -> None:
    async with aiohttp.ClientSession(own_service.url, connector=aiohttp.TCPConnector(limit=0)) as session:
        sockets = await asyncio.gather(
            *(session.ws_connect("/socket.io/?EIO=4&transport=websocket") for _ in range(300))
        )
        for socket in sockets[:20]:
            await socket.send_str("40/audience,{}")  # without saying who
            await socket.send_str("40/host,{}")  # without a right
        await asyncio.sleep(lobbies.FAIR_SECONDS + 2 * lobbies._EVERY + 0.5)
        assert await metric(own_service, "minsheng_sockets_waiting") <= lobbies.ADDRESS_WAITING
        await undisturbed(own_service, bystander)
        async with asyncio.timeout(lobbies.JOIN_SECONDS + 5):
            for socket in sockets:
                while not socket.closed:
                    await socket.receive()
        for _ in range(3):  # sessions that poll once and never again
            async with session.get("/socket.io/?EIO=4&transport=polling") as answer:
                assert answer.status == 200
    assert await metric(own_service, 'minsheng_connections_ended_total{why="never joined"}') == 300
    await undisturbed(own_service, bystander)


async def test_a_megabyte_ends_the_line_that_sends_it(own_service: ServiceProcess, bystander: Client) -> None:
    async with aiohttp.ClientSession(own_service.url, timeout=aiohttp.ClientTimeout(total=20)) as session:
        hello = json.dumps({"activity": SLUG, "device": "a-device-of-mine"})
        for join in (f"40/audience,{hello}", None):
            socket = await session.ws_connect("/socket.io/?EIO=4&transport=websocket", max_msg_size=0)
            if join is not None:
                await socket.send_str(join)
            with contextlib.suppress(ConnectionError, aiohttp.ClientError):
                await socket.send_str('42/audience,1["comment",{"key":"k","text":"' + "长" * 350_000 + '"}]')
            async with asyncio.timeout(10):
                while not socket.closed:
                    await socket.receive()
        async with session.get("/socket.io/?EIO=4&transport=polling") as answer:
            sid = json.loads((await answer.text())[1:])["sid"]
        address = f"/socket.io/?EIO=4&transport=polling&sid={sid}"
        async with session.post(address, data=b"4" + b"x" * 1_000_000) as answer:
            assert answer.status == 413
        async with session.post(address, data="9是什么") as answer:  # no Engine.IO
            assert answer.status == 200
        async with session.post(address, data="0{}") as answer:  # only a server opens; nobody polls for the goodbye
            assert answer.status == 400
        async with session.post(address, data="4") as answer:
            assert answer.status == 400
    await undisturbed(own_service, bystander)


async def test_what_only_the_library_may_say_and_attachments_without_end(
    own_service: ServiceProcess, bystander: Client
) -> None:
    async with aiohttp.ClientSession(own_service.url) as session:
        socket = await session.ws_connect("/socket.io/?EIO=4&transport=websocket", max_msg_size=0)
        hello = {"activity": SLUG, "device": "a-device-of-mine"}
        await socket.send_str(f"40/audience,{json.dumps(hello)}")
        await bystander.until(lambda: {"watching": 2} in bystander.received["presence"])
        before = psutil.Process(own_service.process.pid).memory_info().rss
        again = json.dumps({"activity": "k05", "device": "another-device"})
        forged = (
            '["disconnect"]',
            '["disconnect","transport close"]',
            f'["connect",{{}},{again}]',
            f'["connect",{{"aiohttp.request":1}},{again}]',
            "[7]",
            "[]",
            '{"comment":1}',
        )
        for words in forged:
            await socket.send_str(f"42/audience,1{words}")
        await socket.send_str('451-/audience,2["comment",{"_placeholder":true,"num":0}]')
        await socket.send_str('45999999999-/audience,["comment",{"_placeholder":true,"num":0}]')
        for _ in range(150):
            await socket.send_bytes(bytes(250_000))
        await socket.send_str(f"42/audience,3{json.dumps(['comment', speech('还在')])}")
        async with asyncio.timeout(20):
            while not (frame := await socket.receive_str()).startswith("43"):
                pass
        assert frame.startswith('43/audience,3[{"ok":true')
        assert psutil.Process(own_service.process.pid).memory_info().rss - before < 20_000_000
        assert bystander.received["presence"][-1] == {"watching": 2}
        assert await metric(own_service, "minsheng_malformed_frames_total") == len(forged) + 2 + 150
        await socket.close()
    await undisturbed(own_service, bystander)


async def test_a_flood_of_one_socket_waits_in_its_own_line(own_service: ServiceProcess, bystander: Client) -> None:
    flood = 3_000
    async with aiohttp.ClientSession(own_service.url) as session:
        socket = await session.ws_connect("/socket.io/?EIO=4&transport=websocket", max_msg_size=0)
        hello = json.dumps({"activity": SLUG, "device": "a-device-that-floods"})
        await socket.send_str(f"40/audience,{hello}")

        async def send() -> None:
            with contextlib.suppress(ConnectionError, aiohttp.ClientError):
                for number in range(flood):
                    words = json.dumps(["comment", speech("刷屏", key=str(number))])
                    await socket.send_str(f"42/audience,{number}{words}")

        sending = asyncio.create_task(send())
        begun = time.monotonic()
        await undisturbed(own_service, bystander)
        assert time.monotonic() - begun < 30  # a bound for the test, no figure
        stored = refused = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                while True:
                    frame = await socket.receive_str()
                    stored += frame.startswith("43") and '"ok":true' in frame
                    refused += "rate_limited" in frame
        assert stored < 20
        assert stored + refused < FRAMES_AT_ONCE + 500  # the rest is not even read
        assert await metric(own_service, "minsheng_throttled_frames_total") > 0
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        await socket.close()


class Line(asyncio.Transport):
    """A connection from an address."""

    def __init__(self, address: str) -> None:
        super().__init__({"peername": (address, 1)})
        self.aborted = False

    def abort(self) -> None:
        self.aborted = True


async def test_when_the_house_is_full_silence_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    door = Door(exempt=lambda address: address == "10.0.0.1", most=4, silent_seconds=60)

    def come(address: str) -> tuple[Line, asyncio.Protocol]:
        line, visitor = Line(address), door.protocol(asyncio.Protocol)
        visitor.connection_made(line)
        return line, visitor

    monkeypatch.setattr(doors, "ADDRESS_OPEN", 2)
    guests = [come("192.0.2.1"), come("192.0.2.1"), come("192.0.2.1")]
    assert [line.aborted for line, _ in guests] == [False, False, True]  # one address has its share
    guests[2][1].connection_lost(None)
    proxied = [come("10.0.0.1") for _ in range(2)]  # a proxy brings everybody
    assert door.open == 4
    guests[0][1].data_received(b"GET / HTTP/1.1\r\n\r")
    assert door.waiting == 4
    guests[0][1].data_received(b"\n")
    assert door.waiting == 3
    come("10.0.0.1")
    assert guests[1][0].aborted  # the longest silent
    assert not any(line.aborted for line, _ in proxied)
    for _, visitor in (guests[0], guests[1], *proxied):
        visitor.data_received(b"GET / HTTP/1.1\r\n\r\n")
    guests[1][1].connection_lost(None)
    assert door.open == 4
    last, _ = come("198.51.100.7")
    assert not last.aborted  # one silent visitor was left to make room
    full, _ = come("10.0.0.1")
    assert last.aborted
    assert not full.aborted


async def test_who_asks_and_never_reads_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "STUCK_SECONDS", 1.0)
    settings = Settings(data_dir=tmp_path, http_port=free_port(socket.SOCK_STREAM), media_port=free_media_port())
    await prepare(settings)
    async with asyncio.timeout(90), running(settings) as app:
        door = app[SERVICES].door
        with socket.socket() as deaf:
            deaf.setblocking(False)
            await asyncio.get_running_loop().sock_connect(deaf, ("127.0.0.1", settings.http_port))
            asked = b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 2_000
            sending = asyncio.create_task(asyncio.get_running_loop().sock_sendall(deaf, asked))
            while not door.stuck:
                await asyncio.sleep(0.1)
            assert door.open == 0
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
