"""A recording from outside: made, finished, released, replayed; a service that is killed loses a moment."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, expect

from streaming.publish import publish
from tests.browser.test_story import DESKTOP, PHONE, open_page
from tests.citizen import citizen
from tests.hls.test_recording import ffprobe
from tests.hls.test_service import clip
from tests.service import ADMIN_PASSWORD, ServiceProcess, Staff

__all__ = ["clip"]


@asynccontextmanager
async def publishing(service: ServiceProcess, admin: Staff, slug: str, clip: Path) -> AsyncIterator[None]:
    """The clip on air, round and round."""
    token = (await admin.done("GET", f"/api/v1/activities/{slug}/publish-token"))["token"]
    task = asyncio.create_task(publish(str(clip), f"{service.url}/whip/{slug}", token, loop=True))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(look: Callable[[], Awaitable[Any]], seconds: float = 40) -> Any:
    """What `look` returns once it is something."""
    async with asyncio.timeout(seconds):
        while not (found := await look()):
            await asyncio.sleep(0.2)
    return found


async def recording(admin: Staff, slug: str) -> dict[str, Any]:
    """What staff sees of it."""
    answer: dict[str, Any] = await admin.done("GET", f"/api/v1/activities/{slug}/recording")
    return answer


async def recorded(admin: Staff, slug: str, seconds: float) -> None:
    """Wait until so much is kept."""
    await until(lambda: _longer(admin, slug, seconds))


async def _longer(admin: Staff, slug: str, seconds: float) -> bool:
    return bool((await recording(admin, slug))["seconds"] >= seconds)


async def finished(admin: Staff, slug: str) -> dict[str, Any]:
    """The recording once it is one file."""

    async def look() -> dict[str, Any] | None:
        found = await recording(admin, slug)
        assert found["state"] != "failed"
        return found if found["state"] == "ready" else None

    answer: dict[str, Any] = await until(look)
    return answer


async def release_in_the_console(service: ServiceProcess, browser: Browser, pictures: Path, slug: str) -> None:
    """A host lets the public see it."""
    errors: list[str] = []
    page = await open_page(browser, f"{service.url}/console/{slug}", DESKTOP, errors)
    await page.get_by_test_id("login-username").fill("admin")
    await page.get_by_test_id("login-password").fill(ADMIN_PASSWORD)
    await page.get_by_test_id("login-submit").click()
    await expect(page.get_by_test_id("recording")).to_have_attribute("data-state", "ready", timeout=20_000)
    await page.get_by_test_id("recording-release").scroll_into_view_if_needed()
    await page.screenshot(path=pictures / "recording-console.png")
    await page.get_by_test_id("recording-release").click()
    await expect(page.get_by_test_id("recording")).to_contain_text("由 管理员 公开")
    assert errors == []
    await page.context.close()


async def replay_on_a_phone(
    service: ServiceProcess, browser: Browser, pictures: Path, slug: str, answered: float
) -> None:
    """A citizen goes to the answer, and the picture moves on from there."""
    errors: list[str] = []
    page = await open_page(browser, f"{service.url}/a/{slug}", PHONE, errors)
    await page.get_by_test_id("replay-questions").click()
    await page.get_by_role("button", name="录像里能看到这个问题吗？").click()
    moved = "at => { const video = document.querySelector('[data-testid=replay]'); return video.currentTime > at }"
    await page.wait_for_function(moved, arg=answered + 0.3, timeout=20_000)
    await page.get_by_role("button", name="随画面").click()
    await expect(page.get_by_test_id("replay-mark")).to_have_count(2)
    await page.screenshot(path=pictures / "replay-phone.png")
    await page.set_viewport_size({"width": 1280, "height": 800})
    await page.screenshot(path=pictures / "replay-desktop.png")
    assert errors == []
    await page.context.close()


async def from_the_outcomes_to_the_second(
    service: ServiceProcess, browser: Browser, slug: str, answered: float
) -> None:
    """The published answer leads to its second, on the page and by its address."""
    errors: list[str] = []
    moved = "at => { const video = document.querySelector('[data-testid=replay]'); return video?.currentTime > at }"
    page = await open_page(browser, f"{service.url}/a/{slug}#outcomes", PHONE, errors)
    link = page.get_by_test_id("outcome-second")
    await link.click()
    await page.wait_for_function(moved, arg=answered, timeout=20_000)
    href = await link.get_attribute("href")
    assert href == f"/a/{slug}#t={int(answered)}"
    await page.context.close()
    page = await open_page(browser, f"{service.url}{href}", DESKTOP, errors)
    await page.wait_for_function(moved, arg=int(answered), timeout=20_000)
    assert errors == []
    await page.context.close()


async def test_a_recording_is_seen_by_nobody_before_it_is_released(
    service: ServiceProcess, admin: Staff, clip: Path, tmp_path: Path, browser: Browser, pictures: Path
) -> None:
    slug = await admin.own_activity("有录像的开放日")
    path = f"/api/v1/activities/{slug}"
    await admin.done("POST", f"{path}/state", {"state": "live"})
    async with publishing(service, admin, slug, clip), aiohttp.ClientSession(service.url) as public:
        await recorded(admin, slug, 2)
        phone = await citizen(service.url, slug).connect()
        ids = []
        for kind, text in (("question", "录像里能看到这个问题吗？"), ("comment", "画面很清楚")):
            said = await phone.call(kind, {"key": kind, "text": text, "nickname": "小林"})
            assert said["ok"], said
            ids.append(said["id"])
        await phone.close()
        for entry in ids:
            await admin.call("POST", f"/api/v1/entries/{entry}/acts", {"act": "approve"})
        await admin.done("POST", f"/api/v1/entries/{ids[0]}/acts", {"act": "answer", "mode": "live", "text": ""})
        async with public.get("/metrics") as answer:
            assert re.search(rf'minsheng_packager{{activity="{slug}",what="recording"}} 1', await answer.text())
        await admin.done("POST", f"{path}/restreams", {"name": "别处", "url": "rtmp://127.0.0.1:9/live/key"})
        await recorded(admin, slug, 5)

        async def refused() -> bool:
            elsewhere = (await admin.done("GET", f"{path}/restreams"))["restreams"][0]
            return bool(elsewhere["state"] == "retrying" and elsewhere["error"])

        await until(refused)
        status, problem = await admin.call("PUT", f"{path}/recording", {"released": True})
        assert (status, problem["error"]["code"]) == (409, "not_ready")
        await admin.done("POST", f"{path}/state", {"state": "ended"})
        ready = await finished(admin, slug)
        for closed in (f"{path}/replay", f"{path}/recording.mp4", f"/hls/{slug}/index.m3u8", f"{path}/recording/file"):
            async with public.get(closed) as answer:
                assert answer.status == (401 if closed.endswith("/file") else 404)
        preview = tmp_path / "preview.mp4"
        preview.write_bytes(await admin.download(f"{path}/recording/file"))
        assert hashlib.sha256(preview.read_bytes()).hexdigest() == ready["sha256"]
        probed = ffprobe(preview, "-show_entries", "stream=codec_name:format=duration")
        assert {stream["codec_name"] for stream in probed["streams"]} == {"h264", "aac"}
        assert float(probed["format"]["duration"]) == pytest.approx(ready["seconds"], abs=0.2)

        await release_in_the_console(service, browser, pictures, slug)
        assert (await recording(admin, slug))["released_by"] == "管理员"
        async with public.get(f"{path}/recording.mp4", headers={"Range": "bytes=4-7"}) as answer:
            assert (answer.status, await answer.read()) == (206, b"ftyp")
        async with public.get(f"/hls/{slug}/index.m3u8") as answer:
            whole = await answer.text()
            assert whole.endswith("#EXT-X-ENDLIST\n")
            assert "#EXT-X-PLAYLIST-TYPE:VOD" in whole
        async with public.get(f"/hls/{slug}/{re.findall(r'^.*m4s$', whole, re.M)[-1]}") as answer:
            assert answer.status == 200
        async with public.get(f"{path}/replay") as answer:
            replay = await answer.json()
        assert replay["seconds"] == ready["seconds"]
        assert [mark["text"] for mark in replay["marks"]] == ["录像里能看到这个问题吗？", "画面很清楚"]
        asked, shown = replay["marks"]
        assert 0 < asked["at"] <= shown["at"] <= asked["answered"] <= ready["seconds"]
        assert shown["answered"] is None
        await replay_on_a_phone(service, browser, pictures, slug, asked["answered"])
        await admin.done("POST", f"{path}/outcomes")
        await from_the_outcomes_to_the_second(service, browser, slug, asked["answered"])

        await admin.done("PUT", f"{path}/recording", {"released": False})
        async with public.get(f"{path}/replay") as answer:
            assert answer.status == 404
        await admin.done("DELETE", f"{path}/recording")
        assert (await recording(admin, slug))["state"] == "none"
        assert not (service.data_dir / "recordings" / slug).exists()


async def test_what_a_unit_does_not_allow_is_not_recorded(service: ServiceProcess, admin: Staff, clip: Path) -> None:
    slug = await admin.own_activity("不录像的开放日")
    path = f"/api/v1/activities/{slug}"
    await admin.done("PUT", f"{path}/recording", {"allowed": False})
    await admin.done("POST", f"{path}/state", {"state": "live"})
    async with publishing(service, admin, slug, clip), aiohttp.ClientSession(service.url) as public:

        async def listed() -> bool:
            async with public.get(f"/hls/{slug}/index.m3u8") as answer:
                return answer.status == 200

        await until(listed)
        assert (await recording(admin, slug))["seconds"] == 0
        await admin.done("PUT", f"{path}/recording", {"allowed": True})
        await recorded(admin, slug, 1)
        await admin.done("POST", f"{path}/state", {"state": "ended"})
    await finished(admin, slug)


async def test_a_killed_service_finishes_what_it_recorded(tmp_path: Path, clip: Path) -> None:
    service = ServiceProcess(tmp_path / "data").start()
    try:
        admin = await Staff.sign_in(service)
        slug = "k05"
        path = f"/api/v1/activities/{slug}"
        await admin.done("POST", f"{path}/state", {"state": "live"})
        async with publishing(service, admin, slug, clip):
            await recorded(admin, slug, 3)
            service.kill()
        await admin.close()
        service.start()
        admin = await Staff.sign_in(service)

        async def put_away() -> bool:
            return (service.data_dir / "recordings" / slug).exists()

        await until(put_away)
        await admin.done("POST", f"{path}/state", {"state": "ended"})
        ready = await finished(admin, slug)
        assert ready["seconds"] >= 3
        await admin.close()
    finally:
        service.stop()
