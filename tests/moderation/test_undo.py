"""Hosts take back what they did, on real sockets: what was public leaves the phones, and nothing else is told."""

import asyncio

from tests.citizen import Client, citizen, host, speech
from tests.moderation.test_stories import live, removed
from tests.service import ServiceProcess, Staff


async def test_an_answer_and_an_approval_are_taken_back_before_everybody(
    service: ServiceProcess, admin: Staff, sockets: list[Client]
) -> None:
    await live(admin, "k05")
    author, reader = [await citizen(service.url, "k05").connect() for _ in range(2)]
    console, colleague = [await host(service.url, "k05", admin.cookie).connect() for _ in range(2)]
    sockets += [author, reader, console, colleague]
    asked = (await author.call("question", speech("几点开门？")))["id"]
    await console.call("approve", {"id": asked})
    await console.call("answer", {"id": asked, "mode": "written", "text": "写错了的答复"})
    await reader.until(lambda: reader.entries("questions").get(asked, {}).get("state") == "answered")

    reopened = await console.call("reopen", {"id": asked})
    assert (reopened["entry"]["state"], reopened["entry"]["answer"]) == ("open", None)
    await reader.until(lambda: reader.entries("questions")[asked]["state"] == "open")
    assert reader.entries("questions")[asked]["answer"] is None
    await colleague.until(lambda: colleague.entries("questions")[asked]["state"] == "open")

    assert (await console.call("reopen", {"id": asked}))["entry"]["state"] == "pending"
    await reader.until(lambda: asked in removed(reader))
    assert asked in (await reader.call("resume", {"last": asked}))["removed"]  # a phone that was away meanwhile
    again = await colleague.call("reopen", {"id": asked})
    assert again["error"]["code"] == "illegal_transition"
    assert "待审核" in again["error"]["message"]
    assert (await reader.call("vote", {"question": asked}))["error"]["code"] == "not_found"

    await console.call("approve", {"id": asked})
    await reader.until(lambda: reader.received["questions"][-1][0]["state"] == "open")


async def test_an_approved_comment_goes_back_to_waiting_and_a_reason_is_corrected(
    service: ServiceProcess, admin: Staff, sockets: list[Client]
) -> None:
    await live(admin, "k06", moderation="before")
    author, reader = [await citizen(service.url, "k06").connect() for _ in range(2)]
    console = await host(service.url, "k06", admin.cookie).connect()
    sockets += [author, reader, console]
    posted = (await author.call("comment", speech("按错了键")))["id"]
    await console.call("approve", {"id": posted})
    await reader.entry("comments", posted)
    assert (await console.call("reopen", {"id": posted}))["entry"]["state"] == "pending"
    await reader.until(lambda: posted in removed(reader))

    for reason in ("spam", "privacy"):
        hidden = (await console.call("hide", {"id": posted, "reason": reason}))["entry"]
        assert (hidden["state"], hidden["reason"]) == ("hidden", reason)
    assert (await console.call("restore", {"id": posted}))["entry"]["state"] == "pending"
    await asyncio.sleep(0.4)
    newcomer = await citizen(service.url, "k06").connect()
    sockets.append(newcomer)
    await newcomer.until(lambda: newcomer.received["comments"])
    assert not newcomer.entries("comments")


async def test_what_was_published_with_an_answer_stays_the_units_record_after_undo(
    service: ServiceProcess, admin: Staff, sockets: list[Client]
) -> None:
    await live(admin, "k07")
    author = await citizen(service.url, "k07").connect()
    console = await host(service.url, "k07", admin.cookie).connect()
    sockets += [author, console]
    asked = await author.call("question", speech("有停车位吗？"))
    await console.call("answer", {"id": asked["id"], "mode": "written", "text": "有二十个。"})
    await admin.done("POST", "/api/v1/activities/k07/state", {"state": "ended"})
    await admin.done("POST", "/api/v1/activities/k07/outcomes")
    assert (await console.call("reopen", {"id": asked["id"]}))["entry"]["state"] == "pending"
    status, answer = await admin.call("POST", "/api/v1/receipts/withdraw", {"receipt": asked["receipt"]})
    assert (status, answer["error"]["code"]) == (409, "published")


async def test_an_author_reads_why_an_entry_is_not_shown_until_that_is_taken_back(
    service: ServiceProcess, admin: Staff, sockets: list[Client]
) -> None:
    await live(admin, "k10")
    author = await citizen(service.url, "k10").connect()
    console = await host(service.url, "k10", admin.cookie).connect()
    sockets += [author, console]
    asked = await author.call("question", speech("我的案件到哪一步了？"))

    async def told() -> tuple[str, str | None]:
        receipt = await admin.done("POST", "/api/v1/receipts", {"receipt": asked["receipt"]})
        return receipt["state"], receipt["reason"]

    assert await told() == ("pending", None)
    await console.call("decline", {"id": asked["id"], "reason": "涉及个人信息，请到窗口办理"})
    assert await told() == ("declined", "涉及个人信息，请到窗口办理")
    await console.call("hide", {"id": asked["id"], "reason": "privacy"})
    assert await told() == ("hidden", "泄露隐私")
    await console.call("restore", {"id": asked["id"]})
    assert await told() == ("declined", "涉及个人信息，请到窗口办理")
    await console.call("reopen", {"id": asked["id"]})
    assert await told() == ("pending", None)
