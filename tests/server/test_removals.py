"""An author wants what was published deleted: the request, the unit's act, and what is left everywhere."""

import json
from typing import Any

import aiohttp

from feedback.seals import REMOVED
from tests.citizen import citizen, speech
from tests.programme.desk import fetch, staff_of
from tests.service import ServiceProcess, Staff
from tests.verify import by_hand

SECRET = "我家住幸福里三号楼二单元"


async def _public(service: ServiceProcess, path: str, body: object = None) -> tuple[int, Any]:
    method = "GET" if body is None else "POST"
    async with aiohttp.ClientSession() as session, session.request(method, service.url + path, json=body) as answer:
        return answer.status, await answer.json()


async def _published(service: ServiceProcess, admin: Staff) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """An activity with a suggestion and an answered question in two published versions; its slug and both entries."""
    slug = await admin.own_activity(unit="caiyu")
    path = f"/api/v1/activities/{slug}"
    await admin.done("POST", f"{path}/state", {"state": "live"})
    author = await citizen(service.url, slug).connect()
    idea = await author.call("comment", speech(f"{SECRET}，建议装路灯", "朱小明"))
    asked = await author.call("question", speech(f"{SECRET}，几点停水？", "朱小明"))
    other = await author.call("comment", speech("建议延长开放时间", "李四"))
    await author.close()
    for entry, act in (
        (idea, {"act": "suggest", "on": True}),
        (other, {"act": "suggest", "on": True}),
        (asked, {"act": "answer", "mode": "written", "text": "朱先生，三号楼九点停水。"}),
    ):
        await admin.done("POST", f"/api/v1/entries/{entry['id']}/acts", act)
    await admin.done("POST", f"{path}/state", {"state": "ended"})
    for item in (await admin.done("GET", f"{path}/suggestions"))["suggestions"]:
        body = {"decision": "adopted", "reason": "三号楼下月装灯", "transferred_to": None, "revision": 1}
        await admin.done("PUT", f"/api/v1/suggestions/{item['id']}/decision", body)
        progress = {"progress": "under-way", "text": "已到三号楼看过"}
        await admin.done("POST", f"/api/v1/suggestions/{item['id']}/updates", progress)
    await admin.done("POST", f"{path}/outcomes")
    await admin.done("POST", f"{path}/outcomes", {"note": "再次核对"})
    return slug, idea, asked


async def test_what_an_author_asks_to_be_deleted_leaves_every_version(service: ServiceProcess, admin: Staff) -> None:
    slug, idea, asked = await _published(service, admin)
    path = f"/api/v1/activities/{slug}"
    before = [(await _public(service, f"{path}/outcomes?version={number}"))[1] for number in (1, 2)]
    assert [by_hand(version) for version in before] == [version["sha256"] for version in before]

    # The author cannot take it back alone, but can ask; the unit sees it with a day.
    status, refusal = await _public(service, "/api/v1/receipts/withdraw", {"receipt": idea["receipt"]})
    assert (status, refusal["error"]["code"]) == (409, "published")
    request = {"receipt": idea["receipt"], "note": "写了门牌号"}
    status, receipt = await _public(service, "/api/v1/receipts/removal", request)
    assert (status, receipt["published"], receipt["removal"]["state"]) == (202, True, "asked")
    again = (await _public(service, "/api/v1/receipts/removal", request))[1]
    assert again["removal"] == receipt["removal"]
    assert (await _public(service, "/api/v1/receipts/removal", {"receipt": "0000000000"}))[0] == 404
    [waiting] = (await admin.done("GET", f"{path}/removals"))["removals"]
    assert (waiting["state"], waiting["note"], waiting["late"]) == ("asked", "写了门牌号", False)
    assert waiting["due"] == receipt["removal"]["due"]

    desk = (await admin.done("GET", "/api/v1/desk"))["activities"]
    [counts] = [row["counts"] for row in desk if row["slug"] == slug]
    assert (counts["removals"], counts["removal_due"]) == (1, waiting["due"])

    stranger = await staff_of(service, admin, "yibaoju", "removal-stranger")
    assert (await stranger.call("POST", f"/api/v1/removals/{waiting['id']}", {"act": "remove"}))[0] == 403
    await stranger.close()
    done = (await admin.done("POST", f"/api/v1/removals/{waiting['id']}", {"act": "remove"}))["removal"]
    assert (done["state"], done["text"], done["note"], done["version"]) == ("done", "", "", 3)
    assert (await admin.call("POST", f"/api/v1/removals/{waiting['id']}", {"act": "remove"}))[0] == 409

    # Every version, with the digest that it was published with.
    after = [(await _public(service, f"{path}/outcomes?version={number}"))[1] for number in (1, 2, 3)]
    assert [version["sha256"] for version in after[:2]] == [version["sha256"] for version in before]
    for version in after:
        assert by_hand(version) == version["sha256"]
        assert version["verifiable"]
        first, second = version["suggestions"]
        assert (first["text"], first["nickname"], first["decision"]) == (REMOVED, "", "adopted")
        assert set(first["removed"]) == {"words"}
        assert second["text"] == "建议延长开放时间"
        assert "路灯" not in json.dumps(version, ensure_ascii=False)
    assert after[2]["numbers"]["withdrawn"] == 1
    assert after[2]["numbers"]["suggestions"] == 2
    versions = (await _public(service, f"{path}/outcomes/versions"))[1]["versions"]
    assert versions[0]["changes"][0] == {
        "label": "第1号意见建议的原文和称呼",
        "before": "（原有内容）",
        "after": REMOVED,
    }
    assert [version["removed"] for version in versions] == [0, 1, 1]
    assert "再次核对" in [version["note"] for version in versions]

    # Nothing made of it says the words: feed, documents, receipt, the lists of staff, other activities' overview.
    for address in (
        f"{path}/outcomes.atom",
        f"{path}/suggestions/1.atom",
        "/notices.atom",
        f"{path}/outcomes/versions",
    ):
        content = (await fetch(service, address))[1].decode()
        assert "路灯" not in content
    assert REMOVED in (await fetch(service, f"{path}/suggestions/1.atom"))[1].decode()
    for address in (f"{path}/digest?format=json", f"{path}/adoption-report?format=csv", "/api/v1/across"):
        content = (await admin.download(address)).decode()
        assert "路灯" not in content
    assert (await _public(service, "/api/v1/receipts", {"receipt": idea["receipt"]}))[1]["text"] == ""
    work = await admin.done("GET", f"{path}/suggestions")
    assert work["problems"] == []
    assert work["ledger"] == {"received": 3, "shown": 2, "withheld": 0, "merged": 0, "withdrawn": 1, "deleted": 0}

    # The question as well, with what the unit wrote about it; a later version keeps the places of both.
    await _public(service, "/api/v1/receipts/removal", {"receipt": asked["receipt"]})
    waiting = (await admin.done("GET", f"{path}/removals"))["removals"][0]
    await admin.done("POST", f"/api/v1/removals/{waiting['id']}", {"act": "remove", "reply": True})
    body = {"decision": "not-adopted", "reason": "改为明年", "transferred_to": None}
    second = (await admin.done("GET", f"{path}/suggestions"))["suggestions"][1]
    await admin.done("PUT", f"/api/v1/suggestions/{second['id']}/decision", {**body, "revision": second["revision"]})
    await admin.done("POST", f"{path}/outcomes", {"note": "更正第2号的决定"})
    for number in range(1, 6):
        version = (await _public(service, f"{path}/outcomes?version={number}"))[1]
        assert by_hand(version) == version["sha256"]
        assert [question["text"] for question in version["questions"]] == [REMOVED]
        assert "停水" not in json.dumps(version, ensure_ascii=False)
        assert version["suggestions"][0]["text"] == REMOVED
    assert version["note"] == "更正第2号的决定"
    history = (await admin.done("GET", f"{path}/history"))["history"]
    assert [item["act"] for item in history].count("publish") == 5


async def test_a_unit_refuses_with_a_reason_that_the_author_reads(service: ServiceProcess, admin: Staff) -> None:
    slug, idea, _ = await _published(service, admin)
    path = f"/api/v1/activities/{slug}"
    await _public(service, "/api/v1/receipts/removal", {"receipt": idea["receipt"]})
    [waiting] = (await admin.done("GET", f"{path}/removals"))["removals"]
    one = f"/api/v1/removals/{waiting['id']}"
    assert (await admin.call("POST", one, {"act": "refuse", "reason": " "}))[0] == 400
    await admin.done("POST", one, {"act": "refuse", "reason": "已隐去姓名，内容不含个人信息"})
    receipt = (await _public(service, "/api/v1/receipts", {"receipt": idea["receipt"]}))[1]
    assert (receipt["removal"]["state"], receipt["removal"]["reason"]) == ("refused", "已隐去姓名，内容不含个人信息")
    assert (await _public(service, f"{path}/outcomes"))[1]["version"] == 2
    # Who disagrees asks again.
    assert (await _public(service, "/api/v1/receipts/removal", {"receipt": idea["receipt"]}))[1]["removal"][
        "state"
    ] == "asked"


async def test_where_others_said_the_same_the_first_of_them_lends_the_words(
    service: ServiceProcess, admin: Staff
) -> None:
    slug = await admin.own_activity()
    path = f"/api/v1/activities/{slug}"
    await admin.done("POST", f"{path}/state", {"state": "live"})
    author, neighbour = [await citizen(service.url, slug).connect() for _ in range(2)]
    idea = await author.call("comment", speech("三号楼前建议装路灯", "朱小明"))
    same = await neighbour.call("comment", speech("建议装路灯", "李四"))
    lonely = await neighbour.call("comment", speech("没有公布的留言", "李四"))
    await author.close()
    await neighbour.close()
    await admin.done("POST", f"/api/v1/entries/{idea['id']}/acts", {"act": "suggest", "on": True})
    await admin.done("POST", f"/api/v1/entries/{same['id']}/acts", {"act": "merge", "into": idea["id"]})
    await admin.done("POST", f"{path}/state", {"state": "ended"})
    [item] = (await admin.done("GET", f"{path}/suggestions"))["suggestions"]
    body = {"decision": "adopted", "reason": "", "transferred_to": None, "revision": item["revision"]}
    await admin.done("PUT", f"/api/v1/suggestions/{item['id']}/decision", body)
    await admin.done("POST", f"{path}/outcomes")
    status, refusal = await _public(service, "/api/v1/receipts/removal", {"receipt": lonely["receipt"]})
    assert (status, refusal["error"]["code"]) == (409, "not_published")
    await _public(service, "/api/v1/receipts/removal", {"receipt": idea["receipt"]})
    [waiting] = (await admin.done("GET", f"{path}/removals"))["removals"]
    await admin.done("POST", f"/api/v1/removals/{waiting['id']}", {"act": "remove"})
    old = (await _public(service, f"{path}/outcomes?version=1"))[1]
    new = (await _public(service, f"{path}/outcomes"))[1]
    assert old["suggestions"][0]["text"] == REMOVED
    assert (new["suggestions"][0]["text"], new["suggestions"][0]["nickname"]) == ("建议装路灯", "李**")
    assert "removed" not in new["suggestions"][0]
    assert by_hand(old) == old["sha256"]
    assert by_hand(new) == new["sha256"]


async def test_a_version_is_served_in_windows_and_whole(service: ServiceProcess, admin: Staff) -> None:
    slug, _, _ = await _published(service, admin)
    path = f"/api/v1/activities/{slug}/outcomes"
    whole = (await _public(service, path))[1]
    assert whole["totals"] == {"questions": 1, "suggestions": 2}
    first = (await _public(service, f"{path}?limit=1"))[1]
    assert ([item["number"] for item in first["suggestions"]], first["totals"]) == ([1], whole["totals"])
    rest = (await _public(service, f"{path}?limit=1&suggestions=1&questions=1"))[1]
    assert ([item["number"] for item in rest["suggestions"]], rest["questions"]) == ([2], [])
    assert rest["begins"] == {"questions": 1, "suggestions": 1}
    held = (await _public(service, f"{path}?limit=1&suggestion=2"))[1]
    assert [item["number"] for item in held["suggestions"]] == [1, 2]
    assert (await _public(service, f"{path}?version=9"))[0] == 404
    assert (await _public(service, f"{path}?limit=0"))[0] == 400
