"""A citizen behind a firewall that lets no UDP through: the picture comes over TCP, on the same port."""

import asyncio
from pathlib import Path

from playwright.async_api import async_playwright

from streaming.clip import make_clip
from streaming.publish import publish
from tests.browser.conftest import FLAGS, find_chromium
from tests.browser.test_story import PHONE, open_page, watch_frames
from tests.service import ServiceProcess, Staff

KEEP_CONNECTIONS = """window.connections = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...args) { super(...args); window.connections.push(this) }
}"""
SELECTED_PAIR = """async () => {
  const stats = [...(await window.connections.at(-1).getStats()).values()];
  const transport = stats.find((report) => report.type === "transport");
  const pair = stats.find((report) => report.id === transport.selectedCandidatePairId);
  return stats.find((report) => report.id === pair.remoteCandidateId);
}"""


async def test_the_picture_comes_over_tcp_where_udp_is_blocked(
    service: ServiceProcess, browser: object, tmp_path: Path
) -> None:
    admin = await Staff.sign_in(service)
    slug = await admin.own_activity()
    await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "live"})
    token = (await admin.done("GET", f"/api/v1/activities/{slug}/publish-token"))["token"]
    clip = tmp_path / "clip.mkv"
    await asyncio.to_thread(make_clip, clip, seconds=4)
    publishing = asyncio.create_task(publish(str(clip), f"{service.url}/whip/{slug}", token, loop=True))
    errors: list[str] = []
    try:
        async with async_playwright() as playwright:
            blocked = await playwright.chromium.launch(
                executable_path=find_chromium(),
                args=[*FLAGS, "--webrtc-ip-handling-policy=disable_non_proxied_udp"],
            )
            page = await open_page(blocked, "about:blank", PHONE, errors)
            await page.add_init_script(KEEP_CONNECTIONS)
            await page.goto(f"{service.url}/a/{slug}")
            decoded = await watch_frames(page, 5)
            await watch_frames(page, decoded + 20)
            candidate = await page.evaluate(SELECTED_PAIR)
            assert (candidate["protocol"], candidate["port"]) == ("tcp", service.media_port)
            await blocked.close()
    finally:
        publishing.cancel()
        await asyncio.gather(publishing, return_exceptions=True)
        await admin.done("POST", f"/api/v1/activities/{slug}/state", {"state": "ended"})
        await admin.close()
    assert errors == []
