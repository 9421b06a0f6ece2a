"""A phone proved by a code: the gateway and the sockets are real, the numbers are nobody's."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from server.errors import BadRequest
from server.identity import mobile_number
from server.sms import signature
from tests.citizen import Client, citizen, host, speech
from tests.service import ServiceProcess, Staff


class Hook:
    """The operator's gateway: what it was asked to send, and what it answers."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self.taken: list[dict[str, Any]] = []
        self.answer = 204

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        right = signature(self._secret, request.headers["X-Minsheng-Timestamp"], body)
        assert request.headers["X-Minsheng-Signature"] == f"sha256={right}"
        if self.answer == 204:
            self.taken.append(await request.json())
        return web.Response(status=self.answer)


@pytest.fixture
async def hook(service: ServiceProcess) -> AsyncIterator[Hook]:
    gateway = Hook(service.environment["MINSHENG_SMS_SECRET"])
    app = web.Application()
    app.router.add_post("/sms", gateway.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", urlsplit(service.environment["MINSHENG_SMS_URL"]).port).start()
    yield gateway
    await runner.cleanup()


async def _asking(admin: Staff) -> str:
    slug = await admin.own_activity()
    await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "live"})
    await admin.done("PATCH", f"/api/v1/activities/{slug}", {"identity": "phone"})
    return slug


def test_a_number_is_read_as_people_type_it() -> None:
    for typed in ("13800138000", "138 0013 8000", "+86 138-0013-8000", "8613800138000", "１３８００１３８０００"):
        assert mobile_number(typed) == "13800138000"
    for typed in ("", "1380013800", "12800138000", "138001380001", "+1 3800138000", "1380013800x", "0086", "٠" * 11):
        with pytest.raises(BadRequest):
            mobile_number(typed)


async def test_a_citizen_proves_a_phone_and_speaks_under_a_free_name(
    service: ServiceProcess, admin: Staff, sockets: list[Client], hook: Hook
) -> None:
    slug = await _asking(admin)
    device = "a-phone-of-ones-own"
    author = await citizen(service.url, slug, device=device).connect()
    console = await host(service.url, slug, admin.cookie).connect()
    sockets += [author, console]
    await author.until(lambda: author.received["broadcast"][-1]["identity"] == "phone")
    words = speech("我想问停车的事", "爱民")
    assert (await author.call("comment", words))["error"]["code"] == "identity"
    assert await author.call("phone", {"phone": "138 0013 8001"}) == {"ok": True}
    told = hook.taken[-1]
    assert (told["phone"], len(told["code"])) == ("13800138001", 6)
    assert told["code"] in told["text"]
    wrong = f"{(int(told['code']) + 1) % 1_000_000:06d}"
    assert (await author.call("code", {"code": wrong}))["error"]["code"] == "bad_code"
    assert (await author.call("comment", words))["error"]["code"] == "identity"
    assert await author.call("code", {"code": f" {told['code']} "}) == {"ok": True}
    sent = await author.call("comment", words)
    assert sent["ok"]

    # It holds for the device on another line, for no other device, and in no other activity.
    again, other = await citizen(service.url, slug, device=device).connect(), await citizen(service.url, slug).connect()
    elsewhere = await citizen(service.url, await _asking(admin), device=device).connect()
    sockets += [again, other, elsewhere]
    assert (await again.call("comment", speech("再说一句")))["ok"]
    assert (await other.call("comment", speech("我没有验证")))["error"]["code"] == "identity"
    assert (await elsewhere.call("comment", speech("换一个活动")))["error"]["code"] == "identity"

    # A ban goes with the phone: proving it on a new device does not get round it.
    await console.entry("comments", sent["id"])
    assert (await console.call("ban", {"id": sent["id"], "minutes": 10, "reason": "abuse"}))["ok"]
    while (await author.call("vote", {"question": 1}))["error"]["code"] != "muted":
        await asyncio.sleep(0.2)  # until the rules have been read again
    assert (await other.call("phone", {"phone": "13800138001"}))["ok"]
    assert (await other.call("code", {"code": hook.taken[-1]["code"]}))["error"]["code"] == "muted"

    # Nobody sees the number: no host, no event, no file; it lies sealed, and a look at it stands in the log.
    assert "1380013" not in repr([author.received, other.received, console.received])
    assert b"1380013" not in (service.data_dir / "minsheng.db").read_bytes()
    assert "13800138001" not in service.log.read_text()
    looked = service.run("author", sent["receipt"], "--reason", "公安机关来函 2023-1")
    assert looked.stdout.decode().strip() == "13800138001"
    assert service.run("author", "0000000000", "--reason", "x").returncode == 1
    with sqlite3.connect(service.data_dir / "minsheng.db") as database:
        log = database.execute("SELECT entry_id, detail FROM act WHERE act = 'identity'").fetchall()
    assert [entry for entry, _ in log] == [sent["id"]]


async def test_what_is_hostile_costs_no_messages_and_opens_nothing(
    service: ServiceProcess, admin: Staff, sockets: list[Client], hook: Hook
) -> None:
    slug = await _asking(admin)
    guess, many, free = [await citizen(service.url, slug).connect() for _ in range(3)]
    sockets += [guess, many, free]
    for bad in (None, {}, {"phone": 13800138002}, {"phone": "x" * 41}, {"phone": "12345678901"}, {"phone": "\x00"}):
        assert (await guess.call("phone", bad))["error"]["code"] in {"bad_request", "bad_phone"}
    wrong_shapes: tuple[object, ...] = (None, {}, {"code": 123456}, {"code": "1" * 21}, [])
    for shape in wrong_shapes:
        assert (await guess.call("code", shape))["error"]["code"] == "bad_request"
    assert (await guess.call("code", {"code": "123456"}))["error"]["code"] == "code_expired"
    assert hook.taken == []

    # Five guesses and the code is void, the right one too.
    assert (await guess.call("phone", {"phone": "13800138003"}))["ok"]
    right = hook.taken[-1]["code"]
    wrong = [f"{(int(right) + step) % 1_000_000:06d}" for step in range(1, 6)]
    assert [(await guess.call("code", {"code": code}))["error"]["code"] for code in wrong] == ["bad_code"] * 5
    assert (await guess.call("code", {"code": right}))["error"]["code"] == "code_expired"
    limited = (await guess.call("phone", {"phone": "13800138004"}))["error"]
    assert (limited["code"], limited["retry_after"] > 50) == ("rate_limited", True)

    # One number is not flooded from many devices.
    for _ in range(5):
        device = await citizen(service.url, slug).connect()
        sockets.append(device)
        assert (await device.call("phone", {"phone": "13800138005"}))["ok"]
    assert (await many.call("phone", {"phone": "13800138005"}))["error"]["code"] == "rate_limited"
    assert len(hook.taken) == 6

    # A gateway that is away is told to the citizen; an activity without the demand sends nothing.
    hook.answer = 500
    assert (await free.call("phone", {"phone": "13800138006"}))["error"]["code"] == "unavailable"
    await admin.done("PATCH", f"/api/v1/activities/{slug}", {"identity": "guest"})
    await free.until(lambda: free.received["broadcast"][-1]["identity"] == "guest")
    assert (await free.call("phone", {"phone": "13800138007"}))["error"]["code"] == "not_asked"
    assert (await free.call("comment", speech("不用验证了")))["ok"]
    status, answer = await admin.call("PATCH", f"/api/v1/activities/{slug}", {"identity": "passport"})
    assert (status, answer["error"]["field"]) == (400, "identity")
