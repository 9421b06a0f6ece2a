"""What receivers say back, and what becomes of it: NACK, PLI, reports, transport-wide feedback, late joiners."""

import asyncio
from typing import Any

import pytest
from aiortc.rtp import (
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSenderInfo,
    RtcpSrPacket,
)

from streaming import publisher
from streaming import viewer as viewer_module
from tests.streaming.house import House
from tests.streaming.peers import AUDIO_SSRC, H264, KEYFRAME, OPUS, VIDEO_SSRC, Peer, Sender


def nack(ssrc: int, *lost: int) -> RtcpRtpfbPacket:
    return RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=ssrc, lost=list(lost))


def pli(ssrc: int = 1) -> RtcpPsfbPacket:
    return RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=1, media_ssrc=ssrc)


def asked(peer: Peer, kind: int) -> list[Any]:
    return [packet for packet in peer.rtcp if isinstance(packet, RtcpPsfbPacket) and packet.fmt == kind]


async def test_a_packet_is_sent_again_with_the_same_bytes(house: House) -> None:
    sender = await house.on_air()
    viewer = await house.viewer()
    sender.frame(900, 900, 100)
    await viewer.until(lambda: len(viewer.rtp) == 5)
    ssrc = viewer.rtp[0].ssrc
    media = [data for data in viewer.datagrams if not 192 <= data[1] < 224]
    wanted = [packet.sequence_number for packet in viewer.rtp[1:4]]
    viewer.send_rtcp(nack(ssrc, *wanted))
    await viewer.until(lambda: sum(not 192 <= data[1] < 224 for data in viewer.datagrams) == 8)
    assert [data for data in viewer.datagrams if not 192 <= data[1] < 224][5:] == media[1:4]
    assert house.relay.counters["packets resent"] == 3
    # What was never sent to this viewer, or is somebody else's, is not sent again.
    viewer.send_rtcp(nack(ssrc, wanted[0] - 100, wanted[0] + 100), nack(ssrc + 1, wanted[0]))
    await house.until(lambda: house.relay.counters["nacks received"] == 3)
    assert house.relay.counters["packets resent"] == 3


async def test_a_viewer_that_asks_again_and_again_gets_its_share_and_no_more(house: House) -> None:
    sender = await house.on_air()
    viewer = await house.viewer()
    sender.frame(*[200] * 60)
    await viewer.until(lambda: len(viewer.rtp) == 62)
    numbers = [packet.sequence_number for packet in viewer.rtp]
    for _ in range(20):
        viewer.send_rtcp(nack(viewer.rtp[0].ssrc, *numbers))
    await house.until(lambda: house.relay.counters["nacks received"] == 20)
    assert house.relay.counters["packets resent"] < 320


async def test_keyframe_requests_of_many_become_one(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher, "KEYFRAME_INTERVAL", 1.0)
    sender = await house.on_air()
    viewers = [await house.viewer() for _ in range(5)]
    for viewer in viewers:
        for _ in range(10):
            viewer.send_rtcp(pli(viewer.rtp[0].ssrc))
    await house.until(lambda: house.relay.counters["keyframe requests received"] == 50)
    await asyncio.sleep(0.05)
    assert len(asked(sender.peer, RTCP_PSFB_PLI)) == 1
    # Those that came meanwhile are answered by one more, when it is due.
    await sender.peer.until(lambda: len(asked(sender.peer, RTCP_PSFB_PLI)) == 2)
    await asyncio.sleep(1.2)
    requests = asked(sender.peer, RTCP_PSFB_PLI)
    assert len(requests) == 2
    assert requests[0].media_ssrc == VIDEO_SSRC
    viewers[0].send_rtcp(RtcpPsfbPacket(fmt=RTCP_PSFB_FIR, ssrc=1, media_ssrc=0, fci=bytes(8)))
    await sender.peer.until(lambda: len(asked(sender.peer, RTCP_PSFB_PLI)) == 3)


async def test_who_comes_late_gets_the_last_keyframe_at_once(house: House) -> None:
    sender = await house.on_air()
    for _ in range(10):
        sender.frame(700, 100)
    await house.until(lambda: house.port.received > 21)
    viewer = await house.viewer()
    await viewer.until(lambda: len(viewer.payloads()) == 22)
    assert viewer.payloads() == sender.sent
    assert viewer.payloads()[0] == KEYFRAME
    stamps = [packet.timestamp for packet in viewer.rtp]
    assert (stamps[-1] - stamps[0]) & 0xFFFFFFFF == 10 * 90, "what is past is played fast: a millisecond a frame"
    assert not asked(sender.peer, RTCP_PSFB_PLI)
    # The same bytes again, with the squeezed time.
    first = viewer.rtp[0]
    viewer.send_rtcp(nack(first.ssrc, first.sequence_number))
    await house.until(lambda: house.relay.counters["packets resent"] == 1)
    media = [data for data in viewer.datagrams if not 192 <= data[1] < 224]
    await viewer.until(lambda: len([data for data in viewer.datagrams if not 192 <= data[1] < 224]) == 23)
    assert [data for data in viewer.datagrams if not 192 <= data[1] < 224][22] == media[0]


async def test_without_a_keyframe_a_newcomer_waits_for_the_next(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher, "KEYFRAME_INTERVAL", 0.15)
    sender = Sender(await house.publisher())
    sender.frame(300)
    await house.until(lambda: house.events)
    viewer = await house.viewer()
    sender.frame(300)
    # A request may get lost on its way: as long as somebody waits, it is made again.
    await sender.peer.until(lambda: len(asked(sender.peer, RTCP_PSFB_PLI)) >= 3)
    assert not viewer.payloads()
    begin = len(sender.sent)
    sender.frame(600, 20, keyframe=True)
    sender.frame(70)
    await viewer.until(lambda: viewer.payloads() == sender.sent[begin:])


async def test_a_keyframe_whose_first_packet_is_overtaken_is_whole(house: House) -> None:
    sender = Sender(await house.publisher())
    first, second = sender.packet(KEYFRAME), sender.packet(b"\x65picture", marker=True)
    sender.peer.send(second)
    sender.peer.send(first)
    await house.until(lambda: house.events)
    viewer = await house.viewer()
    await viewer.until(lambda: viewer.payloads() == [KEYFRAME, b"\x65picture"])
    numbers = [packet.sequence_number for packet in viewer.rtp]
    assert numbers[1] == (numbers[0] + 1) & 0xFFFF
    assert house.port.drops["duplicate"] == 0


async def test_a_request_before_the_first_packet_is_kept(house: House) -> None:
    first = await house.on_air()
    viewer = await house.viewer()
    await house.publisher()
    await first.peer.until(lambda: first.peer.closed)
    viewer.send_rtcp(pli())
    await house.until(lambda: house.relay.counters["keyframe requests received"] == 1)
    second = Sender(house.peers[-1])
    second.frame(300)
    await second.peer.until(lambda: asked(second.peer, RTCP_PSFB_PLI))


async def test_packets_that_a_publisher_lost_are_asked_for(house: House) -> None:
    sender = await house.on_air()
    viewer = await house.viewer()
    held = [sender.packet(b"\x41first"), sender.packet(b"\x41second")]
    sender.peer.send(sender.packet(b"\x41third", marker=True))
    request = await sender.peer.until(
        lambda: next((packet for packet in sender.peer.rtcp if isinstance(packet, RtcpRtpfbPacket)), None)
    )
    assert (request.fmt, request.media_ssrc) == (RTCP_RTPFB_NACK, VIDEO_SSRC)
    assert sorted(request.lost) == sorted(packet.sequence_number for packet in held)
    for packet in held:
        sender.peer.send(packet)
    await viewer.until(lambda: len(viewer.rtp) == 5)
    ordered = sorted(viewer.rtp, key=lambda packet: (packet.sequence_number - viewer.rtp[0].sequence_number) & 0xFFFF)
    assert [packet.payload for packet in ordered[2:]] == [b"\x41first", b"\x41second", b"\x41third"]
    stats = await house.client.call("stats")
    assert stats["activities"]["k04"]["publisher"]["packets_lost"] == 0


async def test_reports_tie_sound_and_picture_together(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer_module, "REPORT_SECONDS", 0.2)
    sender = await house.on_air()
    sound = Sender(sender.peer, OPUS, AUDIO_SSRC)
    sound.frame(80)
    viewer = await house.viewer()
    info = {"packet_count": 2, "octet_count": 100}
    for ssrc, stamp in ((VIDEO_SSRC, sender.timestamp), (AUDIO_SSRC, sound.timestamp)):
        report = RtcpSenderInfo(ntp_timestamp=0xDEAD0001 << 32, rtp_timestamp=stamp & 0xFFFFFFFF, **info)
        sender.peer.send_rtcp(RtcpSrPacket(ssrc=ssrc, sender_info=report))

    def tied() -> list[RtcpSrPacket]:
        reports = [packet for packet in viewer.rtcp if isinstance(packet, RtcpSrPacket)]
        return [report for report in reports if 0 <= (report.sender_info.ntp_timestamp >> 32) - 0xDEAD0001 < 60]

    await viewer.until(lambda: len({report.ssrc for report in tied()}) == 2)
    reports = tied()
    sound.frame(80)
    await viewer.until(lambda: len({packet.ssrc for packet in viewer.rtp}) == 2)
    by_kind = {packet.payload_type: packet for packet in viewer.rtp}
    video = next((report for report in reports if report.ssrc == by_kind[H264].ssrc), None)
    assert video is not None
    since = (video.sender_info.ntp_timestamp - (0xDEAD0001 << 32)) / 2**32
    expected = by_kind[H264].timestamp + 3600 + since * 90_000
    assert abs(((video.sender_info.rtp_timestamp - expected + 2**31) % 2**32) - 2**31) < 90
    receiver = await sender.peer.until(
        lambda: next((p for p in sender.peer.rtcp if isinstance(p, RtcpRrPacket) and p.reports), None)
    )
    assert {report.ssrc for report in receiver.reports} <= {VIDEO_SSRC, AUDIO_SSRC}


async def test_a_viewers_report_is_kept(house: House) -> None:
    await house.on_air()
    viewer = await house.viewer()
    await viewer.until(viewer.payloads)
    report = RtcpReceiverInfo(
        ssrc=viewer.rtp[0].ssrc, fraction_lost=64, packets_lost=3, highest_sequence=0, jitter=0, lsr=0, dlsr=0
    )
    viewer.send_rtcp(RtcpRrPacket(ssrc=1, reports=[report]))
    (inside,) = house.relay._broadcasts["k04"].viewers
    await house.until(lambda: inside.fraction_lost == 0.25)


async def test_the_figures_name_what_is_sent(house: House) -> None:
    sender = await house.on_air()
    await house.viewer()
    sender.frame(100)
    await house.until(lambda: house.port.fanout.packets >= 3)
    stats = await house.client.call("stats")
    track = stats["activities"]["k04"]["publisher"]["tracks"]["video"]
    assert (track["codec"], track["width"], track["height"], track["packets"]) == ("H264", 1280, 720, 3)
    assert stats["activities"]["k04"]["viewers"] == 1
    assert stats["resident_kilobytes"] > 10_000
