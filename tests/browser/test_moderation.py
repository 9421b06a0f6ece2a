"""Moderation in a real browser: approve by one key, silence, lists with an explanation, and taking an entry back."""

import io
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, Page, expect

from tests.browser.test_story import DESKTOP, PHONE, open_page
from tests.citizen import citizen, speech
from tests.service import ADMIN_PASSWORD, ServiceProcess, Staff

SLUG = "j04"


async def sign_in(page: Page) -> None:
    await page.get_by_test_id("login-username").fill("admin")
    await page.get_by_test_id("login-password").fill(ADMIN_PASSWORD)
    await page.get_by_test_id("login-submit").click()


async def say(phone: Page, text: str) -> None:
    await phone.get_by_test_id("comment-input").fill(text)
    await phone.get_by_test_id("comment-send").click()


async def test_a_comment_waits_is_approved_and_taken_back(
    service: ServiceProcess, browser: Browser, pictures: Path
) -> None:
    errors: list[str] = []
    console = await open_page(browser, f"{service.url}/console/{SLUG}", DESKTOP, errors)
    await sign_in(console)
    await console.get_by_test_id("activity-start").click()
    await console.get_by_test_id("moderation-mode").select_option("before")
    await expect(console.get_by_text("留言通过以后才展示").first).to_be_visible()

    # A word that is to be pointed out, tried before it is used.
    await console.goto(f"{service.url}/console/words")
    await console.get_by_test_id("words-district-mark").fill("代办社保\n加微信")
    await console.get_by_test_id("words-district-mark-save").click()
    await expect(console.get_by_text("词表已保存")).to_be_visible()
    await console.get_by_test_id("trial-text").fill("😀請加-微-信")
    await console.get_by_test_id("trial-run").click()
    await expect(console.get_by_test_id("trial-result")).to_contain_text(
        "第 3 个字起的“加-微-信”命中区级词表“提示”里的“加微信”"
    )
    await console.screenshot(path=pictures / "words-desktop.png")
    await console.set_viewport_size({"width": 390, "height": 844})
    await console.screenshot(path=pictures / "words-phone.png")
    await console.set_viewport_size({"width": DESKTOP["width"], "height": DESKTOP["height"]})
    await console.goto(f"{service.url}/console/{SLUG}")

    phone = await open_page(browser, f"{service.url}/a/{SLUG}", PHONE, errors)
    await say(phone, "我家在三号楼，想加 微 信群")
    await expect(phone.get_by_text("审核后公开")).to_be_visible()
    row = console.get_by_test_id("host-comment")
    await expect(row.get_by_test_id("comment-pending")).to_be_visible()
    await expect(row.get_by_test_id("comment-flags")).to_contain_text("加微信")
    await console.screenshot(path=pictures / "console-pending.png")
    await expect(phone.get_by_test_id("comment-list")).not_to_contain_text("三号楼")
    await row.click()
    await console.keyboard.press("a")
    await expect(phone.get_by_test_id("comment-list")).to_contain_text("三号楼")

    # Silenced, told so, and allowed to speak again.
    await row.get_by_test_id("act-ban").click()
    await expect(console.get_by_text("已禁言 1 小时")).to_be_visible()
    await say(phone, "还想说")
    await expect(phone.get_by_text("主持人已暂停您在本活动发言")).to_be_visible()
    await phone.screenshot(path=pictures / "muted-phone.png")
    await console.get_by_test_id("moderation-more").click()
    await console.get_by_test_id("bans-open").click()
    await expect(console.get_by_test_id("ban")).to_contain_text("三号楼")
    await console.screenshot(path=pictures / "console-bans.png")
    await console.get_by_test_id("unban").click()
    await expect(console.get_by_test_id("bans")).to_contain_text("现在没有人被禁言")
    await console.keyboard.press("Escape")

    # Slow mode: the draft stays while the seconds run down; and a phone that has to prove work does it by itself.
    await console.get_by_test_id("challenge-mode").select_option("on")
    await expect(console.get_by_text("每台设备发言前都要验证")).to_be_visible()
    await say(phone, "验证以后发出的一条")
    await expect(console.get_by_test_id("host-comment").filter(has_text="验证以后发出")).to_be_visible()
    await console.get_by_test_id("slow-mode").select_option("300")
    await expect(phone.get_by_text("慢速模式：每 300 秒可发一条").first).to_be_visible()
    await console.screenshot(path=pictures / "console-slow-mode.png")
    await phone.get_by_test_id("comment-input").fill("等一等再发的一条")
    await expect(phone.get_by_test_id("comment-send")).to_be_disabled()
    await expect(phone.get_by_text("秒后可以再发，已写的会保留").first).to_be_visible()
    await phone.screenshot(path=pictures / "slow-mode-phone.png")
    await phone.get_by_test_id("comment-input").fill("")

    # The author takes the comment back.
    await phone.get_by_test_id("own-open").click()
    await phone.get_by_test_id("receipt").filter(has_text="三号楼").get_by_test_id("withdraw").click()
    await phone.screenshot(path=pictures / "withdraw-phone.png")
    await phone.get_by_test_id("withdraw-confirm").click()
    await expect(phone.get_by_test_id("receipt-withdrawn")).to_be_visible()
    await phone.screenshot(path=pictures / "withdrawn-phone.png")
    await expect(console.get_by_text("本人已撤回，内容已删除")).to_be_visible()
    await expect(console.get_by_test_id("host-comment").filter(has_text="三号楼")).to_have_count(0)
    assert "三号楼" not in await phone.evaluate("JSON.stringify(localStorage)")
    assert errors == []


async def test_public_comments_fly_over_the_picture_and_a_question_stands_on_screen(
    service: ServiceProcess, admin: Staff, browser: Browser, pictures: Path
) -> None:
    errors: list[str] = []
    slug = "j01"
    await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "live"})
    desk = await open_page(browser, f"{service.url}/a/{slug}", DESKTOP, errors)
    phone = await open_page(browser, f"{service.url}/a/{slug}", PHONE, errors)
    screen = await open_page(browser, f"{service.url}/screen/{slug}", DESKTOP, errors)
    await expect(phone.get_by_test_id("flying-toggle")).to_have_text("开弹幕")  # off at first on a phone
    await expect(desk.get_by_text("2 人在看")).to_be_visible()  # the page for the encoder is nobody
    await desk.wait_for_timeout(2_500)
    await say(phone, "窗口的同志很热情")
    flight = desk.get_by_test_id("flying").get_by_text("窗口的同志很热情")
    await expect(flight).to_be_visible()
    await desk.wait_for_timeout(2_500)
    await desk.get_by_test_id("flying-pause").click()
    await desk.screenshot(path=pictures / "flying-desktop.png")
    await expect(phone.get_by_test_id("flying")).to_have_count(0)
    await phone.get_by_test_id("flying-toggle").click()
    await phone.screenshot(path=pictures / "flying-phone.png")
    entries = (await admin.done("GET", f"/api/v1/activities/{slug}/entries"))["entries"]
    await admin.done("POST", f"/api/v1/entries/{entries[0]['id']}/acts", {"act": "hide", "reason": "other"})
    await expect(flight).to_have_count(0)

    await phone.get_by_test_id("tab-ask").click()
    await phone.get_by_test_id("question-input").fill("老年卡在哪个窗口办？")
    await phone.get_by_test_id("question-send").click()
    await expect(phone.get_by_text("审核后公开")).to_be_visible()
    asked = (await admin.done("GET", f"/api/v1/activities/{slug}/entries?kind=question"))["entries"][0]["id"]
    for act in ({"act": "approve"}, {"act": "screen", "on": True}):
        await admin.done("POST", f"/api/v1/entries/{asked}/acts", act)
    await expect(screen.get_by_test_id("screen-question")).to_contain_text("老年卡在哪个窗口办？")
    picture = await screen.screenshot(path=pictures / "screen.png", omit_background=True)
    with Image.open(io.BytesIO(picture)) as image:
        alpha = image.convert("RGBA").getchannel("A")
    assert alpha.crop((0, 0, 1280, 400)).getextrema() == (0, 0)  # an encoder sees its own picture there
    assert alpha.crop((200, 670, 1000, 750)).getextrema()[0] != 0

    # Somebody asks the same in other words: the host is told, merges by one tap, and takes it apart again.
    console = await open_page(browser, f"{service.url}/console/{slug}", DESKTOP, errors)
    await sign_in(console)
    again = await citizen(service.url, slug).connect()
    try:
        receipt = (await again.call("question", speech("请问老年卡在哪个窗口办理")))["receipt"]
        row = console.get_by_test_id("host-question").filter(has_text="请问老年卡")
        await expect(row.get_by_test_id("similar")).to_contain_text("老年卡在哪个窗口办？")
        await console.screenshot(path=pictures / "console-similar.png")
        await row.get_by_test_id("act-merge-similar").click()
        await expect(phone.get_by_test_id("question-merged")).to_have_text("合并了 1 条相同内容")
        await phone.screenshot(path=pictures / "merged-phone.png")
        found = await admin.done("POST", "/api/v1/receipts", {"receipt": receipt})
        assert found["merged_into"]["text"] == "老年卡在哪个窗口办？"
        await console.get_by_role("button", name="撤销").last.click()
        await expect(phone.get_by_test_id("question-merged")).to_have_count(0)
        await row.get_by_test_id("act-more").click()
        await row.get_by_test_id("act-merge").click()
        await console.get_by_test_id("merge-search").fill("老年卡")
        await console.screenshot(path=pictures / "console-merge.png")
        await console.get_by_test_id("merge-choice").click()
        await expect(phone.get_by_test_id("question-merged")).to_have_count(1)

        # Labels and a note for colleagues, a question dragged before another, and what the presenter reads.
        for text in ("几点开门？", "停车收费吗？"):
            further = (await again.call("question", speech(text)))["id"]
            await admin.done("POST", f"/api/v1/entries/{further}/acts", {"act": "approve"})
        await expect(console.get_by_test_id("tab-open")).to_contain_text("3")
        await console.get_by_test_id("tab-open").click()
        row = console.get_by_test_id("host-question").filter(has_text="停车收费吗")
        await row.get_by_test_id("act-more").click()
        await row.get_by_test_id("act-note").click()
        await row.get_by_test_id("label-input").fill("收费")
        await row.get_by_test_id("label-add").click()
        await expect(row.get_by_test_id("labels")).to_contain_text("收费")
        await row.get_by_test_id("note-input").fill("请后勤科答")
        await row.get_by_test_id("note-add").click()
        await expect(row.get_by_test_id("note")).to_contain_text("请后勤科答")
        await row.drag_to(console.get_by_test_id("host-question").filter(has_text="老年卡在哪个窗口办？"))
        # What is on screen stands first; then comes what the host placed.
        await expect(console.get_by_test_id("host-question").nth(1)).to_contain_text("停车收费吗")
        await console.screenshot(path=pictures / "console-queue.png")
        await console.goto(f"{service.url}/console/{slug}/present")
        await expect(console.get_by_test_id("presenter-next").first).to_contain_text("停车收费吗")
        await expect(console.get_by_test_id("presenter-current")).to_contain_text("老年卡")
        await console.screenshot(path=pictures / "presenter.png")
    finally:
        await again.close()
    assert await screen.evaluate("getComputedStyle(document.body).backgroundColor") == "rgba(0, 0, 0, 0)"
    await admin.done("POST", f"/api/v1/entries/{asked}/acts", {"act": "screen", "on": False})
    await expect(screen.get_by_test_id("screen-question")).to_have_count(0)
    assert errors == []
