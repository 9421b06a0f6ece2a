"""What people see while the service is away: the phone keeps and resends, the host reads what does not work."""

import sqlite3
from pathlib import Path

from playwright.async_api import Browser, expect

from tests.browser.test_moderation import say, sign_in
from tests.browser.test_story import DESKTOP, PHONE, open_page
from tests.service import ServiceProcess, Staff

SLUG = "k05"


async def test_a_phone_keeps_what_was_typed_and_sends_it_once_when_the_service_is_back(
    tmp_path: Path, browser: Browser, pictures: Path
) -> None:
    errors: list[str] = []
    service = ServiceProcess(tmp_path / "data").start()
    database = service.data_dir / "minsheng.db"
    try:
        admin = await Staff.sign_in(service)
        await admin.done("POST", f"/api/v1/activities/{SLUG}/state", {"state": "live"})
        await admin.close()
        console = await open_page(browser, f"{service.url}/console/{SLUG}", DESKTOP, errors)
        await sign_in(console)
        phone = await open_page(browser, f"{service.url}/a/{SLUG}", PHONE, errors)
        await say(phone, "停之前的一条")
        await expect(console.get_by_test_id("host-comment").filter(has_text="停之前")).to_be_visible()

        # The database takes nothing, the lines stand.
        holder = sqlite3.connect(database, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        await say(phone, "存不进去时写的一条")
        await expect(console.get_by_test_id("health")).to_contain_text("数据库暂时连不上")
        await console.screenshot(path=pictures / "outage-console.png")
        await expect(phone.get_by_test_id("pending")).to_contain_text("系统正在恢复")
        await phone.get_by_test_id("comment-input").fill("还没写完的草稿")
        await phone.screenshot(path=pictures / "outage-phone.png")
        holder.close()
        await expect(phone.get_by_test_id("pending")).to_have_count(0)
        await expect(phone.get_by_test_id("comment").filter(has_text="存不进去时")).to_have_count(1)
        await expect(console.get_by_test_id("host-comment").filter(has_text="存不进去时")).to_have_count(1)
        await expect(console.get_by_test_id("health")).to_be_empty()
        await expect(phone.get_by_test_id("comment-input")).to_have_value("还没写完的草稿")

        # The service is gone altogether; even a page that is closed and opened again has what was written.
        service.kill()
        await say(phone, "服务停了时写的一条")
        await expect(phone.get_by_test_id("connection")).to_contain_text("正在重新连接")
        await expect(phone.get_by_test_id("pending")).to_contain_text("已保存在本机")
        await expect(console.get_by_test_id("health")).to_contain_text("与服务的连接断了")
        await phone.screenshot(path=pictures / "offline-phone.png")
        service.start()
        await phone.reload()
        await expect(phone.get_by_test_id("comment").filter(has_text="服务停了时")).to_have_count(1)
        await expect(phone.get_by_test_id("pending")).to_have_count(0)
        await expect(console.get_by_test_id("health")).to_be_empty()
        connection = sqlite3.connect(database)
        texts = [text for (text,) in connection.execute("SELECT text FROM entry ORDER BY id")]
        connection.close()
        assert texts == ["停之前的一条", "存不进去时写的一条", "服务停了时写的一条"]
        assert errors == []
        for page in (console, phone):
            await page.context.close()
    finally:
        service.stop()
