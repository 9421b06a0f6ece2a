"""A citizen proves a phone on the watch page; the code is read where the gateway for trying it out prints it."""

import re
from pathlib import Path

from playwright.async_api import Browser, expect

from tests.browser.test_moderation import say, sign_in
from tests.browser.test_story import DESKTOP, PHONE, open_page
from tests.service import ServiceProcess, Staff

SLUG = "k03"


async def test_a_phone_is_proved_once_and_what_was_written_is_sent(
    tmp_path: Path, browser: Browser, pictures: Path
) -> None:
    service = ServiceProcess(tmp_path / "data", MINSHENG_SMS_URL="console:").start()
    admin = await Staff.sign_in(service)
    errors: list[str] = []
    try:
        await admin.done("POST", f"/api/v1/activities/{SLUG}/state", {"state": "live"})
        console = await open_page(browser, f"{service.url}/console/{SLUG}", DESKTOP, errors)
        await sign_in(console)
        await console.get_by_test_id("moderation-more").click()
        await console.get_by_test_id("identity-mode").select_option("phone")
        await expect(console.get_by_text("第一次发言前用短信验证码验证手机号").first).to_be_visible()

        phone = await open_page(browser, f"{service.url}/a/{SLUG}", PHONE, errors)
        await say(phone, "我想说说停车的事")
        await expect(phone.get_by_test_id("identity")).to_be_visible()
        await phone.get_by_test_id("identity-phone").fill("138001380")
        await phone.get_by_test_id("identity-send").click()
        await expect(phone.get_by_text("请填写11位手机号码")).to_be_visible()
        await phone.get_by_test_id("identity-phone").fill("138 0013 8000")
        await phone.get_by_test_id("identity-send").click()
        await expect(phone.get_by_test_id("identity-code")).to_be_visible()
        await phone.screenshot(path=pictures / "identity-phone.png")
        codes = re.findall(r"验证码(\d{6})", service.log.read_text())
        await phone.get_by_test_id("identity-code").fill(codes[-1])
        await phone.get_by_test_id("identity-prove").click()
        await expect(phone.get_by_test_id("comment-list")).to_contain_text("我想说说停车的事")
        await expect(phone.get_by_test_id("identity")).to_have_count(0)
        await expect(console.get_by_test_id("host-comment")).to_contain_text("我想说说停车的事")
        await console.screenshot(path=pictures / "console-identity.png")

        # What is sent as a suggestion is shown as one, to everybody and to the host.
        await phone.get_by_test_id("comment-input").fill("建议周六上午也开门")
        await phone.get_by_test_id("comment-proposed").click()
        await phone.screenshot(path=pictures / "suggestion-phone.png")
        await phone.get_by_test_id("comment-send").click()
        await expect(phone.get_by_test_id("comment-is-proposed")).to_have_count(1)
        await expect(console.get_by_test_id("proposed")).to_have_text("网友提的建议")

        # Put off: the words are kept, and can be edited and sent later.
        other = await open_page(browser, f"{service.url}/a/{SLUG}", PHONE, errors)
        await say(other, "先不验证")
        await other.get_by_test_id("identity").wait_for()
        await other.keyboard.press("Escape")
        await expect(other.get_by_text("先不验证").first).to_be_visible()
        await expect(other.get_by_text("本活动发言前需要验证手机号").first).to_be_visible()
        await expect(console.get_by_test_id("host-comment")).to_have_count(2)
        assert errors == []
    finally:
        await admin.close()
        assert service.stop() == 0
