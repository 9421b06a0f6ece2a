"""The programme over real HTTP: notices and their corrections, filings, calendars, holidays, own activities."""

import hashlib
import io
import json
import zipfile
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from docx import Document
from icalendar import Calendar

from tests.programme.desk import PLANNED, fetch, staff_of
from tests.service import ServiceProcess, Staff

ATOM = "{http://www.w3.org/2005/Atom}"


async def test_a_notice_is_published_corrected_and_read(service: ServiceProcess, admin: Staff) -> None:
    path = "/api/v1/activities/k13"
    assert (await fetch(service, f"{path}/notice"))[0] == 404
    draft = await admin.done("GET", f"{path}/notice/draft")
    assert draft["missing"] == ["活动时间", "活动时长", "活动大体流程安排", "网民参与方式"]
    assert (draft["due"], draft["on_time"], draft["version"]) == (None, None, 0)

    await admin.done("PATCH", path, PLANNED)
    draft = await admin.done("GET", f"{path}/notice/draft")
    assert (draft["missing"], draft["due"], draft["on_time"]) == ([], "2023-10-07", False)
    assert [field["label"] for field in draft["fields"]][-2:] == ["活动形式", "活动地点"]

    # It comes years late: nothing is published without a recorded reason.
    status, body = await admin.call("POST", f"{path}/notice", {"version": 0})
    assert (status, body["error"]["code"]) == (409, "needs_reason")
    assert "2023-10-07" in body["error"]["message"]
    reserved = {"version": 0, "reason": "补录", "free": [{"label": "活动时间", "text": "明天"}]}
    assert (await admin.call("POST", f"{path}/notice", reserved))[1]["error"]["code"] == "bad_label"
    new = {"version": 0, "reason": "补录历史公告", "free": [{"label": "联系电话", "text": "010-00000000"}]}
    first = await admin.done("POST", f"{path}/notice", new)
    assert (first["version"], first["changes"]) == (1, [])

    # The desk counts the deadline as met; the same text is no correction; an old page is told so.
    row = next(row for row in (await admin.done("GET", "/api/v1/desk"))["activities"] if row["slug"] == "k13")
    assert (row["deadlines"][0]["done"], row["deadlines"][0]["late"]) == (True, False)
    again = {**new, "version": 1}
    assert (await admin.call("POST", f"{path}/notice", again))[1]["error"]["code"] == "unchanged"
    assert (await admin.call("POST", f"{path}/notice", new))[1]["error"]["code"] == "stale"

    # A correction says what changed, and the public sees both versions with digests that anyone can compute.
    await admin.done("PATCH", path, {"place": "教委一层大厅"})
    assert (await admin.done("GET", f"{path}/notice/draft"))["free"] == new["free"]
    await admin.done("POST", f"{path}/notice", {**new, "version": 1, "reason": "更正地点"})
    status, content, _ = await fetch(service, f"{path}/notice")
    page = json.loads(content)
    assert [version["version"] for version in page["versions"]] == [2, 1]
    assert page["latest"]["changes"] == [{"label": "活动地点", "before": "教委会议室", "after": "教委一层大厅"}]
    assert "补录历史公告" not in content.decode()
    covered = {name: page["latest"][name] for name in ("title", "fields", "changes")}
    canonical = json.dumps(covered, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(canonical.encode()).hexdigest() == page["latest"]["sha256"]
    assert json.loads((await fetch(service, path))[1])["notice_version"] == 2
    assert [item["reason"] for item in (await admin.done("GET", f"{path}/notice/draft"))["versions"]] == [
        "更正地点",
        "补录历史公告",
    ]

    # Moved after its notice: filed, and the notice is due again until it is corrected.
    moved = {"starts_at": "2023-10-13T06:00:00Z", "ends_at": "2023-10-13T08:00:00Z"}
    assert (await admin.call("PATCH", path, moved))[1]["error"]["code"] == "needs_reason"
    assert json.loads((await fetch(service, path))[1])["starts_at"] == PLANNED["starts_at"]
    await admin.done("PATCH", path, {**moved, "reason": "场地冲突"})
    row = next(row for row in (await admin.done("GET", "/api/v1/desk"))["activities"] if row["slug"] == "k13")
    assert (row["deadlines"][0]["done"], row["deadlines"][0]["late"]) == (False, True)
    filing = (await admin.done("GET", "/api/v1/filings"))["filings"][0]
    assert (filing["activity"], filing["reason"], filing["own"]) == ("k13", "场地冲突", False)
    assert filing["grounds"] == ["活动时间与已公布的时间不同"]
    assert "10月13日" in filing["after"]

    history = (await admin.done("GET", f"{path}/history"))["history"]
    assert [item["act"] for item in history] == ["filing", "edit", "notice", "edit", "notice", "edit"]
    assert history[1]["changes"][0]["label"] == "开始时间"
    assert history[1]["changes"][0]["before"].startswith("2023年10月10日")
    assert history[0]["who"] == "管理员"

    # The document, the feed, the code.
    document = Document(io.BytesIO(await admin.download(f"{path}/notice/document?version=2")))
    text = [paragraph.text for paragraph in document.paragraphs]
    assert text[0].endswith("活动公告（更正）")
    assert text[1] == "与第1版相比，本版更正：活动地点由“教委会议室”更正为“教委一层大厅”。"
    assert "二、活动时长：2小时" in text
    assert text[text.index("三、活动大体流程安排") + 1 :][:2] == ["一、介绍", "二、答疑"]
    assert "七、活动地点：教委一层大厅" in text
    assert text[-2] == "长子营镇"
    width = document.sections[0].page_width
    assert width is not None
    assert round(width.mm) == 210
    assert (await admin.call("GET", f"{path}/notice/document?version=9"))[0] == 404
    status, content, kind = await fetch(service, "/notices.atom")
    assert (status, kind) == (200, "application/atom+xml")
    entries = ElementTree.fromstring(content).findall(f"{ATOM}entry")
    titles = [entry.findtext(f"{ATOM}title", "") for entry in entries]
    assert titles[0].startswith("更正公告：")
    assert "更正活动地点：由“教委会议室”改为“教委一层大厅”" in entries[0].findtext(f"{ATOM}content", "")
    code = ElementTree.fromstring(await admin.download(f"{path}/qr.svg"))
    assert code.tag.endswith("svg")
    assert code.findtext("{http://www.w3.org/2000/svg}title") == f"{service.url}/a/k13"


async def test_the_arithmetic_comes_day_by_day(service: ServiceProcess, admin: Staff) -> None:
    path = "/api/v1/activities/k12"
    assert (await admin.done("GET", f"{path}/deadlines"))["missing"] == ["活动形式", "开始时间"]
    await admin.done("PATCH", path, {**PLANNED, "form": "hybrid"})
    notice, materials = (await admin.done("GET", f"{path}/deadlines"))["deadlines"]
    assert (notice["due"], materials["due"]) == ("2023-09-27", "2023-10-17")
    assert notice["days"][1] == {
        "date": "2023-10-08",
        "kind": "makeup",
        "why": "调休上班（国庆节）",
        "number": 2,
    }
    assert (await fetch(service, f"{path}/deadlines"))[0] == 401

    # What looks wrong is said and saved all the same: the time is over, and the unit holds another one then.
    new = {**PLANNED, "kind": "lecture", "title": "同时的讲座", "units": ["yinghai"]}
    for name in ("flow", "participation", "place"):
        del new[name]
    new["ends_at"] = "2023-10-10T06:30:00Z"
    await admin.done("POST", "/api/v1/activities", new)
    over, twice = (await admin.done("GET", f"{path}/deadlines"))["remarks"]
    assert "已经过去" in over
    assert twice.startswith("与本单位的“同时的讲座”")


async def test_a_year_past_the_table_is_said_until_the_coordinator_enters_it(
    service: ServiceProcess, admin: Staff
) -> None:
    path = "/api/v1/activities/k10"
    known = (await admin.done("GET", "/api/v1/holidays"))["known"]
    year = known[-1] + 1
    late = {"form": "online", "starts_at": f"{year}-09-15T06:00:00Z", "ends_at": f"{year}-09-15T08:00:00Z"}
    # Outside the plan's period: filed at once.
    assert (await admin.call("PATCH", path, late))[1]["error"]["code"] == "needs_reason"
    await admin.done("PATCH", path, {**late, "reason": "改为明年举办"})
    unknown = (await admin.done("GET", f"{path}/deadlines"))["deadlines"][0]
    assert unknown["due"] is None
    assert f"{year}年的节假日安排未知" in unknown["problem"]
    row = next(row for row in (await admin.done("GET", "/api/v1/desk"))["activities"] if row["slug"] == "k10")
    assert row["deadlines"][0]["problem"] == unknown["problem"]

    days = {
        "元旦": "01-01",
        "春节": "02-06",
        "清明节": "04-05",
        "劳动节": "05-01",
        "端午节": "06-09",
        "国庆节": "10-01",
    }
    holidays = [{"name": name, "first": f"{year}-{day}", "last": f"{year}-{day}"} for name, day in days.items()]
    status, body = await admin.call("PUT", f"/api/v1/holidays/{year}", {"holidays": holidays})
    assert (status, body["error"]["code"]) == (400, "bad_year_table")
    assert "缺少中秋" in body["error"]["message"]
    holidays.append({"name": "中秋节", "first": f"{year}-09-14", "last": f"{year}-09-14"})
    clerk = await staff_of(service, admin, "guodongban", "guodong")
    assert (await clerk.call("PUT", f"/api/v1/holidays/{year}", {"holidays": holidays}))[0] == 403
    entered = await admin.done("PUT", f"/api/v1/holidays/{year}", {"holidays": holidays})
    assert year in entered["known"]
    counted = (await clerk.done("GET", f"{path}/deadlines"))["deadlines"][0]
    assert counted["due"] is not None
    assert {"date": f"{year}-09-14", "kind": "holiday", "why": "节假日（中秋节）", "number": None} in counted["days"]
    # The command line counts by the same table.
    printed = service.run("deadlines", f"{year}-09-15")
    assert (printed.returncode, f"{year}-09-14" in printed.stdout.decode()) == (0, True)
    await clerk.close()


async def test_calendars_are_read_by_another_library(service: ServiceProcess, admin: Staff) -> None:
    clerk = await staff_of(service, admin, "jiugong", "jiugong")
    await clerk.done("PATCH", "/api/v1/activities/k11", PLANNED)
    address = await clerk.done("GET", "/api/v1/calendar-feed")
    assert address["public_url"] == f"{service.url}/calendar/jiugong.ics"

    async def events(path: str) -> dict[str, object]:
        status, content, kind = await fetch(service, path)
        assert (status, kind) == (200, "text/calendar")
        return {str(event["UID"]): event for event in Calendar.from_ical(content).walk("VEVENT")}

    public = await events(address["public_url"])
    assert list(public) == ["k11@127.0.0.1"]
    event = public["k11@127.0.0.1"]
    assert isinstance(event, dict)
    assert event["DTSTART"].dt == datetime(2023, 10, 10, 6, tzinfo=UTC)
    assert set(public) <= set(await events("/calendar.ics"))
    own = await events(address["url"])
    assert set(own) == {"k11@127.0.0.1", "k11-notice@127.0.0.1", "k11-materials@127.0.0.1"}
    assert (await fetch(service, "/calendar/nowhere.ics"))[0] == 404

    # Another's or a guessed address opens nothing; a new password ends the old address.
    token = address["url"].rpartition("/")[2]
    for wrong in (f"1-{token.partition('-')[2]}", "x-1.ics", f"{'9' * 30}-1.ics", "１-1.ics"):
        assert (await fetch(service, f"/calendar/deadlines/{wrong}"))[0] == 404
    accounts = (await admin.done("GET", "/api/v1/accounts"))["accounts"]
    number = next(account["id"] for account in accounts if account["username"] == "jiugong")
    await admin.done("PATCH", f"/api/v1/accounts/{number}", {"reset_password": True})
    assert (await fetch(service, address["url"]))[0] == 404
    await clerk.close()


async def test_a_unit_adds_an_activity_of_its_own(service: ServiceProcess, admin: Staff) -> None:
    clerk = await staff_of(service, admin, "tongjiju", "tongji")
    new = {"kind": "open-day", "title": "统计开放日", "units": ["guoziwei"], "summary": "看看数据怎样来"}
    own = await clerk.done("POST", "/api/v1/activities", new)
    assert own["slug"].startswith("x")
    assert (own["number"], [unit["id"] for unit in own["units"]]) == (0, ["guoziwei", "tongjiju"])
    assert own["slug"] in [row["slug"] for row in (await clerk.done("GET", "/api/v1/desk"))["activities"]]
    second = await clerk.done("POST", "/api/v1/activities", {"kind": "lecture", "title": "第二个"})
    assert int(second["slug"][1:]) == int(own["slug"][1:]) + 1
    # It is beside the plan: any time is its own, no filing.
    times = {"starts_at": "2024-03-05T01:00:00Z", "ends_at": "2024-03-05T02:00:00Z"}
    await clerk.done("PATCH", f"/api/v1/activities/{own['slug']}", times)
    assert own["slug"] not in [item["activity"] for item in (await admin.done("GET", "/api/v1/filings"))["filings"]]
    history = (await clerk.done("GET", f"/api/v1/activities/{own['slug']}/history"))["history"]
    assert [item["act"] for item in history] == ["edit", "create"]

    bad = {**new, "starts_at": "2024-03-05T02:00:00Z", "ends_at": "2024-03-05T01:00:00Z"}
    assert (await clerk.call("POST", "/api/v1/activities", bad))[1]["error"]["code"] == "bad_times"
    assert (await clerk.call("POST", "/api/v1/activities", {**new, "units": ["nobody"]}))[1]["error"][
        "code"
    ] == "bad_unit"
    assert (await admin.call("POST", "/api/v1/activities", {**new, "units": []}))[1]["error"]["code"] == "bad_unit"
    assert (await clerk.call("POST", "/api/v1/activities", {**new, "slug": "k01"}))[0] == 400
    # Who holds a planned activity is the coordinator's to correct.
    path = f"/api/v1/activities/{second['slug']}"
    assert (await clerk.call("PATCH", path, {"units": ["tongjiju", "yibaoju"]}))[0] == 403
    changed = await admin.done("PATCH", path, {"units": ["tongjiju", "yibaoju"]})
    assert {unit["id"] for unit in changed["units"]} == {"tongjiju", "yibaoju"}
    await clerk.close()


async def test_the_unit_that_receives_filings_sees_all_and_its_own_are_marked(
    service: ServiceProcess, admin: Staff
) -> None:
    receiver = await staff_of(service, admin, "zhengwufuwuju", "zhengwu")
    other = await staff_of(service, admin, "beizangcun", "beizang")
    january = {"starts_at": "2024-01-10T06:00:00Z", "ends_at": "2024-01-10T08:00:00Z", "reason": "大厅施工"}
    await receiver.done("PATCH", "/api/v1/activities/k04", january)
    await other.done("PATCH", "/api/v1/activities/k06", january)
    seen = {item["activity"]: item for item in (await receiver.done("GET", "/api/v1/filings"))["filings"]}
    assert (seen["k04"]["own"], seen["k06"]["own"]) == (True, False)
    assert seen["k06"]["grounds"] == ["活动不在方案规定的期间内举办"]
    assert seen["k06"]["filed_by"] == "beizangcun经办人"
    mine = [item["activity"] for item in (await other.done("GET", "/api/v1/filings"))["filings"]]
    assert mine == ["k06"]
    for staff in (receiver, other):
        await staff.close()


@pytest.mark.parametrize("path", ["media-kit", "notice/draft", "history", "deadlines", "qr.svg", "notice/document"])
async def test_what_is_the_units_is_not_the_publics(service: ServiceProcess, path: str) -> None:
    assert (await fetch(service, f"/api/v1/activities/k13/{path}"))[0] == 401


def test_the_notice_is_a_document_with_nothing_foreign() -> None:
    from server.programme.notice_document import numeral, render

    fields = [("活动时间", "2023年10月10日"), ("活动大体流程安排", "一、介绍\n\n二、<答疑>&")]
    body = render("活动", fields, ("教委",), datetime(2023, 9, 27, tzinfo=UTC), version=1)
    assert body == render("活动", fields, ("教委",), datetime(2023, 9, 27, tzinfo=UTC), version=1)
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
    assert [numeral(number) for number in (1, 10, 11, 20, 35)] == ["一", "十", "十一", "二十", "三十五"]
