"""A network that loses, delays and reorders: what arrived in the end."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription, VideoStreamTrack
from aiortc.rtp import RTCP_RTPFB_NACK, RtcpRtpfbPacket, RtpPacket

from streaming.addresses import own_addresses
from tests.streaming.house import House
from tests.streaming.peers import KEYFRAME, Peer, Sender, offer
from tests.streaming.wire import Wire


class Repairing(Sender):
    """A publisher that sends again what it is asked for."""

    def __init__(self, peer: Peer) -> None:
        super().__init__(peer)
        self.history: dict[int, RtpPacket] = {}
        self.asked = 0

    def packet(self, payload: bytes, *, marker: bool = False) -> RtpPacket:
        packet = super().packet(payload, marker=marker)
        self.history[packet.sequence_number] = packet
        return packet

    def repair(self) -> None:
        requests, self.peer.rtcp = self.peer.rtcp, []
        for request in requests:
            if isinstance(request, RtcpRtpfbPacket) and request.fmt == RTCP_RTPFB_NACK:
                self.asked += len(request.lost)
                for number in request.lost:
                    if number in self.history:
                        self.peer.send(self.history[number])


def ask(viewer: Peer) -> None:
    """Ask for what is missing so far, as a player does."""
    if not viewer.rtp:
        return
    numbers = {packet.sequence_number for packet in viewer.rtp}
    newest = viewer.rtp[-1].sequence_number
    lost = [number for back in range(200) if (number := (newest - back) & 0xFFFF) not in numbers]
    first = viewer.rtp[0].sequence_number
    lost = [number for number in lost if (number - first) & 0xFFFF < 0x8000]
    if lost:
        viewer.send_rtcp(RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=viewer.rtp[0].ssrc, lost=sorted(lost)))


@pytest.mark.parametrize(("loss", "least"), [(0.01, 0.99), (0.05, 0.99), (0.2, 0.95)])
async def test_lost_packets_are_repaired_in_both_directions(house: House, loss: float, least: float) -> None:
    chance = random.Random(7)
    delay = lambda: 0.01 + chance.random() * 0.02  # noqa: E731 - handed to both ends of the wire
    session = await house.open("publish", offer("sendonly"))
    bad = Peer(loss=loss, delay=delay, seed=1)
    house.peers.append(bad)
    sender = Repairing(await bad.connect(session.sdp))
    # A keyframe has to arrive in its order: what comes before the first packet that arrived is nobody's loss.
    while not house.events or house.relay._broadcasts["k04"].tracks["video"].keyframe_sequence is None:
        sender.frame(300, keyframe=True)
        await asyncio.sleep(0.03)
    viewer = await house.viewer(peer=Peer(loss=loss, delay=delay, seed=2))
    begin = len(sender.sent)
    for _ in range(60):
        sender.frame(900, 900, 900, 100)
        await asyncio.sleep(0.02)
        sender.repair()
        ask(viewer)
    for _ in range(15):
        await asyncio.sleep(0.03)
        sender.repair()
        ask(viewer)
    arrived = set(viewer.payloads())
    share = sum(payload in arrived for payload in sender.sent[begin:]) / len(sender.sent[begin:])
    assert bad.lost + viewer.lost > 240 * loss
    assert sender.asked > 0
    assert share >= least, f"{share:.4f} arrived at a loss of {loss} each way"
    # No payload was changed on the way, and what arrived twice was the same.
    assert arrived <= {KEYFRAME, *sender.sent}
    by_number: dict[int, bytes] = {}
    for packet in viewer.rtp:
        assert by_number.setdefault(packet.sequence_number, packet.payload) == packet.payload


async def opened(peer: RTCPeerConnection, house: House, kind: Any, wire: Wire) -> None:
    await peer.setLocalDescription(await peer.createOffer())
    session = await house.open(kind, peer.localDescription.sdp)
    await peer.setRemoteDescription(RTCSessionDescription(wire.rewrite(session.sdp), "answer"))


@pytest.fixture
async def wires(house: House) -> AsyncIterator[list[Wire]]:
    """A bad network for a publisher, and one for a viewer."""
    wires = [await Wire(house.port.number, loss=0.05, seed=seed).open() for seed in (1, 2)]
    yield wires
    for wire in wires:
        wire.close()


@pytest.fixture
async def peers() -> AsyncIterator[list[RTCPeerConnection]]:
    """Two peers of another implementation."""
    peers = [RTCPeerConnection(), RTCPeerConnection()]
    yield peers
    for peer in peers:
        await peer.close()


@pytest.mark.skipif(len(own_addresses()) < 2, reason="peers of aiortc need another address than the loopback one")
async def test_peers_of_aiortc_lose_next_to_nothing_at_five_percent(
    house: House, wires: list[Wire], peers: list[RTCPeerConnection]
) -> None:
    sending, receiving = peers
    sending.addTrack(VideoStreamTrack())
    await opened(sending, house, "publish", wires[0])
    await house.until(lambda: house.events, 10)
    receiving.addTransceiver("video", direction="recvonly")
    tracks: list[MediaStreamTrack] = []
    receiving.on("track", tracks.append)
    await opened(receiving, house, "watch", wires[1])
    receiver: Any = receiving.getReceivers()[0]

    async def made_good() -> bool:
        """Both wires lost something, and no more is lacking at either end than is being asked for right now."""
        # Its statistics count what came by RTX as lost; what it still asks for is what it lacks.
        lacking = receiver._RTCRtpReceiver__nack_generator.missing
        stats = (await house.client.call("stats"))["activities"]["k04"]["publisher"]
        few = 0.03 * stats["packets"]
        enough = stats["packets"] >= 60 and min(wire.lost for wire in wires) > 5
        return enough and stats["packets_lost"] <= few and len(lacking) <= few

    frames = 0
    async with asyncio.timeout(30):
        while frames < 60 or not await made_good():
            await tracks[0].recv()
            frames += 1
    assert house.relay.counters["packets resent by rtx"] > 0
    assert house.relay.counters["nacks sent"] > 0
    assert house.relay.counters["nacks received"] > 0
