"""After the decisions: many at once, progress with its history, a second person, versions, and other units."""

from datetime import UTC, datetime
from typing import Any

import aiohttp

from server.auth.accounts import create_account
from server.auth.rights import Principal, Role
from server.followup import HandoverAct, HandoverState, hand_over, handle, list_handovers
from server.store.database import Database
from server.store.journal import Journal, NewEntry
from tests.citizen import citizen, speech
from tests.programme.desk import staff_of
from tests.service import ServiceProcess, Staff
from tests.verify import by_hand


async def _ended(service: ServiceProcess, admin: Staff, *texts: str, unit: str = "caiyu") -> tuple[str, list[int]]:
    """An activity that is over, with each text as a suggestion; its slug and the suggestions' ids."""
    slug = await admin.own_activity(unit=unit)
    path = f"/api/v1/activities/{slug}"
    await admin.done("POST", f"{path}/state", {"state": "live"})
    author = await citizen(service.url, slug).connect()
    for text in texts:
        entry = await author.call("comment", speech(text, "朱小明"))
        await admin.done("POST", f"/api/v1/entries/{entry['id']}/acts", {"act": "suggest", "on": True})
    await author.close()
    await admin.done("POST", f"{path}/state", {"state": "ended"})
    work = await admin.done("GET", f"{path}/suggestions")
    return slug, [item["id"] for item in work["suggestions"]]


async def _public(service: ServiceProcess, path: str) -> Any:
    async with aiohttp.ClientSession() as session, session.get(service.url + path) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def test_many_are_decided_at_once_and_those_that_cannot_be_are_told(
    service: ServiceProcess, admin: Staff
) -> None:
    slug, (one, two, three) = await _ended(service, admin, "多开窗口", "延长时间", "增设座椅")
    elsewhere, (foreign,) = await _ended(service, admin, "别处的建议")
    path = f"/api/v1/activities/{slug}"
    seen = [{"id": number, "revision": 1} for number in (one, two, foreign)]
    mine = {"decision": "adopted", "reason": "", "transferred_to": None, "revision": 1}
    await admin.done("PUT", f"/api/v1/suggestions/{two}/decision", mine)  # a colleague was quicker
    body = {"suggestions": seen, "decision": "kept-for-reference", "reason": "已记录"}
    answer = await admin.done("POST", f"{path}/decisions", body)
    assert [item["id"] for item in answer["decided"]] == [one]
    assert {item["id"] for item in answer["refused"]} == {two, foreign}
    work = {item["id"]: item["decision"] for item in (await admin.done("GET", f"{path}/suggestions"))["suggestions"]}
    assert work == {one: "kept-for-reference", two: "adopted", three: None}
    other = (await admin.done("GET", f"/api/v1/activities/{elsewhere}/suggestions"))["suggestions"]
    assert other[0]["decision"] is None
    assert (await admin.call("POST", f"{path}/decisions", {**body, "suggestions": []}))[0] == 400


async def test_progress_is_told_later_and_each_version_says_what_it_changed(
    service: ServiceProcess, admin: Staff
) -> None:
    slug, (one,) = await _ended(service, admin, "多开窗口")
    path, update = f"/api/v1/activities/{slug}", f"/api/v1/suggestions/{one}/updates"
    told = {"progress": "under-way", "text": "已向区里申请"}
    status, refusal = await admin.call("POST", update, told)
    assert (status, refusal["error"]["code"]) == (409, "undecided")
    adopted = {"decision": "adopted", "reason": "", "transferred_to": None, "revision": 1}
    await admin.done("PUT", f"/api/v1/suggestions/{one}/decision", adopted)
    first = await admin.done("POST", f"{path}/outcomes")
    assert "updates" not in first["suggestions"][0]
    assert (await admin.call("POST", update, {**told, "text": " "}))[0] == 400
    assert (await admin.call("POST", update, {**told, "progress": "soon"}))[0] == 400
    await admin.done("POST", update, told)
    await admin.done("POST", update, {"progress": "done", "text": "三号窗口已开"})
    second = await admin.done("POST", f"{path}/outcomes")
    shown = await _public(service, f"{path}/outcomes")
    assert [(item["progress"], item["by"]) for item in shown["suggestions"][0]["updates"]] == [
        ("under-way", "区级统筹"),
        ("done", "区级统筹"),
    ]
    # Anyone can compute the digest from what is served, of a version with updates as of one without.
    assert by_hand(shown) == second["sha256"] == shown["sha256"]
    versions = (await _public(service, f"{path}/outcomes/versions"))["versions"]
    assert [(item["version"], item["sha256"]) for item in versions] == [(2, second["sha256"]), (1, first["sha256"])]
    assert [change["after"] for change in versions[0]["changes"]] == ["推进中：已向区里申请", "已落实：三号窗口已开"]
    assert versions[1]["changes"] == []


async def test_where_a_unit_wants_it_a_second_person_releases(service: ServiceProcess, admin: Staff) -> None:
    slug, (one,) = await _ended(service, admin, "多开窗口", unit="beizangcun")
    path = f"/api/v1/activities/{slug}"
    writer = await staff_of(service, admin, "beizangcun", "beizang-writer")
    checker = await staff_of(service, admin, "beizangcun", "beizang-checker")
    try:
        assert (await writer.call("PUT", "/api/v1/unit-settings/beizangcun", {"four_eyes": True}))[0] == 403
        await admin.done("PUT", "/api/v1/unit-settings/beizangcun", {"four_eyes": True})
        adopted = {"decision": "adopted", "reason": "", "transferred_to": None, "revision": 1}
        await writer.done("PUT", f"/api/v1/suggestions/{one}/decision", adopted)
        assert (await writer.call("POST", f"{path}/outcomes"))[1]["error"]["code"] == "needs_release"
        await writer.done("POST", f"{path}/outcomes/release")
        assert (await writer.call("POST", f"{path}/outcomes"))[1]["error"]["code"] == "needs_release"
        release = (await checker.done("GET", f"{path}/suggestions"))["release"]
        assert (release["required"], release["current"], release["own"]) == (True, True, False)
        assert release["requested_by"] == "beizangcun经办人"
        # The second person gives it back with a remark; the first one cannot, and nothing is published meanwhile.
        remark = {"sha256": release["sha256"], "remark": "理由写得具体一些"}
        back = f"{path}/outcomes/release/return"
        assert (await writer.call("POST", back, remark))[1]["error"]["code"] == "own_request"
        assert (await checker.call("POST", back, {**remark, "remark": ""}))[0] == 400
        assert (await checker.call("POST", back, {**remark, "sha256": "0" * 64}))[1]["error"]["code"] == "stale"
        await checker.done("POST", back, remark)
        assert (await checker.call("POST", back, remark))[1]["error"]["code"] == "stale"
        release = (await writer.done("GET", f"{path}/suggestions"))["release"]
        assert (release["current"], release["returned_by"]) == (False, "beizangcun经办人")
        assert release["remark"] == "理由写得具体一些"
        assert (await checker.call("POST", f"{path}/outcomes"))[1]["error"]["code"] == "needs_release"
        await writer.done("POST", f"{path}/outcomes/release")
        assert (await checker.done("GET", f"{path}/suggestions"))["release"]["returned_by"] is None
        # What is changed after it was put forward has to be put forward again.
        await writer.done("PUT", f"/api/v1/suggestions/{one}/decision", {**adopted, "reason": "马上办", "revision": 2})
        assert (await checker.call("POST", f"{path}/outcomes"))[1]["error"]["code"] == "needs_release"
        assert (await checker.done("GET", f"{path}/suggestions"))["release"]["current"] is False
        await writer.done("POST", f"{path}/outcomes/release")
        assert (await checker.done("POST", f"{path}/outcomes"))["version"] == 1
        assert (await writer.call("POST", f"{path}/outcomes"))[1]["error"]["code"] == "needs_release"
    finally:
        await admin.done("PUT", "/api/v1/unit-settings/beizangcun", {"four_eyes": False})
        await writer.close()
        await checker.close()
    assert (await admin.done("POST", f"{path}/outcomes"))["version"] == 2


async def test_another_unit_accepts_replies_or_returns(service: ServiceProcess, admin: Staff) -> None:
    slug, (one,) = await _ended(service, admin, "社保卡能不能网上补办", unit="yinghai")
    path = f"/api/v1/activities/{slug}"
    owner = await staff_of(service, admin, "yinghai", "yinghai-owner")
    receiver = await staff_of(service, admin, "renbaoju", "renbao-receiver")
    stranger = await staff_of(service, admin, "yibaoju", "yibao-stranger")
    try:
        entry = (await owner.done("GET", f"{path}/suggestions"))["suggestions"][0]["entry"]["id"]
        offer = f"/api/v1/entries/{entry}/handovers"
        assert (await receiver.call("POST", offer, {"unit": "renbaoju"}))[0] == 403
        for bad in ({"unit": "nobody"}, {"unit": "yinghai"}, {"unit": "renbaoju", "due": "2023-01-01"}):
            assert (await owner.call("POST", offer, bad))[0] == 400
        given = (await owner.done("POST", offer, {"unit": "renbaoju", "due": "2099-01-01", "note": "请答复"}))[
            "handover"
        ]
        assert (given["state"], given["received"], given["late"]) == ("offered", False, False)
        assert (await owner.call("POST", offer, {"unit": "yibaoju"}))[1]["error"]["code"] == "handed_over"
        assert (await stranger.done("GET", "/api/v1/handovers"))["handovers"] == []
        seen = [
            item for item in (await receiver.done("GET", "/api/v1/handovers"))["handovers"] if item["activity"] == slug
        ]
        assert [(item["id"], item["received"], item["text"]) for item in seen] == [
            (given["id"], True, "社保卡能不能网上补办")
        ]
        one_of = f"/api/v1/handovers/{given['id']}"
        assert (await stranger.call("POST", one_of, {"act": "accept"}))[0] == 403
        assert (await owner.call("POST", one_of, {"act": "accept"}))[0] == 403
        assert (await receiver.call("POST", one_of, {"act": "recall"}))[0] == 403
        assert (await receiver.call("POST", one_of, {"act": "reply", "words": "x"}))[1]["error"][
            "code"
        ] == "illegal_transition"
        assert (await receiver.call("POST", one_of, {"act": "return"}))[0] == 400
        await receiver.done("POST", one_of, {"act": "return", "words": "不属于我局职责"})
        again = (await owner.done("POST", offer, {"unit": "renbaoju"}))["handover"]["id"]
        await receiver.done("POST", f"/api/v1/handovers/{again}", {"act": "accept"})
        await receiver.done("POST", f"/api/v1/handovers/{again}", {"act": "reply", "words": "可以，登录人社网上大厅"})
        states = {
            item["id"]: (item["state"], item["words"])
            for item in (await owner.done("GET", "/api/v1/handovers"))["handovers"]
        }
        assert states == {given["id"]: ("returned", "不属于我局职责"), again: ("replied", "可以，登录人社网上大厅")}
        # Decided as 转办, the receiver itself tells how far it has come; a third unit may not.
        body = {"decision": "transferred", "reason": "由人保局办理", "transferred_to": "renbaoju", "revision": 1}
        await owner.done("PUT", f"/api/v1/suggestions/{one}/decision", body)
        told = {"progress": "done", "text": "已开通"}
        assert (await stranger.call("POST", f"/api/v1/suggestions/{one}/updates", told))[0] == 403
        answer = await receiver.done("POST", f"/api/v1/suggestions/{one}/updates", told)
        assert answer["suggestion"]["updates"][0]["by"] == "人保局"
    finally:
        for staff in (owner, receiver, stranger):
            await staff.close()


def test_every_state_and_act_has_its_word() -> None:
    assert all(state.text for state in HandoverState)
    assert len(HandoverAct) == 4


async def test_a_handover_is_taken_and_answered_on_both_databases(database: Database) -> None:
    now = datetime(2023, 9, 28, tzinfo=UTC)
    async with database.write() as session:
        await create_account(
            session,
            username="admin",
            name="管理员",
            role=Role.ADMIN,
            unit_id=None,
            password="long enough!",
            generated=False,
            now=now,
        )
    journal = Journal(database)
    await journal.start()
    stored = await journal.add(NewEntry(1, "comment", "d", "1", "朱小明", "社保卡能不能补办", "shown", now))
    await journal.close()
    admin = Principal(1, "admin", "管理员", Role.ADMIN, None)
    async with database.write() as session:
        offered = await hand_over(session, admin, stored.id, "renbaoju", due=None, note="", today=now.date(), now=now)
        number = offered.id
    for act, words in ((HandoverAct.ACCEPT, ""), (HandoverAct.REPLY, "可以")):
        async with database.write() as session:
            await handle(session, admin, number, act, words, now)
    async with database.read() as session:
        assert [row.words for row in await list_handovers(session, admin)] == ["可以"]
