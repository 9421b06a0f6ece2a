"""What the relay is compared with: aiortc used as in its examples, which decodes once and encodes for each viewer.

`python -m streaming.bench.reencode` is that relay, in a process of its own: `MediaRelay` and `addTrack`. It reads lines
of JSON on standard input (`{"publish": SDP}`, `{"watch": SDP}`, `{"stats": true}`) and answers each with one.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription, VideoStreamTrack
from aiortc.contrib.media import MediaRelay
from av import VideoFrame

from streaming.clip import HEIGHT, WIDTH
from streaming.clip import pictures as clip_pictures

VIEWERS = 2


class _Relay:
    """The process that is measured."""

    def __init__(self) -> None:
        self._peers: list[RTCPeerConnection] = []
        self._tracks: list[MediaStreamTrack] = []
        self._relay = MediaRelay()

    async def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        if "stats" in message:
            reports = [await peer.getStats() for peer in self._peers[1:]]
            sent = sum(entry.packetsSent for report in reports for entry in report.values() if _is_outbound(entry))
            return {"packets": sent, "cpu": time.process_time()}
        if "end" in message:
            for peer in self._peers:
                await peer.close()
            return {}
        peer = RTCPeerConnection()
        self._peers.append(peer)
        if "publish" in message:
            peer.on("track", self._tracks.append)
        else:
            for track in self._tracks:
                peer.addTrack(self._relay.subscribe(track))
        text = message.get("publish") or message["watch"]
        await peer.setRemoteDescription(RTCSessionDescription(text, "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        return {"answer": peer.localDescription.sdp}


def _is_outbound(entry: Any) -> bool:
    return bool(entry.type == "outbound-rtp")


class _Pictures(VideoStreamTrack):
    """Half a second of the clip, over and over."""

    def __init__(self) -> None:
        super().__init__()
        self._frames = list(clip_pictures(1))[: 25 // 2]
        self._number = 0

    async def recv(self) -> VideoFrame:
        pts, base = await self.next_timestamp()
        frame = self._frames[self._number % len(self._frames)]
        self._number += 1
        copy = VideoFrame(WIDTH, HEIGHT, "yuv420p")
        for target, source in zip(copy.planes, frame.planes, strict=True):
            target.update(bytes(source))
        copy.pts, copy.time_base = pts, base
        return copy


async def measure(seconds: float) -> float:
    """CPU in microseconds that a packet to a viewer costs there, with a 720p picture and two viewers.

    Raises RuntimeError where no packet gets through: peers of aiortc need an address other than the loopback one.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "streaming.bench.reencode",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )
    stdin, stdout = process.stdin, process.stdout
    if stdin is None or stdout is None:
        raise RuntimeError("the process has no pipes")

    async def tell(**message: Any) -> dict[str, Any]:
        stdin.write(json.dumps(message).encode() + b"\n")
        result: dict[str, Any] = json.loads(await asyncio.wait_for(stdout.readline(), 20))
        return result

    peers = [RTCPeerConnection() for _ in range(1 + VIEWERS)]
    try:
        peers[0].addTrack(_Pictures())
        for peer, kind in zip(peers, ["publish"] + ["watch"] * VIEWERS, strict=True):
            if kind == "watch":
                peer.addTransceiver("video", direction="recvonly")
            await peer.setLocalDescription(await peer.createOffer())
            answer = await tell(**{kind: peer.localDescription.sdp})
            await peer.setRemoteDescription(RTCSessionDescription(answer["answer"], "answer"))
        await asyncio.sleep(4)  # until it has its keyframe and the encoders their rate
        before = await tell(stats=True)
        await asyncio.sleep(seconds)
        after = await tell(stats=True)
        await tell(end=True)
    finally:
        for peer in peers:
            await peer.close()
        stdin.close()
        await process.wait()
    packets = after["packets"] - before["packets"]
    if not packets:
        raise RuntimeError("no packet got through")
    cpu: float = (after["cpu"] - before["cpu"]) / packets * 1e6
    return cpu


async def main() -> None:
    """Serve until standard input ends."""
    reader = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    relay = _Relay()
    while line := await reader.readline():
        print(json.dumps(await relay.answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
