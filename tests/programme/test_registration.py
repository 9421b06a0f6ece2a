"""Places for people on the spot, over HTTP: notice, registration, draw, waiting list, door, list, and deletion."""

import hashlib
import io
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import openpyxl

from server.programme import draw
from server.programme.draw import Draw, Ticket
from server.selection import read_roster
from tests.programme.desk import staff_of
from tests.service import ServiceProcess, Staff

NOW = datetime.now(UTC)


async def send(service: ServiceProcess, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """A request of a citizen from an address of its own."""
    headers = {"X-Forwarded-For": f"10.0.{secrets.randbelow(250)}.{secrets.randbelow(250)}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.request(method, f"{service.url}/api/v1{path}", json=body) as answer:
            return answer.status, await answer.json()


def person(number: int, **over: object) -> dict[str, object]:
    return {
        "name": f"朱小明{number}",
        "phone": f"138000{number:05}",
        "category": "parent",
        "consent": True,
        **over,
    }


async def in_person(admin: Staff, unit: str, **settings: object) -> str:
    """An activity with people on the spot whose selection is set up and announced; registration is open now."""
    slug = await admin.own_activity("现场开放日", unit=unit)
    path = f"/api/v1/activities/{slug}"
    start = NOW + timedelta(days=20)
    times = {"starts_at": start.isoformat(), "ends_at": (start + timedelta(hours=2)).isoformat()}
    await admin.done("PATCH", path, {"form": "hybrid", "place": "一层大厅", **times})
    new = {
        "mode": "open",
        "opens_at": (NOW - timedelta(days=1)).isoformat(),
        "closes_at": (NOW + timedelta(days=1)).isoformat(),
        "quotas": {"parent": 2, "journalist": 1},
        "requirements": "年满18周岁",
        "revision": 0,
        **settings,
    }
    await admin.done("PUT", f"{path}/places", new)
    await admin.done("POST", f"{path}/places/notice")
    return slug


async def close_now(admin: Staff, slug: str, revision: int = 1, **settings: object) -> None:
    """Move the closing time into the past, and close."""
    settings = {
        "mode": "open",
        "opens_at": (NOW - timedelta(days=2)).isoformat(),
        "closes_at": (NOW - timedelta(seconds=1)).isoformat(),
        "quotas": {"parent": 2, "journalist": 1},
        "revision": revision,
        **settings,
    }
    await admin.done("PUT", f"/api/v1/activities/{slug}/places", settings)
    # What holds has to be what was announced, the draw's public source too, before the list is fixed.
    refused = await admin.call("POST", f"/api/v1/activities/{slug}/places/close")
    assert refused[1]["error"]["code"] == "not_announced"
    await admin.done("POST", f"/api/v1/activities/{slug}/places/notice")
    await admin.done("POST", f"/api/v1/activities/{slug}/places/close")


async def test_from_the_notice_to_the_door(service: ServiceProcess, admin: Staff) -> None:
    slug = await in_person(admin, "zhangziying")
    path = f"/activities/{slug}"
    status, notice = await send(service, "GET", f"{path}/selection")
    assert (status, notice["open"], notice["record"]) == (200, True, None)
    fields = dict(notice["notices"][0]["fields"])
    assert fields["人员范围和名额"] == "家长代表2人，媒体记者1人"
    assert fields["种子承诺值（SHA-256）"] == notice["commitment"]
    row = next(row for row in (await admin.done("GET", "/api/v1/desk"))["activities"] if row["slug"] == slug)
    assert {item["kind"]: item["done"] for item in row["deadlines"]} == {
        "notice": False,
        "selection": True,
        "materials": False,
    }

    receipts = []
    for number in range(5):
        status, taken = await send(service, "POST", f"{path}/registrations", person(number))
        assert (status, taken["state"], taken["name"], taken["phone"]) == (
            201,
            "applied",
            "朱**",
            f"138****{number:04}",
        )
        receipts.append(taken["receipt"])
    twice = await send(service, "POST", f"{path}/registrations", person(1, phone="138 0000 0001"))
    assert (twice[0], twice[1]["error"]["code"], twice[1]["error"]["field"]) == (409, "twice", "phone")
    for bad, field in (
        ({"phone": "12345"}, "phone"),
        ({"phone": "1380000000x"}, "phone"),
        ({"name": "朱"}, "name"),
        ({"consent": False}, "consent"),
        ({"category": "deputy"}, "category"),
        ({"category": "king"}, "category"),
    ):
        refused = await send(service, "POST", f"{path}/registrations", person(77, **bad))
        assert (refused[0], refused[1]["error"]["field"]) == (400, field)
    assert (await send(service, "POST", "/registrations", {"receipt": "AAAAAAAAAA"}))[0] == 404

    # Who takes the registration back is deleted; the same phone may come again.
    gone = await send(service, "POST", "/registrations/answer", {"receipt": receipts[4], "act": "withdraw"})
    assert (gone[1]["state"], gone[1]["name"], gone[1]["phone"]) == ("withdrawn", "", "")
    status, again = await send(service, "POST", f"{path}/registrations", person(4))
    assert (status, again["number"]) == (201, 6)
    receipts[4] = again["receipt"]

    # The list is fixed and public before the draw; the draw can be computed again by anybody.
    early = await admin.call("POST", f"/api/v1{path}/places/close")
    assert early[1]["error"]["code"] == "still_open"
    assert (await admin.call("POST", f"/api/v1{path}/places/draw", {}))[1]["error"]["code"] == "still_open"
    await close_now(admin, slug)
    late = await send(service, "POST", f"{path}/registrations", person(9))
    assert late[1]["error"]["code"] == "not_open"
    roster = (await send(service, "GET", f"{path}/selection"))[1]
    assert hashlib.sha256(roster["roster"].encode()).hexdigest() == roster["roster_sha256"]
    assert "朱" not in roster["roster"]
    await admin.done("POST", f"/api/v1{path}/places/draw", {})
    assert (await admin.call("POST", f"/api/v1{path}/places/draw", {}))[1]["error"]["code"] == "drawn"
    record = (await send(service, "GET", f"{path}/selection"))[1]["record"]
    drawn = Draw(
        record["method"],
        record["seed"],
        record["public_source"],
        record["public_value"],
        tuple(record["quotas"].items()),
        record["roster_sha256"],
        tuple(Ticket(**item) for item in record["tickets"]),
    )
    entries, _ = read_roster(roster["roster"])
    assert draw.check(drawn, entries, notice["commitment"], roster["roster_sha256"]) == []

    # Two are in, three wait; one who is in declines, and the first of those who wait moves up.
    views = [(await send(service, "POST", "/registrations", {"receipt": receipt}))[1] for receipt in receipts]
    selected = [view for view in views if view["state"] == "selected"]
    waiting = sorted((view for view in views if view["state"] == "waiting"), key=lambda view: view["rank"])
    assert (len(selected), [view["rank"] for view in waiting]) == (2, [1, 2, 3])
    await send(service, "POST", "/registrations/answer", {"receipt": selected[0]["receipt"], "act": "decline"})
    moved = (await send(service, "POST", "/registrations", {"receipt": waiting[0]["receipt"]}))[1]
    assert moved["state"] == "selected"
    assert (await send(service, "POST", "/registrations", {"receipt": waiting[1]["receipt"]}))[1]["rank"] == 1
    confirmed = []
    for receipt in (selected[1]["receipt"], moved["receipt"]):
        view = (await send(service, "POST", "/registrations/answer", {"receipt": receipt, "act": "confirm"}))[1]
        assert view["ticket"].startswith(f"M1.{slug}.")
        assert view["ticket_qr"].startswith("data:image/svg+xml;base64,")
        confirmed.append(view)
    refused = await send(service, "POST", "/registrations/answer", {"receipt": waiting[1]["receipt"], "act": "confirm"})
    assert refused[1]["error"]["code"] == "illegal_transition"

    # At the door: a scan, the same scan sent again by a phone that was offline, a number, and what is none.
    at = datetime.now(UTC).isoformat()
    scans = [{"ticket": ticket, "at": at} for ticket in (confirmed[0]["ticket"], confirmed[0]["ticket"], "no ticket")]
    scans += [{"ticket": str(waiting[2]["number"]), "at": at}, {"ticket": "999", "at": at}]
    answer = await admin.done("POST", f"/api/v1{path}/check-ins", {"scans": scans})
    assert [(item["ok"], item["first"]) for item in answer["results"]] == [
        (True, True),
        (True, False),
        (False, False),
        (False, False),
        (False, False),
    ]
    assert (answer["results"][0]["name"], answer["present"]) == ("朱**", 1)
    facts = next(row for row in (await admin.done("GET", "/api/v1/assessment"))["activities"] if row["slug"] == slug)
    assert (facts["selection"], facts["registered"], facts["holding"], facts["present"]) == ("公开遴选", 6, 2, 1)


async def test_names_are_masked_and_who_looked_is_logged(service: ServiceProcess, admin: Staff) -> None:
    slug = await in_person(admin, "guanyinsi")
    path = f"/api/v1/activities/{slug}"
    await send(service, "POST", f"/activities/{slug}/registrations", person(1, organisation="某某公司"))
    clerk = await staff_of(service, admin, "guanyinsi", "guanyinsi-clerk")
    stranger = await staff_of(service, admin, "yufa", "yufa-stranger")
    coordinator = {"username": "places-boss", "name": "统筹", "role": "coordinator"}
    password = (await admin.done("POST", "/api/v1/accounts", coordinator))["password"]
    boss = await Staff.sign_in(service, "places-boss", password)
    try:
        (row,) = (await clerk.done("GET", f"{path}/registrations"))["registrations"]
        assert (row["name"], row["phone"], row["organisation"]) == ("朱**", "138****0001", "某**")
        shown = await clerk.done("POST", f"{path}/registrations/1/reveal")
        assert (shown["name"], shown["phone"], shown["organisation"]) == ("朱小明1", "13800000001", "某某公司")
        assert (await boss.call("POST", f"{path}/registrations/1/reveal"))[0] == 403
        assert (await boss.call("GET", f"{path}/attendance?reveal=true"))[0] == 403
        assert (await stranger.call("GET", f"{path}/registrations"))[0] == 403
        for reveal, name in (("false", "朱**"), ("true", "朱小明1")):
            data = await clerk.download(f"{path}/attendance?reveal={reveal}")
            sheet = openpyxl.load_workbook(io.BytesIO(data))["参与人员"]
            assert [cell.value for cell in sheet[2]][:2] == [1, name]
        history = (await clerk.done("GET", f"{path}/history"))["history"]
        acts = [(item["act"], item["who"]) for item in history]
        assert ("reveal", "guanyinsi经办人") in acts
    finally:
        for staff in (clerk, stranger, boss):
            await staff.close()


async def test_the_unit_picks_by_hand_within_its_quota(service: ServiceProcess, admin: Staff) -> None:
    slug = await in_person(admin, "yufa")
    path = f"/api/v1/activities/{slug}"
    for number in range(3):
        await send(service, "POST", f"/activities/{slug}/registrations", person(number))
    for number in (1, 2):
        row = await admin.done("POST", f"{path}/registrations/{number}", {"act": "select"})
        assert row["state"] == "selected"
    assert (await admin.call("POST", f"{path}/registrations/3", {"act": "select"}))[1]["error"]["code"] == "full"
    smaller = {
        "mode": "open",
        "opens_at": (NOW - timedelta(days=1)).isoformat(),
        "closes_at": (NOW + timedelta(days=1)).isoformat(),
        "quotas": {"parent": 1},
        "revision": 1,
    }
    refused = await admin.call("PUT", f"{path}/places", smaller)
    assert (refused[0], refused[1]["error"]["code"]) == (409, "bad_quota")
    assert "已有2人入选或确认" in refused[1]["error"]["message"]
    assert (await admin.call("PUT", f"{path}/places", {**smaller, "revision": 0}))[1]["error"]["code"] == "stale"
    late = {**smaller, "quotas": {"parent": 5}, "closes_at": (NOW + timedelta(days=300)).isoformat()}
    assert (await admin.call("PUT", f"{path}/places", late))[1]["error"]["code"] == "bad_times"
    await admin.done("POST", f"{path}/registrations/2", {"act": "reject"})
    await admin.done("POST", f"{path}/registrations/3", {"act": "select"})
    assert (await admin.call("POST", f"{path}/places/notice"))[1]["error"]["code"] == "unchanged"
    online = await admin.own_activity("线上的")
    await admin.done("PATCH", f"/api/v1/activities/{online}", {"form": "online"})
    refused = await admin.call("PUT", f"/api/v1/activities/{online}/places", {**smaller, "revision": 0})
    assert refused[1]["error"]["code"] == "bad_form"
    assert (await send(service, "GET", f"/activities/{online}/selection"))[0] == 404


async def test_targeted_invitations_by_code(service: ServiceProcess, admin: Staff) -> None:
    slug = await in_person(admin, "xingfeng", mode="invited", quotas={"deputy": 2})
    path = f"/api/v1/activities/{slug}"
    codes = (await admin.done("POST", f"{path}/places/invitations", {"category": "deputy", "count": 2}))["codes"]
    register = f"/activities/{slug}/registrations"
    for wrong in ("", "ABCD-EFGH"):
        refused = await send(service, "POST", register, person(1, invitation=wrong))
        assert refused[1]["error"]["code"] == "bad_invitation"
    status, taken = await send(service, "POST", register, person(1, invitation=codes[0].lower()))
    assert (status, taken["state"], taken["category"]) == (201, "confirmed", "deputy")
    used = await send(service, "POST", register, person(2, invitation=codes[0]))
    assert used[1]["error"]["code"] == "bad_invitation"
    # More codes than places: the second is in, the third waits, and moves up when somebody takes the place back.
    codes += (await admin.done("POST", f"{path}/places/invitations", {"category": "deputy", "count": 1}))["codes"]
    second, third = [
        (await send(service, "POST", register, person(number, invitation=codes[number - 1])))[1] for number in (2, 3)
    ]
    assert (second["state"], third["state"]) == ("confirmed", "waiting")
    await send(service, "POST", "/registrations/answer", {"receipt": taken["receipt"], "act": "withdraw"})
    assert (await send(service, "POST", "/registrations", {"receipt": third["receipt"]}))[1]["state"] == "selected"
    more = await admin.call("POST", f"{path}/places/invitations", {"category": "parent", "count": 1})
    assert more[1]["error"]["code"] == "bad_category"


async def test_satisfaction_is_one_answer_a_device(service: ServiceProcess, admin: Staff) -> None:
    slug = await admin.own_activity()
    path = f"/activities/{slug}/satisfaction"
    answer = {"device": "a-device-of-its-own", "level": "satisfied"}
    assert (await send(service, "PUT", path, answer))[1]["error"]["code"] == "not_asked"
    await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "live"})
    for level in ("very-dissatisfied", "satisfied"):
        await send(service, "PUT", path, {**answer, "level": level})
    await send(service, "PUT", path, {"device": "another-device", "level": "neutral"})
    tally = (await send(service, "GET", path))[1]
    assert (tally["asked"], tally["answers"], tally["share"]) == (True, 2, 0.5)
    assert tally["tally"] == {
        "very-satisfied": 0,
        "satisfied": 1,
        "neutral": 1,
        "dissatisfied": 0,
        "very-dissatisfied": 0,
    }
    assert (await send(service, "PUT", path, {**answer, "level": "great"}))[0] == 400
