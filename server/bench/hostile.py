"""`minsheng bench hostile`: a minute of noise at the public ports, while a broadcast goes on.

Random and mutated STUN, DTLS, RTP, RTCP and frames of ICE-TCP at the media port, from strangers and from a viewer's own
address; random and mutated SDP and HTTP at the service. What counts: nobody is answered, nothing ends, and two viewers
get every packet.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import aiohttp

from server.bench.service import free_port, wait_for
from streaming.bench.peer import BenchPeer, certificate, check_of, offer
from streaming.bench.run import Publisher

Row = tuple[str, str, str]
SECONDS = 60.0
SLUG = "k04"
CLIENT_HELLO = bytes.fromhex("16fefd0000000000000000002a010000000000000000001efefd") + bytes(30)
RTP = bytes.fromhex("90e0fffe0000000000001111bede000151000100") + bytes(40)
RTCP = bytes.fromhex("80c8000600001111dead00000000000000000000000000020000006481cd00030000000100001111ffff0001")
HTTP = b"POST /whep/k04 HTTP/1.1\r\nHost: x\r\nContent-Type: application/sdp\r\nContent-Length: 9\r\n\r\nv=0\r\nm=vid"


class Noise:
    """Makes what is sent, and counts it."""

    def __init__(self, answer: str) -> None:
        self.random = random.Random(1)  # noqa: S311 - the same noise in each run
        self.sent: Counter[str] = Counter()
        self.answered = 0
        self._seeds = {
            "STUN": check_of(answer, password="wrong" * 6),
            "DTLS": CLIENT_HELLO,
            "RTP": RTP,
            "RTCP": RTCP,
            "random": b"",
        }
        self._offers = [offer("recvonly", "AA:BB").encode(), offer("sendonly", certificate().fingerprint).encode()]

    def mutated(self, seed: bytes, most: int = 1500) -> bytes:
        """The seed with a few bytes exchanged, cut or lengthened; anything at all where it is empty."""
        chance = self.random
        if not seed:
            return chance.randbytes(chance.randint(1, most))
        data = bytearray(seed)
        for _ in range(chance.randint(0, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        cut = chance.choice([0, 0, 0, chance.randrange(len(data))])
        return bytes(data[: len(data) - cut]) + chance.randbytes(chance.choice([0, 0, chance.randint(0, 40)]))

    def datagram(self) -> bytes:
        """The next one for the media port."""
        name = self.random.choice(list(self._seeds))
        self.sent[name] += 1
        return self.mutated(self._seeds[name])

    def text(self) -> bytes:
        """A mutated offer."""
        self.sent["SDP"] += 1
        return self.mutated(self.random.choice(self._offers))

    async def datagrams(self, port: int, viewer: BenchPeer, until: float) -> None:
        """From a socket that nobody knows, and from a viewer's own."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.setblocking(False)
            while time.monotonic() < until:
                for _ in range(20):
                    with contextlib.suppress(BlockingIOError):
                        stranger.sendto(self.datagram(), ("127.0.0.1", port))
                    viewer.send(memoryview(self.datagram()))
                with contextlib.suppress(BlockingIOError):
                    while stranger.recv(2048):
                        self.answered += 1
                await asyncio.sleep(0.02)

    async def connections(self, port: int, what: bytes, name: str, until: float) -> None:
        """Over TCP: frames for the media port, or requests for the service."""
        while time.monotonic() < until:
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    try:
                        for _ in range(5):
                            self.sent[name] += 1
                            writer.write(self.mutated(what))
                            await writer.drain()
                            await asyncio.sleep(0.01)
                    finally:
                        writer.close()
            await asyncio.sleep(0.02)

    async def requests(self, http: aiohttp.ClientSession, token: str, until: float) -> None:
        """Offers and fragments of nonsense."""
        types = {"Content-Type": "application/sdp", "Authorization": f"Bearer {token}"}
        while time.monotonic() < until:
            for path in (f"/whep/{SLUG}", "/whip/k05"):
                async with http.post(path, data=self.text(), headers=types) as answer:
                    self.sent[f"HTTP {answer.status}"] += 1
            await asyncio.sleep(0.1)


def rows() -> Iterator[Row]:
    """What was sent, and what it changed."""
    with tempfile.TemporaryDirectory(prefix="minsheng-hostile-") as folder:
        port, media = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_DGRAM)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MINSHENG_")}
        environment |= {
            "MINSHENG_DATA_DIR": folder,
            "MINSHENG_HTTP_PORT": str(port),
            "MINSHENG_MEDIA_PORT": str(media),
            "MINSHENG_PUBLIC_ADDRESS": "127.0.0.1",
        }
        command = [sys.executable, "-m", "server.cli"]
        with subprocess.Popen(  # noqa: S603 - this very program
            [*command, "serve"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as service:
            try:
                wait_for(port)
                tokens = [
                    subprocess.run(  # noqa: S603 - this very program
                        [*command, "publish-token", slug], env=environment, capture_output=True, check=True
                    )
                    .stdout.decode()
                    .strip()
                    for slug in (SLUG, "k05")
                ]
                yield from asyncio.run(_attack(f"http://127.0.0.1:{port}", port, media, service.pid, tokens))
            finally:
                service.terminate()
                service.wait(20)


async def _attack(url: str, port: int, media: int, pid: int, tokens: list[str]) -> list[Row]:
    async with aiohttp.ClientSession(url) as http:
        sdp = {"Content-Type": "application/sdp"}

        async def session(kind: str, direction: str) -> BenchPeer:
            headers = sdp | ({"Authorization": f"Bearer {tokens[0]}"} if kind == "whip" else {})
            text = offer("sendonly" if kind == "whip" else "recvonly", certificate().fingerprint)
            async with http.post(f"/{kind}/{SLUG}", data=text, headers=headers) as answer:
                if answer.status != 201:
                    raise RuntimeError(f"{kind} {direction}: {answer.status} {await answer.text()}")
                peer = BenchPeer(await answer.text(), lambda peer, data: None)
            return await peer.connect()

        publisher = Publisher(await session("whip", "sends"))
        publishing = asyncio.create_task(publisher.run())
        await asyncio.sleep(1)
        viewers = [await session("whep", "watches") for _ in range(2)]
        victim = await session("whep", "is misused")
        consenting = asyncio.create_task(_consent([publisher.peer, *viewers, victim]))
        noise = Noise(victim.answer)
        try:
            until = time.monotonic() + 3
            await asyncio.gather(*_attacks(noise, http, port, media, victim, tokens[1], until))  # caches fill
            await asyncio.sleep(1)
            before, relay, sent = _memory(pid), _relay_of(pid), publisher.packets
            counts = [viewer.media for viewer in viewers]
            until = time.monotonic() + SECONDS
            await asyncio.gather(*_attacks(noise, http, port, media, victim, tokens[1], until))
            await asyncio.sleep(1)
            arrived = [viewer.media - count for viewer, count in zip(viewers, counts, strict=True)]
            published = publisher.packets - sent
            after = _memory(pid)
            async with http.get("/readyz") as answer:
                ready = answer.status == 200
        finally:
            for task in (publishing, consenting):
                task.cancel()
            await asyncio.wait([publishing, consenting])
    kinds = ", ".join(f"{count:,} {name}" for name, count in sorted(noise.sent.items()))
    same = _relay_of(pid) == relay
    return [
        (f"hostile traffic for {SECONDS:.0f} s", kinds, f"{noise.answered} answers to strangers; aim: none"),
        (
            "what became of the broadcast",
            f"{min(arrived):,} to {max(arrived):,} of {published:,} packets at two viewers",
            f"the relay {'lived on' if same else 'died'}, the service is {'ready' if ready else 'not ready'}",
        ),
        (
            "memory of the relay and of the service, before and after",
            f"{before[0] / 1024:.1f} and {after[0] / 1024:.1f} MB; {before[1] / 1024:.1f} and {after[1] / 1024:.1f} MB",
            "after three seconds of the same, so that caches are full",
        ),
    ]


def _attacks(
    noise: Noise, http: aiohttp.ClientSession, port: int, media: int, victim: BenchPeer, token: str, until: float
) -> list[asyncio.Task[None]]:
    return [
        asyncio.create_task(attack)
        for attack in (
            noise.datagrams(media, victim, until),
            noise.connections(media, (30).to_bytes(2, "big") + CLIENT_HELLO, "frames over TCP", until),
            noise.connections(port, HTTP, "raw HTTP", until),
            noise.requests(http, token, until),
        )
    ]


async def _consent(peers: list[BenchPeer]) -> None:
    while True:
        await asyncio.sleep(5)
        for peer in peers:
            peer.consent()


def _relay_of(pid: int) -> int:
    """The relay's process id. Raises RuntimeError where it has none."""
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int(path.joinpath("stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and b"streaming.relay" in path.joinpath("cmdline").read_bytes():
                return int(path.name)
    raise RuntimeError("the service has no relay")


def _memory(pid: int) -> tuple[float, float]:
    """Resident kB of the relay and of the service."""
    page = os.sysconf("SC_PAGE_SIZE") / 1024
    relay, service = (int(Path(f"/proc/{one}/statm").read_text().split()[1]) * page for one in (_relay_of(pid), pid))
    return relay, service
