"""What was refused, held, hidden, declined or taken back stands on no page, in no feed, count, error or receipt."""

import json

import aiohttp

from server.auth.rights import Right
from server.http.endpoint import ENDPOINTS
from tests.citizen import Client, citizen, host, speech
from tests.server.test_nonsense import address
from tests.service import ServiceProcess, Staff

NEVER_SHOWN = ("拦下的词", "扣下的词", "没审的提问", "不受理的提问", "主持人的便签")
SHOWN_FOR_A_WHILE = ("藏起的评论", "藏起的提问", "藏起的答复", "撤回的评论")
WITHHELD = NEVER_SHOWN + SHOWN_FOR_A_WHILE
UNIT = "beizangcun"
NAMES = ("昵称甲", "昵称乙")


async def everything_public(service: ServiceProcess, slug: str) -> dict[str, str]:
    """What a stranger can get with GET, by address; the newest outcomes and each suggestion with them."""
    paths = {address(item, activity=slug) for item in ENDPOINTS if item.right is Right.PUBLIC and item.method == "GET"}
    parts = ("limit=1", "topic=x", "suggestion=1", "version=1")
    paths |= {f"/api/v1/activities/{slug}/outcomes?{part}" for part in parts}
    found = {}
    async with aiohttp.ClientSession(service.url) as session:
        for path in sorted(paths):
            async with session.get(path) as answer:
                found[path] = await answer.text(errors="replace")
                assert answer.status < 500, path
    return found


def readable(text: str) -> str:
    """The text with JSON's escapes undone."""
    return text + (text.encode().decode("unicode_escape", errors="replace") if "\\u" in text else "")


def missing_everywhere(found: dict[str, str], words: tuple[str, ...]) -> list[tuple[str, str]]:
    """Where one of the words stands after all."""
    return [(where, word) for where, text in found.items() for word in words if word in readable(text)]


async def test_withheld_words_stand_nowhere(service: ServiceProcess, admin: Staff, sockets: list[Client]) -> None:
    slug = await admin.own_activity("泄漏", unit=UNIT)
    path = f"/api/v1/activities/{slug}"
    lists = (await admin.done("GET", "/api/v1/word-lists"))["lists"]
    revisions = {item["severity"]: item["revision"] for item in lists if item["unit"] == UNIT}
    for severity, word in (("block", "拦下的词"), ("hold", "扣下的词")):
        words = {"unit": UNIT, "severity": severity, "words": [word], "revision": revisions.get(severity, 0)}
        await admin.done("PUT", "/api/v1/word-lists", words)
    await admin.done("POST", f"{path}/state", {"state": "live"})
    authors = [await citizen(service.url, slug).connect() for _ in range(4)]
    reader = await citizen(service.url, slug).connect()
    console = await host(service.url, slug, admin.cookie).connect()
    sockets += [*authors, reader, console]
    first, second, third, fourth = authors

    # Never shown: refused, held, waiting, declined, and what a host noted beside it.
    refused = await first.call("comment", speech("请看拦下的词", NAMES[0]))
    assert refused["error"]["code"] == "blocked"
    assert "拦下" not in json.dumps(refused, ensure_ascii=False)
    held = await second.call("comment", speech("请看扣下的词", NAMES[1]))
    assert held["state"] == "pending"
    waiting = await third.call("question", speech("没审的提问", NAMES[0]))
    declined = await fourth.call("question", speech("不受理的提问", NAMES[1]))
    assert (await console.call("decline", {"id": declined["id"], "reason": "与本活动无关"}))["ok"]
    assert (await console.call("note", {"id": waiting["id"], "text": "主持人的便签"}))["ok"]

    # Shown for a while: hidden with its answer, hidden with somebody else's question merged into it, taken back.
    comment = await first.call("comment", speech("藏起的评论"))
    gone = await second.call("comment", speech("撤回的评论"))
    question = await third.call("question", speech("藏起的提问"))
    same = await fourth.call("question", speech("几点关门？"))
    kept = await first.call("comment", speech("建议延长开放时间"))
    for entry in (question, same):
        assert (await console.call("approve", {"id": entry["id"]}))["ok"]
    assert (await console.call("merge", {"id": same["id"], "into": question["id"]}))["ok"]
    assert (await console.call("answer", {"id": question["id"], "mode": "written", "text": "藏起的答复"}))["ok"]
    await reader.until(lambda: (reader.entries("questions").get(question["id"]) or {}).get("answer"))
    for entry in (comment, question):
        assert (await console.call("hide", {"id": entry["id"], "reason": "unlawful"}))["ok"]
    async with (
        aiohttp.ClientSession(service.url) as session,
        session.post("/api/v1/receipts/withdraw", json={"receipt": gone["receipt"]}) as answer,
    ):
        assert answer.status == 200

    # Who comes now, who asks what was missed, who votes for it, and who asked the same.
    newcomer = await citizen(service.url, slug, last=0).connect()
    sockets.append(newcomer)
    await newcomer.until(lambda: kept["id"] in newcomer.entries("comments"))
    said = {
        "newcomer": json.dumps(newcomer.received, ensure_ascii=False),
        "resume": json.dumps(await newcomer.call("resume", {"last": 0}), ensure_ascii=False),
        "vote": json.dumps(await newcomer.call("vote", {"question": question["id"]}), ensure_ascii=False),
        "vote for what waits": json.dumps(await newcomer.call("vote", {"question": waiting["id"]}), ensure_ascii=False),
    }
    async with (
        aiohttp.ClientSession(service.url) as session,
        session.post("/api/v1/receipts", json={"receipt": same["receipt"]}) as answer,
    ):
        said["receipt of who asked the same"] = await answer.text()
    assert missing_everywhere(said, WITHHELD + NAMES) == []
    assert missing_everywhere({"reader": json.dumps(reader.received, ensure_ascii=False)}, NEVER_SHOWN + NAMES) == []
    assert missing_everywhere(await everything_public(service, slug), WITHHELD + NAMES) == []

    # Published: a number by its reason, and no word.
    assert (await console.call("suggest", {"id": kept["id"], "on": True}))["ok"]
    (suggestion,) = (await admin.done("GET", f"{path}/suggestions"))["suggestions"]
    decision = {"decision": "adopted", "reason": "十月起", "transferred_to": None, "revision": suggestion["revision"]}
    await admin.done("PUT", f"/api/v1/suggestions/{suggestion['id']}/decision", decision)
    await admin.done("POST", f"{path}/state", {"state": "ended"})
    page = await admin.done("POST", f"{path}/outcomes")
    assert page["numbers"]["hidden"] == {"unlawful": 2}
    found = await everything_public(service, slug)
    assert missing_everywhere(found, ("建议延长开放时间",)) != []  # the search finds what is public
    assert missing_everywhere(found, WITHHELD + NAMES) == []
    # Neither does what staff hands out as documents of the public record.
    for form in ("json", "csv"):
        report = await admin.download(f"{path}/adoption-report?format={form}")
        assert missing_everywhere({form: report.decode("utf-8-sig")}, WITHHELD + NAMES) == []
