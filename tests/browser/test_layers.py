"""Layers in a real browser: the console sends three, a phone gets the one its way carries, or the sound alone."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, expect

from tests.browser.test_story import DESKTOP, PHONE, open_page, watch_frames
from tests.service import ADMIN_PASSWORD, ServiceProcess, Staff
from tests.streaming.house import House
from tests.streaming.wire import Wire

RECEIVED = """async () => {
  const found = { video: 0, audio: 0, repaired: -1, frames: 0, height: 0 };
  for (const connection of window.connections) {
    if (connection.connectionState !== 'connected') continue;
    (await connection.getStats()).forEach((report) => {
      if (report.type !== 'inbound-rtp') return;
      found[report.kind] += report.bytesReceived;
      if (report.kind !== 'video') return;
      found.frames += report.framesDecoded;
      found.height = report.frameHeight ?? 0;
      found.repaired = report.retransmittedPacketsReceived ?? -1;
    });
  }
  return found;
}"""
KEEP = """window.connections = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...given) { super(...given); window.connections.push(this); }
};"""


async def settled(admin: Staff, slug: str, condition: Callable[[Any], bool], seconds: int = 40) -> Any:
    """Ask for the stream until it is as it should be."""
    stream: Any = None
    for _ in range(seconds * 2):
        stream = await admin.done("GET", f"/api/v1/activities/{slug}/stream")
        if condition(stream):
            return stream
        await asyncio.sleep(0.5)
    raise AssertionError(f"the stream stays at {stream}")


async def test_three_layers_and_the_sound_alone(
    service: ServiceProcess, admin: Staff, browser: Browser, pictures: Path
) -> None:
    errors: list[str] = []
    slug = await admin.own_activity("多层画面")
    console = await open_page(browser, f"{service.url}/console/{slug}", DESKTOP, errors)
    await console.get_by_test_id("login-username").fill("admin")
    await console.get_by_test_id("login-password").fill(ADMIN_PASSWORD)
    await console.get_by_test_id("login-submit").click()
    await console.get_by_test_id("activity-start").click()
    await console.get_by_test_id("publish-camera").click()
    await expect(console.get_by_test_id("publish-state")).to_have_attribute("data-state", "live", timeout=20_000)
    stream = await settled(admin, slug, lambda now: len([layer for layer in now["layers"] if layer["height"]]) == 3)
    assert [layer["height"] for layer in stream["layers"]] == [180, 360, 720]

    phone = await open_page(browser, "about:blank", PHONE, errors)
    await phone.add_init_script(KEEP)
    await phone.goto(f"{service.url}/a/{slug}")
    decoded = await watch_frames(phone)
    # The way is good: the phone comes to the highest layer, without an interruption.
    await settled(admin, slug, lambda now: now["layers"][-1]["viewers"] == 1)
    for _ in range(100):
        received = await phone.evaluate(RECEIVED)
        if received["height"] == 720:
            break
        await phone.wait_for_timeout(200)
    assert received["height"] == 720
    await watch_frames(phone, decoded + 30)
    await expect(console.get_by_test_id("stream-health")).to_contain_text("清晰度分布")
    await console.screenshot(path=pictures / "layers-console.png")

    # The sound alone: nothing more of the picture arrives, and it comes back when it is wanted.
    await phone.get_by_test_id("sound-alone").click()
    await expect(phone.get_by_test_id("sound-alone-note")).to_be_visible()
    await settled(admin, slug, lambda now: now["sound_alone"] == 1)
    before = await phone.evaluate(RECEIVED)
    await phone.wait_for_timeout(1500)
    after = await phone.evaluate(RECEIVED)
    assert after["video"] == before["video"]
    assert after["audio"] > before["audio"]
    await phone.screenshot(path=pictures / "sound-alone-phone.png")
    await phone.get_by_test_id("picture-again").click()
    await expect(phone.get_by_test_id("sound-alone-note")).to_have_count(0)
    for _ in range(100):
        again = await phone.evaluate(RECEIVED)
        if again["frames"] > after["frames"] + 10:
            break
        await phone.wait_for_timeout(200)
    assert again["frames"] > after["frames"] + 10
    assert errors == []
    for page in (console, phone):
        await page.context.close()


OPEN = """async () => {
  const connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  window.connections = [connection];
  connection.addTransceiver('video', { direction: 'recvonly' });
  await connection.setLocalDescription(await connection.createOffer());
  return connection.localDescription.sdp;
}"""
ANSWER = "(sdp) => window.connections[0].setRemoteDescription({ type: 'answer', sdp })"


async def test_chromium_repairs_by_rtx_and_says_what_it_can_receive(browser: Browser) -> None:
    house = await House().start()
    wire = await Wire(house.port.number, loss=0.1, seed=6).open()
    page = await browser.new_page()
    try:
        sender = await house.on_air()
        session = await house.open("watch", await page.evaluate(OPEN))
        await page.evaluate(ANSWER, wire.rewrite(session.sdp))
        await house.until(lambda: house.watching == 1, 15)
        (viewer,) = house.relay._broadcasts["k04"].viewers
        received: dict[str, int] = {}
        for turn in range(600):
            sender.frame(900, 900, 300, keyframe=turn % 30 == 0)
            await asyncio.sleep(0.02)
            if turn % 50 == 49:
                received = await page.evaluate(RECEIVED)
                if received["repaired"] > 20 and viewer.estimate is not None:
                    break
        assert received["repaired"] > 20, "it took packets from the stream for repairs"
        assert house.relay.counters["packets resent by rtx"] == house.relay.counters["packets resent"] > 20
        assert viewer.estimate is not None
        assert viewer.estimate > 50_000
    finally:
        await page.close()
        wire.close()
        await house.close()


SEND_VP8 = """async () => {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 1280, height: 720 } });
  const connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  window.connections = [connection];
  const sendEncodings = [['l', 4], ['m', 2], ['h', 1]].map(([rid, scaleResolutionDownBy]) => ({
    rid, scaleResolutionDownBy, maxBitrate: 1800000 / scaleResolutionDownBy ** 2,
  }));
  const sender = connection.addTransceiver(stream.getTracks()[0], { direction: 'sendonly', sendEncodings });
  const { codecs } = RTCRtpSender.getCapabilities('video');
  sender.setCodecPreferences(codecs.filter((codec) => ['video/VP8', 'video/rtx'].includes(codec.mimeType)));
  await connection.setLocalDescription(await connection.createOffer());
  return connection.localDescription.sdp;
}"""


async def test_chromium_sends_layers_of_vp8_and_plays_them_as_one_picture(browser: Browser) -> None:
    house = await House().start()
    context = await browser.new_context(permissions=["camera", "microphone"])
    sending, watching = await context.new_page(), await context.new_page()
    try:
        # Only a secure page may use a camera.
        await context.route(
            "https://camera.test/", lambda route: route.fulfill(content_type="text/html", body="camera")
        )
        await sending.goto("https://camera.test/")
        await watching.goto("about:blank")
        session = await house.open("publish", await sending.evaluate(SEND_VP8))
        assert "VP8/90000" in session.sdp
        assert "a=simulcast:recv l;m;h" in session.sdp
        await sending.evaluate(ANSWER, session.sdp)
        await house.until(lambda: house.events and house.events[-1][1], 20)
        broadcast = house.relay._broadcasts["k04"]
        await house.until(lambda: len(broadcast.tracks) == 3, 20)

        session = await house.open("watch", await watching.evaluate(OPEN))
        await watching.evaluate(ANSWER, session.sdp)
        seen: list[int] = []
        frames: list[int] = []
        for _ in range(300):
            received = await watching.evaluate(RECEIVED)
            if received["height"] and received["height"] not in seen:
                seen.append(received["height"])
            frames.append(received["frames"])
            if received["height"] == 720 and frames[-1] > 60:
                break
            await asyncio.sleep(0.2)
        assert seen[-1] == 720, "its way is good: it comes to the highest layer"
        assert len(seen) >= 2, "from another one"
        stats = (await house.client.call("stats"))["activities"]["k04"]
        assert [layer["height"] for layer in stats["layers"]] == [180, 360, 720]
        # A change of layer is at a keyframe, under numbers that go on: the decoder goes on as well.
        assert frames == sorted(frames)
        for _ in range(100):
            received = await watching.evaluate(RECEIVED)
            if received["frames"] > frames[-1] + 30:
                break
            await asyncio.sleep(0.2)
        assert received["frames"] > frames[-1] + 30
    finally:
        await context.close()
        await house.close()
