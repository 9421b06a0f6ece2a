"""FFmpeg's muxer publishes, viewers watch, the relay's process dies and comes back."""

import os
import signal
from pathlib import Path
from struct import unpack_from

import av
import pytest
from aiortc.rtp import RtpPacket

from streaming.errors import NotOnAir, PreconditionRequired, RelayDown, RelayError, UnknownSession
from streaming.publish import PublishError
from streaming.supervisor import PublisherChanged, RelayChanged, Supervisor
from tests.streaming.conftest import Service
from tests.streaming.peers import H264, OPUS, Peer, media_processes, offer

OFF_AIR = PublisherChanged("k04", on_air=False)


def slices(packets: list[RtpPacket]) -> list[bytes]:
    """The coded slices in RTP packets that are in order (RFC 6184 sections 5.6 to 5.8): NAL units of type 1 and 5."""
    units: list[bytes] = []
    fragments = b""
    for packet in packets:
        payload = packet.payload
        kind = payload[0] & 0x1F
        if kind == 28:
            if payload[1] & 0x80:
                fragments = bytes([payload[0] & 0xE0 | payload[1] & 0x1F])
            fragments += payload[2:]
            if payload[1] & 0x40:
                units.append(fragments)
        elif kind == 24:
            position = 1
            while position < len(payload):
                (size,) = unpack_from("!H", payload, position)
                units.append(payload[position + 2 : position + 2 + size])
                position += 2 + size
        else:
            units.append(payload)
    return [unit for unit in units if unit[0] & 0x1F in (1, 5)]


def content(clip: Path) -> tuple[list[bytes], list[bytes]]:
    """The coded slices and the packets of sound in a file."""
    pictures, sounds = [], []
    with av.open(str(clip)) as container:
        for packet in container.demux():
            data = bytes(packet)
            if packet.stream.type == "audio" and data:
                sounds.append(data)
            position = 0
            while packet.stream.type == "video" and position < len(data):
                (size,) = unpack_from("!I", data, position)
                pictures.append(data[position + 4 : position + 4 + size])
                position += 4 + size
    return [unit for unit in pictures if unit[0] & 0x1F in (1, 5)], sounds


def in_order(peer: Peer, payload_type: int) -> list[RtpPacket]:
    """What arrived of one stream, without repetitions, by sequence number."""
    packets = {packet.sequence_number: packet for packet in peer.rtp if packet.payload_type == payload_type}
    first = next(iter(packets))
    return [packets[number] for number in sorted(packets, key=lambda number: (number - first + 0x8000) & 0xFFFF)]


def goes_round(part: list[bytes], whole: list[bytes]) -> bool:
    """Whether the part is what a loop over the whole gives, from some place on."""
    starts = [place for place, item in enumerate(whole) if item == part[0]]
    return any(all(item == whole[(start + n) % len(whole)] for n, item in enumerate(part)) for start in starts)


async def have(viewer: Peer, payload_type: int, count: int) -> None:
    """Wait until so many packets of a stream have arrived."""
    await viewer.until(lambda: len(viewer.payloads(payload_type)) >= count, 10)


async def test_what_arrives_is_byte_for_byte_what_was_sent(service: Service, clip: Path) -> None:
    await service.publish(clip)
    viewers = [await service.watch(), await service.watch()]
    pictures, sounds = content(clip)
    for viewer in viewers:
        await have(viewer, OPUS, len(sounds) + 20)
    for viewer in viewers:
        seen = slices(in_order(viewer, H264))
        assert len(seen) >= len(pictures), "once round"
        assert goes_round(seen, pictures)
        assert goes_round([packet.payload for packet in in_order(viewer, OPUS)], sounds)
    numbers = [{packet.sequence_number: packet.payload for packet in in_order(viewer, H264)} for viewer in viewers]
    both = numbers[0].keys() & numbers[1].keys()
    assert len(both) > 100
    assert all(numbers[0][number] == numbers[1][number] for number in both)

    # The publisher goes: the viewers are told by an event, and stay. It comes again: they see it.
    await service.unpublish()
    await service.happened(OFF_AIR)
    before = [len(viewer.payloads()) for viewer in viewers]
    await service.publish(clip)
    for viewer, count in zip(viewers, before, strict=True):
        await have(viewer, H264, count + 60)
        stream = in_order(viewer, H264)
        assert (stream[-1].sequence_number - stream[0].sequence_number) & 0xFFFF == len(stream) - 1, "without a gap"
        assert not viewer.closed
    stats = await service.supervisor.stats()
    video = stats.activities["k04"].publisher
    assert video is not None
    assert video.video is not None
    assert (video.video.codec, video.video.width, video.video.height) == ("H264", 1280, 720)
    assert stats.activities["k04"].viewers == 2
    for viewer in viewers:
        await viewer.close()
    await service.unpublish()
    await service.happened(OFF_AIR)
    assert media_processes() == {service.supervisor.pid}, "the relay alone is left"


async def test_a_killed_relay_comes_back(service: Service, clip: Path) -> None:
    publishing = await service.publish(clip)
    viewer = await service.watch()
    supervisor = service.supervisor
    pid = supervisor.pid
    assert pid is not None
    # What reaches the whole group of processes is not meant for the relay: the service ends it.
    os.kill(pid, signal.SIGINT)
    os.kill(pid, signal.SIGTERM)
    assert (await supervisor.stats()).activities["k04"].viewers == 1
    assert viewer.session is not None
    with pytest.raises(PreconditionRequired):
        await supervisor.patch(viewer.session.id, "a=candidate:1 1 udp 1 192.0.2.1 9 typ host", if_match=None)

    os.kill(pid, signal.SIGKILL)
    with pytest.raises(RelayDown):
        await supervisor.stats()
    await service.happened(RelayChanged(up=False))
    assert not supervisor.up
    with pytest.raises(RelayDown):
        await supervisor.watch("k04", offer("recvonly"))
    await supervisor.end_activity("k04")
    await service.happened(RelayChanged(up=True))
    assert supervisor.pid not in (None, pid)
    with pytest.raises(UnknownSession):
        await supervisor.end(viewer.session.id)
    with pytest.raises(NotOnAir):
        await supervisor.watch("k04", offer("recvonly"))
    with pytest.raises(PublishError, match="the line to the service was lost"):
        await publishing


async def test_a_port_in_use_is_said_in_a_sentence(service: Service) -> None:
    taken = service.supervisor.port
    assert taken
    second = Supervisor(media_port=taken, public_addresses=[], on_event=lambda event: None)
    with pytest.raises(RelayError, match=f"UDP port {taken} cannot be used .* Choose another port"):
        await second.start()
    assert second.pid is None
    await second.close()
    # Closing twice, and asking what was closed.
    await service.supervisor.close()
    await service.supervisor.close()
    assert (service.supervisor.up, service.supervisor.pid, service.supervisor.port) == (False, None, None)
    assert media_processes() == set()
    with pytest.raises(RelayDown):
        await service.supervisor.stats()
