"""Mood and topics on the console in a real browser: a label corrected and taken back, the picture, what is behind."""

from pathlib import Path

from playwright.async_api import Browser, expect

from tests.browser.test_moderation import sign_in
from tests.browser.test_story import DESKTOP, open_page
from tests.citizen import citizen, speech
from tests.service import ServiceProcess, Staff

SAID = (
    "小区停车位太少了，很失望",
    "停车位什么时候增加？",
    "晚上没有停车位",
    "工作人员很热情，非常感谢",
    "讲得清楚，点赞👍",
    "图书馆周末开放很好，很满意",
)


async def test_a_label_is_corrected_and_what_is_behind_the_picture_is_one_press_away(
    service: ServiceProcess, browser: Browser, pictures: Path
) -> None:
    errors: list[str] = []
    admin = await Staff.sign_in(service)
    slug = await admin.own_activity()
    await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "live"})
    for text in SAID:
        author = await citizen(service.url, slug).connect()
        assert (await author.call("comment", speech(text)))["ok"]
        await author.close()
    console = await open_page(browser, f"{service.url}/console/{slug}", DESKTOP, errors)
    await sign_in(console)
    row = console.get_by_test_id("host-comment").filter(has_text="晚上没有停车位")
    mark = row.get_by_test_id("sentiment")
    await expect(mark).to_have_attribute("data-label", "uncertain", timeout=30_000)
    await mark.click()
    await row.get_by_test_id("sentiment-choice").select_option("negative")
    await expect(mark).to_have_attribute("data-label", "negative")
    await expect(mark).to_contain_text("主持人更正")
    await console.get_by_role("button", name="撤销").click()
    await expect(mark).to_have_attribute("data-label", "uncertain")
    await mark.click()
    await row.get_by_test_id("sentiment-choice").select_option("negative")
    await expect(mark).to_contain_text("主持人更正")
    await console.screenshot(path=pictures / "console-corrected.png")

    await console.get_by_test_id("tab-mood").click()
    await expect(console.get_by_test_id("mood-negative")).to_contain_text("2 条")
    await expect(console.locator("#panel-mood")).to_contain_text("主持人更正 1 条")
    await expect(console.get_by_test_id("mood-chart")).to_be_visible()
    await console.screenshot(path=pictures / "mood-desktop.png")
    await console.get_by_test_id("mood-negative").click()
    entries = console.get_by_test_id("mood-entries").locator("li")
    await expect(entries).to_have_count(2)
    await console.screenshot(path=pictures / "mood-entries.png")
    await console.keyboard.press("Escape")
    # A wrong label is noticed there, and corrected there.
    await console.get_by_test_id("mood-negative").click()
    await entries.first.get_by_test_id("sentiment").click()
    await entries.first.get_by_test_id("sentiment-choice").select_option("uncertain")
    await expect(entries.first.get_by_test_id("sentiment")).to_have_attribute("data-label", "uncertain")
    await console.keyboard.press("Escape")
    await expect(console.get_by_test_id("mood-negative")).to_contain_text("1 条")
    topic = console.get_by_test_id("mood-topics").get_by_role("button", name="停车位（3 条）")
    await topic.click()
    await expect(entries).to_have_count(3)
    await console.keyboard.press("Escape")
    # Without a mouse, too: from the word to when it was said.
    await topic.focus()
    await console.keyboard.press("Tab")
    await console.keyboard.press("Enter")
    await expect(entries.first).to_be_visible()
    await console.keyboard.press("Escape")

    await console.set_viewport_size({"width": 390, "height": 844})
    await console.get_by_text("看表格").click()
    await expect(console.get_by_test_id("mood-table")).to_be_visible()
    wide = await console.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    assert not wide
    await console.screenshot(path=pictures / "mood-phone.png")
    await admin.close()
    assert errors == []
