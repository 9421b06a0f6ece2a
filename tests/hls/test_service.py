"""HLS from outside: a broadcast published through WHIP, its playlist, and a browser without WebRTC."""

import asyncio
import io
import re
import socket
from collections.abc import AsyncIterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import aiohttp
import av
import pytest
from playwright.async_api import Browser, Route, expect

from streaming.clip import make_clip
from streaming.publish import publish
from tests.browser.test_story import DESKTOP, open_page, watch_frames
from tests.service import ServiceProcess, Staff

SLUG = "k14"
BY_SEGMENTS = "document.querySelector('[data-testid=player]').srcObject === null"
PLAYED = "document.querySelector('[data-testid=player]').currentTime"


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of four seconds."""
    path = tmp_path_factory.mktemp("hls") / "clip.mkv"
    make_clip(path, seconds=4)
    return path


@pytest.fixture
async def on_air(service: ServiceProcess, admin: Staff, clip: Path) -> AsyncIterator[None]:
    """The activity is live, and the clip on air."""
    if (await admin.done("GET", f"/api/v1/activities/{SLUG}"))["state"] != "live":
        await admin.done("POST", f"/api/v1/activities/{SLUG}/state", {"state": "live"})
    token = (await admin.done("GET", f"/api/v1/activities/{SLUG}/publish-token"))["token"]
    task = asyncio.create_task(publish(str(clip), f"{service.url}/whip/{SLUG}", token, loop=True))
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def playlist(service: ServiceProcess, segments: int) -> str:
    """The playlist, once it has so many segments."""
    async with aiohttp.ClientSession(service.url) as session, asyncio.timeout(30):
        while True:
            async with session.get(f"/hls/{SLUG}/index.m3u8") as answer:
                text = await answer.text()
                if answer.status == 200 and text.count(".m4s") >= segments:
                    assert answer.content_type == "application/vnd.apple.mpegurl"
                    assert answer.headers["Cache-Control"] == "no-cache"
                    assert answer.headers["Access-Control-Allow-Origin"] == "*"
                    return text
            await asyncio.sleep(0.2)


@pytest.mark.usefixtures("on_air")
async def test_a_broadcast_is_there_as_hls(service: ServiceProcess) -> None:
    text = await playlist(service, 3)
    assert "#EXT-X-ENDLIST" not in text
    assert int(re.findall(r"TARGETDURATION:(\d+)", text)[0]) <= 2

    def play() -> tuple[set[str], int]:
        with av.open(f"{service.url}/hls/{SLUG}/index.m3u8") as played:
            kinds = {f"{stream.type} {stream.codec_context.name}" for stream in played.streams}
            frames = 0
            for frame in played.decode(video=0):
                frames += 1
                assert (frame.width, frame.height) == (1280, 720)
                if frames == 30:
                    break
        return kinds, frames

    assert await asyncio.to_thread(play) == ({"video h264", "audio aac"}, 30)


@pytest.mark.usefixtures("on_air")
async def test_the_sound_is_there_alone(service: ServiceProcess) -> None:
    text = await playlist(service, 4)
    media, lengths, wholes = b"", [], []
    async with aiohttp.ClientSession(service.url) as session:
        async with session.get(f"/hls/{SLUG}/sound/index.m3u8") as answer:
            assert answer.status == 200
            sound = await answer.text()
        names = re.findall(r'MAP:URI="([^"]+)"', sound)[-1:] + re.findall(r"^\S+\.m4s$", sound, re.MULTILINE)
        for name in names:
            async with session.get(f"/hls/{SLUG}/sound/{name}") as answer:
                assert (answer.status, answer.content_type) == (200, "audio/mp4")
                part = await answer.read()
                lengths.append(len(part))
                media += part
        for name in re.findall(r"^\S+\.m4s$", text, re.MULTILINE):
            async with session.get(f"/hls/{SLUG}/{name}") as answer:
                wholes.append(len(await answer.read()))
    # Sound and picture begin at the same moment, and the sound costs a small part of it.
    moments = [re.findall(r"PROGRAM-DATE-TIME:(\S+)", of)[-1] for of in (text, sound)]
    apart = datetime.fromisoformat(moments[0]) - datetime.fromisoformat(moments[1])
    assert abs(apart.total_seconds()) < 3
    assert max(lengths) < 20_000 < max(wholes)  # the encoder of a busy machine leaves pictures out
    with av.open(io.BytesIO(media), "r") as played:
        assert [f"{stream.type} {stream.codec_context.name}" for stream in played.streams] == ["audio aac"]
        times = [float(packet.pts * packet.time_base) for packet in played.demux() if packet.pts is not None]
    assert len(times) > 90
    assert {round(later - earlier, 4) for earlier, later in pairwise(times)} == {0.0213}, "no gap and no jump"
    assert sum(float(length) for length in re.findall(r"EXTINF:([\d.]+)", sound)) == pytest.approx(
        times[-1] - times[0] + 0.0213, abs=0.03
    )


@pytest.mark.usefixtures("on_air")
async def test_an_operator_sees_the_relay_at_work(service: ServiceProcess, browser: Browser) -> None:
    await playlist(service, 1)
    errors: list[str] = []
    page = await open_page(browser, f"{service.url}/a/{SLUG}", DESKTOP, errors)
    await watch_frames(page)

    async def sample(name: str) -> float:
        async with aiohttp.ClientSession(service.url) as session, session.get("/metrics") as answer:
            lines = (await answer.text()).splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} ")), -1.0)

    async with asyncio.timeout(20):
        while await sample(f'minsheng_relay_viewers{{activity="{SLUG}"}}') != 1:
            await asyncio.sleep(0.2)
    assert await sample(f'minsheng_relay_publishing{{activity="{SLUG}"}}') == 1
    assert await sample(f'minsheng_relay_publisher_packets_lost{{activity="{SLUG}"}}') == 0
    for what in ("packets received", "packets sent"):
        assert await sample(f'minsheng_relay_events_total{{what="{what}"}}') > 0
    for what in (
        "nacks sent",
        "nacks received",
        "packets resent",
        "keyframe requests sent",
        "keyframe requests received",
    ):
        assert await sample(f'minsheng_relay_events_total{{what="{what}"}}') >= 0
    # A batch is a frame: each was handed to every viewer within half a second, and most within a few milliseconds.
    batches = await sample("minsheng_relay_delay_seconds_count")
    assert batches > 20
    assert await sample('minsheng_relay_delay_seconds_bucket{le="+Inf"}') >= batches
    assert await sample("minsheng_relay_delay_seconds_sum") > 0
    # What is no media is dropped, and said by its cause.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(b"\x80" + bytes(60), ("127.0.0.1", service.media_port))
    async with asyncio.timeout(20):
        while await sample('minsheng_relay_dropped_total{cause="unknown sender"}') < 1:
            await asyncio.sleep(0.2)
    assert errors == []
    await page.context.close()


async def test_other_names_are_not_found(service: ServiceProcess) -> None:
    async with aiohttp.ClientSession(service.url) as session:
        for name in (
            "../../secret.key",
            "%2e%2e/secret.key",
            "index.m3u8.tmp",
            "sound",
            "sound/../x",
            "abc-1.ts",
            "-init.mp4",
            "zz-1.m4s",
        ):
            async with session.get(f"/hls/{SLUG}/{name}") as answer:
                assert answer.status == 404
        async with session.get("/hls/j01/index.m3u8") as answer:
            assert answer.status == 404
            assert (await answer.json())["error"]["code"] == "not_found"
        async with session.get("/hls/nowhere/index.m3u8") as answer:
            assert answer.status == 404


@pytest.mark.usefixtures("on_air")
async def test_a_browser_without_webrtc_plays_it(service: ServiceProcess, browser: Browser, pictures: Path) -> None:
    await playlist(service, 2)
    errors: list[str] = []
    page = await open_page(browser, "about:blank", DESKTOP, errors)
    await page.add_init_script("delete window.RTCPeerConnection; delete window.webkitRTCPeerConnection")
    await page.goto(f"{service.url}/a/{SLUG}")
    await expect(page.get_by_test_id("state")).to_contain_text("直播中")
    decoded = await watch_frames(page)
    decoded = await watch_frames(page, decoded + 20)
    await page.screenshot(path=pictures / "hls-desktop.png")

    # 省流量: the sound alone, of which a second is some kilobytes, and the picture again.
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    await page.get_by_test_id("sound-alone").click()
    await expect(page.get_by_test_id("sound-alone-note")).to_be_visible(timeout=20_000)
    began = await page.evaluate(PLAYED)
    while await page.evaluate(PLAYED) < began + 2:
        await page.wait_for_timeout(100)
    assert any("/sound/" in url and url.endswith(".m4s") for url in fetched)
    fetched.clear()
    await page.wait_for_timeout(2500)
    assert fetched
    assert all("/sound/" in url for url in fetched if "/hls/" in url)
    await page.screenshot(path=pictures / "hls-sound.png")
    await page.get_by_test_id("picture-again").click()
    await expect(page.get_by_test_id("sound-alone-note")).to_have_count(0)
    await watch_frames(page)
    assert errors == []
    await page.context.close()


@pytest.mark.usefixtures("on_air")
async def test_a_full_relay_sends_a_browser_to_the_segments_and_it_comes_back(
    service: ServiceProcess, browser: Browser
) -> None:
    await playlist(service, 3)
    errors: list[str] = []
    page = await open_page(browser, "about:blank", DESKTOP, errors)
    full = {"error": {"code": "full", "message": "观看人数已满，请稍后再试。", "retry_after": 1}}

    async def refuse(route: Route) -> None:
        await route.fulfill(status=503, json=full, headers={"Retry-After": "1"})

    await page.clock.install()
    await page.route("**/whep/**", refuse)
    await page.goto(f"{service.url}/a/{SLUG}")
    decoded = await watch_frames(page)
    assert await page.evaluate(BY_SEGMENTS)
    # There is room again, and five minutes later the browser tries the direct way.
    await page.unroute("**/whep/**", refuse)
    await page.clock.fast_forward(5 * 60_000)
    async with asyncio.timeout(30):
        while await page.evaluate(BY_SEGMENTS):
            await page.wait_for_timeout(200)
    await watch_frames(page, decoded)
    assert errors == []
    await page.context.close()
