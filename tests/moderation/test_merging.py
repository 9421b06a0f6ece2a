"""Questions that ask the same become one, on real sockets: found, merged, voted on, answered, and taken apart again."""

from typing import Any

from tests.citizen import Client, citizen, host, speech
from tests.moderation.test_stories import removed
from tests.service import ServiceProcess, Staff


async def _receipt(staff: Staff, receipt: str) -> Any:
    return await staff.done("POST", "/api/v1/receipts", {"receipt": receipt})


async def _live(admin: Staff) -> str:
    slug = await admin.own_activity()
    await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "live"})
    return slug


async def test_a_duplicate_is_found_merged_answered_and_split(
    service: ServiceProcess, admin: Staff, sockets: list[Client]
) -> None:
    slug = await _live(admin)
    ann, bob, voter = [await citizen(service.url, slug).connect() for _ in range(3)]
    console, colleague = [await host(service.url, slug, admin.cookie).connect() for _ in range(2)]
    sockets += [ann, bob, voter, console, colleague]
    first = await ann.call("question", speech("老年卡在哪个窗口办理？"))
    await console.call("approve", {"id": first["id"]})
    second = await bob.call("question", speech("请问老年卡在哪个窗口办？"))
    other = await bob.call("question", speech("停车场几点关门"))
    # As it arrives, the host is told what it may repeat; a citizen is not.
    asked = await console.entry("questions", second["id"])
    assert asked["similar"] == [first["id"]]
    assert (await console.entry("questions", other["id"]))["similar"] == []
    late = await host(service.url, slug, admin.cookie).connect()
    sockets.append(late)
    assert (await late.entry("questions", second["id"]))["similar"] == [first["id"]]

    await console.call("approve", {"id": second["id"]})
    await voter.entry("questions", second["id"])
    for voted in (first["id"], second["id"]):
        assert (await voter.call("vote", {"question": voted}))["votes"] == 1
    merged = await console.call("merge", {"id": second["id"], "into": first["id"]})
    assert (merged["entry"]["state"], merged["entry"]["merged_into"]) == ("merged", first["id"])
    # The voter of both counts once, the one who asked the duplicate counts as well.
    await voter.until(lambda: second["id"] in removed(voter))
    await voter.until(lambda: voter.entries("questions")[first["id"]]["merged"] == 1)
    assert voter.entries("questions")[first["id"]]["votes"] == 2
    assert "similar" not in voter.entries("questions")[first["id"]]
    await colleague.until(lambda: colleague.entries("questions")[second["id"]]["state"] == "merged")
    # A page that still shows the duplicate votes for what stands for it.
    assert (await ann.call("vote", {"question": second["id"]}))["id"] == first["id"]

    # The colleague who decides on it a moment later is told, and nothing is overwritten.
    error = (await colleague.call("answer", {"id": second["id"], "mode": "live"}))["error"]
    assert error["code"] == "illegal_transition"
    assert "已合并" in error["message"]

    await console.call("answer", {"id": first["id"], "mode": "written", "text": "三号窗口"})
    receipt = await _receipt(admin, second["receipt"])
    assert receipt["merged_into"] == {"text": "老年卡在哪个窗口办理？", "state": "answered"}
    assert receipt["answer"]["text"] == "三号窗口"
    work = await admin.done("GET", f"/api/v1/activities/{slug}/suggestions")
    assert work["ledger"] == {"received": 3, "shown": 1, "withheld": 1, "merged": 1, "withdrawn": 0, "deleted": 0}

    split = (await console.call("split", {"id": second["id"]}))["entry"]
    assert (split["state"], split["votes"], split["merged_into"]) == ("open", 1, None)
    await voter.until(lambda: voter.entries("questions")[first["id"]]["merged"] == 0)
    assert (await _receipt(admin, second["receipt"]))["answer"] is None
    assert (await console.call("split", {"id": second["id"]}))["error"]["code"] == "illegal_transition"


async def test_what_may_not_be_merged_is_refused(service: ServiceProcess, admin: Staff, sockets: list[Client]) -> None:
    slug, elsewhere = await _live(admin), await _live(admin)
    author, foreigner = await citizen(service.url, slug).connect(), await citizen(service.url, elsewhere).connect()
    console = await host(service.url, slug, admin.cookie).connect()
    sockets += [author, foreigner, console]
    one, two, three = [(await author.call("question", speech(f"第{number}问")))["id"] for number in range(3)]
    foreign = (await foreigner.call("question", speech("别处的提问")))["id"]
    for into in (one, foreign):
        assert (await console.call("merge", {"id": one, "into": into}))["error"]["code"] == "bad_head"
    assert (await console.call("merge", {"id": one, "into": 10**9}))["error"]["code"] == "not_found"
    for bad in (None, "x", 0, -1, 2**60):
        assert (await console.call("merge", {"id": one, "into": bad}))["error"]["code"] == "bad_request"
    await console.call("decline", {"id": two, "reason": "与活动无关"})
    assert (await console.call("merge", {"id": one, "into": two}))["error"]["code"] == "bad_head"
    assert (await console.call("merge", {"id": two, "into": one}))["error"]["code"] == "illegal_transition"
    # Of a chain one is left: who was merged into the second goes along to the third.
    four = (await author.call("question", speech("第四问")))["id"]
    await console.call("merge", {"id": four, "into": three})
    await console.call("merge", {"id": three, "into": one})
    await console.until(lambda: console.entries("questions")[one]["merged"] == 2)
    entries = (await admin.done("GET", f"/api/v1/activities/{slug}/entries?kind=question"))["entries"]
    assert {entry["id"]: entry["merged_into"] for entry in entries} == {one: None, two: None, three: one, four: one}
    # A decided suggestion keeps its place; one that is not decided is handed to the head.
    await console.call("approve", {"id": one})
    fifth = (await author.call("comment", speech("建议周末也开门")))["id"]
    await console.call("suggest", {"id": fifth, "on": True})
    await console.call("merge", {"id": fifth, "into": one})
    work = await admin.done("GET", f"/api/v1/activities/{slug}/suggestions")
    assert [(item["number"], item["entry"]["id"]) for item in work["suggestions"]] == [(1, one)]


async def test_who_takes_a_question_back_leaves_the_others_theirs(
    service: ServiceProcess, admin: Staff, sockets: list[Client]
) -> None:
    slug = await _live(admin)
    ann, bob, cid, voter = [await citizen(service.url, slug).connect() for _ in range(4)]
    console = await host(service.url, slug, admin.cookie).connect()
    sockets += [ann, bob, cid, voter, console]
    asked = [await who.call("question", speech("地铁何时开通？")) for who in (ann, bob, cid)]
    head, heir, last = (item["id"] for item in asked)
    for entry in (head, heir, last):
        await console.call("approve", {"id": entry})
    await voter.entry("questions", heir)
    await voter.call("vote", {"question": heir})
    for entry in (heir, last):
        await console.call("merge", {"id": entry, "into": head})
    await console.call("answer", {"id": head, "mode": "live", "text": "明年底"})
    await voter.until(lambda: voter.entries("questions")[head].get("answer"))

    withdrawn = await admin.done("POST", "/api/v1/receipts/withdraw", {"receipt": asked[0]["receipt"]})
    assert (withdrawn["state"], withdrawn["text"]) == ("withdrawn", "")
    await voter.until(lambda: head in removed(voter))
    now = await voter.until(
        lambda: voter.entries("questions").get(heir, {}).get("answer") and voter.entries("questions")[heir]
    )
    assert (now["text"], now["votes"], now["merged"], now["answer"]["text"]) == ("地铁何时开通？", 3, 1, "明年底")
    assert (await _receipt(admin, asked[2]["receipt"]))["merged_into"]["state"] == "answered"

    await admin.done("POST", "/api/v1/receipts/withdraw", {"receipt": asked[2]["receipt"]})
    await voter.until(lambda: voter.entries("questions")[heir]["merged"] == 0)
    assert voter.entries("questions")[heir]["votes"] == 2
    work = await admin.done("GET", f"/api/v1/activities/{slug}/suggestions")
    assert work["ledger"] == {"received": 3, "shown": 1, "withheld": 0, "merged": 0, "withdrawn": 2, "deleted": 0}
