"""Hosts who work side by side, on real sockets: each sees what the others did, are writing, and have set."""

import json
from datetime import UTC, datetime, timedelta

from tests.citizen import Client, citizen, host, speech
from tests.service import ServiceProcess, Staff


async def _live(admin: Staff) -> str:
    slug = await admin.own_activity()
    await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "live"})
    return slug


async def test_each_host_sees_what_the_others_did_and_the_log_keeps_it(
    service: ServiceProcess, admin: Staff, sockets: list[Client]
) -> None:
    slug = await _live(admin)
    author, reader = [await citizen(service.url, slug).connect() for _ in range(2)]
    one, two = [await host(service.url, slug, admin.cookie).connect() for _ in range(2)]
    sockets += [author, reader, one, two]
    me = (await admin.done("GET", "/api/v1/session"))["account"]
    spam = await author.call("comment", speech("加微信领红包"))
    asked = await author.call("question", speech("我家的低保批了没有？"))
    await one.call("hide", {"id": spam["id"], "reason": "spam"})
    await one.call("decline", {"id": asked["id"], "reason": "涉及个人信息"})
    await two.until(lambda: len(two.received["acted"]) == 2)
    hidden, declined = two.received["acted"]
    assert (hidden["who"], hidden["account"], hidden["entry"]) == (me["name"], me["id"], spam["id"])
    assert (hidden["act"], hidden["before"], hidden["after"], hidden["detail"]) == (
        "hide",
        "shown",
        "hidden",
        {"reason": "spam"},
    )
    assert (declined["text"], declined["detail"]["reason"]) == ("我家的低保批了没有？", "涉及个人信息")
    seen = await two.until(lambda: two.entries("comments")[spam["id"]]["handled_by"] and two.entries("comments"))
    assert seen[spam["id"]]["handled_at"] == hidden["at"]

    # The author takes the question back: the log says so, and keeps none of its words.
    await admin.done("POST", "/api/v1/receipts/withdraw", {"receipt": asked["receipt"]})
    page = await admin.done("GET", f"/api/v1/activities/{slug}/acts")
    assert [(line["act"], line["who"], line["text"]) for line in page["acts"]] == [
        ("withdraw", None, ""),
        ("decline", me["name"], ""),
        ("hide", me["name"], "加微信领红包"),
    ]
    assert page["next"] is None
    older = await admin.done("GET", f"/api/v1/activities/{slug}/acts?before={page['acts'][1]['id']}")
    assert [line["act"] for line in older["acts"]] == ["hide"]
    assert "红包" not in json.dumps([reader.received["removed"], reader.received["questions"]], ensure_ascii=False)
    assert not reader.received["acted"]

    unit = (await admin.done("GET", "/api/v1/units"))["units"][0]["id"]
    created = await admin.done(
        "POST", "/api/v1/accounts", {"username": "elsewhere", "name": "别处", "role": "staff", "unit": unit}
    )
    clerk = await Staff.sign_in(service, "elsewhere", created["password"])
    reached = unit in {item["id"] for item in (await admin.done("GET", f"/api/v1/activities/{slug}"))["units"]}
    assert (await clerk.call("GET", f"/api/v1/activities/{slug}/acts"))[0] == (200 if reached else 403)
    await clerk.close()


async def test_a_host_sees_who_is_there_and_what_is_being_written(
    service: ServiceProcess, admin: Staff, sockets: list[Client]
) -> None:
    slug = await _live(admin)
    author = await citizen(service.url, slug).connect()
    one, two = [await host(service.url, slug, admin.cookie).connect() for _ in range(2)]
    elsewhere = await host(service.url, await _live(admin), admin.cookie).connect()
    sockets += [author, one, two, elsewhere]
    asked = (await author.call("question", speech("几点开门？")))["id"]
    assert await one.call("doing", {"entry": asked, "form": "answer"}) == {"ok": True}
    told = (await two.until(lambda: two.received["colleague"]))[-1]
    assert (told["doing"], len(told["who"])) == ({"entry": asked, "form": "answer"}, 16)
    assert told["name"]
    await one.call("doing", {"entry": None, "form": None})
    await two.until(lambda: two.received["colleague"][-1]["doing"] == {"entry": None, "form": None})
    for bad in (None, 5, {"entry": "x"}, {"entry": 0}, {"form": "poem"}):
        assert (await one.call("doing", bad))["error"]["code"] == "bad_request"
    await one.close()
    sockets.remove(one)
    await two.until(lambda: two.received["colleague"][-1]["doing"] is None)
    assert two.received["colleague"][-1]["who"] == told["who"]
    assert not elsewhere.received["colleague"]
    assert not author.received["colleague"]


async def test_what_one_host_sets_and_hands_over_the_others_see(
    service: ServiceProcess, admin: Staff, sockets: list[Client]
) -> None:
    slug = await _live(admin)
    author = await citizen(service.url, slug).connect()
    console = await host(service.url, slug, admin.cookie).connect()
    sockets += [author, console]
    await admin.done("PATCH", f"/api/v1/activities/{slug}", {"moderation": "before", "challenge": "on"})
    rules = await console.until(lambda: console.received["broadcast"] and console.received["broadcast"][-1])
    assert (rules["moderation"], rules["challenge"]) == ("before", "on")
    await author.until(lambda: len(author.received["broadcast"]) > 1)
    assert "moderation" not in author.received["broadcast"][-1]
    await admin.done("PATCH", f"/api/v1/activities/{slug}", {"challenge": "off"})

    asked = (await author.call("question", speech("河边的路灯归谁管？")))["id"]
    own = {unit["id"] for unit in (await admin.done("GET", f"/api/v1/activities/{slug}"))["units"]}
    unit = next(item for item in (await admin.done("GET", "/api/v1/units"))["units"] if item["id"] not in own)
    due = (datetime.now(UTC).date() + timedelta(days=7)).isoformat()
    given = await admin.done(
        "POST", f"/api/v1/entries/{asked}/handovers", {"unit": unit["id"], "due": due, "note": "请答复"}
    )
    handed = {"id": given["handover"]["id"], "unit": unit["name"], "state": "offered", "due": due}
    await console.until(lambda: console.entries("questions")[asked]["handover"] == handed)
    # An act on it leaves that standing, and a console that comes later sees it as well.
    assert (await console.call("approve", {"id": asked}))["entry"]["handover"] == handed
    late = await host(service.url, slug, admin.cookie).connect()
    sockets.append(late)
    assert (await late.entry("questions", asked))["handover"] == handed
    assert "handover" not in (await author.entry("questions", asked))
    await admin.done("POST", f"/api/v1/handovers/{handed['id']}", {"act": "recall", "words": ""})
    await console.until(lambda: console.entries("questions")[asked]["handover"] is None)
