"""A film in the console: uploaded, planned, broadcast at its hour, seen by a phone, stopped; an end taken back."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.async_api import Browser, expect

from tests.browser.test_story import DESKTOP, PHONE, open_page, watch_frames
from tests.server.films import make_film
from tests.service import ADMIN_PASSWORD, ServiceProcess, Staff


async def test_a_unit_broadcasts_its_film(
    service: ServiceProcess, admin: Staff, browser: Browser, pictures: Path, tmp_path: Path
) -> None:
    errors: list[str] = []
    slug = await admin.own_activity("政府采购系列宣传短片")
    path = f"/api/v1/activities/{slug}"
    film = make_film(tmp_path / "政府采购系列宣传短片（第一集）.mp4", seconds=60)
    console = await open_page(browser, f"{service.url}/console/{slug}", DESKTOP, errors)
    await console.get_by_test_id("login-username").fill("admin")
    await console.get_by_test_id("login-password").fill(ADMIN_PASSWORD)
    await console.get_by_test_id("login-submit").click()
    panel = console.get_by_test_id("film")
    await expect(panel).to_have_attribute("data-state", "none", timeout=20_000)
    await panel.scroll_into_view_if_needed()
    await console.screenshot(path=pictures / "film-none.png")

    # What is no film is refused at the field.
    await panel.get_by_test_id("film-file").set_input_files(
        {"name": "通知.mp4", "mimeType": "video/mp4", "buffer": "这不是影片".encode()}
    )
    await panel.get_by_test_id("film-upload").click()
    await expect(panel.locator("#film-file-problem")).to_contain_text("没有可以播放的画面或声音")
    await console.screenshot(path=pictures / "film-refused.png")

    await panel.get_by_test_id("film-file").set_input_files(film)
    await panel.get_by_test_id("film-upload").click()
    await expect(panel).to_have_attribute("data-state", "ready", timeout=20_000)
    await expect(panel).to_contain_text("1:00")

    # Its hour comes: the activity goes live by itself, and a phone that waits gets the picture.
    hour = (datetime.now(UTC) + timedelta(seconds=12)).isoformat()
    await admin.done("PATCH", path, {"starts_at": hour, "reason": "定下时间"})
    await console.reload()
    phone = await open_page(browser, f"{service.url}/a/{slug}", PHONE, errors)
    await panel.get_by_test_id("film-plan").click()
    await expect(panel).to_have_attribute("data-state", "planned")
    await panel.scroll_into_view_if_needed()
    await console.screenshot(path=pictures / "film-planned.png")
    await expect(panel).to_have_attribute("data-state", "playing", timeout=40_000)
    await watch_frames(phone)
    await expect(console.get_by_test_id("publish-camera")).to_have_count(0)
    await expect(panel.get_by_test_id("film-words")).to_contain_text("正在播出")
    await panel.scroll_into_view_if_needed()
    await console.screenshot(path=pictures / "film-playing.png")
    await console.set_viewport_size({"width": 390, "height": 844})
    await console.get_by_role("tab", name="画面").click()
    await panel.scroll_into_view_if_needed()
    await console.screenshot(path=pictures / "film-playing-390.png")
    await console.set_viewport_size({"width": 1280, "height": 800})
    await panel.get_by_test_id("film-stop").click()
    await expect(panel).to_have_attribute("data-state", "stopped")
    await expect(console.get_by_test_id("publish-camera")).to_be_visible()

    # A host who ended it by mistake goes on.
    await console.get_by_test_id("activity-end").click()
    await console.get_by_test_id("activity-end-confirm").click()
    await expect(console.get_by_test_id("activity-start")).to_contain_text("重新开始直播")
    await console.screenshot(path=pictures / "film-ended.png")
    await console.get_by_test_id("activity-start").click()
    await expect(console.get_by_test_id("activity-end")).to_be_visible()
    assert errors == []
    for page in (console, phone):
        await page.context.close()
