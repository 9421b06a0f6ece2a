"""After the event, in a real browser: many decisions at once, a second person, another unit, and what is public."""

from collections.abc import AsyncIterator
from pathlib import Path

import openpyxl
import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.test_story import DESKTOP, PHONE, open_page
from tests.citizen import citizen, speech
from tests.service import ServiceProcess, Staff


async def _sign_in(page: Page, username: str, password: str) -> None:
    await page.get_by_test_id("login-username").fill(username)
    await page.get_by_test_id("login-password").fill(password)
    await page.get_by_test_id("login-submit").click()


@pytest.fixture
async def two_persons(admin: Staff) -> AsyncIterator[None]:
    """复核: what this unit publishes is released by a second person."""
    await admin.done("PUT", "/api/v1/unit-settings/xingfeng", {"four_eyes": True})
    yield
    await admin.done("PUT", "/api/v1/unit-settings/xingfeng", {"four_eyes": False})


@pytest.mark.usefixtures("two_persons")
async def test_from_many_suggestions_to_what_became_of_them(
    service: ServiceProcess, admin: Staff, browser: Browser, pictures: Path
) -> None:
    errors: list[str] = []
    slug = await admin.own_activity("社区服务开放日", unit="xingfeng")
    path = f"/api/v1/activities/{slug}"
    await admin.done("POST", f"{path}/state", {"state": "live"})
    author = await citizen(service.url, slug).connect()
    for text in ("建议延长服务时间", "建议增设座椅", "社保卡能不能网上补办"):
        entry = await author.call("comment", speech(text, "朱小明"))
        await admin.done("POST", f"/api/v1/entries/{entry['id']}/acts", {"act": "suggest", "on": True})
    await author.close()
    await admin.done("POST", f"{path}/state", {"state": "ended"})
    accounts = {}
    for username, unit in (("writer", "xingfeng"), ("checker", "xingfeng"), ("receiver", "renbaoju")):
        account = {"username": f"after-{username}", "name": username, "role": "staff", "unit": unit}
        accounts[username] = (await admin.done("POST", "/api/v1/accounts", account))["password"]

    # One person decides two at once, hands the third to another unit, and puts it all forward.
    writer = await open_page(browser, f"{service.url}/console/{slug}#adoption", DESKTOP, errors)
    await _sign_in(writer, "after-writer", accounts["writer"])
    await writer.get_by_test_id("filter-word").fill("建议")
    await writer.get_by_test_id("choose-all").check()
    await writer.get_by_test_id("many-decision").select_option("adopted")
    await writer.get_by_test_id("many-reason").fill("下月起实行。")
    await writer.screenshot(path=pictures / "many-desktop.png")
    await writer.get_by_test_id("many-save").click()
    await expect(writer.get_by_text("已决定 2 条")).to_be_visible()
    await writer.get_by_test_id("filter-word").fill("社保卡")
    one = writer.get_by_test_id("suggestion")
    await one.get_by_test_id("handover-open").click()
    await writer.get_by_test_id("handover-unit").select_option("renbaoju")
    await writer.get_by_test_id("handover-due").fill("2099-01-01")
    await writer.screenshot(path=pictures / "handover-desktop.png")
    await writer.get_by_test_id("handover-send").click()
    await expect(writer.get_by_text("已转给人保局")).to_be_visible()
    await one.get_by_test_id("decision-select").select_option("transferred")
    await one.get_by_test_id("decision-unit").select_option("renbaoju")
    await one.get_by_test_id("decision-reason").fill("由人保局办理。")
    await one.get_by_test_id("decision-save").click()
    await expect(one.get_by_test_id("decision-state")).to_contain_text("已保存")
    await writer.get_by_test_id("release-request").click()
    await expect(writer.get_by_test_id("release")).to_contain_text("等另一位同事复核")

    # The other unit accepts and replies on a phone.
    receiver = await open_page(browser, f"{service.url}/admin/handovers", PHONE, errors)
    await _sign_in(receiver, "after-receiver", accounts["receiver"])
    card = receiver.get_by_test_id("handovers-received").get_by_test_id("handover").filter(has_text="社保卡")
    await card.get_by_test_id("handover-accept").click()
    await card.get_by_test_id("handover-words").fill("可以，登录人社网上大厅办理。")
    await receiver.screenshot(path=pictures / "handover-phone.png")
    await card.get_by_test_id("handover-reply").click()
    await expect(card).to_contain_text("已回复")

    # A second person releases; a citizen reads.
    checker = await open_page(browser, f"{service.url}/console/{slug}#adoption", DESKTOP, errors)
    await _sign_in(checker, "after-checker", accounts["checker"])
    await expect(checker.get_by_test_id("release")).to_contain_text("writer已提交")
    await checker.get_by_test_id("release-return").click()
    await checker.get_by_test_id("release-remark").fill("理由再具体一些")
    await checker.screenshot(path=pictures / "release-return-desktop.png", full_page=True)
    await checker.get_by_test_id("release-return-send").click()
    await expect(checker.get_by_test_id("release-returned")).to_be_visible()
    await writer.reload()
    await expect(writer.get_by_test_id("release-returned")).to_contain_text("退回修改：理由再具体一些")
    await writer.get_by_test_id("release-request").click()
    await expect(writer.get_by_test_id("release")).to_contain_text("等另一位同事复核")
    await checker.reload()
    await checker.get_by_test_id("outcomes-publish").click()
    await expect(checker.get_by_test_id("outcomes-published")).to_contain_text("第 1 版")
    phone = await open_page(browser, f"{service.url}/a/{slug}", PHONE, errors)
    await expect(phone.get_by_test_id("outcomes")).to_contain_text("下月起实行")

    # Later: what became of it, as a second version that says what is new.
    first = checker.get_by_test_id("suggestion").first
    await first.get_by_test_id("progress").locator("summary").click()
    await first.get_by_test_id("progress-select").select_option("done")
    await first.get_by_test_id("progress-text").fill("已延长到十九点。")
    await first.get_by_test_id("progress-save").click()
    await expect(first.get_by_test_id("progress")).to_contain_text("已落实（1 条）")
    await checker.screenshot(path=pictures / "progress-desktop.png", full_page=True)
    await checker.get_by_test_id("release-request").click()
    await writer.reload()
    await writer.get_by_test_id("outcomes-publish").click()
    await expect(writer.get_by_test_id("outcomes-published")).to_contain_text("第 2 版")
    await expect(phone.get_by_test_id("outcome-updates")).to_contain_text("已延长到十九点")
    await phone.get_by_test_id("versions-open").click()
    await expect(phone.get_by_test_id("outcome-versions")).to_contain_text("已落实：已延长到十九点")
    await phone.screenshot(path=pictures / "versions-phone.png", full_page=True)
    assert errors == []


async def test_two_decide_at_once_a_unit_returns_and_the_district_looks_across(
    service: ServiceProcess, admin: Staff, browser: Browser, pictures: Path
) -> None:
    errors: list[str] = []
    unit, path = "jiugong", "/api/v1/activities"
    for title in ("办事大厅开放日", "便民服务开放日"):
        slug = await admin.own_activity(title, unit=unit)
        await admin.done("POST", f"{path}/{slug}/state", {"state": "live"})
        author = await citizen(service.url, slug).connect()
        for text in ("建议周末也能办理居住证", "=HYPERLINK(建议增设座椅)"):
            entry = await author.call("comment", speech(text, "𠮷野"))
            await admin.done("POST", f"/api/v1/entries/{entry['id']}/acts", {"act": "suggest", "on": True})
        await author.close()
        await admin.done("POST", f"{path}/{slug}/state", {"state": "ended"})
    passwords = {}
    for username, of in (("one", unit), ("two", unit), ("other", "sifaju")):
        account = {"username": f"across-{username}", "name": f"经办人{username}", "role": "staff", "unit": of}
        passwords[username] = (await admin.done("POST", "/api/v1/accounts", account))["password"]

    # Two clerks have the same suggestion open; the second is told, and nothing is overwritten.
    one, two = [await open_page(browser, f"{service.url}/console/{slug}#adoption", DESKTOP, errors) for _ in range(2)]
    await _sign_in(one, "across-one", passwords["one"])
    await _sign_in(two, "across-two", passwords["two"])
    mine = one.get_by_test_id("suggestion").filter(has_text="居住证")
    theirs = two.get_by_test_id("suggestion").filter(has_text="居住证")
    await mine.get_by_test_id("decision-select").select_option("adopted")
    await theirs.get_by_test_id("decision-select").select_option("not-adopted")
    await theirs.get_by_test_id("decision-reason").fill("人手不足。")
    await mine.get_by_test_id("decision-save").click()
    await expect(mine.get_by_test_id("decision-state")).to_contain_text("已保存")
    await theirs.get_by_test_id("decision-save").click()
    await expect(theirs.get_by_role("alert")).to_contain_text("经办人one刚刚修改了这条建议")
    await expect(theirs.get_by_role("alert")).to_contain_text("采纳")
    await expect(theirs.get_by_test_id("decision-reason")).to_have_value("人手不足。")
    await two.screenshot(path=pictures / "stale-desktop.png")
    await theirs.get_by_role("button", name="采用对方的").click()
    await expect(theirs.get_by_test_id("decision-select")).to_have_value("adopted")

    # Another unit returns what is not its own, with the reason; who offered it reads that.
    await mine.get_by_test_id("handover-open").click()
    await one.get_by_test_id("handover-unit").select_option("sifaju")
    await one.get_by_test_id("handover-send").click()
    other = await open_page(browser, f"{service.url}/admin/handovers", PHONE, errors)
    await _sign_in(other, "across-other", passwords["other"])
    card = other.get_by_test_id("handovers-received").get_by_test_id("handover").filter(has_text="居住证")
    await card.get_by_test_id("handover-words").fill("居住证由公安机关办理，不属于我局职责。")
    await card.get_by_test_id("handover-return").click()
    await expect(card).to_contain_text("已退回")
    await one.goto(f"{service.url}/admin/handovers")
    await expect(one.get_by_text("不属于我局职责")).to_be_visible()
    await one.screenshot(path=pictures / "returned-desktop.png", full_page=True)

    # Over all activities: asked twice in two places, and what is typed computes nowhere.
    for page, size in (
        (await open_page(browser, f"{service.url}/admin/across", PHONE, errors), "phone"),
        (one, "desktop"),
    ):
        if size == "phone":
            await _sign_in(page, "across-one", passwords["one"])
        else:
            await page.goto(f"{service.url}/admin/across")
        again = page.get_by_test_id("recurring").locator("li").filter(has_text="居住证")
        await expect(again).to_contain_text("提出 2 次，2 个活动")
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        await page.screenshot(path=pictures / f"across-{size}.png", full_page=True)
    async with one.expect_download() as started:
        await one.get_by_test_id("across-xlsx").click()
    await (await started.value).save_as(pictures / "across.xlsx")
    book = openpyxl.load_workbook(pictures / "across.xlsx")
    typed = [cell for row in book["意见建议"].iter_rows() for cell in row if "座椅" in str(cell.value)]
    assert len(typed) == 2
    assert all(cell.data_type == "s" and cell.quotePrefix for cell in typed)
    assert errors == []
