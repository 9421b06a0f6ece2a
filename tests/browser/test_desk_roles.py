"""A clerk who sees the own unit alone, and the coordinator who sees all: plan, filing, holidays, deadlines."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.test_materials import faults
from tests.browser.test_story import DESKTOP, PHONE, open_page
from tests.service import ServiceProcess, Staff

pytestmark = pytest.mark.browser

PLAN = files("server.programme").joinpath("data/plan-2023.txt").read_text("utf-8").replace("2023", "2031")
HOLIDAYS = (
    ("元旦", "2031-01-01", "2031-01-01"),
    ("春节", "2031-01-22", "2031-01-28"),
    ("清明节", "2031-04-05", "2031-04-05"),
    ("劳动节", "2031-05-01", "2031-05-03"),
    ("端午节", "2031-06-24", "2031-06-24"),
    ("中秋节、国庆节", "2031-10-01", "2031-10-07"),
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """One of its own: another year's plan would stand in the way of every other test."""
    process = ServiceProcess(tmp_path_factory.mktemp("plan")).start()
    yield process
    assert process.stop() == 0, process.log.read_text()


async def signed_in(browser: Browser, url: str, size: dict[str, int], errors: list[str], who: tuple[str, str]) -> Page:
    page = await open_page(browser, url, size, errors)
    await page.get_by_test_id("login-username").fill(who[0])
    await page.get_by_test_id("login-password").fill(who[1])
    await page.get_by_test_id("login-submit").click()
    return page


async def account(admin: Staff, name: str, **facts: str) -> tuple[str, str]:
    new = {"username": name, "name": name, **facts}
    return name, (await admin.done("POST", "/api/v1/accounts", new))["password"]


def text_file(text: str, name: str = "方案.txt") -> dict[str, object]:
    return {"name": name, "mimeType": "text/plain", "buffer": text.encode()}


async def test_a_clerk_and_the_coordinator(
    service: ServiceProcess, admin: Staff, browser: Browser, pictures: Path
) -> None:
    errors: list[str] = []
    boss = await account(admin, "desk-boss", role="coordinator")
    clerk = await account(admin, "desk-clerk", role="staff", unit="zhangziying")

    # The coordinator brings in next year's plan; what is not clear is shown with its line, and nothing is changed yet.
    desk = await signed_in(browser, f"{service.url}/admin/plan", DESKTOP, errors, boss)
    await desk.get_by_test_id("plan-file").set_input_files(text_file("%PDF-1.7", "方案.pdf"))  # type: ignore[arg-type]
    await expect(desk.get_by_text("另存为“纯文本（.txt）”后再导入")).to_be_visible()
    lines = PLAN.splitlines(keepends=True)
    start, end = (next(n for n, line in enumerate(lines) if f"开放点 {point}（" in line) for point in (9, 10))
    await desk.get_by_test_id("plan-file").set_input_files(text_file("".join(lines[:start] + lines[end:])))  # type: ignore[arg-type]
    await expect(desk.get_by_test_id("plan-reading")).to_contain_text("读到 21 项活动")
    await expect(desk.get_by_test_id("plan-unread")).to_contain_text("行")
    await desk.screenshot(path=pictures / "plan-desktop.png")
    await desk.get_by_test_id("plan-file").set_input_files(text_file(PLAN))  # type: ignore[arg-type]
    await expect(desk.get_by_test_id("plan-reading")).to_contain_text("读到 22 项活动、19 个主责单位")
    await expect(desk.get_by_test_id("plan-unread")).to_have_count(0)
    assert await faults(desk) == []
    await desk.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    assert await faults(desk) == []
    await desk.screenshot(path=pictures / "plan-phone.png")
    await desk.set_viewport_size({"width": DESKTOP["width"], "height": DESKTOP["height"]})
    await desk.get_by_test_id("plan-confirm").click()
    await expect(desk.get_by_test_id("plan-imported")).to_contain_text("已导入 22 项")

    # The clerk has the own unit's activities, no others, and no pages of the coordinator's.
    own = await signed_in(browser, f"{service.url}/admin", PHONE, errors, clerk)
    await expect(own.get_by_test_id("board-row").filter(has_text="长子营镇").first).to_be_visible()
    assert await own.get_by_test_id("board-row").filter(has_not_text="长子营镇").count() == 0
    await expect(own.get_by_test_id("nav-plan")).to_have_count(0)
    await own.goto(f"{service.url}/admin/plan")
    await expect(own.get_by_text("方案由区级统筹导入")).to_be_visible()
    await own.goto(f"{service.url}/admin/activities/2031-k01/places")
    await expect(own.get_by_text("这个活动由其他单位主办")).to_be_visible()

    # A time outside the plan's months asks for a reason; what was typed stays; the year's days cannot be counted yet.
    await own.goto(f"{service.url}/admin/activities/2031-k13")
    await own.get_by_test_id("edit-form").select_option("hybrid")
    await own.get_by_test_id("edit-starts").fill("2031-03-11T14:00")
    await own.get_by_test_id("edit-ends").fill("2031-03-11T13:00")
    await own.get_by_test_id("edit-save").click()
    await expect(own.get_by_text("结束时间要晚于开始时间")).to_be_visible()
    await expect(own.get_by_test_id("edit-starts")).to_have_value("2031-03-11T14:00")
    await own.get_by_test_id("edit-ends").fill("2031-03-12T16:00")
    await own.get_by_test_id("edit-save").click()
    await own.get_by_test_id("edit-reason").fill("配合开学季")
    await own.screenshot(path=pictures / "clerk-filing-phone.png", full_page=True)
    await own.get_by_test_id("edit-save").click()
    await expect(own.get_by_test_id("edit-state")).to_contain_text("已保存")
    await own.goto(f"{service.url}/admin")
    await expect(own.get_by_test_id("board-uncounted")).to_contain_text("由区级统筹录入")
    await own.screenshot(path=pictures / "clerk-board-phone.png", full_page=True)

    # The coordinator sees the filing, and enters the year; what is half entered is refused and stays.
    await desk.goto(f"{service.url}/admin/filings")
    await expect(desk.get_by_test_id("filing").filter(has_text="配合开学季")).to_contain_text("不在方案规定的期间")
    await admin.done("PUT", "/api/v1/holidays/2031", {"holidays": [as_json(*line) for line in HOLIDAYS]})
    await desk.goto(f"{service.url}/admin/holidays")
    await expect(desk.get_by_test_id("holidays-known")).to_contain_text(
        "2004 年到 2026 年、2031 年的放假和调休安排已经知道"
    )
    await expect(desk.get_by_test_id("holidays-known")).to_contain_text("2027 年到 2030 年、2032 年的还不知道")
    await desk.get_by_test_id("holidays-enter").first.click()
    await desk.get_by_test_id("holiday-save").click()
    await expect(desk.get_by_text("请填写放假的第一天和最后一天。").first).to_be_visible()
    await expect(desk.get_by_test_id("holiday-name").first).to_have_value("元旦")
    await desk.screenshot(path=pictures / "holidays-desktop.png", full_page=True)

    # Now it is counted: an activity of two days, before its first and after its last; clear days are advice.
    await desk.goto(f"{service.url}/admin")
    row = desk.get_by_test_id("board-row").filter(has_text="长子营镇").filter(has_text="2031年3月11日")
    await expect(row).to_contain_text("3月4日")
    await expect(row).to_contain_text("3月19日")
    await desk.get_by_test_id("board-year").select_option("2031")
    await expect(desk.get_by_test_id("board-row")).to_have_count(1)
    await row.get_by_test_id("board-days").click()
    days = desk.get_by_test_id("deadline-days")
    await expect(days).to_contain_text("活动最后一天之后5个工作日内")
    await expect(days).to_contain_text("建议不晚于2031年3月3日")
    await desk.screenshot(path=pictures / "days-desktop.png")
    assert errors == []


def as_json(name: str, first: str, last: str) -> dict[str, str]:
    return {"name": name, "first": first, "last": last}
