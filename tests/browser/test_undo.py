"""Taking back in a real browser: an answer, an approval, a reason; and comments that wait, by one key each."""

from pathlib import Path

from playwright.async_api import Browser, expect

from tests.browser.test_moderation import say, sign_in
from tests.browser.test_story import DESKTOP, PHONE, open_page
from tests.service import ServiceProcess, Staff

SLUG = "k09"


async def test_a_host_takes_back_an_answer_and_lets_comments_pass_by_one_key(
    service: ServiceProcess, admin: Staff, browser: Browser, pictures: Path
) -> None:
    errors: list[str] = []
    await admin.done("PATCH", f"/api/v1/activities/{SLUG}", {"moderation": "before"})
    await admin.done("POST", f"/api/v1/activities/{SLUG}/state", {"state": "live"})
    console = await open_page(browser, f"{service.url}/console/{SLUG}", DESKTOP, errors)
    await sign_in(console)
    phone = await open_page(browser, f"{service.url}/a/{SLUG}", PHONE, errors)
    for text in ("第一条留言", "第二条留言"):
        await say(phone, text)
        await expect(console.get_by_test_id("host-waiting")).to_contain_text(text)
    await expect(console.get_by_test_id("waiting-count")).to_contain_text("待审 2 条")
    await console.screenshot(path=pictures / "console-waiting.png")
    await console.get_by_test_id("host-waiting").get_by_text("第一条留言").click()
    await console.keyboard.press("a")
    await expect(console.get_by_test_id("host-comments")).to_contain_text("第一条留言")
    await expect(phone.get_by_test_id("comment-list")).to_contain_text("第一条留言")
    await console.keyboard.press("a")  # the selection went on to the second
    await expect(console.get_by_test_id("host-waiting")).to_have_count(0)
    await expect(phone.get_by_test_id("comment-list")).to_contain_text("第二条留言")
    await console.keyboard.press("z")
    await expect(console.get_by_test_id("host-waiting")).to_contain_text("第二条留言")
    await expect(phone.get_by_test_id("comment-list")).not_to_contain_text("第二条留言")

    await phone.get_by_test_id("tab-ask").click()
    await phone.get_by_test_id("question-input").fill("周末开门吗？")
    await phone.get_by_test_id("question-send").click()
    row = console.get_by_test_id("host-question")
    await row.click(position={"x": 8, "y": 8})  # in its middle there are buttons
    await console.keyboard.press("a")
    await expect(phone.get_by_test_id("question-list")).to_contain_text("周末开门吗？")
    await console.get_by_role("button", name="撤销", exact=True).last.click()
    await expect(console.get_by_text("已撤销").last).to_be_visible()
    await expect(phone.get_by_test_id("question-list")).not_to_contain_text("周末开门吗？")
    await row.click(position={"x": 8, "y": 8})
    await console.keyboard.press("l")
    await expect(row).to_have_count(0)
    await console.get_by_role("tab", name="已答").click()
    await console.keyboard.press("?")  # keys work right after a tab was chosen
    await expect(console.get_by_test_id("keys-help")).to_be_visible()
    await console.keyboard.press("Escape")
    await console.screenshot(path=pictures / "console-answered.png")
    await row.get_by_test_id("act-more").click()
    await row.get_by_test_id("act-reopen").click()
    await expect(console.get_by_text("已撤销答复")).to_be_visible()
    await console.get_by_role("tab", name="待审").click()
    await expect(row).to_contain_text("周末开门吗？")
    assert errors == []
