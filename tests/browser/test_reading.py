"""Reading along: what one reads stays where it is, 弹幕 as the device wants them, every character as written."""

import re
from pathlib import Path

from playwright.async_api import Browser, Page, expect

from tests.browser.test_moderation import sign_in
from tests.browser.test_story import DESKTOP, PHONE, open_page
from tests.citizen import citizen, speech
from tests.server.test_intact import NICKNAME, TEXTS
from tests.service import ServiceProcess, Staff


async def _top_of(page: Page, text: str) -> float:
    """How far below the window's top a comment stands."""
    box = await page.get_by_test_id("comment").filter(has_text=text).first.bounding_box()
    assert box is not None
    return box["y"]


async def test_new_comments_never_move_what_one_reads(
    service: ServiceProcess, admin: Staff, browser: Browser, pictures: Path
) -> None:
    errors: list[str] = []
    slug = await admin.own_activity("边看边读")
    await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "live"})
    authors = [await citizen(service.url, slug).connect() for _ in range(6)]
    try:
        for turn in range(30):
            await authors[turn % 6].call("comment", speech(f"先前的第{turn}条留言"))
        phone = await open_page(browser, f"{service.url}/a/{slug}", PHONE, errors)
        await expect(phone.get_by_test_id("comment").filter(has_text="先前的第29条")).to_be_visible()
        draft = phone.get_by_test_id("comment-input")
        await draft.fill("我正在写")
        region = phone.get_by_role("region", name="留言")
        await region.evaluate("element => { element.scrollTop = element.scrollHeight / 2 }")
        await phone.wait_for_timeout(300)
        before = await _top_of(phone, "先前的第14条留言")
        for turn in range(7):
            await authors[turn % 6].call("comment", speech(f"后来的第{turn}条留言"))
        button = phone.get_by_test_id("new-comments")
        await expect(button).to_have_text("7 条新留言")
        assert await _top_of(phone, "先前的第14条留言") == before
        await phone.screenshot(path=pictures / "reading-phone.png")
        # A screen reader is told how many came, now and then, and the focus stays where one writes.
        await expect(phone.get_by_text(re.compile(r"新增 \d 条留言"))).to_be_attached(timeout=31_000)
        assert await draft.evaluate("element => element === document.activeElement")
        await button.click()
        await expect(phone.get_by_test_id("comment").filter(has_text="后来的第6条")).to_be_in_viewport()
        await expect(button).to_have_count(0)
        # Larger letters, and a draft that grows: who was at the newest stays there.
        await phone.get_by_test_id("elder").click()
        await draft.fill("请问老人来办要带什么，能不能由儿女代办，代办要不要写委托书，委托书有没有样式")
        await authors[0].call("comment", speech("最后的一条留言"))
        await expect(phone.get_by_test_id("comment").filter(has_text="最后的一条")).to_be_in_viewport()
        await expect(button).to_have_count(0)
    finally:
        for author in authors:
            await author.close()
    assert errors == []
    await phone.context.close()


async def test_comments_fly_as_this_device_wants_and_every_character_arrives(
    service: ServiceProcess, admin: Staff, browser: Browser, pictures: Path
) -> None:
    errors: list[str] = []
    slug = await admin.own_activity("弹幕与字符")
    await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "live"})
    desk = await open_page(browser, f"{service.url}/a/{slug}", DESKTOP, errors)
    await desk.get_by_label("弹幕密度").select_option("many")
    await desk.get_by_label("弹幕字号").select_option("large")
    await desk.reload()
    await expect(desk.get_by_label("弹幕密度")).to_have_value("many")
    await expect(desk.get_by_label("弹幕字号")).to_have_value("large")
    await desk.get_by_test_id("flying-pause").click()
    await expect(desk.get_by_test_id("flying-pause")).to_have_text("继续")
    await desk.get_by_test_id("flying-pause").click()
    await desk.wait_for_timeout(2_500)

    console = await open_page(browser, f"{service.url}/console/{slug}", DESKTOP, errors)
    await sign_in(console)
    author = await citizen(service.url, slug).connect()
    for text in TEXTS:
        await author.call("comment", speech(text, NICKNAME))
    await author.close()
    await expect(desk.get_by_test_id("comment")).to_have_count(len(TEXTS))
    written = await desk.get_by_test_id("comment").locator(".written").all_text_contents()
    assert written == list(TEXTS)
    assert await desk.get_by_test_id("comment").locator(".name").all_text_contents() == [NICKNAME] * len(TEXTS)
    await expect(console.get_by_test_id("host-comment")).to_have_count(len(TEXTS))
    shown = await console.get_by_test_id("host-comment").locator(".written").all_text_contents()
    assert sorted(text.strip() for text in shown) == sorted(TEXTS)
    await expect(desk.get_by_test_id("flying").locator("p").first).to_be_visible()
    await desk.screenshot(path=pictures / "characters-desktop.png")
    await console.screenshot(path=pictures / "characters-console.png")
    assert errors == []
    for page in (desk, console):
        await page.context.close()
