"""Over all activities: asked again and again, decided, done, overdue; a unit sees its own."""

import io

import openpyxl

from tests.citizen import citizen, speech
from tests.service import ServiceProcess, Staff


async def _asked(service: ServiceProcess, admin: Staff, slug: str, text: str) -> int:
    await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "live"})
    author = await citizen(service.url, slug).connect()
    entry = await author.call("question", speech(text))
    await author.close()
    await admin.done("POST", f"/api/v1/entries/{entry['id']}/acts", {"act": "approve"})
    await admin.done("POST", f"/api/v1/entries/{entry['id']}/acts", {"act": "suggest", "on": True})
    await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "ended"})
    return int((await admin.done("GET", f"/api/v1/activities/{slug}/suggestions"))["suggestions"][0]["id"])


async def test_what_is_asked_in_two_activities_stands_first(service: ServiceProcess, admin: Staff) -> None:
    first = await admin.own_activity("跨活动甲", unit="yufa")
    second = await admin.own_activity("跨活动乙", unit="yufa")
    one = await _asked(service, admin, first, "榆垡镇的公交末班车能不能延长到晚上十点？")
    await _asked(service, admin, second, "请问榆垡镇公交末班车能不能延长到晚上十点")
    decision = {"decision": "adopted", "reason": "", "transferred_to": None, "revision": 1}
    await admin.done("PUT", f"/api/v1/suggestions/{one}/decision", decision)
    await admin.done("POST", f"/api/v1/suggestions/{one}/updates", {"progress": "done", "text": "已延长"})

    found = await admin.done("GET", "/api/v1/across")
    [group] = [item for item in found["recurring"] if "末班车" in item["text"]]
    assert (group["times"], group["unsettled"]) == (2, 1)
    assert {place["slug"] for place in group["activities"]} == {first, second}
    row = next(row for row in found["units"] if row["name"] == "榆垡镇")
    assert (row["suggestions"], row["decided"], row["adopted"], row["done"]) == (2, 1, 1, 1)

    book = openpyxl.load_workbook(io.BytesIO(await admin.download("/api/v1/across.xlsx")))
    assert book.sheetnames == ["各单位", "反复提出", "意见建议"]
    rows = [
        row for row in book["意见建议"].iter_rows(min_row=2, values_only=True) if row[0] in {"跨活动甲", "跨活动乙"}
    ]
    assert [row[4] for row in rows] == ["采纳", "尚未决定"]

    account = {"username": "across-stranger", "name": "采育镇", "role": "staff", "unit": "caiyu"}
    made = await admin.done("POST", "/api/v1/accounts", account)
    other = await Staff.sign_in(service, "across-stranger", made["password"])
    seen = await other.done("GET", "/api/v1/across")
    await other.close()
    assert {row["name"] for row in seen["units"]} == {"采育镇"}
    assert not any("末班车" in item["text"] for item in seen["recurring"])
