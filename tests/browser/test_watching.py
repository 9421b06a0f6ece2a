"""A citizen's phone while the broadcast runs: what became of one's words, listening along, nothing typed is lost."""

import re
from pathlib import Path

from playwright.async_api import Browser, expect

from tests.browser.test_moderation import say
from tests.browser.test_story import PHONE, open_page
from tests.citizen import citizen, host, speech
from tests.service import ServiceProcess, Staff

OVERLAPS = """() => {
  const sky = document.querySelector('[data-testid=flying]').getBoundingClientRect();
  const boxes = [...document.querySelectorAll('[data-testid=flying] > p')].map((p) => p.getBoundingClientRect());
  const cut = boxes.filter((b) => b.bottom > sky.bottom + 1 || b.top < sky.top - 1).length;
  let met = 0;
  for (const a of boxes) for (const b of boxes)
    if (a !== b && a.left <= b.left && Math.abs(a.top - b.top) < 5 && a.right > b.left + 1) met += 1;
  return [boxes.length, cut, met];
}"""


async def test_an_author_is_told_what_became_of_it_and_nobody_else_sees_it_before(
    service: ServiceProcess, admin: Staff, browser: Browser, pictures: Path, errors: list[str]
) -> None:
    slug = await admin.own_activity("自己的话")
    await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "live"})
    await admin.done("PATCH", f"/api/v1/activities/{slug}", {"moderation": "before"})
    console = await host(service.url, slug, admin.cookie).connect()
    phone = await open_page(browser, f"{service.url}/a/{slug}", PHONE, errors)
    other = await open_page(browser, f"{service.url}/a/{slug}", PHONE, errors)
    await say(phone, "窗口的同志很耐心")
    await expect(phone.get_by_test_id("waiting-own")).to_contain_text("留言等待审核，现在只有您看得到")
    await phone.screenshot(path=pictures / "waiting-own-phone.png")
    await phone.get_by_test_id("tab-ask").click()
    for text in ("周末开门吗？", "我家的低保批了没有？"):
        await phone.get_by_test_id("question-input").fill(text)
        await phone.get_by_test_id("question-send").click()
    own = phone.locator("#panel-ask").get_by_test_id("waiting-own")
    await expect(own).to_have_count(2)
    await phone.reload()
    await phone.get_by_test_id("tab-ask").click()
    await expect(own).to_have_count(2)
    await expect(other.get_by_test_id("comment-list")).not_to_contain_text("耐心")

    await console.until(lambda: len(console.entries("questions")) == 2)
    ids = {item["text"]: item["id"] for item in console.entries("questions").values()}
    comment = next(iter(console.entries("comments")))
    await console.call("approve", {"id": comment})
    await expect(phone.get_by_test_id("toasts")).to_contain_text("您的留言已经公开")
    await console.call("answer", {"id": ids["周末开门吗？"], "mode": "live"})
    await expect(phone.get_by_test_id("toasts")).to_contain_text("您的提问有了回答")
    await console.call("decline", {"id": ids["我家的低保批了没有？"], "reason": "涉及个人信息，请到窗口办理"})
    await expect(phone.get_by_test_id("toasts")).to_contain_text("您的提问未公开，原因：涉及个人信息")
    await expect(own).to_have_count(0)
    await expect(phone.get_by_test_id("own-news")).to_have_text("新 3 条结果")
    await phone.screenshot(path=pictures / "own-news-phone.png")
    await expect(other.get_by_test_id("toasts")).to_be_empty()
    await phone.get_by_test_id("own-open").click()
    await expect(phone.get_by_test_id("receipts")).to_contain_text("已回答")
    await phone.keyboard.press("Escape")
    await expect(phone.get_by_test_id("own-news")).to_have_count(0)
    await console.close()


async def test_who_listens_to_the_page_hears_the_words_and_keeps_the_place(
    service: ServiceProcess, admin: Staff, browser: Browser, pictures: Path, errors: list[str]
) -> None:
    slug = await admin.own_activity("听得到")
    await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "live"})
    author = await citizen(service.url, slug).connect()
    try:
        asked = (await author.call("question", speech("周末开门吗？")))["id"]
        await admin.done("POST", f"/api/v1/entries/{asked}/acts", {"act": "approve"})
        phone = await open_page(browser, f"{service.url}/a/{slug}", PHONE, errors)
        switch = phone.get_by_role("button", name="读出新留言")
        await switch.focus()
        await phone.screenshot(path=pictures / "read-aloud-phone.png")
        await phone.keyboard.press("Enter")
        await expect(switch).to_have_attribute("aria-pressed", "true")
        draft = phone.get_by_test_id("comment-input")
        await draft.focus()
        await author.call("comment", speech("讲解员说得很明白", "王阿姨"))
        await expect(phone.get_by_text("王阿姨：讲解员说得很明白")).to_be_attached()
        await expect(draft).to_be_focused()
        await phone.reload()
        await expect(switch).to_have_attribute("aria-pressed", "true")

        # A vote by keyboard: given, taken back, and the focus is where it was.
        await phone.get_by_test_id("tab-ask").click()
        vote = phone.get_by_test_id("vote")
        await vote.focus()
        await phone.keyboard.press("Enter")
        await expect(vote).to_have_text("已赞同1")
        await expect(vote).to_be_focused()
        await phone.keyboard.press("Enter")
        await expect(vote).to_have_text("赞同0")
        await expect(vote).to_be_focused()

        # New questions cover no button and move none.
        before = await vote.bounding_box()
        for text in ("停车收费吗？", "几点下班？"):
            further = (await author.call("question", speech(text)))["id"]
            await admin.done("POST", f"/api/v1/entries/{further}/acts", {"act": "approve"})
        await expect(phone.get_by_test_id("new-questions")).to_have_text("2 个新问题")
        assert await vote.first.bounding_box() == before
        await phone.get_by_test_id("new-questions").click()
        await expect(phone.get_by_test_id("question")).to_have_count(3)
        # What the host puts first says so, and stands first once the reader asks for the new order.
        await admin.done("POST", f"/api/v1/entries/{further}/acts", {"act": "lift", "above": None})
        await expect(phone.get_by_test_id("question-lifted")).to_have_text("接下来回答")
        await phone.get_by_test_id("new-questions").click()
        await expect(phone.get_by_test_id("question").first).to_contain_text("几点下班？")
    finally:
        await author.close()


async def test_what_is_half_written_survives_a_reload_and_the_end(
    service: ServiceProcess, admin: Staff, browser: Browser, pictures: Path, errors: list[str]
) -> None:
    slug = await admin.own_activity("写了一半")
    await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "live"})
    phone = await open_page(browser, f"{service.url}/a/{slug}", PHONE, errors)
    await phone.get_by_test_id("comment-input").fill("建议周六上午也开门，还有")
    await phone.get_by_test_id("comment-proposed").click()
    await phone.reload()
    await expect(phone.get_by_test_id("comment-input")).to_have_value("建议周六上午也开门，还有")
    await expect(phone.get_by_test_id("comment-proposed")).to_have_attribute("aria-pressed", "true")
    await expect(phone.get_by_test_id("comment-send")).to_have_text("提建议")
    await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "ended"})
    unsent = phone.get_by_test_id("comment-unsent")
    await expect(unsent).to_contain_text("建议周六上午也开门，还有")
    await phone.screenshot(path=pictures / "unsent-phone.png")
    await unsent.get_by_role("button", name="不要了").click()
    await expect(unsent).to_have_count(0)


async def test_comments_fly_one_behind_the_other_and_beneath_the_buttons(
    service: ServiceProcess, admin: Staff, browser: Browser, pictures: Path, errors: list[str]
) -> None:
    slug = await admin.own_activity("弹幕不相撞")
    await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "live"})
    people = [await citizen(service.url, slug).connect() for _ in range(12)]
    try:
        phone = await open_page(browser, f"{service.url}/a/{slug}", PHONE, errors)
        await phone.get_by_test_id("flying-toggle").click()
        await phone.get_by_test_id("flying-settings").click()
        await phone.get_by_label("弹幕密度").select_option("many")
        await phone.get_by_label("弹幕字号").select_option("large")
        await phone.get_by_test_id("flying-settings").click()
        await phone.wait_for_timeout(2_500)
        most = 0
        for turn in range(36):
            text = "办事很快" if turn % 3 else "希望多搞这样的活动，让老百姓都知道政策到底怎么用"
            await people[turn % 12].call("comment", speech(f"{text}{turn}"))
            await phone.wait_for_timeout(150)
            flying, cut, met = await phone.evaluate(OVERLAPS)
            most = max(most, flying)
            assert (cut, met) == (0, 0)
        assert most > 2
        await phone.screenshot(path=pictures / "flying-many-phone.png")
        await phone.get_by_test_id("elder").click()
        await phone.screenshot(path=pictures / "flying-elder-phone.png")
        heights = await phone.locator(".stage .tool").evaluate_all("all => all.map((one) => one.offsetHeight)")
        assert all(60 <= height < 90 for height in heights), heights
        await phone.get_by_test_id("flying-pause").click()
        await expect(phone.get_by_test_id("flying-pause")).to_have_text("继续")
        await expect(phone.get_by_role("button", name=re.compile("弹幕继续"))).to_be_visible()
    finally:
        for one in people:
            await one.close()
