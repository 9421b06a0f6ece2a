"""Citizens and a host on real sockets: taking back, waiting for a host, listed words, and bans."""

import asyncio
import json
import secrets
from collections.abc import Callable
from typing import Any

import aiohttp

from tests.citizen import Client, citizen, host, speech
from tests.service import ServiceProcess, Staff


async def live(admin: Staff, activity: str, **facts: object) -> None:
    if facts:
        await admin.done("PATCH", f"/api/v1/activities/{activity}", facts)
    await admin.done("POST", f"/api/v1/activities/{activity}/state", {"state": "live"})


async def withdraw(service: ServiceProcess, receipt: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession(service.url) as public:
        async with public.post("/api/v1/receipts/withdraw", json={"receipt": receipt}) as answer:
            return answer.status, await answer.json()


def removed(client: Client) -> list[int]:
    return [gone for batch in client.received["removed"] for gone in batch["ids"]]


async def eventually(ask: Callable[[], Any], seconds: float = 5) -> Any:
    """Ask until the answer is true."""
    async with asyncio.timeout(seconds):
        while not (answer := await ask()):
            await asyncio.sleep(0.1)
    return answer


async def test_an_author_takes_an_entry_back_and_its_words_are_gone(
    service: ServiceProcess, admin: Staff, sockets: list[Client]
) -> None:
    await live(admin, "j01")
    device = secrets.token_urlsafe(16)
    author = await citizen(service.url, "j01", device=device).connect()
    reader = await citizen(service.url, "j01").connect()
    console = await host(service.url, "j01", admin.cookie).connect()
    sockets += [author, reader, console]
    payload = speech("我住在某某小区3号楼", "王小明")
    posted = await author.call("comment", payload)
    await reader.until(lambda: posted["id"] in reader.entries("comments"))
    await console.call("suggest", {"id": posted["id"], "on": True})

    typed = posted["receipt"].lower()
    status, receipt = await withdraw(service, f"{typed[:5]}-{typed[5:]}")
    assert (status, receipt["state"], receipt["text"], receipt["nickname"]) == (200, "withdrawn", "", "")
    assert receipt["suggestion"] is None
    await reader.until(lambda: posted["id"] in removed(reader))
    seen = await console.until(
        lambda: (
            console.entries("comments")[posted["id"]]["state"] == "withdrawn"
            and console.entries("comments")[posted["id"]]
        )
    )
    assert (seen["text"], seen["nickname"], seen["score"]) == ("", "", None)
    assert (await withdraw(service, posted["receipt"]))[0] == 200  # twice is as good as once
    assert (await withdraw(service, "0000000000"))[0] == 404

    # What is sent again does not come back, and neither does a host bring it back.
    assert (await author.call("comment", payload))["id"] == posted["id"]
    assert (await console.call("restore", {"id": posted["id"]}))["error"]["code"] == "illegal_transition"
    ledger = (await admin.done("GET", "/api/v1/activities/j01/suggestions"))["ledger"]
    assert (ledger["received"], ledger["withdrawn"], ledger["shown"]) == (1, 1, 0)
    page = await admin.done("GET", "/api/v1/activities/j01/entries")
    assert "小区" not in json.dumps(page, ensure_ascii=False)
    assert "小区" not in (await admin.download("/api/v1/activities/j01/digest?format=json")).decode()


async def test_what_is_published_says_so_when_its_author_takes_it_back(
    service: ServiceProcess, admin: Staff, sockets: list[Client]
) -> None:
    await live(admin, "j02")
    author = await citizen(service.url, "j02").connect()
    console = await host(service.url, "j02", admin.cookie).connect()
    sockets += [author, console]
    idea = await author.call("comment", speech("建议周末也开放"))
    asked = await author.call("question", speech("周末上班吗？"))
    spam = await author.call("comment", speech("加我领红包"))
    await console.call("answer", {"id": asked["id"], "mode": "written", "text": "周六上午上班。"})
    await console.call("suggest", {"id": idea["id"], "on": True})
    await console.call("hide", {"id": spam["id"], "reason": "spam"})
    path = "/api/v1/activities/j02"
    suggestion = (await admin.done("GET", f"{path}/suggestions"))["suggestions"][0]
    await admin.done(
        "PUT",
        f"/api/v1/suggestions/{suggestion['id']}/decision",
        {"decision": "adopted", "reason": "十月起周六开放", "transferred_to": None, "revision": 1},
    )
    await admin.done("POST", f"{path}/state", {"state": "ended"})
    page = await admin.done("POST", f"{path}/outcomes")
    assert page["numbers"]["hidden"] == {"spam": 1}
    assert "红包" not in json.dumps(page, ensure_ascii=False)
    for entry, words in ((idea, "第1号意见建议"), (asked, "提问和答复")):
        status, answer = await withdraw(service, entry["receipt"])
        assert (status, answer["error"]["code"]) == (409, "published")
        assert words in answer["error"]["message"]
    assert (await withdraw(service, spam["receipt"]))[1]["state"] == "withdrawn"  # hidden ones too


async def test_with_moderation_before_a_comment_waits_for_the_host(
    service: ServiceProcess, admin: Staff, sockets: list[Client]
) -> None:
    await live(admin, "j03", moderation="before")
    author, reader = [await citizen(service.url, "j03").connect() for _ in range(2)]
    console = await host(service.url, "j03", admin.cookie).connect()
    sockets += [author, reader, console]
    posted = await author.call("comment", speech("等一等"))
    assert posted["state"] == "pending"
    await console.until(lambda: posted["id"] in console.entries("comments"))
    ledger = (await admin.done("GET", "/api/v1/activities/j03/suggestions"))["ledger"]
    assert (ledger["received"], ledger["withheld"]) == (1, 1)
    newcomer = await citizen(service.url, "j03").connect()
    sockets.append(newcomer)
    await newcomer.until(lambda: newcomer.received["comments"])
    assert not newcomer.entries("comments")
    assert not reader.entries("comments")
    approved = await console.call("approve", {"id": posted["id"]})
    assert approved["entry"]["state"] == "shown"
    await reader.until(lambda: posted["id"] in reader.entries("comments"))


async def test_with_moderation_of_the_suspicious_a_device_is_trusted_once_a_host_let_it_speak(
    service: ServiceProcess, admin: Staff, sockets: list[Client]
) -> None:
    await live(admin, "j04", moderation="suspicious")
    author = await citizen(service.url, "j04").connect()
    console = await host(service.url, "j04", admin.cookie).connect()
    sockets += [author, console]
    first = await author.call("comment", speech("第一次来"))
    assert first["state"] == "pending"
    seen = await console.entry("comments", first["id"])
    assert [flag["rule"] for flag in seen["flags"]] == ["newcomer"]
    await console.call("approve", {"id": first["id"]})

    async def shown() -> bool:
        return bool((await author.call("comment", speech("第二次来")))["state"] == "shown")

    await asyncio.sleep(0.3)
    assert await eventually(shown)


async def test_listed_words_block_hold_and_mark(service: ServiceProcess, admin: Staff, sockets: list[Client]) -> None:
    await live(admin, "k04")
    unit = (await admin.done("GET", "/api/v1/activities/k04"))["units"][0]["id"]
    created = await admin.done(
        "POST", "/api/v1/accounts", {"username": "zhengwu-1", "name": "主持人", "role": "staff", "unit": unit}
    )
    clerk = await Staff.sign_in(service, "zhengwu-1", created["password"])
    district: dict[str, Any] = {"unit": None, "severity": "block", "words": ["测试拦截词"], "revision": 0}
    try:
        assert (await clerk.call("PUT", "/api/v1/word-lists", district))[0] == 403
        await admin.done("PUT", "/api/v1/word-lists", district)
        assert (await admin.call("PUT", "/api/v1/word-lists", district))[1]["error"]["code"] == "stale"
        for severity, word in (("hold", "测试先审词"), ("mark", "测试提示词")):
            own = {"unit": unit, "severity": severity, "words": [word, word, ""], "revision": 0}
            assert (await admin.done("PUT", "/api/v1/word-lists", own))["words"] == [word]
        seen = await clerk.done("GET", "/api/v1/word-lists")
        assert {item["unit"] for item in seen["lists"] if item["editable"]} == {unit}

        finding = await admin.done("POST", "/api/v1/word-lists/test", {"text": "这是測試·攔截词", "unit": unit})
        assert finding["severity"] == "block"
        assert [(hit["unit"], hit["word"], hit["how"]) for hit in finding["hits"]] == [(None, "测试拦截词", "spread")]

        author, reader = [await citizen(service.url, "k04").connect() for _ in range(2)]
        console = await host(service.url, "k04", admin.cookie).connect()
        sockets += [author, reader, console]
        refused = await author.call("comment", speech("测 试 拦 截 词"))
        assert refused["error"]["code"] == "blocked"
        assert "拦截词" not in refused["error"]["message"]
        assert (await author.call("comment", speech("好", nickname="测试拦截词")))["error"]["code"] == "blocked"
        held = await author.call("comment", speech("有测试先审词"))
        assert held["state"] == "pending"
        marked = await author.call("comment", speech("有测试提示词"))
        assert marked["state"] == "shown"
        flag = (await console.entry("comments", marked["id"]))["flags"][0]
        assert (flag["word"], flag["severity"], flag["start"], flag["end"]) == ("测试提示词", "mark", 1, 6)
        shown = await reader.entry("comments", marked["id"])
        assert set(shown) == {"id", "text", "nickname", "at", "proposed"}
        assert held["id"] not in reader.entries("comments")
    finally:
        for item in (await admin.done("GET", "/api/v1/word-lists"))["lists"]:
            if item["words"]:
                await admin.done(
                    "PUT", "/api/v1/word-lists", {**{k: item[k] for k in ("unit", "severity", "revision")}, "words": []}
                )
        await clerk.close()


async def test_a_large_list_is_taken_and_an_oversized_one_is_not(service: ServiceProcess, admin: Staff) -> None:
    words = [f"词{number}" for number in range(40_000)]
    change: dict[str, Any] = {"unit": None, "severity": "hold", "words": words, "revision": 0}
    revision = (await admin.done("PUT", "/api/v1/word-lists", change))["revision"]
    assert (await admin.done("POST", "/api/v1/word-lists/test", {"text": words[777]}))["severity"] == "hold"
    await admin.done("PUT", "/api/v1/word-lists", {**change, "words": [], "revision": revision})
    assert (await admin.call("PUT", "/api/v1/word-lists", {**change, "words": ["词"] * 100_001}))[0] == 400


async def test_a_ban_is_told_holds_on_reconnecting_and_is_lifted(
    service: ServiceProcess, admin: Staff, sockets: list[Client]
) -> None:
    await live(admin, "j05")
    device = secrets.token_urlsafe(16)
    author = await citizen(service.url, "j05", device=device).connect()
    other = await citizen(service.url, "j05").connect()
    console = await host(service.url, "j05", admin.cookie).connect()
    sockets += [author, other, console]
    posted = await author.call("comment", speech("广告", "某人"))
    assert (await console.call("ban", {"id": posted["id"], "minutes": 0, "reason": "spam"}))["ok"] is False
    banned = await console.call("ban", {"id": posted["id"], "minutes": 30, "reason": "spam"})
    assert banned["entry"]["state"] == "shown"  # a ban hides nothing by itself

    async def refused() -> dict[str, Any] | None:
        answer = await author.call("comment", speech("还在说"))
        return answer["error"] if not answer["ok"] else None

    error = await eventually(refused)
    assert error["code"] == "muted"
    assert "广告刷屏" in error["message"]
    assert "为止" in error["message"]
    assert 0 < error["retry_after"] <= 1800
    again = await citizen(service.url, "j05", device=device).connect()
    sockets.append(again)
    assert (await again.call("question", speech("换个姿势")))["error"]["code"] == "muted"
    assert (await again.call("vote", {"question": posted["id"]}))["error"]["code"] == "muted"
    assert (await other.call("comment", speech("别人不受影响")))["ok"]

    bans = (await admin.done("GET", "/api/v1/activities/j05/bans"))["bans"]
    assert [(ban["entry"], ban["reason"], ban["nickname"]) for ban in bans] == [(posted["id"], "spam", "某人")]
    assert (await console.call("unban", {"id": posted["id"]}))["ok"]
    assert (await console.call("unban", {"id": posted["id"]}))["error"]["code"] == "illegal_transition"

    async def speaks() -> bool:
        return bool((await again.call("comment", speech("可以了")))["ok"])

    assert await eventually(speaks)
    assert (await admin.done("GET", "/api/v1/activities/j05/bans"))["bans"] == []


async def test_a_flood_of_one_device_goes_in_one_act_and_comes_back_one_by_one(
    service: ServiceProcess, admin: Staff, sockets: list[Client]
) -> None:
    slug = await admin.own_activity()
    await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "live"})
    flooder, other = [await citizen(service.url, slug).connect() for _ in range(2)]
    console = await host(service.url, slug, admin.cookie).connect()
    sockets += [flooder, other, console]
    spam = [(await flooder.call("comment", speech(f"加微信领红包{turn}")))["id"] for turn in range(3)]
    asked = (await flooder.call("question", speech("哪里领红包？")))["id"]
    answered = (await flooder.call("question", speech("几点开门？")))["id"]
    kept = (await other.call("comment", speech("讲得很清楚")))["id"]
    await console.call("answer", {"id": answered, "mode": "live"})
    await other.until(lambda: set(spam) <= set(other.entries("comments")))

    done = await console.call("ban", {"id": spam[0], "minutes": 60, "reason": "spam", "sweep": True})
    assert sorted(done["swept"]) == [*spam, asked]
    assert (done["entry"]["state"], done["entry"]["reason"]) == ("hidden", "spam")
    await other.until(lambda: set(spam) <= set(removed(other)))
    states = {
        entry["id"]: entry["state"]
        for entry in (await admin.done("GET", f"/api/v1/activities/{slug}/entries"))["entries"]
    }
    assert states == {**dict.fromkeys([*spam, asked], "hidden"), answered: "answered", kept: "shown"}
    lines = (await admin.done("GET", f"/api/v1/activities/{slug}/acts"))["acts"]
    assert sorted(line["entry"] for line in lines if line["act"] == "hide") == [*spam, asked]
    # One by one they come back to what they were, and the reason is told to their author until then.
    for entry in done["swept"]:
        assert (await console.call("restore", {"id": entry}))["ok"]
    await other.until(lambda: all(other.received["comments"][-1] for _ in spam))
    again = await citizen(service.url, slug).connect()
    sockets.append(again)
    await again.until(lambda: set(again.entries("comments")) == {*spam, kept})
    assert asked not in again.entries("questions")


async def test_a_ban_of_an_address_range_holds_for_new_devices_and_for_no_other_range(
    service: ServiceProcess, admin: Staff, sockets: list[Client]
) -> None:
    slug = await admin.own_activity()
    await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "live"})

    async def from_address(address: str) -> Client:
        device = {"activity": slug, "device": secrets.token_urlsafe(16)}
        client = await Client(service.url, "/audience", device, {"X-Forwarded-For": address}).connect()
        sockets.append(client)
        return client

    console = await host(service.url, slug, admin.cookie).connect()
    sockets.append(console)
    flooder, elsewhere = await from_address("203.0.113.7"), await from_address("198.51.100.7")
    posted = (await flooder.call("comment", speech("加微信领红包")))["id"]
    await console.call("ban", {"id": posted, "minutes": 60, "reason": "spam", "network": True})
    again = await from_address("203.0.113.200")  # another device of the same range, after clearing the browser

    async def muted(client: Client) -> bool:
        answer = await client.call("comment", speech("还有红包"))
        return not answer["ok"] and answer["error"]["code"] == "muted"

    async with asyncio.timeout(10):
        while not await muted(again):
            await asyncio.sleep(0.2)
    heard = await elsewhere.call("comment", speech("讲得很清楚"))
    assert heard["ok"], heard
    (ban,) = (await admin.done("GET", f"/api/v1/activities/{slug}/bans"))["bans"]
    assert ban["network"] is True
    assert "203.0.113" not in str(ban)
    await console.call("unban", {"id": posted})
    async with asyncio.timeout(10):
        while await muted(again):
            await asyncio.sleep(0.2)
    assert (await flooder.call("comment", speech("不再刷屏")))["ok"]
