"""The coordinator's board: exported as it is filtered; what cannot be counted is said; the feeds that readers know."""

import io
from datetime import date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from xml.etree import ElementTree

import openpyxl
import pytest

from server.desk import Asked
from server.desk_workbook import render
from server.programme.atom import Entry
from server.programme.calendar import BEIJING
from server.programme.rss import feed
from server.protocol import CountsView, DeadlineView, DeskRow, UnitView
from tests.programme.desk import PLANNED, fetch, staff_of
from tests.programme.test_registration import in_person
from tests.service import ServiceProcess, Staff

TODAY = date(2026, 11, 28)


def deadline(due: date | None, done_on: date | None = None, *, kind: str = "notice", problem: str = "") -> DeadlineView:
    late = due is not None and done_on is None and due < TODAY
    return DeadlineView(kind, due, done_on is not None, late, done_on, problem or None)


def row(slug: str = "k01", **over: Any) -> DeskRow:
    facts: dict[str, Any] = {
        "slug": slug,
        "kind": "open-day",
        "number": 1,
        "topic": None,
        "title": "政务服务体验",
        "units": [UnitView(id="caiyu", name="采育镇")],
        "form": "hybrid",
        "starts_at": datetime(2027, 1, 1, 0, 30, tzinfo=BEIJING),
        "ends_at": None,
        "place": "",
        "state": "scheduled",
        "on_air": False,
        "outcomes_version": 0,
        "deadlines": [],
        "counts": CountsView(),
    }
    return DeskRow(**{**facts, **over})


@pytest.mark.parametrize(
    ("asked", "takes"),
    [
        (Asked(), True),
        (Asked(kind="lecture"), False),
        (Asked(state="scheduled"), True),
        (Asked(state="ended"), False),
        (Asked(unit="caiyu"), True),
        (Asked(unit="yufa"), False),
        (Asked(year=2027), True),
        (Asked(year=2026), False),
        (Asked(urgent=True), False),
    ],
)
def test_an_activity_is_asked_for_by_what_it_is(asked: Asked, takes: bool) -> None:
    # Half past midnight in Beijing is still the old year in UTC: the year is Beijing's.
    assert asked.takes(row(), TODAY) is takes


@pytest.mark.parametrize(
    ("days", "done", "urgent"),
    [(-1, False, True), (0, False, True), (7, False, True), (8, False, False), (3, True, False)],
)
def test_what_is_late_or_due_within_a_week_is_urgent(days: int, done: bool, urgent: bool) -> None:
    item = deadline(TODAY + timedelta(days=days), TODAY if done else None)
    assert Asked(urgent=True).takes(row(deadlines=[item]), TODAY) is urgent
    assert not Asked(urgent=True).takes(row(deadlines=[deadline(None, problem="2027年的节假日安排未知")]), TODAY)


def test_the_workbook_says_what_is_due_done_and_late() -> None:
    rows = [
        row(
            deadlines=[
                deadline(date(2026, 11, 20)),
                deadline(date(2026, 12, 20), kind="selection"),
                deadline(date(2026, 11, 10), date(2026, 11, 12), kind="materials"),
                deadline(date(2026, 11, 20), date(2026, 11, 20), kind="adoption"),
            ],
            counts=CountsView(3, 2, 4, 1),
        ),
        row(
            "x01", title="=1+1", form=None, starts_at=None, deadlines=[deadline(None, problem="2027年的节假日安排未知")]
        ),
    ]
    sheet = openpyxl.load_workbook(io.BytesIO(render(rows, datetime(2026, 11, 28, 8, tzinfo=BEIJING))))["活动看板"]
    titles, first, second = ([cell.value for cell in line] for line in sheet)
    seen = dict(zip(titles, first, strict=True))
    assert (seen["主办单位"], seen["形式"], seen["状态"]) == ("采育镇", "线上线下结合", "预告")
    assert seen["开始时间"] == datetime(2027, 1, 1, 0, 30)  # noqa: DTZ001 - a cell has no zone; the sheet is Beijing's
    assert (seen["公告期限"], seen["公告办理"]) == ("2026-11-20", "逾期未办")
    assert (seen["遴选公告期限"], seen["遴选公告办理"]) == ("2026-12-20", "未办")
    assert seen["材料公开办理"] == "2026-11-12办理，晚于期限"
    assert seen["采纳情况反馈办理"] == "2026-11-20办理"
    assert [seen[name] for name in ("留言", "提问", "意见建议", "待决定")] == [3, 2, 4, 1]
    other = dict(zip(titles, second, strict=True))
    assert (other["活动"], other["公告期限"], other["公告办理"]) == ("=1+1", None, "2027年的节假日安排未知")
    assert sheet["D3"].data_type == "s"


async def test_the_board_is_exported_as_filtered_and_no_further_than_one_may_see(
    service: ServiceProcess, admin: Staff
) -> None:
    async def slugs(staff: Staff, query: str) -> list[str]:
        data = await staff.download(f"/api/v1/desk.xlsx?{query}")
        return [
            str(line[0].value) for line in openpyxl.load_workbook(io.BytesIO(data))["活动看板"].iter_rows(min_row=2)
        ]

    assert {"k01", "j05"} <= set(await slugs(admin, ""))
    assert "j01" in await slugs(admin, "kind=lecture&unit=tongjiju")
    assert not {"k01", "j02"} & set(await slugs(admin, "kind=lecture&unit=tongjiju"))
    assert await slugs(admin, "year=2999") == []
    assert (await fetch(service, "/api/v1/desk.xlsx"))[0] == 401
    assert (await admin.call("GET", "/api/v1/desk.xlsx?order=title"))[1]["error"]["field"] == "order"
    clerk = await staff_of(service, admin, "guoziwei", "guoziwei-board")
    try:
        seen = await slugs(clerk, "")
        assert "k16" in seen
        assert not {"k01", "j01"} & set(seen)
        assert await slugs(clerk, "unit=caiyu") == []
    finally:
        await clerk.close()


async def test_a_year_past_the_tables_is_said_and_not_guessed(service: ServiceProcess, admin: Staff) -> None:
    slug = await admin.own_activity("很久以后的开放日")
    times = {"starts_at": "2041-03-01T06:00:00Z", "ends_at": "2041-03-01T08:00:00Z"}
    await admin.done("PATCH", f"/api/v1/activities/{slug}", {**PLANNED, **times})
    desk = (await admin.done("GET", "/api/v1/desk"))["activities"]
    notice, materials = next(item for item in desk if item["slug"] == slug)["deadlines"]
    for item in (notice, materials):
        assert (item["due"], item["late"]) == (None, False)
        assert item["problem"].startswith("2041年的节假日安排未知")
    (facts,) = (await admin.done("GET", f"/api/v1/assessment?activity={slug}"))["activities"]
    assert (facts["notice_due"], facts["open"]) == (None, [])
    assert facts["problem"].startswith("2041年的节假日安排未知")
    # The notice can still be published, with the reason that its day could not be checked.
    draft = await admin.done("GET", f"/api/v1/activities/{slug}/notice/draft")
    assert draft["objections"][0].startswith("无法核对公告是否按时：2041年")


async def test_the_feeds_tell_of_the_selection_notice_too(service: ServiceProcess, admin: Staff) -> None:
    slug = await in_person(admin, "zhangziying")
    status, content, kind = await fetch(service, "/notices.rss")
    assert (status, kind) == (200, "application/rss+xml")
    items = ElementTree.fromstring(content).findall("channel/item")
    item = next(item for item in items if item.findtext("guid", "").endswith(f"/a/{slug}#selection-1"))
    assert item.findtext("title") == "遴选公告：现场开放日"
    assert item.findtext("link") == f"{service.url}/a/{slug}"
    assert "人员范围和名额：家长代表2人，媒体记者1人<br>" in item.findtext("description", "")
    for other in ("/notices.atom", "/notices.json"):
        assert f"/a/{slug}#selection-1" in (await fetch(service, other))[1].decode()


def test_rss_holds_what_anybody_wrote() -> None:
    at = datetime(2023, 9, 22, 9, 30, tzinfo=BEIJING)
    entry = Entry(
        "https://x/a/k01#notice-1", "公告<&>", "采育镇 & 榆垡镇", "https://x/a/k01?a=1&b=2", at, "<b>一</b>\n二 & 三"
    )
    channel = ElementTree.fromstring(feed("标题", "https://x", "https://x/notices.rss", [entry])).find("channel")
    assert channel is not None
    item = channel.find("item")
    assert item is not None
    assert (item.findtext("title"), item.findtext("link")) == ("公告<&>", "https://x/a/k01?a=1&b=2")
    assert item.findtext("{http://purl.org/dc/elements/1.1/}creator") == "采育镇 & 榆垡镇"
    assert item.findtext("description") == "&lt;b&gt;一&lt;/b&gt;<br>二 &amp; 三"
    assert parsedate_to_datetime(item.findtext("pubDate", "")) == at
