"""What viewers get again by RTX (RFC 4588), and what they say of their bandwidth (REMB)."""

import asyncio
from struct import unpack_from

from aiortc.rtp import RTCP_PSFB_APP, RTCP_RTPFB_NACK, RtcpPsfbPacket, RtcpRtpfbPacket, RtpPacket, pack_remb_fci

from streaming import sdp
from tests.streaming.house import House
from tests.streaming.peers import RTX, Peer, offer, value


def original(packet: RtpPacket) -> tuple[int, bytes]:
    """The number and the payload that an RTX packet repeats."""
    return unpack_from("!H", packet.payload)[0], packet.payload[2:]


async def test_a_viewer_with_rtx_gets_lost_packets_under_another_name(house: House) -> None:
    sender = await house.on_air()
    viewer = await house.viewer(text=offer("recvonly", rtx=True))
    assert viewer.session is not None
    primary, repair = map(int, value(viewer.session.sdp, "ssrc-group").split()[1:])
    sender.frame(900, 900, 100)
    await viewer.until(lambda: len(viewer.rtp) == 5)
    wanted = viewer.rtp[1:4]
    lost = [packet.sequence_number for packet in wanted]
    viewer.send_rtcp(RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=primary, lost=lost))
    await viewer.until(lambda: len(viewer.rtp) == 8)
    again = viewer.rtp[5:]
    assert {(packet.ssrc, packet.payload_type) for packet in again} == {(repair, RTX)}
    assert [original(packet) for packet in again] == [(packet.sequence_number, packet.payload) for packet in wanted]
    assert [packet.timestamp for packet in again] == [packet.timestamp for packet in wanted]
    # A repetition of a repetition has a number of its own: no packet of SRTP is ever sent twice.
    viewer.send_rtcp(RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=primary, lost=lost[:1]))
    await viewer.until(lambda: len(viewer.rtp) == 9)
    numbers = [packet.sequence_number for packet in viewer.rtp[5:]]
    assert numbers == list(range(numbers[0], numbers[0] + 4))
    assert house.relay.counters["packets resent by rtx"] == house.relay.counters["packets resent"] == 4


async def test_packets_say_when_they_were_sent_where_an_estimate_is_agreed(house: House) -> None:
    sender = await house.on_air()
    viewer = await house.viewer(text=offer("recvonly", remb=True))
    plain = await house.viewer()
    await asyncio.sleep(0.2)
    sender.frame(700, 300)
    await viewer.until(lambda: len(viewer.rtp) == 4)
    await plain.until(lambda: len(plain.rtp) == 4)
    assert viewer.payloads() == plain.payloads()
    times = [packet.extensions.abs_send_time for packet in viewer.rtp]
    assert all(packet.extensions.abs_send_time is None for packet in plain.rtp)
    elapsed = ((times[3] or 0) - (times[0] or 0)) & 0xFFFFFF
    assert 0.2 <= elapsed / 2**18 < 2
    (inside,) = [each for each in house.relay._broadcasts["k04"].viewers if each.channels[0]._extension]
    fci = pack_remb_fci(640_000, [viewer.rtp[0].ssrc])
    viewer.send_rtcp(RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=1, media_ssrc=0, fci=fci))
    await house.until(lambda: inside.estimate is not None)
    assert abs((inside.estimate or 0) - 640_000) < 2_000
    before = house.port.drops["rtcp"]
    for forged in (b"", b"REMB", b"REMB\x05\0\0\0", b"XEMB" + fci[4:]):
        viewer.send_rtcp(RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=1, media_ssrc=0, fci=forged))
    await house.until(lambda: house.port.drops["rtcp"] == before + 4)


def test_a_viewers_answer_agrees_to_what_was_offered_alone() -> None:
    for remb in (False, True):
        text = offer("recvonly", remb=remb)
        parsed = sdp.parse_offer(text, sending=False)
        track = sdp.Track(0, "H264", 96, 7)
        grant = sdp.Grant("s", "u", "p", "AA", "passive", [], [track])
        answer = sdp.write_answer(parsed, grant, sending=False)
        assert ("a=rtcp-fb:96 goog-remb" in answer) is remb
        assert (f"a=extmap:3 {sdp.SEND_TIME}" in answer) is remb


async def test_a_viewer_on_a_lossy_wire_has_all_in_the_end(house: House) -> None:
    sender = await house.on_air()
    viewer = await house.viewer(peer=Peer(loss=0.2, seed=3), text=offer("recvonly", rtx=True))
    assert viewer.session is not None
    primary = int(value(viewer.session.sdp, "ssrc-group").split()[1])
    begin = len(sender.sent)
    have: dict[int, bytes] = {}
    for turn in range(70):
        if turn < 50:
            sender.frame(700, 700, 100)
        await asyncio.sleep(0.015)
        for packet in viewer.rtp:
            number, payload = (
                original(packet) if packet.payload_type == RTX else (packet.sequence_number, packet.payload)
            )
            assert have.setdefault(number, payload) == payload
        viewer.rtp.clear()
        if have:
            low, high = min(have), max(have)
            lost = [number for number in range(max(low, high - 200), high) if number not in have]
            if lost:
                viewer.send_rtcp(RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=primary, lost=lost))
    arrived = set(have.values())
    share = sum(payload in arrived for payload in sender.sent[begin:]) / len(sender.sent[begin:])
    assert viewer.lost > 30
    assert share >= 0.95, f"{share:.3f}"
