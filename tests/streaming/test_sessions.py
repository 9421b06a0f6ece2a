"""Sessions come and go: publishers that return, take over or are refused, and viewers that stay, vanish or move."""

import asyncio
import socket

import pytest
from aiortc.rtp import RTCP_RTPFB_NACK, RtcpRtpfbPacket

from streaming import peer, publisher
from streaming.errors import BadOffer, Conflict, Full, NotOnAir, PreconditionFailed, UnknownSession
from tests.streaming.house import House
from tests.streaming.peers import H264, OPUS, VP8, Peer, Sender, offer, value


async def test_viewers_stay_in_their_session_when_the_publisher_goes_and_comes_back(house: House) -> None:
    first = await house.on_air()
    viewers = [await house.viewer(), await house.viewer()]
    first.frame(800, 800, 300)
    await house.until(lambda: all(len(viewer.payloads()) == 5 for viewer in viewers))
    await first.peer.close()
    await house.until(lambda: house.events[-1] == ("k04", False))

    # Another SSRC, other numbers: a browser that was started anew.
    again = Sender(await house.publisher(), sequence=100)
    again.timestamp = 5
    again.frame(700, 200, keyframe=True)
    await house.until(lambda: house.events == [("k04", True), ("k04", False), ("k04", True)])
    await house.until(lambda: all(len(viewer.payloads()) == 8 for viewer in viewers))
    for viewer in viewers:
        assert viewer.payloads() == first.sent + again.sent
        numbers = [packet.sequence_number for packet in viewer.rtp]
        assert [(number - numbers[0]) & 0xFFFF for number in numbers] == list(range(8))
        stamps = [packet.timestamp for packet in viewer.rtp]
        elapsed = (stamps[5] - stamps[4]) & 0xFFFFFFFF
        assert 0 < elapsed < 90_000 * 5, "the time that passed, not the publishers' own clocks"
        assert len({packet.ssrc for packet in viewer.rtp}) == 1
        assert not viewer.closed


async def test_the_same_owner_takes_over_and_nobody_else(house: House) -> None:
    first = await house.on_air()
    viewer = await house.viewer()
    with pytest.raises(Conflict):
        await house.open("publish", offer("sendonly"), owner="another")
    second = Sender(await house.publisher(owner="host"))
    await first.peer.until(lambda: first.peer.closed)
    second.frame(400, keyframe=True)
    await viewer.until(lambda: viewer.payloads() == first.sent + second.sent)
    assert house.events == [("k04", True)], "on air without a break"


async def test_a_claim_that_never_comes_gives_the_activity_to_nobody(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await house.on_air()
    monkeypatch.setattr(peer, "CONNECT_SECONDS", 0.2)
    claim = await house.open("publish", offer("sendonly"))
    await house.until(lambda: claim.id not in house.relay._sessions)
    with pytest.raises(Conflict):
        await house.open("publish", offer("sendonly"), owner="another")
    assert not first.peer.closed


async def test_the_older_of_two_claims_does_not_replace_the_newer(house: House) -> None:
    old = await house.open("publish", offer("sendonly"))
    new = await house.publisher()
    late = Peer()
    house.peers.append(late)
    await late.connect(old.sdp)
    await late.until(lambda: late.closed)
    assert not new.closed


async def test_before_a_publisher_sends_there_is_nothing_to_watch(house: House) -> None:
    with pytest.raises(NotOnAir):
        await house.open("watch", offer("recvonly"))
    await house.publisher()
    with pytest.raises(NotOnAir):
        await house.open("watch", offer("recvonly"))


async def test_a_viewer_without_the_codec_is_told_what_is_sent(house: House) -> None:
    await house.on_air(H264)
    with pytest.raises(BadOffer, match="H264"):
        await house.open("watch", offer("recvonly", (VP8,)))


async def test_a_full_relay_says_so() -> None:
    house = await House(max_viewers=1).start()
    await house.on_air()
    await house.viewer()
    with pytest.raises(Full):
        await house.open("watch", offer("recvonly"))
    await house.close()


async def test_who_only_opens_sessions_takes_nobodys_seat_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streaming.relay.UNSEEN_SECONDS", 1.0)
    house = await House(max_viewers=2).start()
    try:
        await house.on_air()
        await house.viewer()
        await house.open("watch", offer("recvonly"))
        with pytest.raises(Full):
            await house.open("watch", offer("recvonly"))
        await asyncio.sleep(1.05)
        await house.viewer()
        with pytest.raises(Full):
            await house.open("watch", offer("recvonly"))
    finally:
        await house.close()


async def test_another_codec_ends_the_viewers_that_cannot_follow(house: House) -> None:
    await house.on_air(H264, OPUS)
    viewer = await house.viewer(H264, OPUS)
    listener = await house.viewer(OPUS)
    again = Sender(await house.publisher(VP8, OPUS), VP8)
    await viewer.until(lambda: viewer.closed)
    again.frame(100)
    assert not listener.closed
    await house.viewer(VP8)


async def test_a_listener_whose_publisher_turns_the_camera_on_connects_anew(house: House) -> None:
    sender = Sender(await house.publisher(OPUS), OPUS, 0x2222)
    sender.frame(80)
    await house.until(lambda: house.events)
    viewer = await house.viewer(H264, OPUS)
    listener = await house.viewer(OPUS)
    await house.publisher(H264, OPUS)
    await viewer.until(lambda: viewer.closed)
    assert not listener.closed


async def test_a_viewer_that_was_connecting_finds_the_next_publisher(house: House) -> None:
    first = await house.on_air()
    session = await house.open("watch", offer("recvonly"))
    await first.peer.close()
    await house.until(lambda: house.events[-1] == ("k04", False))
    viewer = Peer()
    house.peers.append(viewer)
    await viewer.connect(session.sdp)
    again = Sender(await house.publisher())
    again.frame(300, keyframe=True)
    await viewer.until(lambda: viewer.payloads()[-2:] == again.sent)


async def test_silence_takes_the_activity_off_the_air_and_keeps_the_session(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "QUIET_SECONDS", 0.2)
    sender = await house.on_air()
    await house.until(lambda: house.events[-1] == ("k04", False))
    sender.frame(200)
    await house.until(lambda: house.events.count(("k04", True)) == 2)
    assert not sender.peer.closed


async def test_who_vanishes_is_removed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    sender = await house.on_air()
    gone, there = await house.viewer(), await house.viewer()
    monkeypatch.setattr(peer, "SILENCE_SECONDS", 1.0)
    gone.transport.close()
    assert there.session is not None
    ufrag, password = value(there.session.sdp, "ice-ufrag"), value(there.session.sdp, "ice-pwd")
    async with asyncio.timeout(10):
        while house.watching == 2:
            await asyncio.sleep(0.1)
            there.check(ufrag, password)
            sender.frame(100)
    assert house.watching == 1
    assert not there.closed
    assert house.relay.counters["watch ended: vanished"] == 1


async def test_a_viewer_that_never_comes_is_removed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.on_air()
    monkeypatch.setattr(peer, "CONNECT_SECONDS", 0.2)
    session = await house.open("watch", offer("recvonly"))
    await house.until(lambda: session.id not in house.relay._sessions)
    await house.until(lambda: house.port._password_of(session.etag) is None)  # once its peer has been told


async def test_both_sides_may_begin_the_handshake(house: House) -> None:
    await house.on_air()
    session = await house.open("watch", offer("recvonly", setup="passive"))
    assert value(session.sdp, "setup") == "active"
    viewer = Peer()
    house.peers.append(viewer)
    await viewer.connect(session.sdp, role="server")
    await viewer.until(viewer.payloads)


async def test_another_certificate_than_the_offers_is_refused(house: House) -> None:
    await house.on_air()
    text = offer("recvonly")
    digest = value(text, "fingerprint")
    session = await house.open(
        "watch", text.replace(digest, digest[:-5] + ("00:00" if digest[-5:] != "00:00" else "11:11"))
    )
    viewer = Peer()
    house.peers.append(viewer)
    await viewer.connect(session.sdp)
    await house.until(lambda: session.id not in house.relay._sessions)
    assert house.port.drops["handshake failed"] == 1
    assert not viewer.rtp


async def test_candidates_change_nothing_and_new_credentials_restart(house: House) -> None:
    sender = await house.on_air()
    viewer = await house.viewer()
    session = viewer.session
    assert session is not None

    async def patch(credentials: list[str] | None, if_match: str) -> dict[str, str]:
        return await house.client.call("patch", session=session.id, credentials=credentials, if_match=if_match)

    own = [value(offer("recvonly"), "ice-ufrag"), value(offer("recvonly"), "ice-pwd")]
    etag = f'"{session.etag}"'
    assert await patch(None, etag) == {}
    assert await patch(own, etag) == {}
    with pytest.raises(PreconditionFailed):
        await patch(own, '"another"')
    with pytest.raises(UnknownSession):
        await house.client.call("patch", session="none", credentials=own, if_match="*")
    anew = await patch(["anew", "x" * 22], etag)
    with pytest.raises(PreconditionFailed):
        await patch(["more", "y" * 22], etag)

    # Both credentials hold, and the path moves to a new socket that nominates itself with the new ones.
    viewer.check(value(session.sdp, "ice-ufrag"), value(session.sdp, "ice-pwd"))
    await viewer.until(lambda: len(viewer.checks) == 2)
    old = viewer.transport
    await viewer.open(house.port.number)
    viewer.check(anew["ufrag"], anew["password"])
    await viewer.until(lambda: len(viewer.checks) == 3)
    old.close()
    frame = sender.frame(333)
    await viewer.until(lambda: viewer.payloads()[-1:] == frame)
    # "*" stands for whichever is current; the credentials before the last are forgotten.
    await patch(["even", "z" * 22], "*")
    assert house.port._password_of(session.etag) is None


async def test_a_forged_sender_takes_no_address_from_who_lives_there(house: House) -> None:
    sender = await house.on_air()
    thief = await house.open("watch", offer("recvonly"))
    # The thief knows its own password; the datagram comes from the publisher's address.
    before = house.port.drops["address in use"]
    sender.peer.check(value(thief.sdp, "ice-ufrag"), value(thief.sdp, "ice-pwd"))
    await house.until(lambda: house.port.drops["address in use"] > before)
    viewer = await house.viewer()
    frame = sender.frame(444)
    await viewer.until(lambda: viewer.payloads()[-1:] == frame)


async def test_the_end_of_an_activity_ends_everyone(house: House) -> None:
    sender = await house.on_air()
    viewer = await house.viewer()
    await house.client.call("end_activity", activity="k04")
    await viewer.until(lambda: viewer.closed)
    await sender.peer.until(lambda: sender.peer.closed)
    assert house.relay._sessions == {}
    assert house.relay._broadcasts == {}
    with pytest.raises(UnknownSession):
        await house.client.call("end", session="none")


async def test_ipv4_and_ipv6_are_served_alike(house: House) -> None:
    if house.port.socket.family != socket.AF_INET6:
        return  # a machine without IPv6: the relay serves IPv4 alone
    session = await house.open("publish", offer("sendonly"))
    publisher = Peer(host="::1")
    house.peers.append(publisher)
    sender = Sender(await publisher.connect(session.sdp))
    sender.frame(500, keyframe=True)
    await house.until(lambda: house.events and house.events[-1][1])
    viewers = [await house.viewer(peer=Peer(host=host)) for host in ("127.0.0.1", "::1", "127.0.0.1", "::1")]
    for _ in range(20):
        sender.frame(1180, 1180, 300)
        await asyncio.sleep(0.005)
    for viewer in viewers:
        await house.until(lambda viewer=viewer: viewer.payloads()[-60:] == sender.sent[-60:])
    # What was lost is had again the same way.
    viewer, lost = viewers[1], viewers[1].rtp[-5]
    count = len(viewer.datagrams)
    sent = next(data for data in viewer.datagrams if data[2:4] == lost.sequence_number.to_bytes(2))
    viewer.send_rtcp(RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=lost.ssrc, lost=[lost.sequence_number]))
    await viewer.until(lambda: sent in viewer.datagrams[count:])
