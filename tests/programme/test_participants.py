"""Late 遴选公告 with a reason, the list page by page, and what those who came thought of it."""

import hashlib
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from docx import Document

from tests.programme.test_registration import NOW, in_person, person, send
from tests.service import ServiceProcess, Staff

SETTINGS = {
    "mode": "open",
    "opens_at": (NOW - timedelta(days=1)).isoformat(),
    "closes_at": (NOW + timedelta(hours=1)).isoformat(),
    "quotas": {"parent": 2},
}


async def soon(admin: Staff, unit: str, days: int = 2) -> str:
    """An activity on the spot that begins so soon that its 遴选公告 is late; the selection is set up."""
    slug = await admin.own_activity("很快的开放日", unit=unit)
    start = NOW + timedelta(days=days)
    times = {"starts_at": start.isoformat(), "ends_at": (start + timedelta(hours=2)).isoformat()}
    await admin.done("PATCH", f"/api/v1/activities/{slug}", {"form": "hybrid", **times})
    await admin.done("PUT", f"/api/v1/activities/{slug}/places", {**SETTINGS, "revision": 0})
    return slug


async def facts_of(admin: Staff, slug: str) -> dict[str, Any]:
    (row,) = (await admin.done("GET", f"/api/v1/assessment?activity={slug}"))["activities"]
    found: dict[str, Any] = row
    return found


async def test_a_late_selection_notice_needs_a_recorded_reason(service: ServiceProcess, admin: Staff) -> None:
    slug = await soon(admin, "yufa")
    path = f"/api/v1/activities/{slug}/places"
    view = await admin.done("GET", path)
    assert view["due"] is not None
    assert len(view["objections"]) == 1
    assert view["objections"][0].startswith("遴选公告晚于期限")
    for silent in ({}, {"reason": "  "}, None):
        status, refused = await admin.call("POST", f"{path}/notice", silent)
        assert (status, refused["error"]["code"], refused["error"]["field"]) == (409, "needs_reason", "reason")
    assert (await send(service, "GET", f"/activities/{slug}/selection"))[0] == 404
    published = await admin.done("POST", f"{path}/notice", {"reason": "接上级通知临时安排"})
    assert published["notices"][0]["reason"] == "接上级通知临时安排"

    # The reason is for staff: in the history and the assessment, and nowhere in public.
    public = (await send(service, "GET", f"/activities/{slug}/selection"))[1]
    assert "临时安排" not in json.dumps(public, ensure_ascii=False)
    history = (await admin.done("GET", f"/api/v1/activities/{slug}/history"))["history"]
    assert next(item["note"] for item in history if item["act"] == "selection-notice") == (
        "第1版，原因：接上级通知临时安排"
    )
    facts = await facts_of(admin, slug)
    assert (facts["selection_due"], facts["selection_on_time"]) == (view["due"], False)
    assert facts["selection_reason"] == "接上级通知临时安排"

    # A correction after the day needs one too; it says what it changed, and its digest covers that.
    await admin.done("PUT", path, {**SETTINGS, "quotas": {"parent": 3}, "revision": 1})
    assert (await admin.call("POST", f"{path}/notice", {}))[1]["error"]["code"] == "needs_reason"
    await admin.done("POST", f"{path}/notice", {"reason": "增加名额"})
    newest, first = (await send(service, "GET", f"/activities/{slug}/selection"))[1]["notices"]
    assert newest["changes"] == [{"label": "人员范围和名额", "before": "家长代表2人", "after": "家长代表3人"}]
    assert first["changes"] == []
    content = {name: newest[name] for name in ("title", "fields", "changes")}
    document = Document(io.BytesIO(await admin.download(f"{path}/notice/document")))
    text = [paragraph.text for paragraph in document.paragraphs]
    assert text[:2] == [
        "很快的开放日参与人员遴选公告（更正）",
        "与第1版相比，本版更正：人员范围和名额由“家长代表2人”更正为“家长代表3人”。",
    ]
    assert text[-2] == "榆垡镇"
    assert "临时安排" not in "".join(text)
    assert (await admin.call("GET", f"{path}/notice/document?version=9"))[0] == 404
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(canonical.encode()).hexdigest() == newest["sha256"]
    assert (await facts_of(admin, slug))["selection_reason"] == "接上级通知临时安排；增加名额"


async def test_an_early_one_and_an_invitation_need_none(service: ServiceProcess, admin: Staff) -> None:
    early = await in_person(admin, "yufa")
    facts = await facts_of(admin, early)
    assert (facts["selection_on_time"], facts["selection_reason"]) == (True, "")
    # 定向邀请 has no day in the plan: nothing is late.
    slug = await soon(admin, "yufa")
    path = f"/api/v1/activities/{slug}/places"
    await admin.done("PUT", path, {**SETTINGS, "mode": "invited", "revision": 1})
    view = await admin.done("POST", f"{path}/notice", {})
    assert (view["due"], view["objections"]) == (None, [])
    facts = await facts_of(admin, slug)
    assert (facts["selection"], facts["selection_due"], facts["selection_on_time"]) == ("定向邀请", None, None)


async def test_the_list_comes_page_by_page_and_is_searched(service: ServiceProcess, admin: Staff) -> None:
    slug = await in_person(admin, "beizangcun", quotas={"parent": 60, "journalist": 2})
    path = f"/api/v1/activities/{slug}/registrations"
    for number in range(52):
        category = "journalist" if number % 26 == 25 else "parent"
        assert (await send(service, "POST", f"/activities/{slug}/registrations", person(number, category=category)))[
            0
        ] == 201
    for number in (1, 2, 52):
        await admin.done("POST", f"{path}/{number}", {"act": "select"})

    async def numbers(query: str = "") -> list[int]:
        return [row["number"] for row in (await admin.done("GET", f"{path}?{query}"))["registrations"]]

    first = await admin.done("GET", path)
    assert [row["number"] for row in first["registrations"]] == list(range(1, 51))
    assert (first["found"], first["page"], first["pages"]) == (52, 1, 2)
    assert (first["registered"], first["holding"], first["present"]) == (52, 3, 0)
    assert await numbers("page=2") == [51, 52]
    assert await numbers("page=3") == []
    assert await numbers("state=selected") == [1, 2, 52]
    assert await numbers("category=journalist") == [26, 52]
    assert await numbers("category=journalist&state=selected") == [52]
    assert await numbers("search=17") == [17]
    # A whole phone finds who it belongs to, a part of one finds nobody: the phones lie sealed.
    assert await numbers("search=13800000016") == [17]
    assert await numbers("search=138%200000%200016") == [17]
    for nobody in ("search=1380000001", "search=999", "search=朱小明16", "search=%25"):
        assert await numbers(nobody) == []
    assert (await admin.done("GET", f"{path}?state=waiting"))["pages"] == 1
    for wrong, field in (("page=0", "page"), ("state=king", "state"), ("order=name", "order")):
        status, refused = await admin.call("GET", f"{path}?{wrong}")
        assert (status, refused["error"]["field"]) == (400, field)


async def invited(service: ServiceProcess, admin: Staff, unit: str) -> tuple[str, list[dict[str, Any]]]:
    """An activity on the spot with two people who have a place."""
    slug = await in_person(admin, unit, mode="invited", quotas={"parent": 2})
    path = f"/api/v1/activities/{slug}"
    codes = (await admin.done("POST", f"{path}/places/invitations", {"category": "parent", "count": 2}))["codes"]
    places = [
        (await send(service, "POST", f"/activities/{slug}/registrations", person(number, invitation=code)))[1]
        for number, code in enumerate(codes)
    ]
    return slug, places


async def test_who_came_is_asked_apart_from_who_watched(service: ServiceProcess, admin: Staff) -> None:
    slug, (came, absent) = await invited(service, admin, "yinghai")
    path = f"/activities/{slug}/satisfaction"
    for state in ("live", "ended"):
        await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": state})

    async def tell(device: str, level: str, ticket: str = "") -> tuple[int, Any]:
        return await send(service, "PUT", path, {"device": device * 8, "level": level, "ticket": ticket})

    assert (await tell("a", "satisfied", came["ticket"]))[1]["error"]["code"] == "not_present"
    scan = {"scans": [{"ticket": came["ticket"], "at": datetime.now(UTC).isoformat()}]}
    await admin.done("POST", f"/api/v1/activities/{slug}/check-ins", scan)
    assert (await send(service, "POST", "/registrations", {"receipt": came["receipt"]}))[1]["attended"] is True
    for forged in ("M1.x99.1.00000000000000000000", came["ticket"][:-1] + "x", "1"):
        assert (await tell("a", "satisfied", forged))[1]["error"]["code"] == "bad_ticket"
    assert (await tell("a", "satisfied", came["ticket"]))[0] == 200
    # The same phone may think again, with the ticket or without; another phone may not use the ticket again.
    for ticket in (came["ticket"], ""):
        assert (await tell("a", "very-satisfied", ticket))[0] == 200
    assert (await tell("b", "dissatisfied", came["ticket"]))[1]["error"]["code"] == "rated"
    assert (await tell("b", "dissatisfied", absent["ticket"]))[1]["error"]["code"] == "not_present"
    assert (await tell("b", "dissatisfied"))[0] == 200

    told = (await send(service, "GET", path))[1]
    assert (told["answers"], told["share"]) == (2, 0.5)
    assert (told["present"]["answers"], told["present"]["share"], told["present"]["tally"]["very-satisfied"]) == (
        1,
        1.0,
        1,
    )
    assert (told["online"]["answers"], told["online"]["share"], told["online"]["tally"]["dissatisfied"]) == (1, 0.0, 1)
    facts = await facts_of(admin, slug)
    assert (facts["satisfaction_answers"], facts["satisfaction_share"]) == (2, 0.5)
    assert (facts["satisfaction_present_answers"], facts["satisfaction_present_share"]) == (1, 1.0)
    assert (facts["satisfaction_online_answers"], facts["satisfaction_online_share"]) == (1, 0.0)
    lines = (await admin.download(f"/api/v1/activities/{slug}/digest?format=csv")).decode("utf-8-sig")
    assert "满意度/现场满意率,1.0," in lines
    assert "满意度/线上满意率,0.0," in lines


@pytest.mark.parametrize("form", ["in-person", "hybrid"])
async def test_on_the_spot_it_is_asked_without_a_broadcast(service: ServiceProcess, admin: Staff, form: str) -> None:
    slug = await admin.own_activity("没有直播的开放日")
    path = f"/api/v1/activities/{slug}"
    answer = {"device": "a-device-of-its-own", "level": "satisfied"}
    asked = f"/activities/{slug}/satisfaction"
    for hours, code in ((1, "not_asked"), (-1, None), (-24 * 9, "not_asked")):
        start = NOW + timedelta(hours=hours)
        times = {"starts_at": start.isoformat(), "ends_at": (start + timedelta(hours=2)).isoformat()}
        await admin.done("PATCH", path, {"form": form, **times})
        status, body = await send(service, "PUT", asked, answer)
        assert (status, body.get("error", {}).get("code")) == ((409, code) if code else (200, None))
