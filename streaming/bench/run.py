"""One run of the benchmark: a relay in its own process, a publisher and a few probes here, the crowd in a third."""

from __future__ import annotations

import asyncio
import json
import statistics
import struct
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from streaming.bench.peer import AUDIO, SSRCS, VIDEO, BenchPeer, Crypt, certificate, offer
from streaming.packet import HEADER, HEADER_SIZE
from streaming.supervisor import Supervisor

FRAME = (1180, 1180, 1180, 1180, 1180, 300)
"""Bytes of the packets of a picture: 25 a second make 1.24 Mb/s, as a 720p camera."""
SOUND = 160
"""Bytes of a packet of sound, 50 a second."""
PICTURES = 25
KEYFRAME_PICTURES = 50
PARAMETERS = bytes.fromhex("6742c01fd9005005ba1000000300100000030328f1831920")
"""A sequence parameter set, with which a keyframe begins."""
JOINS_A_SECOND = 60
PROBES = 2
"""Viewers that decrypt and measure, at the end of the line of those that joined before."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a relay did with so many viewers. CPU in microseconds a packet, delays and joins in milliseconds."""

    viewers: int
    cpu: float
    core: float
    """Share of one core."""
    packets: float
    """A second."""
    dropped: int
    """Packets that the relay could not send."""
    arrived: float
    """Share of what was sent that arrived at the crowd."""
    median: float
    p99: float
    join: float | None
    kilobytes: float
    """Memory that a viewer costs."""
    crowd: float
    """Share of one core that the viewers' process took."""
    idle: float
    """Share of the whole machine that nobody used."""


@dataclass(frozen=True, slots=True)
class Burst:
    """What happened while many joined at once: delays of those already watching, and joins, in milliseconds."""

    viewers: int
    pictured: int
    median: float
    p99: float
    worst: float
    join: float | None
    later: float | None
    """A join after that, while all of them watch. None where nobody got a packet in time."""


def _milliseconds(seconds: float | None) -> float | None:
    return seconds * 1e3 if seconds is not None else None


def _jiffies() -> tuple[int, int]:
    """The machine's idle time and all its time so far, in the kernel's ticks."""
    with open("/proc/stat") as lines:
        ticks = [int(word) for word in next(lines).split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


class Publisher:
    """Sends pictures and sound in real time; each payload carries the moment at which its burst was sent."""

    def __init__(self, peer: BenchPeer) -> None:
        self.peer = peer
        self.packets = 0
        """Sent so far."""
        self._crypt = Crypt()
        self._sequences = dict.fromkeys(SSRCS, 0)

    async def run(self) -> None:
        """Send until cancelled."""
        begin = time.monotonic()
        tick = 0
        while True:
            await asyncio.sleep(max(0.0, begin + tick / (2 * PICTURES) - time.monotonic()))
            now = time.monotonic()
            self._packet(AUDIO, SOUND, tick * 960, True, now)
            if tick % 2 == 0:
                if tick // 2 % KEYFRAME_PICTURES == 0:
                    self._packet(VIDEO, len(PARAMETERS), tick * 1800, False, now, PARAMETERS)
                for place, size in enumerate(FRAME):
                    self._packet(VIDEO, size, tick * 1800, place == len(FRAME) - 1, now)
            tick += 1

    def _packet(self, kind: int, size: int, stamp: int, marker: bool, now: float, payload: bytes | None = None) -> None:
        buffer, sequence = self._crypt.buffer, self._sequences[kind]
        self._sequences[kind] = (sequence + 1) & 0xFFFF
        HEADER.pack_into(buffer, 0, 0x80, kind | (0x80 if marker else 0), sequence, stamp & 0xFFFFFFFF, SSRCS[kind])
        if payload is None:
            buffer[HEADER_SIZE] = 0x41
            struct.pack_into("!d", buffer, HEADER_SIZE + 8, now)
        else:
            buffer[HEADER_SIZE : HEADER_SIZE + size] = payload
        length = self._crypt.protect(self.peer.secure.tx, HEADER_SIZE + size)
        self.peer.send(memoryview(buffer)[:length])
        self.packets += 1


class Run:
    """A relay with options, its publisher, and viewers that only become more."""

    def __init__(self, options: Sequence[str] = (), *, each: bool = False, relays: int = 1) -> None:
        self._each = each
        self.supervisor = Supervisor(
            media_port=0,
            public_addresses=["127.0.0.1"],
            on_event=lambda event: None,
            options=["--log-level", "ERROR", *options],
            max_viewers=5000,
            relays=relays,
        )
        self._crypt = Crypt()
        self._delays: list[float] = []
        self._peers: list[BenchPeer] = []
        self._viewers = 0
        self._crowd: asyncio.subprocess.Process
        self._tasks: list[asyncio.Task[None]] = []
        self._offer = ""
        self._alone = 0

    async def start(self) -> None:
        """Start relay, crowd and publisher."""
        await self.supervisor.start()
        self._crowd = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "streaming.bench.load",
            "each" if self._each else "whole",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self._offer = offer("recvonly", (await self.tell(fingerprint=True))["fingerprint"])
        answer = await self.supervisor.publish("bench", offer("sendonly", certificate().fingerprint), owner="bench")
        publisher = await BenchPeer(answer.sdp, lambda peer, data: None).connect()
        self._peers.append(publisher)
        self._tasks = [asyncio.create_task(Publisher(publisher).run()), asyncio.create_task(self._consent())]
        await asyncio.sleep(0.5)
        self._alone = (await self.supervisor.stats()).resident_kilobytes

    async def close(self) -> None:
        """End everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        for peer in self._peers:
            await peer.close()
        if self._crowd.stdin is not None:
            self._crowd.stdin.close()
        await self._crowd.wait()
        await self.supervisor.close()

    async def _consent(self) -> None:
        while True:
            await asyncio.sleep(5)
            for peer in self._peers:
                peer.consent()

    async def tell(self, **message: Any) -> dict[str, Any]:
        stdin, stdout = self._crowd.stdin, self._crowd.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("the crowd has no pipes")
        stdin.write(json.dumps(message).encode() + b"\n")
        result: dict[str, Any] = json.loads(await stdout.readline())
        return result

    async def join(self, count: int, a_second: float = JOINS_A_SECOND) -> None:
        """Let so many more join the crowd, at this pace."""
        for number in range(count):
            asked = time.monotonic()
            session = await self.supervisor.watch("bench", self._offer)
            await self.tell(answer=session.sdp, asked=asked)
            if number < count - 1:
                await asyncio.sleep(max(0.0, asked + 1 / a_second - time.monotonic()))
        await asyncio.sleep(1.0)  # the last handshake, and the pictures since the keyframe
        self._viewers += count

    async def leave(self, count: int) -> None:
        """Let those of the crowd leave that came first."""
        self._viewers -= (await self.tell(leave=count))["left"]

    async def probe(self) -> None:
        """Let the viewers join that measure the delay."""
        for _ in range(PROBES):
            session = await self.supervisor.watch("bench", offer("recvonly", certificate().fingerprint))
            self._peers.append(await BenchPeer(session.sdp, self._probe).connect())
        self._viewers += PROBES

    def _probe(self, peer: BenchPeer, data: memoryview) -> None:
        now = time.monotonic()
        if peer.secure.rx is None:
            return
        packet = self._crypt.unprotect(peer.secure.rx, data)
        if packet is not None and packet[HEADER_SIZE] == 0x41:
            (sent,) = struct.unpack_from("!d", packet, HEADER_SIZE + 8)
            self._delays.append(now - sent)

    async def measure(self, viewers: int, seconds: float) -> Result:
        """Let viewers join until there are so many, then measure for so long."""
        await self.join(viewers - self._viewers - PROBES)
        await self.probe()
        await asyncio.sleep(0.5)
        joined = await self.tell(count=True)
        self._delays.clear()
        before, began, idle = await self.supervisor.stats(), time.monotonic(), _jiffies()
        counted = await self.tell(count=True)
        await asyncio.sleep(seconds)
        after, passed, idle_after = await self.supervisor.stats(), time.monotonic() - began, _jiffies()
        crowd = await self.tell(count=True)
        if joined["failed"]:
            raise RuntimeError(f"{joined['failed']} of {viewers} viewers could not join")
        sent = after.totals["packets sent"] - before.totals["packets sent"]
        cpu = after.cpu_seconds - before.cpu_seconds
        delays = statistics.quantiles(self._delays, n=100)
        return Result(
            viewers=self._viewers,
            cpu=cpu / sent * 1e6,
            core=cpu / passed,
            packets=sent / passed,
            dropped=sum(after.drops.values()) - sum(before.drops.values()),
            arrived=min(1.0, (crowd["media"] - counted["media"]) / (sent * crowd["viewers"] / self._viewers)),
            median=delays[49] * 1e3,
            p99=delays[98] * 1e3,
            join=joined["join"] * 1e3 if joined["join"] is not None else None,
            kilobytes=(after.resident_kilobytes - self._alone) / self._viewers,
            crowd=(crowd["cpu"] - counted["cpu"]) / passed,
            idle=(idle_after[0] - idle[0]) / max(1, idle_after[1] - idle[1]),
        )

    async def burst(self, viewers: int, seconds: float, *, later: int = 20) -> Burst:
        """Let a few watch, then so many join within so many seconds, and a few more when they are there."""
        await self.join(8)
        await self.probe()
        await asyncio.sleep(0.5)  # what a probe gets since the last keyframe is older than it
        await self.tell(count=True)
        self._delays.clear()
        await self.join(viewers, viewers / seconds)
        crowd = await self.tell(count=True)
        delays, worst = statistics.quantiles(self._delays, n=100), max(self._delays)
        await self.join(later, 5)
        afterwards = await self.tell(count=True)
        return Burst(
            viewers=viewers,
            pictured=crowd["pictured"] - 8,
            median=delays[49] * 1e3,
            p99=delays[98] * 1e3,
            worst=worst * 1e3,
            join=_milliseconds(crowd["join"]),
            later=_milliseconds(afterwards["join"]),
        )
