"""Several hosts at one queue, on real sockets: nobody overwrites another; what they tell each other stays theirs."""

import json
from collections.abc import Sequence

from tests.citizen import Client, citizen, host, speech
from tests.service import ServiceProcess, Staff


async def _live(admin: Staff) -> str:
    slug = await admin.own_activity()
    await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "live"})
    return slug


async def _asked(author: Client, console: Client, texts: Sequence[str]) -> list[int]:
    ids = []
    for text in texts:
        ids.append((await author.call("question", speech(text)))["id"])
        await console.call("approve", {"id": ids[-1]})
    return ids


async def test_the_second_of_two_hosts_is_told_and_overwrites_nothing(
    service: ServiceProcess, admin: Staff, sockets: list[Client]
) -> None:
    slug = await _live(admin)
    author = await citizen(service.url, slug).connect()
    one, two = [await host(service.url, slug, admin.cookie).connect() for _ in range(2)]
    sockets += [author, one, two]
    asked = (await author.call("question", speech("几点开门？")))["id"]
    seen = await two.entry("questions", asked)
    assert (seen["revision"], seen["handled_by"]) == (0, None)
    done = (await one.call("answer", {"id": asked, "mode": "live", "revision": 0}))["entry"]
    assert done["revision"] == 1
    refused = (await two.call("decline", {"id": asked, "reason": "无关", "revision": seen["revision"]}))["error"]
    assert refused["code"] == "stale"
    assert done["handled_by"] in refused["message"]
    assert "已答复" in refused["message"]
    now = await two.until(lambda: two.entries("questions")[asked]["revision"] == 1 and two.entries("questions")[asked])
    assert (now["state"], now["reason"]) == ("answered", None)
    assert (await two.call("hide", {"id": asked, "reason": "other", "revision": 1}))["ok"]
    # Over HTTP the same; who sends no revision, as a script may, has said that it does not matter.
    path = f"/api/v1/entries/{asked}/acts"
    status, answer = await admin.call("POST", path, {"act": "restore", "revision": 1})
    assert (status, answer["error"]["code"]) == (409, "stale")
    assert (await admin.done("POST", path, {"act": "restore"}))["entry"]["revision"] == 3
    for bad in (-1, "x", 2**40, None):
        told = await one.call("hide", {"id": asked, "reason": "other", "revision": bad})
        assert told.get("error", {}).get("code") == ("bad_request" if bad is not None else None)


async def test_labels_and_notes_are_between_hosts(service: ServiceProcess, admin: Staff, sockets: list[Client]) -> None:
    slug = await _live(admin)
    author = await citizen(service.url, slug).connect()
    one, two = [await host(service.url, slug, admin.cookie).connect() for _ in range(2)]
    sockets += [author, one, two]
    sent = await author.call("question", speech("停车场几点关门？"))
    asked = sent["id"]
    await one.call("approve", {"id": asked})
    assert (await one.call("label", {"id": asked, "label": "交通密语"}))["ok"]
    assert (await two.call("label", {"id": asked, "label": "待核实"}))["entry"]["labels"] == ["交通密语", "待核实"]
    assert (await one.call("label", {"id": asked, "label": "待核实", "on": False}))["ok"]
    assert (await one.call("note", {"id": asked, "text": "请王科长现场答，内线密语"}))["ok"]
    await two.until(lambda: two.entries("questions")[asked]["notes"])
    told = two.entries("questions")[asked]
    assert told["labels"] == ["交通密语"]
    note = told["notes"][0]
    assert (note["text"], note["id"]) == ("请王科长现场答，内线密语", 1)
    assert note["by"]

    # Every place that a citizen or the press can look at.
    await one.call("answer", {"id": asked, "mode": "live", "text": "晚八点"})
    await author.until(lambda: author.entries("questions")[asked].get("answer"))
    late = await citizen(service.url, slug).connect()
    sockets.append(late)
    await late.entry("questions", asked)
    await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "ended"})
    await admin.done("POST", f"/api/v1/activities/{slug}/outcomes")
    public = [
        author.received,
        late.received,
        await admin.done("POST", "/api/v1/receipts", {"receipt": sent["receipt"]}),
        await admin.done("GET", f"/api/v1/activities/{slug}/outcomes"),
        json.loads(await admin.download(f"/api/v1/activities/{slug}/digest?format=json")),
    ]
    assert "密语" not in json.dumps(public, ensure_ascii=False)
    assert "密语" not in (await admin.download(f"/api/v1/activities/{slug}/digest?format=csv")).decode()

    assert (await one.call("note", {"id": asked, "remove": 1}))["entry"]["notes"] == []
    assert (await one.call("note", {"id": asked, "remove": 1}))["error"]["code"] == "not_found"
    for bad in ({"text": "　"}, {"text": "长" * 501}, {"text": 5}, {"remove": 0}):
        assert (await one.call("note", {"id": asked, **bad}))["error"]["code"] in {"empty", "bad_request"}
    for number in range(4):
        await one.call("label", {"id": asked, "label": f"类{number}"})
    assert (await one.call("label", {"id": asked, "label": "第六个"}))["error"]["code"] == "too_many"


async def test_what_the_host_puts_first_stands_first_until_it_is_answered(
    service: ServiceProcess, admin: Staff, sockets: list[Client]
) -> None:
    slug = await _live(admin)
    author = await citizen(service.url, slug).connect()
    console, colleague = [await host(service.url, slug, admin.cookie).connect() for _ in range(2)]
    sockets += [author, console, colleague]
    a, b, c = await _asked(author, console, ["甲事怎么办？", "乙路何时修？", "丙校招几个班？"])

    def places(of: Client) -> list[int | None]:
        return [of.entries("questions")[entry]["lifted"] for entry in (a, b, c)]

    await console.call("lift", {"id": c})
    await console.call("lift", {"id": a})
    await colleague.until(lambda: places(colleague) == [2, None, 1])
    await colleague.call("lift", {"id": b, "above": c})
    await console.until(lambda: places(console) == [3, 1, 2])
    await console.call("lift", {"id": a, "above": b})
    await author.until(lambda: places(author) == [1, 2, 3])
    assert (await console.call("lift", {"id": a, "above": a}))["error"]["code"] == "not_found"
    await console.call("answer", {"id": a, "mode": "live"})
    await console.call("lower", {"id": b})
    await author.until(lambda: places(author) == [None, None, 3])
    assert (await console.call("lift", {"id": a}))["error"]["code"] == "illegal_transition"
    assert (await console.call("lift", {"id": c, "above": b}))["error"]["code"] == "not_found"


async def test_a_citizen_sends_a_suggestion_as_one(
    service: ServiceProcess, admin: Staff, sockets: list[Client]
) -> None:
    slug = await _live(admin)
    author, other = [await citizen(service.url, slug).connect() for _ in range(2)]
    console = await host(service.url, slug, admin.cookie).connect()
    sockets += [author, other, console]
    sent = await author.call("suggestion", speech("建议周六上午也开门"))
    plain = await author.call("comment", speech("窗口很热情"))
    assert (sent["state"], plain["state"]) == ("shown", "shown")
    assert [(await other.entry("comments", entry["id"]))["proposed"] for entry in (sent, plain)] == [True, False]
    seen = await console.entry("comments", sent["id"])
    assert (seen["kind"], seen["proposed"], seen["suggestion"]) == ("comment", True, None)
    found = await admin.done("POST", "/api/v1/receipts", {"receipt": sent["receipt"]})
    assert (found["kind"], found["proposed"]) == ("comment", True)
    assert (await console.call("suggest", {"id": sent["id"], "on": True}))["entry"]["suggestion"]
    assert (await author.call("suggestion", {"key": "k", "text": "　"}))["error"]["code"] == "empty"
