"""Layers: what is agreed, which one a viewer gets, and that a change of layer looks like one stream."""

import asyncio
import itertools
import secrets
from struct import pack

import pytest
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    RtcpPsfbPacket,
    RtcpRtpfbPacket,
    RtpPacket,
    pack_remb_fci,
)

from streaming import codecs, layers, publisher, sdp
from streaming.highest import Highest
from streaming.packet import Packet
from streaming.simulcast import MAX_LAYERS
from streaming.track import Track
from tests.streaming.house import House
from tests.streaming.peers import OPUS, VP8, Peer, Sender, offer, value
from tests.streaming.test_fanout import Recorder

MANY = [f"r{number}" for number in range(200)]
SIZES = {"l": (320, 180), "m": (640, 360), "h": (1280, 720)}


class LayerSender(Sender):
    """One layer of VP8, with numbered pictures."""

    def __init__(self, peer: Peer, rid: str, ssrc: int, payload_type: int = VP8) -> None:
        super().__init__(peer, payload_type, ssrc, sequence=secrets.randbelow(65536), rid=rid)
        self.timestamp = secrets.randbits(32)
        self.name = rid
        self.picture = secrets.randbelow(0x8000)

    def picture_of(self, *sizes: int, key: bool = False) -> list[bytes]:
        """Send a picture in packets of these sizes."""
        payloads = []
        for place, size in enumerate(sizes):
            head = bytes([0x90 if place == 0 else 0x80, 0xE0]) + pack("!HBB", 0x8000 | self.picture, 7, 0x20)
            width, height = SIZES[self.name]
            data = b"\x00\0\0\x9d\x01\x2a" + pack("<HH", width, height) if key else b"\x01"
            payloads.append(head + (data if place == 0 else b"") + self.name.encode() + secrets.token_bytes(size))
        for place, payload in enumerate(payloads):
            self.peer.send(self.packet(payload, marker=place == len(payloads) - 1))
        self.picture = (self.picture + 1) & 0x7FFF
        self.timestamp += 3000
        self.sent += payloads
        return payloads


class Camera:
    """Sends three layers, and a keyframe of each that is asked for one."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.layers = {rid: LayerSender(peer, rid, 0x1000 + place) for place, rid in enumerate(SIZES)}
        self.asked: list[str] = []
        self._by_ssrc = {layer.ssrc: layer for layer in self.layers.values()}

    def shoot(self, *, key: bool = False) -> None:
        wanted = {packet.media_ssrc for packet in self.peer.rtcp if getattr(packet, "fmt", 0) == RTCP_PSFB_PLI}
        self.peer.rtcp.clear()
        self.asked += [self._by_ssrc[ssrc].name for ssrc in wanted if ssrc in self._by_ssrc]
        for rate, layer in zip((1, 3, 9), self.layers.values(), strict=True):
            layer.picture_of(*[300] * rate, key=key or layer.ssrc in wanted)


def layer_of(packet: RtpPacket) -> str:
    """Whose payload it is."""
    payload = packet.payload
    data = payload[6:]
    if payload[0] & 0x10:
        data = data[10:] if not data[0] & 1 else data[1:]
    return data[:1].decode()


def picture_of(packet: RtpPacket) -> int:
    return (packet.payload[2] & 0x7F) << 8 | packet.payload[3]


async def camera(house: House) -> Camera:
    session = await house.open("publish", offer("sendonly", (VP8,), rids=("l", "m", "h")))
    assert "a=simulcast:recv l;m;h\r\n" in session.sdp
    peer = Peer()
    house.peers.append(peer)
    camera = Camera(await peer.connect(session.sdp))
    for turn in range(6):
        camera.shoot(key=turn == 0)
        await asyncio.sleep(0.02)
    await house.until(lambda: house.events and len(house.relay._broadcasts["k04"].layers(0)) >= 0)
    return camera


async def shooting(camera: Camera, seconds: float) -> None:
    for _ in range(int(seconds / 0.03)):
        camera.shoot()
        await asyncio.sleep(0.03)


def estimate(viewer: Peer, bitrate: int) -> None:
    fci = pack_remb_fci(bitrate, [viewer.rtp[0].ssrc])
    viewer.send_rtcp(RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=1, media_ssrc=0, fci=fci))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decisions in tenths of a second."""
    monkeypatch.setattr(layers, "SETTLE_SECONDS", 0.1)
    monkeypatch.setattr(layers, "PATIENCE", 0.3)
    monkeypatch.setattr("streaming.viewer.CHOICE_SECONDS", 0.05)
    monkeypatch.setattr("streaming.broadcast.MEASURE_SECONDS", 0.2)
    monkeypatch.setattr(publisher, "KEYFRAME_INTERVAL", 0.1)


@pytest.mark.usefixtures("impatient")
async def test_a_viewer_gets_what_its_way_carries_as_one_stream(house: House) -> None:
    lens = await camera(house)
    viewer = await house.viewer(text=offer("recvonly", (VP8,), remb=True))
    await shooting(lens, 0.3)
    assert layer_of(viewer.rtp[0]) == "m", "a newcomer begins in the middle"
    lens.asked.clear()
    rates = {track.name: track.bitrate for track in house.relay._broadcasts["k04"].tracks.values()}
    estimate(viewer, rates["video"] + 1000)
    async with asyncio.timeout(5):
        while layer_of(viewer.rtp[-1]) != "l":
            await shooting(lens, 0.09)
    assert "l" in lens.asked
    assert "m" not in lens.asked, "asked of the wanted layer alone"
    async with asyncio.timeout(10):
        while layer_of(viewer.rtp[-1]) != "h":
            estimate(viewer, 50_000_000)
            await shooting(lens, 0.09)
    seen = list(dict.fromkeys(layer_of(packet) for packet in viewer.rtp))
    assert seen[0] == "m"
    assert {"l", "h"} < set(seen)
    numbers = [packet.sequence_number for packet in viewer.rtp]
    assert [(b - a) & 0xFFFF for a, b in itertools.pairwise(numbers)] == [1] * (len(numbers) - 1)
    stamps = [packet.timestamp for packet in viewer.rtp]
    steps = [(b - a) & 0xFFFFFFFF for a, b in itertools.pairwise(stamps)]
    assert all(step < 90_000 for step in steps)
    begins = [packet for packet in viewer.rtp if packet.payload[0] & 0x10]
    assert all((b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in itertools.pairwise(begins))
    pictures = [picture_of(packet) for packet in begins]
    assert all(0 < (b - a) & 0x7FFF < 100 for a, b in itertools.pairwise(pictures)), pictures
    assert len({packet.ssrc for packet in viewer.rtp}) == 1
    # Every change of layer is at a keyframe.
    for before, after in zip(viewer.rtp, viewer.rtp[1:], strict=False):
        if layer_of(before) != layer_of(after):
            assert before.marker == 1
            assert after.payload[0] & 0x10
            assert not after.payload[6] & 1
    # What was sent before a change can be had again after it, under its number.
    old = next(packet for packet in viewer.rtp if layer_of(packet) == "l")
    count = len(viewer.datagrams)
    sent = next(data for data in viewer.datagrams if data[2:4] == pack("!H", old.sequence_number))
    viewer.send_rtcp(RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=old.ssrc, lost=[old.sequence_number]))
    await viewer.until(lambda: sent in viewer.datagrams[count:])
    stats = (await house.client.call("stats"))["activities"]["k04"]
    assert [(layer["name"], layer["height"], layer["viewers"]) for layer in stats["layers"]] == [
        ("video", 180, 0),
        ("video/1", 360, 0),
        ("video/2", 720, 1),
    ]
    assert house.relay.counters["layers changed"] >= 2


@pytest.mark.usefixtures("impatient")
async def test_a_layer_that_stops_is_left_and_a_single_one_goes_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streaming.track.LIVE_SECONDS", 0.3)
    lens = await camera(house)
    viewer = await house.viewer(text=offer("recvonly", (VP8,)))
    await shooting(lens, 0.2)
    only = lens.layers["l"]
    async with asyncio.timeout(5):
        while layer_of(viewer.rtp[-1]) != "l":
            wanted = any(getattr(packet, "media_ssrc", 0) == only.ssrc for packet in lens.peer.rtcp)
            only.picture_of(300, key=wanted)
            await asyncio.sleep(0.03)
    # Another publisher of the same host, with one layer: viewers stay.
    second = Sender(await house.publisher(VP8))
    second.payload_type = VP8
    await lens.peer.until(lambda: lens.peer.closed)
    have = len(viewer.rtp)
    async with asyncio.timeout(5):
        while len(viewer.rtp) < have + 3:
            key = b"\x10\x00\0\0\x9d\x01\x2a" + pack("<HH", 640, 360)
            second.peer.send(second.packet(key + b"single", marker=True))
            second.timestamp += 3000
            await asyncio.sleep(0.03)
    numbers = [packet.sequence_number for packet in viewer.rtp]
    assert [(b - a) & 0xFFFF for a, b in itertools.pairwise(numbers)] == [1] * (len(numbers) - 1)
    assert not viewer.closed


async def test_sound_alone_and_the_picture_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher, "KEYFRAME_INTERVAL", 0.05)
    sender = await house.on_air()
    sound = Sender(sender.peer, OPUS, 0x2222)
    viewer = await house.viewer()
    assert viewer.session is not None

    async def watch(count: int) -> set[int]:
        begin = len(viewer.rtp)
        for _ in range(count):
            wanted = any(getattr(packet, "fmt", 0) == RTCP_PSFB_PLI for packet in sender.peer.rtcp)
            sender.peer.rtcp.clear()
            sender.frame(200, 50, keyframe=wanted)
            sound.frame(60)
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.05)
        return {packet.payload_type for packet in viewer.rtp[begin:]}

    assert await watch(4) == {96, 111}
    await house.client.call("picture", session=viewer.session.id, picture=False)
    assert await watch(4) == {111}
    await house.client.call("picture", session=viewer.session.id, picture=True)
    assert await watch(8) == {96, 111}
    numbers = [packet.sequence_number for packet in viewer.rtp if packet.payload_type == 96]
    assert [(b - a) & 0xFFFF for a, b in itertools.pairwise(numbers)] == [1] * (len(numbers) - 1)
    # From the beginning: nothing of the picture, until it is wanted.
    session = await house.open("watch", offer("recvonly"), picture=False)
    viewer = Peer()
    house.peers.append(viewer)
    await viewer.connect(session.sdp)
    assert await watch(4) == {111}
    await house.client.call("picture", session=session.id, picture=True)
    assert await watch(8) == {96, 111}


async def test_unknown_and_forged_layers_are_dropped_and_counted(house: House) -> None:
    lens = await camera(house)
    drops = house.port.drops
    for rid, ssrc in (("x", 0x9001), ("", 0x9002), ("l" * 16, 0x9003), ("l", 0x9004), (None, 0x9005)):
        before = drops["ssrc"]
        stranger = Sender(lens.peer, VP8, ssrc, rid=rid)
        lens.peer.send(stranger.packet(b"\x10\x01forged"))
        await house.until(lambda before=before: drops["ssrc"] == before + 1)
    tracks = house.relay._broadcasts["k04"].tracks
    assert set(tracks) == {"video", "video/1", "video/2"}
    assert not any(
        packet is not None and packet.payload.endswith(b"forged") for t in tracks.values() for packet in t._history
    )


@pytest.mark.parametrize(
    ("lines", "answered"),
    [
        (["a=rid:a send", "a=rid:b send", "a=simulcast:send a;b"], "a;b"),
        (["a=rid:a send", "a=rid:b send", "a=rid:c send", "a=simulcast:send a,c;~b"], "a;b"),
        (
            [*(f"a=rid:r{n} send" for n in range(200)), "a=simulcast:send " + ";".join(f"r{n}" for n in range(200))],
            "r0;r1;r2",
        ),
        (["a=rid:a recv", "a=rid:b send", "a=simulcast:send a;b"], None),
        (["a=rid:a send", "a=simulcast:send a;a;a"], None),
        (["a=rid:a;b send", "a=rid:" + "x" * 17 + " send", "a=rid:", "a=simulcast:", "a=simulcast:send"], None),
        (["a=simulcast:send a;b"], None),
    ],
)
def test_what_is_answered_to_an_offer_of_layers(lines: list[str], answered: str | None) -> None:
    text = offer("sendonly", (VP8,), extra="\r\n".join([f"a=extmap:10 {sdp.RID}", *lines]))
    parsed = sdp.parse_offer(text, sending=True)
    assert sdp.Offer.from_json(parsed.to_json()) == parsed
    assert len(parsed.media[0].rids) <= MAX_LAYERS
    grant = sdp.Grant("s", "u", "p", "AA", "passive", [], publisher.choose(parsed))
    answer = sdp.write_answer(parsed, grant, sending=True)
    if answered is None:
        assert "simulcast" not in answer
        assert "a=rid" not in answer
    else:
        assert value(answer, "simulcast") == f"recv {answered}"
        assert value(answer, "extmap").endswith(sdp.TRANSPORT_CC)
        assert f"a=extmap:10 {sdp.RID}" in answer


def test_the_packager_follows_the_highest_layer() -> None:
    low, high = (Track(codecs.H264, Recorder(), name) for name in ("video", "video/1"))
    follow, written = Highest(), []

    def give(track: Track, number: int, live: list[Track], *, key: bool = False) -> None:
        packet = follow.take(track, Packet(number & 0xFFFF, 0, True, b"", key), live)
        if packet is not None:
            written.append(packet.sequence)

    for number in range(65_530, 65_540):
        give(high, number, [low, high])
        give(low, number - 60_000, [low, high])
    # The highest ends; the other is taken from its next keyframe on, with numbers that go on.
    for number in range(10):
        give(low, 5540 + number, [low], key=number == 4)
    give(low, 5541, [low])
    give(high, 9, [low, high])
    give(high, 10, [low, high], key=True)
    assert written == [number & 0xFFFF for number in range(65_530, 65_530 + 17)]
