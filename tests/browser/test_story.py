"""The whole story in a real browser: a host's camera, a citizen's phone, and the public record."""

import asyncio
import contextlib
import zipfile
from pathlib import Path

import psutil
from playwright.async_api import Browser, Page, expect

from streaming.clip import make_clip
from streaming.publish import PublishError, publish
from tests.service import ADMIN_PASSWORD, ServiceProcess, Staff

SLUG = "k04"
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}


async def open_page(browser: Browser, url: str, size: dict[str, int], errors: list[str]) -> Page:
    """A page of a new browser profile; what its scripts complain about is kept."""
    context = await browser.new_context(
        viewport={"width": size["width"], "height": size["height"]},
        permissions=["camera", "microphone"],
        locale="zh-CN",
    )
    page = await context.new_page()
    page.on("pageerror", lambda error: errors.append(f"{url}: {error}"))
    await page.goto(url)
    return page


async def frames(page: Page) -> tuple[int, int]:
    """How many frames the player has decoded, and the width of the picture in pixels."""
    result = await page.evaluate(
        """() => { const video = document.querySelector('[data-testid=player]');
        return video === null ? [0, 0] : [video.getVideoPlaybackQuality().totalVideoFrames, video.videoWidth] }"""
    )
    return result[0], result[1]


async def watch_frames(page: Page, more_than: int = 0) -> int:
    """Wait until the picture moves on; returns the frames decoded by then."""
    for _ in range(200):
        decoded, width = await frames(page)
        if decoded > more_than and width > 0:
            return decoded
        await page.wait_for_timeout(100)
    raise AssertionError(f"the picture stands still at {await frames(page)}")


async def test_from_the_camera_to_the_public_record(
    service: ServiceProcess, browser: Browser, pictures: Path, tmp_path: Path
) -> None:
    errors: list[str] = []

    # The host signs in, starts the activity, and publishes the camera of this computer.
    console = await open_page(browser, f"{service.url}/console/{SLUG}", DESKTOP, errors)
    await console.get_by_test_id("login-username").fill("admin")
    await console.get_by_test_id("login-password").fill(ADMIN_PASSWORD)
    await console.get_by_test_id("login-submit").click()
    await console.get_by_test_id("activity-start").click()
    await console.get_by_test_id("publish-camera").click()
    await expect(console.get_by_test_id("publish-state")).to_have_attribute("data-state", "live", timeout=20_000)

    # A citizen opens the page on a phone: the picture plays, and goes on.
    phone = await open_page(browser, f"{service.url}/a/{SLUG}", PHONE, errors)
    await expect(phone.get_by_test_id("state")).to_contain_text("直播中")
    decoded = await watch_frames(phone)
    await watch_frames(phone, decoded + 20)

    # Comment and question.
    await phone.get_by_test_id("comment-input").fill("窗口办事很快，服务态度很好，建议周末也开放")
    await phone.get_by_test_id("nickname").fill("朱小明")
    await phone.get_by_test_id("comment-send").click()
    await expect(phone.get_by_test_id("comment-list")).to_contain_text("建议周末也开放")
    await phone.screenshot(path=pictures / "watch-phone.png")
    await phone.get_by_test_id("tab-ask").click()
    await phone.get_by_test_id("question-input").fill("老年卡在哪个窗口办？")
    await phone.get_by_test_id("question-send").click()

    # The host sees both with a score, answers, and marks both as suggestions.
    comment = console.get_by_test_id("host-comment").filter(has_text="建议周末也开放")
    await expect(comment.get_by_test_id("sentiment")).to_contain_text("正面", timeout=20_000)
    question = console.get_by_test_id("host-question").filter(has_text="老年卡")
    await expect(question).to_be_visible()
    await comment.get_by_test_id("act-suggest").click()
    await question.get_by_test_id("act-approve").click()
    await expect(phone.get_by_test_id("question-list")).to_contain_text("老年卡在哪个窗口办？")
    await console.screenshot(path=pictures / "console.png")
    await console.get_by_role("tab", name="已公开").click()
    await question.get_by_test_id("act-answer-written").click()
    await console.get_by_test_id("answer-text").fill("一层3号综合窗口，带身份证即可。")
    await console.get_by_test_id("answer-submit").click()
    await expect(phone.get_by_test_id("question-list")).to_contain_text("一层3号综合窗口")
    await phone.screenshot(path=pictures / "questions-phone.png")

    desktop = await open_page(browser, f"{service.url}/a/{SLUG}", DESKTOP, errors)
    await watch_frames(desktop)
    await desktop.screenshot(path=pictures / "watch-desktop.png")

    # The end: decide, publish, download.
    await console.get_by_test_id("activity-end").click()
    await console.get_by_test_id("activity-end-confirm").click()
    await expect(phone.get_by_test_id("state")).to_contain_text("已结束")
    await console.get_by_test_id("tab-adoption").click()
    suggestion = console.get_by_test_id("suggestion").filter(has_text="建议周末也开放")
    await suggestion.get_by_test_id("decision-select").select_option("partly-adopted")
    await suggestion.get_by_test_id("decision-reason").fill("周六上午开放，周日暂不开放。")
    await suggestion.get_by_test_id("decision-save").click()
    await expect(suggestion.get_by_test_id("decision-state")).to_contain_text("已保存")
    await console.get_by_test_id("outcomes-publish").click()
    await expect(console.get_by_test_id("outcomes-published")).to_be_visible()
    await expect(phone.get_by_test_id("tab-outcomes")).to_be_visible()  # the page that is open shows it at once
    await console.screenshot(path=pictures / "adoption.png", full_page=True)
    async with console.expect_download() as started:
        await console.get_by_test_id("digest-docx").click()
    path = tmp_path / "digest.docx"
    await (await started.value).save_as(path)
    with zipfile.ZipFile(path) as archive:
        document = archive.read("word/document.xml").decode()
    assert "建议周末也开放" in document
    assert "老年卡在哪个窗口办？" in document
    assert "周六上午开放" in document

    # The public page shows the decision, with the name masked, and the phone's receipt finds it.
    visitor = await open_page(browser, f"{service.url}/a/{SLUG}", PHONE, errors)
    await expect(visitor.get_by_test_id("outcomes")).to_contain_text("周六上午开放")
    await expect(visitor.get_by_test_id("outcomes")).not_to_contain_text("朱小明")
    await visitor.screenshot(path=pictures / "outcomes-phone.png", full_page=True)

    assert errors == []
    for page in (console, phone, desktop, visitor):
        await page.context.close()


async def test_a_killed_relay_costs_viewers_a_reconnect_and_no_more(
    tmp_path: Path, browser: Browser, pictures: Path
) -> None:
    errors: list[str] = []
    service = ServiceProcess(tmp_path / "data").start()
    clip = tmp_path / "clip.mkv"
    await asyncio.to_thread(make_clip, clip, seconds=4)
    token = service.run("publish-token", SLUG).stdout.decode().strip()
    publishing = asyncio.create_task(publish_again_and_again(str(clip), f"{service.url}/whip/{SLUG}", token))
    try:
        admin = await Staff.sign_in(service)
        await admin.done("POST", f"/api/v1/activities/{SLUG}/state", {"state": "live"})
        phone = await open_page(browser, f"{service.url}/a/{SLUG}", PHONE, errors)
        decoded = await watch_frames(phone, 20)
        relay = next(
            child
            for child in psutil.Process(service.process.pid).children(recursive=True)
            if "streaming.relay" in " ".join(child.cmdline())
        )
        relay.kill()
        # A new session counts from zero: the picture has moved on when it passes what had been decoded before.
        await phone.wait_for_timeout(1_000)
        await phone.screenshot(path=pictures / "interrupted-phone.png")
        await watch_frames(phone, decoded + 30)
        assert errors == []
        await phone.context.close()
        await admin.close()
    finally:
        publishing.cancel()
        await asyncio.gather(publishing, return_exceptions=True)
        assert service.stop() == 0


async def publish_again_and_again(source: str, url: str, token: str) -> None:
    """An encoder that comes back by itself, as OBS does."""
    while True:
        with contextlib.suppress(PublishError):
            await publish(source, url, token, loop=True)
        await asyncio.sleep(0.5)
