"""The console while a broadcast goes on to another platform: its state in words, the key seen by nobody, the chart."""

import asyncio
import socket
from pathlib import Path

from playwright.async_api import Browser, expect

from streaming.clip import make_clip
from streaming.publish import publish
from tests.browser.test_story import DESKTOP, open_page
from tests.hls.test_restream import KEY, rtmp_server
from tests.service import ADMIN_PASSWORD, ServiceProcess, Staff, free_port


async def test_a_host_pushes_to_another_platform(
    service: ServiceProcess, admin: Staff, browser: Browser, pictures: Path, tmp_path: Path
) -> None:
    errors: list[str] = []
    slug = await admin.own_activity("转推到视频号")
    clip, port = tmp_path / "clip.mkv", free_port(socket.SOCK_STREAM)
    make_clip(clip, seconds=4)
    await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "live"})
    token = (await admin.done("GET", f"/api/v1/activities/{slug}/publish-token"))["token"]
    publishing = asyncio.create_task(publish(str(clip), f"{service.url}/whip/{slug}", token, loop=True))
    console = await open_page(browser, f"{service.url}/console/{slug}", DESKTOP, errors)
    try:
        await console.get_by_test_id("login-username").fill("admin")
        await console.get_by_test_id("login-password").fill(ADMIN_PASSWORD)
        await console.get_by_test_id("login-submit").click()
        panel = console.get_by_test_id("restreams")
        await panel.locator("summary").click()
        await expect(panel.locator("summary")).to_contain_text("（0）")

        # What is no address is refused at the form, and what was typed stays.
        await panel.get_by_label("平台名称").fill("视频号")
        await panel.get_by_label("推流地址和推流码").fill("https://example.cn/live")
        await panel.get_by_role("button", name="添加").click()
        await expect(panel.get_by_role("alert")).to_contain_text("rtmp://")
        await expect(panel.get_by_label("平台名称")).to_have_value("视频号")

        await panel.get_by_label("推流地址和推流码").fill(f"rtmp://127.0.0.1:{port}/live/{KEY}")
        await panel.get_by_role("button", name="添加").click()
        entry = panel.get_by_test_id("restream")
        await expect(entry).to_contain_text(f"rtmp://127.0.0.1:{port}/live/••••")
        # The platform is away: that is said, and tried again.
        await expect(entry).to_have_attribute("data-state", "retrying", timeout=40_000)
        await expect(entry).to_contain_text("没有连上，稍后重试（对方没有开放这个端口")
        await panel.scroll_into_view_if_needed()
        await console.screenshot(path=pictures / "restream-retrying.png")
        with rtmp_server(tmp_path / "nginx", port):
            await expect(entry).to_have_attribute("data-state", "on-air", timeout=60_000)
            await expect(entry).to_contain_text("正在转推")
            await console.screenshot(path=pictures / "restream-on-air.png")
            # What flows is there in a picture over time, each curve with its numbers in words.
            chart = console.get_by_test_id("stream-chart")
            for name in ("码率", "帧率", "丢包", "接收"):
                await expect(chart.get_by_text(name, exact=True)).to_be_visible()
            await expect(chart.locator("figure").first).to_contain_text("比特/秒")
            assert "L" in (await chart.locator("path.curve").first.get_attribute("d") or "")
            await panel.get_by_role("button", name="删除 视频号").click()
            await expect(entry).to_have_count(0)
        assert KEY not in await console.content()
        assert errors == []
    finally:
        publishing.cancel()
        await asyncio.gather(publishing, return_exceptions=True)
        await console.context.close()
