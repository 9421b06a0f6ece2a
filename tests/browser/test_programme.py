"""A clerk plans, publishes, corrects and moves an activity on the desk; a citizen reads the notice on a phone."""

import io
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest
from playwright.async_api import Browser, expect

from tests.browser.test_story import DESKTOP, PHONE, open_page
from tests.service import ADMIN_PASSWORD, ServiceProcess, Staff

SLUG = "k08"

pytestmark = pytest.mark.browser


async def test_from_the_plan_to_the_notice_and_its_correction(
    service: ServiceProcess, admin: Staff, browser: Browser, pictures: Path
) -> None:
    errors: list[str] = []
    own = {"kind": "open-day", "title": "夜间执法开放日", "units": ["chengguanwei"]}
    slug = (await admin.done("POST", "/api/v1/activities", own))["slug"]
    desk = await open_page(browser, f"{service.url}/admin/activities/{slug}", DESKTOP, errors)
    await desk.get_by_test_id("login-username").fill("admin")
    await desk.get_by_test_id("login-password").fill(ADMIN_PASSWORD)
    await desk.get_by_test_id("login-submit").click()

    # A first time, announced nowhere yet, needs no filing.
    await desk.get_by_test_id("edit-form").select_option("online")
    await desk.get_by_test_id("edit-starts").fill("2023-10-10T14:00")
    await desk.get_by_test_id("edit-ends").fill("2023-10-10T16:00")
    await desk.get_by_test_id("edit-place").fill("城管委一层会议室")
    await desk.get_by_test_id("edit-flow").fill("一、介绍\n二、答疑")
    await desk.get_by_test_id("edit-promise").fill("0")
    await desk.get_by_test_id("edit-save").click()
    await expect(desk.get_by_text("请填写 1 到 60 之间的整数")).to_be_visible()
    await desk.get_by_test_id("edit-promise").fill("10")
    await desk.get_by_test_id("edit-save").click()
    await expect(desk.get_by_test_id("edit-state")).to_contain_text("已保存")
    await expect(desk.get_by_test_id("edit-remarks")).to_contain_text("已经过去")

    # The notice says what is missing and why it needs a reason; without one the field says so.
    await desk.get_by_test_id("activity-notice").click()
    await expect(desk.get_by_test_id("notice-missing")).to_contain_text("网民参与方式")
    await desk.get_by_test_id("free-add").click()
    await desk.get_by_test_id("free-label").fill("联系电话")
    await desk.get_by_test_id("free-text").fill("010-00000000")
    await expect(desk.get_by_test_id("notice-preview")).to_contain_text("010-00000000")
    await expect(desk.get_by_test_id("watch-code")).to_be_visible()
    await desk.get_by_test_id("notice-publish").click()
    await expect(desk.get_by_test_id("notice-objections")).to_contain_text("请填写原因")
    await desk.screenshot(path=pictures / "notice-desktop.png")
    await desk.get_by_test_id("notice-reason").fill("补录往年公告")
    await desk.get_by_test_id("notice-publish").click()
    await expect(desk.get_by_test_id("notice-state")).to_contain_text("已发布第 1 版")

    # A citizen who opens the page now sees later corrections come by themselves.
    phone = await open_page(browser, f"{service.url}/a/{slug}", PHONE, errors)
    await phone.get_by_role("tab", name="介绍").click()
    await expect(phone.get_by_test_id("notice")).to_contain_text("发布")
    await expect(phone.get_by_test_id("notice")).not_to_contain_text("更正")

    await expect(phone.get_by_text("活动结束后 10 个工作日内反馈")).to_be_visible()

    # Moving it off the published time is filed, with a reason.
    await desk.get_by_test_id("activity-edit").click()
    await desk.get_by_test_id("edit-starts").fill("2023-10-11T14:00")
    await desk.get_by_test_id("edit-ends").fill("2023-10-11T16:00")
    await desk.get_by_test_id("edit-save").click()
    await desk.get_by_test_id("edit-reason").fill("场地冲突")
    await desk.screenshot(path=pictures / "filing-desktop.png", full_page=True)
    await desk.get_by_test_id("edit-save").click()
    await expect(desk.get_by_test_id("edit-state")).to_contain_text("已保存")
    await desk.get_by_test_id("activity-notice").click()
    await expect(desk.get_by_test_id("notice-state")).to_contain_text("需要更正")
    await desk.get_by_test_id("notice-reason").fill("活动改期")
    await desk.get_by_test_id("notice-publish").click()
    await expect(desk.get_by_test_id("notice-state")).to_contain_text("已发布第 2 版")
    # Nothing is left of the draft that could hide a colleague's later version; what is half typed stays.
    await desk.reload()
    await expect(desk.get_by_test_id("notice-publish")).to_be_disabled()
    await expect(desk.get_by_text("改回已发布的")).to_have_count(0)
    await desk.get_by_test_id("free-text").fill("010-11111111")
    await desk.reload()
    await expect(desk.get_by_test_id("free-text")).to_have_value("010-11111111")
    await desk.get_by_text("改回已发布的").click()
    await expect(desk.get_by_test_id("free-text")).to_have_value("010-00000000")
    await desk.get_by_test_id("nav-filings").click()
    await expect(desk.get_by_test_id("filing").filter(has_text="场地冲突").first).to_contain_text("10月11日")
    await desk.screenshot(path=pictures / "filings-desktop.png")

    # The board shows the deadline as met too late, and the days behind it.
    await desk.goto(f"{service.url}/admin")
    row = desk.get_by_test_id("board-row").filter(has_text="夜间执法开放日")
    await expect(row).to_contain_text("晚于期限")
    # All of them at a glance; what is exported is what is filtered.
    glance = desk.get_by_test_id("board-glance").get_by_role("listitem")
    rows = (await admin.done("GET", "/api/v1/desk"))["activities"]
    lectures = [item["slug"] for item in rows if item["kind"] == "lecture"]
    assert {"j01", "j05"} <= set(lectures)
    await desk.get_by_test_id("board-kind").select_option("lecture")
    await expect(glance).to_have_count(len(lectures))
    async with desk.expect_download() as download:
        await desk.get_by_test_id("board-xlsx").click()
    sheet = openpyxl.load_workbook(io.BytesIO((await (await download.value).path()).read_bytes()))["活动看板"]
    assert [line[0].value for line in sheet.iter_rows(min_row=2)] == lectures
    await desk.get_by_test_id("board-kind").select_option("")
    await row.get_by_test_id("board-days").click()
    await expect(desk.get_by_test_id("deadline-days")).to_contain_text("调休上班")
    await desk.screenshot(path=pictures / "deadlines-desktop.png")
    await desk.keyboard.press("Escape")
    await desk.screenshot(path=pictures / "board-desktop.png", full_page=True)

    await desk.get_by_test_id("nav-assessment").click()
    fact = desk.get_by_test_id("assessment-row").filter(has_text="夜间执法开放日")
    await expect(fact).to_contain_text("晚于期限")
    await expect(fact).to_contain_text("1 次")
    await desk.screenshot(path=pictures / "assessment-desktop.png")

    # The citizen's page shows what was corrected, without being opened again.
    await expect(phone.get_by_test_id("notice")).to_contain_text("更正：活动时间由")
    await phone.get_by_text("公告全文").click()
    await expect(phone.get_by_test_id("notice")).to_contain_text("城管委一层会议室")
    await phone.screenshot(path=pictures / "notice-phone.png")
    assert errors == []


async def test_the_desk_on_a_phone(service: ServiceProcess, browser: Browser, pictures: Path) -> None:
    errors: list[str] = []
    phone = await open_page(browser, f"{service.url}/admin/new", PHONE, errors)
    await phone.get_by_test_id("login-username").fill("admin")
    await phone.get_by_test_id("login-password").fill(ADMIN_PASSWORD)
    await phone.get_by_test_id("login-submit").click()
    await phone.get_by_test_id("new-save").click()
    await expect(phone.get_by_text("请填写活动名称。")).to_be_visible()
    await phone.get_by_test_id("new-title").fill("急救知识开放课")
    await phone.get_by_test_id("unit").first.check()
    await phone.screenshot(path=pictures / "new-phone.png", full_page=True)
    await phone.get_by_test_id("new-save").click()
    await expect(phone.get_by_test_id("edit-title")).to_have_value("急救知识开放课")
    await phone.get_by_test_id("activity-history").click()
    await expect(phone.get_by_test_id("history")).to_contain_text("新增活动")
    await phone.screenshot(path=pictures / "history-phone.png", full_page=True)

    # A year that the calendar does not know is said, and entered; a half-filled form loses nothing.
    await phone.get_by_test_id("nav-holidays").click()
    await expect(phone.get_by_test_id("holidays-known")).to_contain_text("不会按周一到周五去猜")
    await phone.get_by_test_id("holidays-enter").click()
    await phone.get_by_test_id("holiday-first").first.fill(f"{datetime.now(UTC).year + 1}-01-01")
    await phone.get_by_test_id("holiday-save").click()
    await expect(phone.get_by_text("请填写放假的第一天和最后一天。").first).to_be_visible()
    await phone.screenshot(path=pictures / "holidays-phone.png", full_page=True)
    await phone.goto(f"{service.url}/admin")
    await phone.get_by_test_id("board-calendar").click()
    await expect(phone.get_by_test_id("calendar-own")).to_contain_text("/calendar/deadlines/")
    await phone.screenshot(path=pictures / "calendar-phone.png")
    for path in ("/admin", f"/admin/activities/{SLUG}/notice", "/admin/filings", "/admin/assessment"):
        await phone.goto(service.url + path)
        await phone.get_by_role("heading", level=1).wait_for()
        await phone.wait_for_timeout(300)
        wide = await phone.evaluate("document.documentElement.scrollWidth")
        assert wide <= PHONE["width"], path
        await phone.screenshot(path=pictures / f"phone{path.replace('/', '-')}.png", full_page=True)
    assert errors == []
