"""WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep) over HTTP, as encoders and players that others wrote meet them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription

from streaming.clip import make_clip
from streaming.publish import PublishError, publish
from tests.service import ServiceProcess, Staff

SDP = {"Content-Type": "application/sdp"}


@pytest.fixture
async def session(service: ServiceProcess) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the service."""
    async with aiohttp.ClientSession(service.url) as session:
        yield session


@pytest.fixture
async def peer() -> AsyncIterator[RTCPeerConnection]:
    """A peer of another implementation."""
    peer = RTCPeerConnection()
    yield peer
    await peer.close()


async def offer(peer: RTCPeerConnection, direction: str) -> str:
    peer.addTransceiver("video", direction=direction)
    peer.addTransceiver("audio", direction=direction)
    await peer.setLocalDescription(await peer.createOffer())
    return str(peer.localDescription.sdp)


async def token(admin: Staff, activity: str) -> str:
    return str((await admin.done("GET", f"/api/v1/activities/{activity}/publish-token"))["token"])


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic abc"}])
async def test_a_publisher_without_the_token_gets_401(
    session: aiohttp.ClientSession, peer: RTCPeerConnection, header: dict[str, str]
) -> None:
    async with session.post("/whip/j01", data=await offer(peer, "sendonly"), headers=SDP | header) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_the_token_of_one_activity_opens_no_other(
    session: aiohttp.ClientSession, admin: Staff, peer: RTCPeerConnection
) -> None:
    headers = SDP | {"Authorization": f"Bearer {await token(admin, 'j02')}"}
    async with session.post("/whip/j04", data=await offer(peer, "sendonly"), headers=headers) as answer:
        assert answer.status == 401


async def test_an_unknown_activity_is_404(session: aiohttp.ClientSession) -> None:
    for path in ("/whip/nowhere", "/whep/nowhere"):
        async with session.post(path, data="v=0", headers=SDP | {"Authorization": "Bearer x"}) as answer:
            assert answer.status == 404


@pytest.mark.parametrize("body", [b"", b"hello", b"v=0\r\n", b"\xff\xfe", b"v=0\r\nm=video", b"v=0\n" + b"a" * 70_000])
async def test_a_body_that_is_no_sdp_is_400(session: aiohttp.ClientSession, admin: Staff, body: bytes) -> None:
    headers = SDP | {"Authorization": f"Bearer {await token(admin, 'j02')}"}
    for path in ("/whip/j02", "/whep/j02"):
        async with session.post(path, data=body, headers=headers) as answer:
            assert answer.status == 400, await answer.text()
            assert (await answer.json())["error"]["code"] == "bad_sdp"


async def test_another_media_type_is_415(session: aiohttp.ClientSession, admin: Staff) -> None:
    headers = {"Content-Type": "text/plain", "Authorization": f"Bearer {await token(admin, 'j02')}"}
    async with session.post("/whip/j02", data="v=0", headers=headers) as answer:
        assert answer.status == 415


async def test_who_comes_before_the_publisher_is_told_to_come_back(
    session: aiohttp.ClientSession, peer: RTCPeerConnection
) -> None:
    async with session.post("/whep/j04", data=await offer(peer, "recvonly"), headers=SDP) as answer:
        assert answer.status == 409
        assert int(answer.headers["Retry-After"]) > 0


async def test_a_second_publisher_needs_the_same_token(
    service: ServiceProcess, session: aiohttp.ClientSession, admin: Staff
) -> None:
    peers = [RTCPeerConnection() for _ in range(3)]
    own = SDP | {"Authorization": f"Bearer {await token(admin, 'j02')}"}
    api = SDP | {"Authorization": f"Bearer {service.run('user', 'token', 'admin').stdout.decode().strip()}"}
    async with session.post("/whip/j02", data=await offer(peers[0], "sendonly"), headers=own) as answer:
        assert answer.status == 201
        assert answer.content_type == "application/sdp"
        location, etag = answer.headers["Location"], answer.headers["ETag"]
        assert location.startswith("/whip/j02/")
        assert etag.startswith('"')
        assert etag.endswith('"')
        assert "Location" in answer.headers["Access-Control-Expose-Headers"]
    async with session.post("/whip/j02", data=await offer(peers[1], "sendonly"), headers=api) as answer:
        assert answer.status == 409
        assert "Retry-After" in answer.headers
    async with session.post("/whip/j02", data=await offer(peers[2], "sendonly"), headers=own) as answer:
        assert answer.status == 201
        second = answer.headers["Location"]
    for address in (location, second):
        async with session.delete(address) as answer:
            assert answer.status == 200
    async with session.delete(second) as answer:
        assert answer.status == 404
    for peer in peers:
        await peer.close()


async def test_patch_needs_the_etag(session: aiohttp.ClientSession, admin: Staff, peer: RTCPeerConnection) -> None:
    headers = SDP | {"Authorization": f"Bearer {await token(admin, 'j02')}"}
    sdp = await offer(peer, "sendonly")
    async with session.post("/whip/j02", data=sdp, headers=headers) as answer:
        location, etag = answer.headers["Location"], answer.headers["ETag"]
    lines = [line for line in sdp.splitlines() if line.startswith(("a=ice-ufrag", "a=ice-pwd"))][:2]
    trickle = "\r\n".join([*lines, "a=candidate:1 1 udp 1 192.0.2.9 9 typ host"]) + "\r\n"
    restart = "a=ice-ufrag:anew\r\na=ice-pwd:0123456789012345678901\r\n"
    fragment = {"Content-Type": "application/trickle-ice-sdpfrag"}
    for body, extra, status in (
        (trickle, {}, 428),
        (trickle, {"If-Match": '"another"'}, 412),
        (trickle, {"If-Match": etag}, 204),
        ("no fragment", {"If-Match": etag}, 400),
        (restart, {"If-Match": "*"}, 200),
        (restart, {"If-Match": etag}, 412),
    ):
        async with session.patch(location, data=body, headers=fragment | extra) as answer:
            assert answer.status == status, (body, extra, await answer.text())
            if status == 200:
                assert answer.headers["ETag"] != etag
                assert "a=ice-ufrag:" in await answer.text()
    async with session.delete(location) as answer:
        assert answer.status == 200


async def test_options_says_what_is_taken(session: aiohttp.ClientSession) -> None:
    async with session.options("/whep/j02") as answer:
        assert answer.headers["Accept-Post"] == "application/sdp"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_ffmpegs_muxer_publishes_and_another_implementation_watches(
    service: ServiceProcess, session: aiohttp.ClientSession, admin: Staff, tmp_path_factory: pytest.TempPathFactory
) -> None:
    clip = tmp_path_factory.mktemp("clip") / "clip.mkv"
    await asyncio.to_thread(make_clip, clip, seconds=4)
    url = f"{service.url}/whip/j05"
    with pytest.raises(PublishError, match="401"):
        await publish(str(clip), url, "wrong")
    with pytest.raises(PublishError, match="cannot read"):
        await publish(str(clip.with_name("missing.mkv")), url, await token(admin, "j05"))

    publishing = asyncio.create_task(publish(str(clip), url, await token(admin, "j05"), loop=True))
    while not (await admin.done("GET", "/api/v1/activities/j05"))["on_air"]:
        assert not publishing.done(), publishing.exception()
        await asyncio.sleep(0.05)
    peer = RTCPeerConnection()
    tracks: list[MediaStreamTrack] = []
    peer.on("track", tracks.append)
    async with session.post("/whep/j05", data=await offer(peer, "recvonly"), headers=SDP) as answer:
        assert answer.status == 201
        await peer.setRemoteDescription(RTCSessionDescription(await answer.text(), "answer"))
        location = answer.headers["Location"]
    frames: dict[str, Any] = {track.kind: await asyncio.wait_for(track.recv(), 10) for track in tracks}
    assert (frames["video"].width, frames["video"].height) == (1280, 720)
    assert frames["audio"].sample_rate == 48_000
    async with session.delete(location) as answer:
        assert answer.status == 200
    publishing.cancel()
    await asyncio.gather(publishing, return_exceptions=True)
    async with asyncio.timeout(10):
        while (await admin.done("GET", "/api/v1/activities/j05"))["on_air"]:
            await asyncio.sleep(0.05)
    await peer.close()
