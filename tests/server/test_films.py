"""A film at its hour: uploaded in pieces, planned, broadcast as if live, taken up again after a restart, over."""

import asyncio
import io
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from server.config import Settings
from server.serve import prepare
from streaming.clip import make_clip
from streaming.publish import publish
from tests.server.films import make_film, seconds_in
from tests.server.test_service_year import serving
from tests.service import ADMIN_PASSWORD, ServiceProcess, Staff, free_media_port, free_port

SECONDS = 50
NAME = "政府采购系列短片.mp4"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A film of 50 seconds."""
    return make_film(tmp_path_factory.mktemp("film") / "film.mp4", seconds=SECONDS).read_bytes()


class Clock:
    """A clock that goes by itself, and can be put forward."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def go_to(self, moment: datetime) -> None:
        self.ahead = moment - datetime.now(UTC)


async def send(staff: Staff, slug: str, film: bytes, *, piece: int = 1 << 20, offset: int = 0) -> Any:
    """Upload a film in pieces from `offset` on; returns what the service says at the end."""
    path = f"/api/v1/activities/{slug}/film/upload"
    if offset == 0:
        await staff.done("POST", path, {"name": NAME, "size": len(film)})
    answer: Any = None
    while offset < len(film):
        status, answer = await put(staff, path, offset, film[offset : offset + piece])
        assert status == 200, answer
        offset += piece
    return answer


async def put(staff: Staff, path: str, offset: int, content: bytes) -> tuple[int, Any]:
    """Send one piece."""
    async with staff._session.put(
        path,
        params={"offset": str(offset)},
        data=io.BytesIO(content),
        headers={"Content-Type": "application/octet-stream"},
    ) as answer:
        return answer.status, await answer.json()


async def until(look: Callable[[], Awaitable[Any]], seconds: float = 30) -> Any:
    """What `look` returns once it is something."""
    async with asyncio.timeout(seconds):
        while not (found := await look()):
            await asyncio.sleep(0.2)
    return found


async def phase(staff: Staff, slug: str, wanted: str, seconds: float = 30) -> Any:
    """The film's view once it is in that phase."""

    async def look() -> Any:
        view = await staff.done("GET", f"/api/v1/activities/{slug}/film")
        return view if view["phase"] == wanted else None

    return await until(look, seconds)


async def shown(url: str, slug: str) -> tuple[list[int], datetime]:
    """Which seconds of the film the newest segment shows, and when it began."""
    async with aiohttp.ClientSession(url) as session:

        async def playlist() -> str | None:
            async with session.get(f"/hls/{slug}/index.m3u8") as answer:
                return await answer.text() if answer.status == 200 else None

        text = await until(playlist)
        moment = datetime.fromisoformat(re.findall(r"PROGRAM-DATE-TIME:(\S+)", text)[-1])
        media = b""
        for name in (re.findall(r'MAP:URI="([^"]+)"', text)[-1], re.findall(r"^\S+\.m4s$", text, re.MULTILINE)[-1]):
            async with session.get(f"/hls/{slug}/{name}") as answer:
                media += await answer.read()
    return seconds_in(media), moment


@asynccontextmanager
async def service_of(folder: Path, clock: Clock, port: int, media_port: int) -> AsyncIterator[Staff]:
    settings = Settings(data_dir=folder, http_port=port, media_port=media_port, admin_password=ADMIN_PASSWORD)
    await prepare(settings)
    async with serving(settings, clock) as running:  # type: ignore[arg-type]  # this file's own clock, which runs
        staff = await Staff.sign_in(running)
        try:
            yield staff
        finally:
            await staff.close()


async def test_a_film_is_broadcast_at_its_hour_as_if_live(tmp_path: Path, film: bytes) -> None:
    clock = Clock()
    clock.go_to(datetime(2023, 9, 26, 19, tzinfo=UTC))
    hour = datetime(2023, 9, 27, 6, tzinfo=UTC)
    place = (tmp_path / "data", clock, free_port(socket.SOCK_STREAM), free_media_port())
    slug, url = "j02", f"http://127.0.0.1:{place[2]}"
    path = f"/api/v1/activities/{slug}"
    # The unit of lecture 2 uploads its film hours before. The line breaks in the middle; it goes on from there.
    async with service_of(*place) as staff:
        await staff.done("PATCH", path, {"starts_at": hour.isoformat(), "reason": "定下时间"})
        assert (await staff.done("GET", f"{path}/film"))["phase"] == "none"
        await staff.done("POST", f"{path}/film/upload", {"name": NAME, "size": len(film)})
        status, view = await put(staff, f"{path}/film/upload", 0, film[:20_000])
        assert (status, view["upload"]["received"]) == (200, 20_000)
        status, problem = await put(staff, f"{path}/film/upload", 30_000, film[30_000:])
        assert (status, problem["error"]["code"]) == (409, "wrong_offset")
    async with service_of(*place) as staff:
        view = await staff.done("GET", f"{path}/film")
        assert view["upload"] == {"name": NAME, "size": len(film), "received": 20_000}
        view = await send(staff, slug, film, offset=20_000)
        assert (view["phase"], view["name"], view["upload"]) == ("ready", NAME, None)
        assert view["seconds"] == pytest.approx(SECONDS, abs=0.3)
        view = await staff.done("PUT", f"{path}/film", {"planned": True, "ends_activity": True})
        assert view["phase"] == "planned"
        clock.go_to(hour - timedelta(seconds=1))
        view = await phase(staff, slug, "playing")
        assert (await staff.done("GET", path))["state"] == "live"
        began = datetime.fromisoformat(view["began_at"])
        assert hour <= began < hour + timedelta(seconds=20)
        seconds, _ = await shown(url, slug)
        assert 0 <= seconds[0] < 20
    # The service is away for some seconds; the film goes on where it would be by then.
    clock.ahead += timedelta(seconds=15)
    async with service_of(*place) as staff:
        await phase(staff, slug, "playing")
        await until(lambda: _whole(url, slug))
        seconds, moment = await shown(url, slug)
        expected = (moment + clock.ahead - began).total_seconds()
        assert abs(seconds[0] - expected) <= 2
        # It ends, and the activity with it, as the unit wished.
        await phase(staff, slug, "finished", 60)
        await until(lambda: _state(staff, path, "ended"))
        acts = (await staff.done("GET", f"{path}/history"))["history"]
        notes = [act["note"] for act in reversed(acts) if act["act"] == "film"]
        assert notes == [f"上传：{NAME}", "定时播出", f"开始播出：{NAME}", f"播放完毕：{NAME}"]


async def _whole(url: str, slug: str) -> bool:
    async with aiohttp.ClientSession(url) as session, session.get(f"/hls/{slug}/index.m3u8") as answer:
        return answer.status == 200 and "DISCONTINUITY\n" not in (await answer.text())


async def _state(staff: Staff, path: str, state: str) -> bool:
    return bool((await staff.done("GET", path))["state"] == state)


async def test_a_host_plays_a_film_now_and_stops_it(admin: Staff, film: bytes) -> None:
    slug = await admin.own_activity("现在播出")
    path = f"/api/v1/activities/{slug}"
    status, problem = await admin.call("POST", f"{path}/film/play")
    assert (status, problem["error"]["code"]) == (404, "not_found")
    await send(admin, slug, film, piece=17_000)
    status, problem = await admin.call("PUT", f"{path}/film", {"planned": True})
    assert (status, problem["error"]["code"]) == (409, "no_hour")
    assert (await admin.done("POST", f"{path}/film/play"))["phase"] == "starting"
    view = await phase(admin, slug, "playing")
    assert (await admin.done("GET", path))["state"] == "live"
    assert 0 < view["second"] < 30
    for method, suffix, body in (
        ("POST", "/play", None),
        ("DELETE", "", None),
        ("POST", "/upload", {"name": "别的", "size": 9}),
    ):
        status, problem = await admin.call(method, f"{path}/film{suffix}", body)
        assert (status, problem["error"]["code"]) == (409, "playing")
    assert (await admin.done("POST", f"{path}/film/stop"))["phase"] == "stopped"
    await until(lambda: _off_air(admin, path))
    assert (await admin.done("GET", path))["state"] == "live", "a host who stops the film still speaks to people"
    assert (await admin.call("POST", f"{path}/film/stop"))[1]["error"]["code"] == "not_playing"
    assert (await admin.call("DELETE", f"{path}/film"))[0] == 204
    assert (await admin.done("GET", f"{path}/film"))["phase"] == "none"


async def _off_air(staff: Staff, path: str) -> bool:
    return not (await staff.done("GET", path))["on_air"]


async def test_a_film_cuts_nobody_off(service: ServiceProcess, admin: Staff, film: bytes, tmp_path: Path) -> None:
    slug = await admin.own_activity("先来后到")
    path = f"/api/v1/activities/{slug}"
    await send(admin, slug, film)
    clip = tmp_path / "clip.mkv"
    make_clip(clip, seconds=2)
    token = (await admin.done("GET", f"{path}/publish-token"))["token"]
    hour = (datetime.now(UTC) + timedelta(seconds=6)).isoformat()
    await admin.done("PATCH", path, {"starts_at": hour, "reason": "定下时间"})
    await admin.done("PUT", f"{path}/film", {"planned": True})
    camera = asyncio.create_task(publish(str(clip), f"{service.url}/whip/{slug}", token, loop=True))
    try:
        await until(lambda: _on_air(admin, path))
        status, problem = await admin.call("POST", f"{path}/film/play")
        assert (status, problem["error"]["code"]) == (409, "already_publishing")

        async def waiting() -> Any:
            view = await admin.done("GET", f"{path}/film")
            return view if view["problem"] == "taken" else None

        assert (await until(waiting))["phase"] == "starting"
    finally:
        camera.cancel()
        await asyncio.gather(camera, return_exceptions=True)
    view = await phase(admin, slug, "playing")
    assert view["problem"] is None
    await admin.done("POST", f"{path}/film/stop")


async def _on_air(staff: Staff, path: str) -> bool:
    return not await _off_air(staff, path)


async def test_what_a_line_brought_before_it_broke_is_kept(service: ServiceProcess, admin: Staff) -> None:
    slug = await admin.own_activity("断线续传")
    path = f"/api/v1/activities/{slug}/film"
    await admin.done("POST", f"{path}/upload", {"name": NAME, "size": 500_000})
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    head = f"PUT {path}/upload?offset=0 HTTP/1.1\r\nHost: x\r\nCookie: {admin.cookie}\r\nContent-Length: 500000\r\n"
    writer.write(f"{head}Content-Type: application/octet-stream\r\n\r\n".encode() + bytes(300_000))
    await writer.drain()
    await asyncio.sleep(0.5)
    writer.close()
    assert await reader.read() == b""

    async def kept() -> bool:
        return bool((await admin.done("GET", path))["upload"]["received"] == 300_000)

    await until(kept)


async def test_what_cannot_be_a_film_is_refused_in_words(admin: Staff, tmp_path: Path) -> None:
    slug = await admin.own_activity("不是影片")
    path = f"/api/v1/activities/{slug}/film/upload"
    status, problem = await admin.call("POST", path, {"name": "太大.mp4", "size": 10**12})
    assert (status, problem["error"]["code"]) == (413, "too_large")
    status, problem = await put(admin, path, 0, b"nothing was announced")
    assert status == 404
    await admin.done("POST", path, {"name": "列表.mp4", "size": 40})
    status, problem = await put(admin, path, 0, b"x" * 41)
    assert (status, problem["error"]["code"]) == (400, "bad_file")
    await admin.done("POST", path, {"name": "列表.mp4", "size": 34})
    status, problem = await put(admin, path, 0, b"#EXTM3U\n#EXTINF:1,\nfile:///etc/pas")
    assert (status, problem["error"]["code"]) == (400, "bad_file")
    view = await admin.done("GET", f"/api/v1/activities/{slug}/film")
    assert (view["phase"], view["upload"]) == ("none", None)


async def test_another_unit_reaches_neither_the_film_nor_a_recording(service: ServiceProcess, admin: Staff) -> None:
    slug = await admin.own_activity("采育的影片")
    theirs = await admin.own_activity("榆垡的活动", unit="yufa")
    account = {"username": "film-yufa", "name": "榆垡主持", "role": "staff", "unit": "yufa"}
    password = (await admin.done("POST", "/api/v1/accounts", account))["password"]
    stranger = await Staff.sign_in(service, "film-yufa", password)
    try:
        for method, suffix, body in (
            ("GET", "", None),
            ("PUT", "", {"planned": True}),
            ("DELETE", "", None),
            ("POST", "/upload", {"name": "a.mp4", "size": 5}),
            ("POST", "/recording", {"activity": theirs}),
            ("POST", "/play", None),
            ("POST", "/stop", None),
        ):
            status, _ = await stranger.call(method, f"/api/v1/activities/{slug}/film{suffix}", body)
            assert status == 403, suffix
        path = f"/api/v1/activities/{theirs}/film/recording"
        assert (await stranger.call("POST", path, {"activity": slug}))[0] == 403
        assert (await stranger.call("POST", path, {"activity": theirs}))[0] == 404
    finally:
        await stranger.close()


async def test_a_recording_becomes_a_film(service: ServiceProcess, admin: Staff, film: bytes) -> None:
    first, second = await admin.own_activity("上一期"), await admin.own_activity("重播")
    await send(admin, first, film)
    await admin.done("POST", f"/api/v1/activities/{first}/film/play")

    async def recorded() -> bool:
        view = await admin.done("GET", f"/api/v1/activities/{first}/recording")
        return bool(view["seconds"] >= 3)

    await until(recorded)
    await admin.done("POST", f"/api/v1/activities/{first}/state", {"state": "ended"})
    await phase(admin, first, "stopped")

    async def taken() -> Any:
        status, view = await admin.call("POST", f"/api/v1/activities/{second}/film/recording", {"activity": first})
        return view if status == 200 else None

    view = await until(taken)
    assert (view["phase"], view["name"], view["width"]) == ("ready", "上一期（录像）", 160)
    assert view["seconds"] >= 2.5
    # It stays when the recording is deleted.
    await admin.done("DELETE", f"/api/v1/activities/{first}/recording")
    assert (await admin.done("POST", f"/api/v1/activities/{second}/film/play"))["phase"] == "starting"
    await phase(admin, second, "playing")
    await admin.done("POST", f"/api/v1/activities/{second}/film/stop")


async def test_a_line_that_breaks_in_a_piece_keeps_what_came(
    service: ServiceProcess, admin: Staff, film: bytes
) -> None:
    slug = await admin.own_activity("线路断了")
    size = 3 * 1024 * 1024
    await admin.done("POST", f"/api/v1/activities/{slug}/film/upload", {"name": NAME, "size": size})
    _, writer = await asyncio.open_connection("127.0.0.1", service.port)
    head = (
        f"PUT /api/v1/activities/{slug}/film/upload?offset=0 HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\n"
        f"Cookie: {admin.cookie}\r\nContent-Type: application/octet-stream\r\nContent-Length: {size}\r\n\r\n"
    )
    writer.write(head.encode() + bytes(2 * 1024 * 1024))
    await writer.drain()

    async def received(least: int) -> bool:
        view = await admin.done("GET", f"/api/v1/activities/{slug}/film")
        return bool(view["upload"]["received"] >= least)

    await until(lambda: received(1024 * 1024))
    writer.transport.abort()
    # It goes on from there, from another page.
    view = await admin.done("GET", f"/api/v1/activities/{slug}/film")

    async def goes_on() -> bool:
        offset = (await admin.done("GET", f"/api/v1/activities/{slug}/film"))["upload"]["received"]
        status, problem = await put(admin, f"/api/v1/activities/{slug}/film/upload", offset, bytes(1000))
        assert status == 200 or problem["error"]["code"] in {"busy", "wrong_offset"}
        return status == 200

    await until(goes_on)
    view = await admin.done("GET", f"/api/v1/activities/{slug}/film")
    assert view["upload"]["received"] > 1024 * 1024
    assert "Traceback" not in service.log.read_text()
    # A new file forgets it.
    await send(admin, slug, film)
    assert (await admin.done("GET", f"/api/v1/activities/{slug}/film"))["phase"] == "ready"


async def test_one_films_fault_keeps_no_other_from_its_hour(
    tmp_path: Path, film: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = (tmp_path / "data", Clock(), free_port(socket.SOCK_STREAM), free_media_port())

    async def broken(source: str, whip_url: str, token: str, **options: Any) -> None:
        if "j01" in whip_url:
            raise ValueError("a line that is no JSON")
        await publish(source, whip_url, token, **options)

    monkeypatch.setattr("server.films.publish", broken)
    async with service_of(*place) as staff:
        for slug in ("j01", "j02"):
            await send(staff, slug, film)
            await staff.done("POST", f"/api/v1/activities/{slug}/film/play")
        await phase(staff, "j02", "playing")
        assert (await staff.done("GET", "/api/v1/activities/j01/film"))["phase"] == "starting"
        monkeypatch.undo()
        await phase(staff, "j01", "playing")
