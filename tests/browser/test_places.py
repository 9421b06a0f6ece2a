"""Coming in person, in a real browser: announced, registered, drawn, checked by anybody, and let in offline."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.async_api import Browser, Route, expect

from tests.browser.test_story import DESKTOP, PHONE, open_page
from tests.service import ADMIN_PASSWORD, ServiceProcess, Staff


def beijing(moment: datetime) -> str:
    """A moment as a date field wants it."""
    return f"{moment + timedelta(hours=8):%Y-%m-%dT%H:%M}"


async def anybody_checks_the_draw(browser: Browser, url: str, pictures: Path, errors: list[str]) -> None:
    """The draw is computed again on the citizen's own device, and a list that was changed on the way is found."""
    for name, size in (("phone", PHONE), ("desktop", DESKTOP)):
        page = await open_page(browser, url, size, errors)
        await page.get_by_test_id("draw-check").click()
        await expect(page.get_by_test_id("draw-verdict")).to_have_text("全部一致")
        await page.get_by_test_id("draw-own").fill("1")
        await expect(page.get_by_test_id("draw-own-result")).to_contain_text("家长代表，按签号排第")
        await page.screenshot(path=pictures / f"draw-check-{name}.png", full_page=True)

    async def forge(route: Route) -> None:
        answer = await route.fetch()
        selection = await answer.json()
        selection["roster"] += "报名\t家长代表\t3\n"
        await route.fulfill(json=selection)

    await page.route("**/selection", forge)
    await page.reload()
    await page.get_by_test_id("draw-check").click()
    await expect(page.get_by_test_id("draw-verdict")).to_have_text("有不一致的地方")
    await expect(page.get_by_test_id("draw-steps")).to_contain_text("不一致的编号：3")
    await page.screenshot(path=pictures / "draw-forged.png", full_page=True)


async def test_from_the_notice_to_the_door(
    service: ServiceProcess, admin: Staff, browser: Browser, pictures: Path
) -> None:
    errors: list[str] = []
    now = datetime.now(UTC)
    slug = await admin.own_activity("食品安全开放日", unit="shichangjianguanju")
    start = now + timedelta(days=20)
    times = {"starts_at": start.isoformat(), "ends_at": (start + timedelta(hours=2)).isoformat()}
    await admin.done("PATCH", f"/api/v1/activities/{slug}", {"form": "in-person", "place": "一层大厅", **times})

    # The clerk sets it up; what is wrong is said at the field, and what was typed stays.
    desk = await open_page(browser, f"{service.url}/admin/activities/{slug}/places", DESKTOP, errors)
    await desk.get_by_test_id("login-username").fill("admin")
    await desk.get_by_test_id("login-password").fill(ADMIN_PASSWORD)
    await desk.get_by_test_id("login-submit").click()
    await desk.get_by_test_id("places-opens").fill(beijing(now - timedelta(hours=1)))
    await desk.get_by_test_id("places-closes").fill(beijing(now - timedelta(hours=2)))
    await desk.get_by_test_id("quota-parent").fill("1")
    await desk.get_by_test_id("places-save").click()
    await expect(desk.get_by_text("报名截止时间需要晚于开始时间")).to_be_visible()
    await expect(desk.get_by_test_id("quota-parent")).to_have_value("1")
    await desk.get_by_test_id("places-closes").fill(beijing(now + timedelta(days=2)))
    await desk.get_by_test_id("places-save").click()
    await expect(desk.get_by_test_id("places-saved")).to_be_visible()
    await expect(desk.get_by_test_id("places-advice")).to_contain_text("仅供参考")
    await desk.get_by_test_id("selection-publish").click()
    await expect(desk.get_by_test_id("selection-published")).to_contain_text("第 1 版")

    # Two citizens register on their phones.
    phones = []
    for name, number in (("朱小明", "13800000001"), ("李小红", "13800000002")):
        phone = await open_page(browser, f"{service.url}/a/{slug}", PHONE, errors)
        await phone.get_by_test_id("register-open").click()
        await phone.get_by_test_id("place-name").fill(name)
        await phone.get_by_test_id("place-send").click()
        await expect(phone.get_by_text("请填写 11 位手机号")).to_be_visible()
        await phone.get_by_test_id("place-phone").fill(number)
        await phone.get_by_test_id("place-send").click()
        await expect(phone.get_by_text("请先阅读并勾选同意")).to_be_visible()
        await phone.get_by_test_id("place-consent").check()
        await phone.screenshot(path=pictures / "registration-phone.png", full_page=True)
        await phone.get_by_test_id("place-send").click()
        await expect(phone.get_by_test_id("own-place")).to_contain_text("已报名")
        phones.append(phone)

    # Closed, drawn: one is in, one waits; names are masked until somebody looks.
    await desk.get_by_test_id("places-closes").fill(beijing(now - timedelta(minutes=5)))
    await desk.get_by_test_id("places-save").click()
    await expect(desk.get_by_test_id("places-saved")).to_be_visible()
    await desk.reload()
    row = desk.get_by_test_id("place-row").first
    await expect(row).to_contain_text("朱**")
    await row.get_by_test_id("place-reveal").click()
    await expect(row).to_contain_text("朱小明")
    await desk.get_by_test_id("close").click()
    await expect(desk.get_by_text("与已发布的遴选公告不一致")).to_be_visible()
    await desk.get_by_test_id("selection-publish").click()
    await expect(desk.get_by_test_id("selection-published")).to_contain_text("第 2 版")
    await desk.get_by_test_id("close").click()
    await desk.get_by_test_id("draw").click()
    await expect(desk.get_by_test_id("drawn")).to_be_visible()
    await desk.screenshot(path=pictures / "places-desktop.png", full_page=True)
    for phone in phones:
        await phone.reload()
        await phone.get_by_role("tab", name="介绍").click()
        await expect(phone.get_by_test_id("draw-result")).to_contain_text("入选")
    await anybody_checks_the_draw(browser, f"{service.url}/draw/{slug}", pictures, errors)
    states = [await phone.get_by_test_id("own-place").inner_text() for phone in phones]
    lucky = next(index for index, text in enumerate(states) if "待本人确认" in text)
    assert "候补" in states[1 - lucky]
    await phones[lucky].get_by_test_id("place-decline").click()
    await expect(phones[lucky].get_by_test_id("own-place")).to_contain_text("本人放弃")
    guest = phones[1 - lucky]
    await guest.reload()
    await guest.get_by_role("tab", name="介绍").click()
    await guest.get_by_test_id("place-confirm").click()
    await expect(guest.get_by_test_id("place-ticket")).to_be_visible()
    await guest.screenshot(path=pictures / "ticket-phone.png", full_page=True)
    number = re.findall(r"编号 (\d+)", await guest.get_by_test_id("own-place").inner_text())[0]

    # At the door the line is gone: the number waits on the phone and arrives later, once.
    await desk.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    await desk.goto(f"{service.url}/admin/activities/{slug}/door")
    await expect(desk.get_by_test_id("door-typed")).to_be_visible()
    await desk.context.set_offline(True)
    for _ in range(2):
        await desk.get_by_test_id("door-typed").fill(number)
        await desk.get_by_test_id("door-send").click()
    await expect(desk.get_by_test_id("door-waiting")).to_contain_text("1 个还没有送达")
    await desk.context.set_offline(False)
    await expect(desk.get_by_test_id("door-present")).to_have_text("已签到 1 人", timeout=10_000)
    await expect(desk.get_by_test_id("door-waiting")).to_have_count(0)
    await desk.screenshot(path=pictures / "door-phone.png")

    # Afterwards: how satisfied.
    await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "live"})
    await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "ended"})
    await guest.reload()
    await guest.get_by_role("tab", name="介绍").click()
    await expect(guest.get_by_test_id("satisfaction-came")).to_be_checked()
    await guest.get_by_test_id("satisfaction-satisfied").click()
    await expect(guest.get_by_test_id("satisfaction")).to_contain_text("现场 1 人填写，满意和非常满意占 100%")
    # Who stayed at home holds a receipt that was not checked in, and answers for the broadcast.
    other = phones[lucky]
    await other.reload()
    await other.get_by_role("tab", name="介绍").click()
    await other.get_by_test_id("satisfaction-neutral").click()
    await expect(other.get_by_test_id("satisfaction-problem")).to_contain_text("还没有签到")
    await other.get_by_test_id("satisfaction-watched").check()
    await other.get_by_test_id("satisfaction-neutral").click()
    await expect(other.get_by_test_id("satisfaction")).to_contain_text("线上 1 人填写，满意和非常满意占 0%")
    await guest.get_by_test_id("satisfaction").screenshot(path=pictures / "satisfaction-phone.png")
    await desk.goto(f"{service.url}/admin/assessment")
    facts = desk.get_by_test_id("assessment-row").filter(has_text="食品安全开放日")
    await expect(facts).to_contain_text("报名 2 人，入选和确认 1 人，到场 1 人")
    await expect(facts).to_contain_text("现场 1 份，满意率 100%；线上 1 份，满意率 0%")
    await facts.screenshot(path=pictures / "assessment-phone.png")
    assert [error for error in errors if "ERR_INTERNET_DISCONNECTED" not in error] == []
