"""The first picture in Chromium, where it is installed: from the request to the first frame on the screen.

One page publishes the fake camera over WHIP, which sends a keyframe when it is asked, and joins again and again over
WHEP. It is served, and reports, over HTTP; Chromium runs without a window.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import statistics
import tempfile
from collections.abc import Sequence

from aiohttp import web

from streaming.errors import RelayError
from streaming.supervisor import Supervisor

Row = tuple[str, str, str]
JOINS = 10
WHAT = "first picture in Chromium, from the request on"
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)
PAGE = (
    """<!doctype html><meta charset="utf-8"><video muted autoplay playsinline></video><script>
const post = (path, body) => fetch(path, {method: "POST", body});
const negotiate = async (pc, path) => {
  await pc.setLocalDescription(await pc.createOffer());
  const answer = await post(path, pc.localDescription.sdp);
  if (answer.status !== 201) throw new Error(`${path} ${answer.status}`);
  await pc.setRemoteDescription({type: "answer", sdp: await answer.text()});
};
const publish = async () => {
  const stream = await navigator.mediaDevices.getUserMedia({video: {width: 640, height: 360}, audio: true});
  const pc = window.publisher = new RTCPeerConnection();
  for (const track of stream.getTracks()) pc.addTrack(track, stream);
  await negotiate(pc, "/whip");
};
const join = async () => {
  const video = document.querySelector("video");
  const pc = new RTCPeerConnection();
  pc.ontrack = ({streams}) => { video.srcObject = streams[0]; };
  const began = performance.now();
  for (const kind of ["video", "audio"]) pc.addTransceiver(kind, {direction: "recvonly"});
  const shown = new Promise((resolve) => video.requestVideoFrameCallback(() => resolve(performance.now() - began)));
  await negotiate(pc, "/whep");
  const taken = await Promise.race([shown, new Promise((resolve) => setTimeout(resolve, 10000, 10000))]);
  pc.close(); video.srcObject = null;
  return taken;
};
(async () => {
  await publish();
  await new Promise((resolve) => setTimeout(resolve, 4000));
  const taken = [];
  for (let turn = 0; turn < """
    + str(JOINS)
    + """; turn++) { taken.push(await join()); await new Promise((resolve) => setTimeout(resolve, 700)); }
  await post("/result", JSON.stringify(taken));
})().catch((error) => post("/result", JSON.stringify(String(error))));
</script>"""
)


async def rows() -> Sequence[Row]:
    """One row, with a dash where there is no Chromium or it could not be measured."""
    chromium = next((path for name in NAMES if (path := shutil.which(name))), None)
    if chromium is None:
        return [(WHAT, "–", "no Chromium here")]
    supervisor = Supervisor(
        media_port=0,
        public_addresses=[],  # the machine's own: a browser's socket is bound to one of them
        on_event=lambda event: None,
        options=["--log-level", "ERROR"],
    )
    try:
        await supervisor.start()
        async with asyncio.timeout(90):
            taken = await _measure(chromium, supervisor)
    except (OSError, RuntimeError, TimeoutError) as error:
        return [(WHAT, "–", f"could not be measured here: {type(error).__name__} {error}")]
    finally:
        await supervisor.close()
    return [
        (
            WHAT,
            f"{statistics.median(taken):.0f} ms (median of {len(taken)})",
            f"aim: under 500 ms; {min(taken):.0f} to {max(taken):.0f} ms, with the publisher in the same browser",
        )
    ]


async def _measure(chromium: str, supervisor: Supervisor) -> list[float]:
    result: asyncio.Future[list[float] | str] = asyncio.get_running_loop().create_future()

    async def whip(request: web.Request) -> web.Response:
        session = await supervisor.publish("bench", await request.text(), owner="bench")
        return web.Response(status=201, text=session.sdp)

    async def whep(request: web.Request) -> web.Response:
        try:
            session = await supervisor.watch("bench", await request.text())
        except RelayError as error:
            return web.Response(status=409, text=str(error))
        return web.Response(status=201, text=session.sdp)

    async def page(_request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def report(request: web.Request) -> web.Response:
        result.set_result(json.loads(await request.text()))
        return web.Response()

    app = web.Application()
    app.add_routes([web.get("/", page), web.post("/whip", whip), web.post("/whep", whep), web.post("/result", report)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    with tempfile.TemporaryDirectory(prefix="minsheng-chromium-", ignore_cleanup_errors=True) as profile:
        browser = await asyncio.create_subprocess_exec(
            chromium,
            *FLAGS,
            f"--user-data-dir={profile}",
            "--remote-debugging-port=0",
            f"http://127.0.0.1:{runner.addresses[0][1]}/",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            taken = await result
        finally:
            with contextlib.suppress(ProcessLookupError):
                browser.terminate()
            await browser.wait()
            await runner.cleanup()
    if isinstance(taken, str):
        raise RuntimeError(taken)
    return taken
