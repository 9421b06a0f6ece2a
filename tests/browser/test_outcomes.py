"""The public record in a real browser: filed by topic, checked, deleted from on request, framed by another site."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from playwright.async_api import Browser, Page, expect

from tests.browser.test_story import DESKTOP, PHONE, open_page
from tests.citizen import citizen, speech
from tests.service import ADMIN_PASSWORD, ServiceProcess, Staff

SECRET = "我住幸福里三号楼，建议装充电桩"
TEXTS = (SECRET, "建议再装几个充电桩", "希望延长开放时间", "开放时间太短，希望延长")
# The page of another site, as docs/outcomes.md says it.
OUTER = """<!doctype html><meta charset="utf-8"><title>区政府网站</title><h1>意见建议采纳情况</h1>
<iframe id="minsheng" src="{site}/embed/{slug}" title="意见建议采纳情况" style="width:100%;border:0"></iframe>
<script>
addEventListener("message", (event) => {{
  if (event.origin === "{site}" && event.data?.minsheng === "height")
    document.getElementById("minsheng").style.height = event.data.height + "px";
}});
</script>"""


async def _ended(service: ServiceProcess, admin: Staff, title: str) -> tuple[str, str]:
    """An activity that is over with four suggestions and an answer; its slug, and the receipt of the first."""
    slug = await admin.own_activity(title, unit="xingfeng")
    path = f"/api/v1/activities/{slug}"
    await admin.done("POST", f"{path}/state", {"state": "live"})
    author = await citizen(service.url, slug).connect()
    receipts = []
    for text in TEXTS:
        entry = await author.call("comment", speech(text, "朱小明"))
        receipts.append(entry["receipt"])
        await admin.done("POST", f"/api/v1/entries/{entry['id']}/acts", {"act": "suggest", "on": True})
    asked = await author.call("question", speech("几点开门？", "李四"))
    answer = {"act": "answer", "mode": "written", "text": "九点。" * 1300}  # nearly 4,000 characters
    await admin.done("POST", f"/api/v1/entries/{asked['id']}/acts", answer)
    await author.close()
    await admin.done("POST", f"{path}/state", {"state": "ended"})
    return slug, receipts[0]


async def _sign_in(page: Page) -> None:
    await page.get_by_test_id("login-username").fill("admin")
    await page.get_by_test_id("login-password").fill(ADMIN_PASSWORD)
    await page.get_by_test_id("login-submit").click()


async def test_from_topics_to_a_record_that_a_citizen_checks_and_has_shortened(
    service: ServiceProcess, admin: Staff, browser: Browser, pictures: Path
) -> None:
    errors: list[str] = []
    slug, receipt = await _ended(service, admin, "充电与服务开放日")

    # The clerk takes what is proposed, files it, decides, and publishes.
    console = await open_page(browser, f"{service.url}/console/{slug}#adoption", DESKTOP, errors)
    await _sign_in(console)
    await console.get_by_test_id("topic-proposals").get_by_role("button", name="充电桩").click()
    await expect(console.get_by_test_id("topic-name")).to_have_value("充电桩")
    await console.screenshot(path=pictures / "topics-desktop.png")
    await console.get_by_test_id("topic-name").fill("停车充电")
    await console.get_by_test_id("topic-file").click()
    await expect(console.get_by_text("已把 2 条归入“停车充电”")).to_be_visible()
    await console.get_by_test_id("filter-topic").select_option("停车充电")
    await expect(console.get_by_test_id("suggestion")).to_have_count(2)
    await console.get_by_test_id("filter-topic").select_option("")
    await console.get_by_test_id("choose-all").check()
    await console.get_by_test_id("many-decision").select_option("adopted")
    await console.get_by_test_id("many-reason").fill("三号楼下月安装。")
    await console.get_by_test_id("many-save").click()
    await expect(console.get_by_text("已决定 4 条")).to_be_visible()
    await console.get_by_test_id("outcomes-publish").click()
    await expect(console.get_by_test_id("outcomes-published")).to_contain_text("第 1 版")

    # A citizen comes by the address of a suggestion, chooses a topic, and sees that nothing was changed.
    phone = await open_page(browser, f"{service.url}/a/{slug}#s3", PHONE, errors)
    await expect(phone.locator("#s3")).to_be_in_viewport()
    await expect(phone.get_by_test_id("outcome-check")).to_contain_text("一致")
    await phone.get_by_test_id("outcome-topics").get_by_role("button", name="停车充电 2").click()
    await expect(phone.get_by_test_id("outcome-suggestion")).to_have_count(2)
    await phone.screenshot(path=pictures / "outcomes-topic-phone.png")
    await phone.get_by_test_id("outcome-topics").get_by_role("button", name="停车充电 2").click()
    await expect(phone.get_by_test_id("outcome-suggestion")).to_have_count(4)

    # The receipt leads to the suggestion, and to a request; the clerk sees it with its day and deletes.
    await phone.get_by_test_id("receipt-open").click()
    await phone.get_by_test_id("receipt-code").fill(receipt)
    await phone.get_by_test_id("receipt-search").click()
    await expect(phone.get_by_test_id("receipt-suggestion")).to_have_attribute("href", f"/a/{slug}#s1")
    await phone.get_by_test_id("removal-open").click()
    await phone.get_by_test_id("removal-note").fill("写了门牌号")
    await phone.screenshot(path=pictures / "removal-phone.png")
    await phone.get_by_test_id("removal-send").click()
    await expect(phone.get_by_test_id("removal-asked")).to_contain_text("前办理")
    await console.reload()
    request = console.get_by_test_id("removal")
    await expect(request).to_contain_text("写了门牌号")
    await request.get_by_test_id("removal-reply").check()
    await console.screenshot(path=pictures / "removal-desktop.png")
    await request.get_by_test_id("removal-do").click()
    await expect(console.get_by_test_id("outcomes-published")).to_contain_text("第 2 版")

    # The page that is open shows it at once; both versions can still be checked.
    await expect(phone.locator("#s1")).to_contain_text("已按作者要求删除")
    await expect(phone.get_by_test_id("outcome-suggestion").filter(has_text="幸福里")).to_have_count(0)
    await phone.get_by_test_id("versions-open").click()
    old = phone.get_by_test_id("outcome-versions").locator("li").filter(has_text="第 1 版")
    await old.get_by_test_id("outcome-check-start").click()
    await expect(old.get_by_test_id("outcome-check")).to_contain_text("除了按作者要求删除的原文，公布后没有改动")
    await phone.screenshot(path=pictures / "removed-phone.png", full_page=True)

    # On paper stands the record and nothing else.
    await phone.emulate_media(media="print")
    await expect(phone.get_by_test_id("outcomes")).to_be_visible()
    await expect(phone.get_by_test_id("tab-outcomes")).to_be_hidden()
    await expect(phone.get_by_test_id("outcomes-print")).to_be_hidden()
    await phone.pdf(path=pictures / "outcomes.pdf", format="A4")
    assert errors == []


@pytest.fixture
async def other_site() -> AsyncIterator[tuple[str, dict[str, str]]]:
    """Another site on another origin, and its page, which is still to be written."""
    page = {"html": ""}

    async def show(_request: web.Request) -> web.Response:
        return web.Response(text=page["html"], content_type="text/html")

    app = web.Application()
    app.router.add_get("/", show)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://localhost:{runner.addresses[0][1]}", page
    await runner.cleanup()


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_another_site_frames_the_outcomes_and_nothing_else(
    other_site: tuple[str, dict[str, str]], browser: Browser, pictures: Path, tmp_path: Path, size: dict[str, int]
) -> None:
    origin, page = other_site
    service = ServiceProcess(tmp_path / "data", MINSHENG_EMBED_ORIGINS=origin)
    await asyncio.to_thread(service.start)
    errors: list[str] = []
    try:
        admin = await Staff.sign_in(service)
        slug, _ = await _ended(service, admin, "别的网站上的开放日")
        path = f"/api/v1/activities/{slug}"
        for item in (await admin.done("GET", f"{path}/suggestions"))["suggestions"]:
            body = {"decision": "adopted", "reason": "下月实行", "transferred_to": None, "revision": 1}
            await admin.done("PUT", f"/api/v1/suggestions/{item['id']}/decision", body)
        await admin.done("POST", f"{path}/outcomes")
        await admin.close()

        page["html"] = OUTER.format(site=service.url, slug=slug)
        outer = await open_page(browser, origin, size, errors)
        frame = outer.frame_locator("#minsheng")
        await expect(frame.get_by_test_id("outcome-suggestion")).to_have_count(4)
        await expect(frame.get_by_test_id("outcome-check")).to_contain_text("一致")
        # The frame grows to what it holds: nobody scrolls in a scrolled page.
        await outer.wait_for_function("document.getElementById('minsheng').getBoundingClientRect().height > 800")
        inner = outer.frames[1]
        assert await inner.evaluate("document.documentElement.scrollHeight - window.innerHeight") <= 1
        assert await inner.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
        await expect(frame.get_by_test_id("receipt-open")).to_have_count(0)  # nobody types a code on another site
        await outer.screenshot(path=pictures / f"embed-{size['width']}.png", full_page=True)

        # Every other page stays unframed.
        page["html"] = OUTER.format(site=service.url, slug=slug).replace("/embed/", "/a/")
        await outer.reload()
        await outer.wait_for_timeout(500)
        await expect(outer.frame_locator("#minsheng").get_by_test_id("outcomes")).to_have_count(0)
        assert errors == []
        await outer.context.close()
    finally:
        assert await asyncio.to_thread(service.stop) == 0
