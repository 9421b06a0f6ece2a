"""WHIP (RFC 9725) and WHEP clause by clause over HTTP; `docs/conformance.md` says which test shows which."""

import base64
import hashlib
import hmac
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from server.config import ConfigurationError, Settings
from server.http.errors import answer_of
from server.http.webrtc import refusal
from server.turn import LIFETIME, TurnServers
from streaming.errors import Full, NotAcceptable, RelayDown
from streaming.sdp import parse_offer
from tests.service import ServiceProcess, Staff
from tests.streaming.peers import H264, OPUS, VP8, offer

ROOT = Path(__file__).parents[2]
SDP = {"Content-Type": "application/sdp"}
NO_SESSION = "/0123456789abcdef0123456789abcdef"


@pytest.fixture
async def http(service: ServiceProcess) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the service."""
    async with aiohttp.ClientSession(service.url) as session:
        yield session


@pytest.fixture
async def own(admin: Staff) -> tuple[str, dict[str, str]]:
    """An activity and what its publisher sends."""
    slug = await admin.own_activity()
    token = (await admin.done("GET", f"/api/v1/activities/{slug}/publish-token"))["token"]
    return slug, SDP | {"Authorization": f"Bearer {token}"}


def test_each_test_that_the_table_names_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "conformance.md").read_text()))
    code = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert len(named) > 15
    assert [name for name in sorted(named) if f"def {name}(" not in code] == []


async def test_a_session_is_created_with_location_and_strong_etag(
    http: aiohttp.ClientSession, own: tuple[str, dict[str, str]]
) -> None:
    slug, headers = own
    async with http.post(f"/whip/{slug}", data=offer("sendonly"), headers=headers) as answer:
        assert answer.status == 201
        assert answer.content_type == "application/sdp"
        assert re.fullmatch(rf"/whip/{slug}/[\w-]{{33}}", answer.headers["Location"])
        assert re.fullmatch(r'"\w+"', answer.headers["ETag"])
        text = await answer.text()
        location = answer.headers["Location"]
    assert text.count("a=recvonly\r\n") == text.count("a=rtcp-mux-only\r\n") == text.count("a=rtcp-rsize\r\n") == 2
    assert "a=end-of-candidates\r\n" in text
    async with http.delete(location, headers={"If-Match": '"another"'}) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("kind", ["whip", "whep"])
async def test_options_tells_what_is_taken_and_lets_other_origins_read(http: aiohttp.ClientSession, kind: str) -> None:
    for path in (f"/{kind}/j02", f"/{kind}/j02{NO_SESSION}"):
        preflight = {"Origin": "https://player.example", "Access-Control-Request-Method": "POST"}
        async with http.options(path, headers=preflight) as answer:
            assert answer.status == 200
            assert answer.headers["Accept-Post"] == "application/sdp"
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert {"POST", "PATCH", "DELETE"} <= set(answer.headers["Access-Control-Allow-Methods"].split(", "))
            assert {"Authorization", "Content-Type", "If-Match"} <= set(
                answer.headers["Access-Control-Allow-Headers"].split(", ")
            )


async def test_other_origins_may_read_refusals(http: aiohttp.ClientSession) -> None:
    for path, status in (("/whip/j02", 401), ("/whep/nowhere", 404), ("/whep/j04", 409)):
        async with http.post(path, data=offer("recvonly"), headers=SDP) as answer:
            assert answer.status == status
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
            assert {"Location", "ETag", "Link", "Retry-After"} <= set(exposed)


@pytest.mark.parametrize("kind", ["whip", "whep"])
async def test_get_has_no_content_and_other_methods_are_not_allowed(http: aiohttp.ClientSession, kind: str) -> None:
    for path, others in ((f"/{kind}/j02", ("PUT", "PATCH", "DELETE")), (f"/{kind}/j02{NO_SESSION}", ("PUT", "POST"))):
        async with http.get(path) as answer:
            assert (answer.status, await answer.read()) == (204, b"")
        for method in others:
            async with http.request(method, path) as answer:
                assert answer.status == 405


@pytest.mark.parametrize(
    "text",
    [
        offer("sendonly", (VP8, OPUS)).replace("VP8/90000", "AV1/90000"),
        offer("sendonly", (H264, OPUS)).replace("opus/48000/2", "PCMU/8000"),
        offer("sendonly", (H264, VP8)),
        offer("recvonly"),
        "two b".join(offer("sendonly", extra="a=msid:one a").rsplit("one a", 1)),
    ],
    ids=["no video codec", "no audio codec", "two videos", "receives", "two streams"],
)
async def test_a_publisher_is_taken_whole_or_not_at_all(
    http: aiohttp.ClientSession, own: tuple[str, dict[str, str]], text: str
) -> None:
    slug, headers = own
    async with http.post(f"/whip/{slug}", data=text, headers=headers) as answer:
        assert answer.status == 406, await answer.text()
        assert (await answer.json())["error"]["code"] == "not_acceptable"


def test_a_section_that_its_maker_rejected_is_no_reason_to_refuse() -> None:
    text = offer("sendonly", (H264, OPUS)).replace("m=audio 9", "m=audio 0")
    assert [bool(media.formats) for media in parse_offer(text, sending=True).media] == [True, False]
    with pytest.raises(NotAcceptable):
        parse_offer(text.replace("m=audio 0", "m=audio 9").replace("opus", "speex"), sending=True)


def test_a_bundled_section_without_a_port_of_its_own_is_taken() -> None:
    """As Firefox writes it with `max-bundle`: port 0, and the transport in the first section alone."""
    first, second = offer("sendonly").split("m=audio")
    bare = "\r\n".join(
        line for line in second.splitlines() if not line.startswith(("a=ice", "a=finger", "a=setup", "a=rtcp"))
    )
    text = f"{first}m=audio{bare.replace(' 9 ', ' 0 ', 1)}\r\na=bundle-only\r\n"
    parsed = parse_offer(text, sending=True)
    assert [[entry.codec for entry in media.formats] for media in parsed.media] == [["H264"], ["opus"]]
    assert parsed.ufrag == "peer"
    with pytest.raises(NotAcceptable):
        parse_offer(text.replace("opus", "speex"), sending=True)


async def test_a_publisher_may_insist_on_the_dtls_client_role(
    http: aiohttp.ClientSession, own: tuple[str, dict[str, str]]
) -> None:
    slug, headers = own
    async with http.post(f"/whip/{slug}", data=offer("sendonly", setup="active"), headers=headers) as answer:
        assert answer.status == 201
        assert (await answer.text()).count("a=setup:passive\r\n") == 2
        location = answer.headers["Location"]
    async with http.delete(location) as answer:
        assert answer.status == 200


async def test_candidates_bring_204_without_an_etag_and_are_compared_strongly(
    http: aiohttp.ClientSession, own: tuple[str, dict[str, str]]
) -> None:
    slug, headers = own
    async with http.post(f"/whip/{slug}", data=offer("sendonly"), headers=headers) as answer:
        location, etag = answer.headers["Location"], answer.headers["ETag"]
    fragment = {"Content-Type": "application/trickle-ice-sdpfrag"}
    candidates = "a=ice-ufrag:peer\r\na=ice-pwd:0123456789abcdefghijkl\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n"
    candidates += "a=candidate:1 1 sctp 1 unknown.invalid 9 typ host\r\na=end-of-candidates\r\n"
    for tag, status in ((f'"other", {etag}', 204), (f"W/{etag}", 412), (etag, 204)):
        async with http.patch(location, data=candidates, headers=fragment | {"If-Match": tag}) as answer:
            assert answer.status == status
            assert "ETag" not in answer.headers
    async with http.patch(location, data=candidates, headers=SDP | {"If-Match": etag}) as answer:
        assert answer.status == 415
    restart = candidates.replace("peer", "anew")
    async with http.patch(location, data=restart, headers=fragment | {"If-Match": '"*"'}) as answer:
        assert answer.status == 200
        assert answer.content_type == "application/trickle-ice-sdpfrag"
        assert answer.headers["ETag"] != etag
        text = await answer.text()
    assert text.startswith("a=ice-lite\r\n")
    assert "a=candidate:" in text
    async with http.delete(location) as answer:
        assert answer.status == 200


def test_turn_credentials_are_what_a_turn_server_computes() -> None:
    now = datetime(2023, 9, 27, 6, tzinfo=UTC)
    stun, turn = TurnServers(("stun:a.example:3478", "turns:b.example:5349?transport=tcp"), "shared").links(now)
    assert stun == '<stun:a.example:3478>; rel="ice-server"'
    found = re.fullmatch(
        r'<turns:b\.example:5349\?transport=tcp>; rel="ice-server"; username="((\d+):minsheng)"; '
        r'credential="([^"]+)"; credential-type="password"',
        turn,
    )
    assert found is not None
    assert int(found[2]) == int((now + LIFETIME).timestamp())
    expected = base64.b64encode(hmac.digest(b"shared", found[1].encode(), hashlib.sha1))
    assert found[3].encode() == expected


def test_a_turn_server_needs_its_secret() -> None:
    with pytest.raises(ConfigurationError, match="MINSHENG_TURN_SECRET"):
        Settings.load({"MINSHENG_TURN_URLS": "turn:turn.example:3478"})
    with pytest.raises(ConfigurationError, match="MINSHENG_TURN_URLS"):
        Settings.load({"MINSHENG_TURN_URLS": 'turn:a.example>; rel="x"', "MINSHENG_TURN_SECRET": "s"})
    settings = Settings.load({"MINSHENG_TURN_URLS": "stun:a.example:3478,turn:[2001:db8::7]?transport=udp"} | SECRET)
    assert len(settings.turn_urls) == 2


SECRET = {"MINSHENG_TURN_SECRET": "shared"}


async def test_the_servers_are_told_with_the_answer_and_to_who_asks_first(tmp_path: Path) -> None:
    service = ServiceProcess(tmp_path / "data", MINSHENG_TURN_URLS="stun:a.example,turn:b.example:3478", **SECRET)
    service.start()
    try:
        token = service.run("publish-token", "j02").stdout.decode().strip()
        async with aiohttp.ClientSession(service.url) as http:
            headers = SDP | {"Authorization": f"Bearer {token}"}
            async with http.post("/whip/j02", data=offer("sendonly"), headers=headers) as answer:
                links = answer.headers.getall("Link")
            assert [link.split(">")[0] for link in links] == ["<stun:a.example", "<turn:b.example:3478"]
            assert "credential=" in links[1]
            async with http.options("/whip/j02") as answer:
                assert len(answer.headers.getall("Link")) == 2
            async with http.options("/whip/j02", headers={"Access-Control-Request-Method": "POST"}) as answer:
                assert "Link" not in answer.headers
            for _ in range(600):
                async with http.post("/whep/j02", data="v=0", headers=SDP) as answer:
                    if answer.status == 429:
                        break
            assert answer.status == 429
            assert int(answer.headers["Retry-After"]) > 0
    finally:
        assert service.stop() == 0


def test_a_full_relay_says_when_to_come_back() -> None:
    for error in (Full("as many as it may."), RelayDown("being started again.")):
        answer = answer_of(refusal(error))
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
