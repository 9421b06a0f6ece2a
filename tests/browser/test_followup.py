"""After the event, in a real browser: many decisions at once, a second person, another unit, and what is public."""

from pathlib import Path

from playwright.async_api import Browser, Page, expect

from tests.browser.test_story import DESKTOP, PHONE, open_page
from tests.citizen import citizen, speech
from tests.service import ServiceProcess, Staff


async def _sign_in(page: Page, username: str, password: str) -> None:
    await page.get_by_test_id("login-username").fill(username)
    await page.get_by_test_id("login-password").fill(password)
    await page.get_by_test_id("login-submit").click()


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
    await admin.done("PUT", "/api/v1/unit-settings/xingfeng", {"four_eyes": True})
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
