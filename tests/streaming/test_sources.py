"""Sources over the network, each from a server of its kind: a camera (RTSP), HLS, SRT; and one that breaks off."""

import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import psutil
import pytest
from aiohttp import web

from streaming.publish import Progress, publish
from streaming.source import SourceError, is_stream, open_source
from streaming.supervisor import PublisherChanged
from tests.hls.test_packaging import access_units
from tests.streaming.conftest import Service
from tests.streaming.peers import H264, OPUS, Peer
from tests.streaming.rtsp import Camera
from tests.streaming.test_publish import BASELINE, make

SHORT = 20


async def pictures(viewer: Peer, wanted: int = SHORT) -> None:
    """Wait until so many pictures have come."""
    await viewer.until(lambda: sum(p.marker for p in viewer.rtp if p.payload_type == H264) >= wanted, 20)


async def on_air(service: Service, source: str, **options: Any) -> "asyncio.Task[None]":
    """Publish a source; returns when it is on air."""
    task = asyncio.create_task(publish(source, service.whip, "host", **options))
    happened = asyncio.create_task(service.happened(PublisherChanged("k04", on_air=True), 25))
    await asyncio.wait({task, happened}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        happened.cancel()
        await task
    await happened
    return task


async def end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def camera(tmp_path: Path) -> AsyncIterator[Camera]:
    """A camera with B-frames, as many cameras have."""
    film = make(tmp_path / "camera.mkv", bf="2", g="25", seconds=2)
    camera = await Camera(list(access_units(film))).start()
    yield camera
    await camera.close()


@pytest.fixture
async def steady(tmp_path: Path) -> AsyncIterator[Camera]:
    """A camera that sends baseline."""
    film = make(tmp_path / "steady.mkv", seconds=2, profile="baseline", bf="0", g="25")
    camera = await Camera(list(access_units(film))).start()
    yield camera
    await camera.close()


async def test_a_camera_over_rtsp(service: Service, steady: Camera) -> None:
    told: list[Progress] = []
    task = await on_air(service, steady.url, on_progress=told.append)
    try:
        await pictures(await service.watch())
        await asyncio.sleep(1)
    finally:
        await end(task)
    assert steady.requests[:2] == ["OPTIONS", "DESCRIBE"]
    assert steady.requests.count("SETUP") == 1, "over TCP at once: a keyframe in a burst of datagrams gets lost"
    assert told[-1].copied
    assert re.fullmatch(r"on air 0:\d\d, \d+ packets, as it is", str(told[-1]))


async def test_a_cameras_b_frames_are_encoded_anew(service: Service, camera: Camera) -> None:
    told: list[Progress] = []
    task = await on_air(service, camera.url, on_progress=told.append)
    try:
        viewer = await service.watch()
        await pictures(viewer)
        await asyncio.sleep(1)
    finally:
        await end(task)
    assert not told[-1].copied
    stamps = [packet.timestamp for packet in viewer.rtp if packet.payload_type == H264]
    assert stamps == sorted(stamps), "WebRTC carries no pictures out of order"


async def test_a_camera_that_loses_its_power_is_said(service: Service, steady: Camera) -> None:
    task = await on_air(service, steady.url)
    await steady.cut()
    # FFmpeg takes a connection that was closed for the end of the source; either is told within a moment.
    await asyncio.wait({task}, timeout=25)
    assert task.done()
    await asyncio.gather(task, return_exceptions=True)
    await service.happened(PublisherChanged("k04", on_air=False), 5)


async def test_hls_with_sound(service: Service, tmp_path: Path) -> None:
    film = make(tmp_path / "film.mp4", sound=True, seconds=6, bf="2", g="25")
    folder = tmp_path / "hls"
    folder.mkdir()
    write_hls(film, folder)
    app = web.Application()
    app.router.add_static("/", folder)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    try:
        task = await on_air(service, f"http://127.0.0.1:{port}/index.m3u8")
        viewer = await service.watch()
        await pictures(viewer)
        await asyncio.wait_for(task, 20)  # it has an end, and the publisher ends with it
    finally:
        await runner.cleanup()
    assert {packet.payload_type for packet in viewer.rtp} == {H264, OPUS}


def write_hls(film: Path, folder: Path) -> None:
    """A film as HLS: MPEG-TS segments of a second."""
    options = {"hls_time": "1", "hls_list_size": "0", "hls_playlist_type": "vod"}
    with (
        av.open(str(film)) as source,
        av.open(str(folder / "index.m3u8"), "w", format="hls", options=options) as output,
    ):
        streams = {stream.index: output.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                output.mux(packet)


def ffmpeg() -> str:
    """The command; where there is none the tests say so."""
    command = shutil.which("ffmpeg")
    if command is None:
        words = "THE TEST OF SRT NEEDS THE ffmpeg COMMAND: install it"
        if os.environ.get("MINSHENG_TEST_BROWSER") == "required":
            pytest.fail(words)
        pytest.skip(words)
    return command


@contextmanager
def sender(*arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    """An ffmpeg that sends a clip round and round at its own speed."""
    process = subprocess.Popen([ffmpeg(), "-nostdin", "-loglevel", "error", "-re", "-stream_loop", "-1", *arguments])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def test_srt(service: Service, tmp_path: Path) -> None:
    film = make(tmp_path / "film.ts", sound=True, seconds=3, **BASELINE)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    listening = f"srt://127.0.0.1:{port}?mode=listener"
    with sender("-i", str(film), "-c", "copy", "-f", "mpegts", listening) as process:
        await asyncio.sleep(1)
        name = f"srt://127.0.0.1:{port}"
        task = await on_air(service, name)
        viewer = await service.watch()
        await pictures(viewer)
        process.kill()
        # The sender is gone: that is an end or an error, and never a publisher that hangs.
        await asyncio.wait({task}, timeout=30)
        assert task.done()
        await asyncio.gather(task, return_exceptions=True)
    assert {packet.payload_type for packet in viewer.rtp} == {H264, OPUS}
    left = [process for process in psutil.process_iter(["cmdline"]) if name in (process.info["cmdline"] or [])]
    assert not left, "the command that read it ends with it"


def test_what_nothing_here_can_read_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SourceError, match="PyAV's FFmpeg knows no srt://"), open_source("srt://127.0.0.1:9"):
        pass


def test_a_camera_goes_on_by_itself_and_a_film_does_not() -> None:
    assert is_stream("rtsp://camera/1")
    assert is_stream("SRT://host:9000")
    assert not is_stream("film.mp4")
    assert not is_stream("https://host/index.m3u8")


async def test_the_command_tries_again_where_it_is_told_to(service: Service, steady: Camera) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "server.cli",
        "publish",
        steady.url,
        "--whip",
        service.whip,
        "--token",
        "host",
        "--reconnect",
        stderr=asyncio.subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if not name.startswith("MINSHENG_")},
    )
    assert process.stderr is not None
    try:
        await service.happened(PublisherChanged("k04", on_air=True), 25)
        await steady.cut()
        await service.happened(PublisherChanged("k04", on_air=False), 25)
        await service.happened(PublisherChanged("k04", on_air=True), 25)
    finally:
        process.terminate()
        said = (await process.stderr.read()).decode()
        assert await process.wait() == 0
    assert "trying again in 1 s" in said
    assert "on air 0:0" in said
