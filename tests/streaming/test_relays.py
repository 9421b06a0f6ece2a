"""Two relay processes for one broadcast, a relay that hangs, and whether what is advertised can be reached."""

import asyncio
import itertools
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from streaming.errors import Conflict, NotOnAir, UnknownSession
from streaming.reach import Reach, check, sentences
from streaming.supervisor import PublisherChanged, RelayChanged, RelayEvent, Supervisor
from tests.streaming.conftest import Service
from tests.streaming.house import House
from tests.streaming.peers import H264, OPUS, VP8, Peer, Sender, media_processes, offer, value
from tests.streaming.test_simulcast import Camera, estimate, layer_of


class Pair:
    """Two processes, and peers of them."""

    def __init__(self) -> None:
        self.events: list[RelayEvent] = []
        self.supervisor = Supervisor(
            media_port=0, public_addresses=["127.0.0.1"], on_event=self.events.append, relays=2
        )
        self.peers: list[Peer] = []

    async def happened(self, event: RelayEvent) -> None:
        async with asyncio.timeout(15):
            while event not in self.events:
                await asyncio.sleep(0.01)
        self.events.clear()

    async def publisher(self, *formats: int) -> Sender:
        session = await self.supervisor.publish("k04", offer("sendonly", formats or (H264, OPUS)), owner="host")
        peer = await Peer().connect(session.sdp)
        self.peers.append(peer)
        return Sender(peer, (formats or (H264,))[0])

    async def watch(self, video: int = H264) -> Peer:
        peer = Peer()
        peer.session = await self.supervisor.watch("k04", offer("recvonly", (video, OPUS)))
        self.peers.append(peer)
        return await peer.connect(peer.session.sdp)


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    """Two relay processes."""
    pair = Pair()
    await pair.supervisor.start()
    yield pair
    for peer in pair.peers:
        await peer.vanish()
    await pair.supervisor.close()
    assert media_processes() == set()


async def spread(pair: Pair, sender: Sender | None = None, video: int = H264) -> list[Peer]:
    """Four viewers, half of them at either process once that is fed.

    `sender` goes on meanwhile, where nobody else does: who is silent for 2.5 s, on a busy machine, is off the air.
    """
    async with asyncio.timeout(10):
        while True:
            viewers = []
            for _ in range(4):
                if sender is not None:
                    sender.frame(500, keyframe=True)
                viewers.append(await pair.watch(video))
            # Where the feed of the publisher before is still there, a viewer of other video gets its sound.
            sessions = [
                viewer.session for viewer in viewers if viewer.session and f"a=rtpmap:{video} " in viewer.session.sdp
            ]
            if sorted(session.id[0] for session in sessions) == ["0", "0", "1", "1"]:
                return viewers


async def hears(viewer: Peer) -> None:
    """Wait until something comes."""
    await viewer.until(lambda: viewer.rtp, 5)


async def shows(viewer: Peer, payload: bytes) -> None:
    """Wait until a payload is the newest one here."""
    await viewer.until(lambda: viewer.payloads()[-1:] == [payload], 10)


async def hears_last(viewer: Peer, sound: Sender) -> None:
    """Wait until the newest sound is here."""
    await viewer.until(lambda: viewer.payloads(OPUS)[-1:] == sound.sent[-1:], 10)


async def shows_vp8(viewer: Peer) -> None:
    await viewer.until(lambda: len(viewer.payloads(VP8)) > 5, 10)


async def told_and_ended(pair: Pair, viewer: Peer, session: str) -> None:
    await viewer.until(lambda: viewer.rtcp, 10)
    await pair.supervisor.end(session)
    await viewer.until(lambda: viewer.closed)


async def test_viewers_of_one_broadcast_are_at_two_processes(pair: Pair) -> None:
    with pytest.raises(NotOnAir):
        await pair.supervisor.watch("k04", offer("recvonly"))
    sender = await pair.publisher()
    sender.frame(500, keyframe=True)
    await pair.happened(PublisherChanged("k04", on_air=True))
    with pytest.raises(Conflict):
        await pair.supervisor.publish("k04", offer("sendonly"), owner="another")
    viewers = await spread(pair, sender)
    sound = Sender(sender.peer, OPUS, 0x2222)
    begin = len(sender.sent)
    for number in range(40):
        sender.frame(1180, 1180, 300, keyframe=number % 20 == 0)
        sound.frame(160)
        await asyncio.sleep(0.005)
    for viewer in viewers:
        assert viewer.session is not None
        await shows(viewer, sender.sent[-1])
        assert viewer.payloads()[-(len(sender.sent) - begin) :] == sender.sent[begin:]
        await hears_last(viewer, sound)
        assert viewer.payloads(OPUS)[-10:] == sound.sent[-10:]
    stats = await pair.supervisor.stats()
    assert stats.activities["k04"].viewers >= 4
    assert stats.activities["k04"].publisher is not None
    # Sender reports come at both, and a session is ended at the process that has it.
    for viewer in viewers:
        assert viewer.session is not None
        await told_and_ended(pair, viewer, viewer.session.id)
        with pytest.raises(UnknownSession):
            await pair.supervisor.end(viewer.session.id)
    for name in ("", "9" + "x" * 32, "zzz"):
        with pytest.raises(UnknownSession):
            await pair.supervisor.end(name)


async def test_another_codec_and_a_dead_process_are_followed(pair: Pair) -> None:
    sender = await pair.publisher()
    sender.frame(500, keyframe=True)
    await pair.happened(PublisherChanged("k04", on_air=True))
    await spread(pair, sender)
    first = sender.peer
    sender = await pair.publisher(VP8)
    keyframe = b"\x10\x00\x9d\x01\x2a\x80\x02\xe0\x01"
    stop = asyncio.Event()

    async def send() -> None:
        while not stop.is_set():
            for payload in (b"\x10" + b"\x10\x02\x00\x9d\x01\x2a\x80\x02\xe0\x01" + keyframe, b"\x10\x01" + bytes(400)):
                sender.peer.send(sender.packet(payload, marker=True))
                sender.timestamp += 3600
            await asyncio.sleep(0.02)

    sending = asyncio.create_task(send())
    await first.until(lambda: first.closed)
    viewers = await spread(pair, video=VP8)
    for viewer in viewers:
        await shows_vp8(viewer)

    # The process without the publisher dies: it is fed again as soon as it is back, and nobody else notices.
    home = pair.supervisor.home("k04")
    pids = pair.supervisor.pids
    os.kill(pids[1 - home], signal.SIGKILL)
    async with asyncio.timeout(15):
        while len(pair.supervisor.pids) < 2 or pair.supervisor.pids == pids:
            await asyncio.sleep(0.02)
    for viewer in await spread(pair, video=VP8):
        await shows_vp8(viewer)
    assert RelayChanged(up=False) not in pair.events
    assert PublisherChanged("k04", on_air=False) not in pair.events

    # The one with the publisher dies: off the air, until it is back.
    os.kill(pair.supervisor.pids[home], signal.SIGKILL)
    await pair.happened(PublisherChanged("k04", on_air=False))
    stop.set()
    await sending


async def test_layers_are_had_at_both_processes(pair: Pair) -> None:
    text = offer("sendonly", (VP8,), rids=("l", "m", "h"))
    session = await pair.supervisor.publish("k04", text, owner="host")
    peer = await Peer().connect(session.sdp)
    pair.peers.append(peer)
    lens = Camera(peer)
    lens.shoot(key=True)
    await pair.happened(PublisherChanged("k04", on_air=True))

    async def shoot() -> None:
        while True:
            lens.shoot()
            await asyncio.sleep(0.03)

    shooting = asyncio.create_task(shoot())
    try:
        # At each process one viewer with a narrow way and one with a wide one.
        found: dict[tuple[str, str], Peer] = {}
        async with asyncio.timeout(20):
            while len(found) < 4:
                viewer = Peer()
                viewer.session = await pair.supervisor.watch("k04", offer("recvonly", (VP8,), remb=True))
                pair.peers.append(viewer)
                await viewer.connect(viewer.session.sdp)
                await hears(viewer)
                way = "wide" if (viewer.session.id[0], "narrow") in found else "narrow"
                found.setdefault((viewer.session.id[0], way), viewer)
        assert {process for process, _ in found} == {"0", "1"}
        async with asyncio.timeout(40):
            while any(
                layer_of(viewer.rtp[-1]) != {"narrow": "l", "wide": "h"}[way] for (_, way), viewer in found.items()
            ):
                for (_, way), viewer in found.items():
                    estimate(viewer, 90_000 if way == "narrow" else 50_000_000)
                await asyncio.sleep(0.2)
        for viewer in found.values():
            numbers = [packet.sequence_number for packet in viewer.rtp]
            assert [(b - a) & 0xFFFF for a, b in itertools.pairwise(numbers)] == [1] * (len(numbers) - 1)
            for before, after in itertools.pairwise(viewer.rtp):
                if layer_of(before) != layer_of(after):
                    assert after.payload[0] & 0x10, "at the beginning of a picture"
                    assert not after.payload[6] & 1, "which is a keyframe"
        stats = (await pair.supervisor.stats()).activities["k04"]
        assert [(layer.name, layer.height) for layer in stats.layers] == [
            ("video", 180),
            ("video/1", 360),
            ("video/2", 720),
        ]
        assert sum(layer.viewers for layer in stats.layers) == stats.viewers >= 4
        assert stats.layers[0].viewers >= 2
        assert stats.layers[2].viewers >= 2
    finally:
        shooting.cancel()
        await asyncio.gather(shooting, return_exceptions=True)


async def test_a_relay_that_hangs_is_ended_and_comes_back(
    service: Service, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streaming.process.BEAT_SECONDS", 0.1)
    await service.supervisor.close()
    service.supervisor = Supervisor(media_port=0, public_addresses=[], on_event=service.events.append)
    await service.supervisor.start()
    pid = service.supervisor.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    await service.happened(RelayChanged(up=False))
    await service.happened(RelayChanged(up=True))
    assert service.supervisor.pid not in (None, pid)
    await service.publish(clip)
    viewer = await service.watch()
    await viewer.until(viewer.payloads)


async def test_the_end_of_the_service_is_told_to_viewers_first(service: Service, clip: Path) -> None:
    await service.publish(clip)
    viewer = await service.watch()
    await viewer.until(viewer.payloads)
    await service.supervisor.close()
    await viewer.until(lambda: viewer.closed)


async def test_what_is_advertised_is_checked_over_both_transports(house: House) -> None:
    probe = await house.client.call("probe")
    found = await check(["127.0.0.1", "192.0.2.77"], house.port.number, probe["ufrag"], probe["password"])
    assert [(way.transport, way.address, way.reached) for way in found] == [
        ("UDP", "127.0.0.1", True),
        ("TCP", "127.0.0.1", True),
        ("UDP", "192.0.2.77", False),
        ("TCP", "192.0.2.77", False),
    ]
    wrong = await check(["127.0.0.1"], house.port.number, probe["ufrag"], "x" * 32)
    assert [way.reached for way in wrong] == [False, False]


def test_an_operator_is_told_what_to_open() -> None:
    ways = [Reach("UDP", "8.8.8.8", 8189, False), Reach("TCP", "8.8.8.8", 8189, True)]
    (told,) = sentences(ways, configured=True)
    assert "UDP 8.8.8.8 port 8189" in told
    assert "TCP" not in told
    (told,) = sentences([Reach("UDP", "192.168.1.2", 8189, True)], configured=False)
    assert "MINSHENG_PUBLIC_ADDRESS" in told
    assert sentences([Reach("UDP", "198.18.0.1", 8189, True)], configured=True)
    assert sentences([Reach("UDP", "8.8.8.8", 8189, True)], configured=True) == []


async def test_each_process_advertises_its_own_port(pair: Pair) -> None:
    sender = await pair.publisher()
    sender.frame(500, keyframe=True)
    await pair.happened(PublisherChanged("k04", on_air=True))
    ports = {
        value(viewer.session.sdp, "candidate").split()[5] for viewer in await spread(pair, sender) if viewer.session
    }
    assert len(ports) == 2
    assert all(way.reached for way in await pair.supervisor.reach())
