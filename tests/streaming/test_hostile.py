"""Strangers, forgers and broken clients at the public port, while a viewer goes on undisturbed."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Iterator

import pytest
from aioice import stun
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from streaming import sdp
from streaming.dtls import MAX_QUEUE
from streaming.errors import BadOffer
from streaming.ice import answer_check
from tests.streaming.house import House
from tests.streaming.peers import Peer, Sender, binding_request, offer, value

CLIENT_HELLO = bytes.fromhex("16fefd0000000000000000002a010000000000000000001efefd") + bytes(30)


def mutated(seed: bytes) -> st.SearchStrategy[bytes]:
    """The seed with some bytes exchanged, cut or lengthened."""

    def change(edits: list[tuple[int, int]], cut: int, tail: bytes) -> bytes:
        data = bytearray(seed)
        for position, byte in edits:
            data[position % len(data)] = byte
        return bytes(data[: max(1, len(data) - cut)]) + tail

    edit = st.tuples(st.integers(0, len(seed) - 1), st.integers(0, 255))
    return st.builds(change, st.lists(edit, max_size=6), st.integers(0, 8), st.binary(max_size=8))


RTP = bytes.fromhex("90e0fffe0000000000001111bede000151000100") + bytes(40)
RTCP = bytes.fromhex("80c8000600001111dead000000000000000000000000000200000064") + bytes.fromhex(
    "81cd00030000000100001111ffff0001"
)
DATAGRAMS = st.one_of(
    st.binary(min_size=1, max_size=1500),
    mutated(bytes(binding_request("peer", "x" * 22))),
    mutated(CLIENT_HELLO),
    mutated(RTP),
    mutated(RTCP),
)


@pytest.fixture
def stranger() -> Iterator[socket.socket]:
    """A socket that the relay knows nothing of."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        yield sock


async def answers(sock: socket.socket) -> list[bytes]:
    """What came back, a moment later."""
    await asyncio.sleep(0.1)
    found = []
    while True:
        try:
            found.append(sock.recv(4096))
        except BlockingIOError:
            return found


async def goes_on(sender: Sender, viewer: Peer) -> None:
    """The picture still gets through, byte for byte."""
    frame = sender.frame(700, 300)
    await viewer.until(lambda: viewer.payloads()[-2:] == frame)


def examples(strategy: st.SearchStrategy[bytes], count: int) -> list[bytes]:
    """That many datagrams; the strategy's own loop cannot wait for a socket."""
    found: list[bytes] = []

    @settings(max_examples=count, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def collect(data: bytes) -> None:
        found.append(data)

    collect()
    return found


async def test_whatever_strangers_send_gets_no_answer_and_disturbs_nobody(
    house: House, stranger: socket.socket
) -> None:
    sender = await house.on_air()
    viewer = await house.viewer()
    sent = examples(DATAGRAMS, 400)
    for number, data in enumerate(sent):
        stranger.sendto(data, ("127.0.0.1", house.port.number))
        if number % 40 == 0:
            await goes_on(sender, viewer)
    await goes_on(sender, viewer)
    assert await answers(stranger) == []
    drops = house.port.drops
    assert drops["stun"] + drops["unknown sender"] == len(sent)
    assert not viewer.closed


async def test_what_a_peer_sends_in_place_of_encrypted_packets_is_dropped(house: House) -> None:
    """The same at an address that belongs to a session: the viewer's and the publisher's own."""
    sender = await house.on_air()
    viewer = await house.viewer()
    for number, data in enumerate(examples(DATAGRAMS, 300)):
        viewer.transport.sendto(data)
        sender.peer.transport.sendto(data)
        if number % 30 == 0:
            await goes_on(sender, viewer)
    await goes_on(sender, viewer)
    assert not viewer.closed
    assert not sender.peer.closed
    assert house.events == [("k04", True)]
    assert house.port.drops["srtp"] > 0
    assert house.port.drops["srtcp"] > 0


async def test_whatever_an_authentic_peer_says_ends_nothing(house: House) -> None:
    """Encrypted with the right keys, and nonsense inside."""
    sender = await house.on_air()
    viewer = await house.viewer()
    for data in examples(mutated(RTP), 150):
        if len(data) >= 12:
            try:
                sender.peer.send(bytes([0x80 | data[0] & 0x3F]) + data[1:])
            except AssertionError:
                continue  # libsrtp encrypts nothing whose header it cannot read
    for data in examples(mutated(RTCP), 150):
        if len(data) >= 8:
            for peer in (sender.peer, viewer):
                peer.send_rtcp(data)
    await house.until(lambda: house.port.drops["rtcp"] > 0)
    again = Sender(await house.publisher())
    again.frame(500, keyframe=True)
    await goes_on(again, viewer)
    assert not viewer.closed


@pytest.mark.parametrize(
    ("bytes_before", "cause"),
    [
        (lambda sender: bytes(sender.packet(b"\x41x").serialize()[:8]) + struct.pack("!I", 0x9999) + b"\x41x", "ssrc"),
        (lambda sender: b"\x80\x7f" + sender.packet(b"\x41x").serialize()[2:], "payload type"),
        # A padding of 200 bytes in a packet of 20.
        (lambda sender: b"\xa0" + sender.packet(b"\x41padding").serialize()[1:-1] + b"\xc8", "rtp"),
        (lambda sender: b"\xa0" + sender.packet(b"\x41padding").serialize()[1:-1] + b"\x00", "rtp"),
    ],
    ids=["foreign SSRC", "unknown payload type", "padding too long", "padding of nothing"],
)
async def test_a_forged_packet_is_dropped_and_counted(house: House, bytes_before: object, cause: str) -> None:
    sender = await house.on_air()
    viewer = await house.viewer()
    await viewer.until(lambda: len(viewer.rtp) == 2)
    assert callable(bytes_before)
    sender.peer.send(bytes_before(sender))
    await house.until(lambda: house.port.drops[cause] == 1)
    assert len(viewer.rtp) == 2
    await goes_on(sender, viewer)


async def test_checks_without_the_password_get_no_answer(house: House, stranger: socket.socket) -> None:
    await house.on_air()
    session = await house.open("watch", offer("recvonly"))
    ufrag, password = value(session.sdp, "ice-ufrag"), value(session.sdp, "ice-pwd")
    bare = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    bare.attributes["USERNAME"] = f"{ufrag}:peer"
    indication = stun.Message(stun.Method.BINDING, stun.Class.INDICATION)
    indication.attributes["USERNAME"] = f"{ufrag}:peer"
    indication.add_message_integrity(password.encode())
    for message in (
        binding_request(ufrag, "y" * 22),
        binding_request("unknown", password),
        bare,
        stun.Message(stun.Method.BINDING, stun.Class.REQUEST),
        indication,
    ):
        stranger.sendto(bytes(message), ("127.0.0.1", house.port.number))
    assert await answers(stranger) == []
    stranger.sendto(bytes(binding_request(ufrag, password)), ("127.0.0.1", house.port.number))
    (answer,) = await answers(stranger)
    assert stun.parse_message(answer).check_message_integrity(password.encode())


def test_no_answer_is_larger_than_its_question() -> None:
    short = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    short.attributes["USERNAME"] = "local"
    short.add_message_integrity(b"p" * 22)
    for address in (("::1", 9, 0, 0), ("::ffff:192.0.2.1", 9, 0, 0), ("192.0.2.1", 9)):
        for request in (bytes(short), bytes(binding_request("local", "p" * 22))):
            check = answer_check(request, address, lambda ufrag: "p" * 22)
            assert check is None or len(check.response) <= len(request)
    assert answer_check(bytes(binding_request("local", "p" * 22)), ("::1", 9, 0, 0), lambda ufrag: "p" * 22) is not None


async def test_a_flood_of_handshake_datagrams_waits_in_no_queue_without_end(
    house: House, stranger: socket.socket
) -> None:
    sender = await house.on_air()
    viewer = await house.viewer()
    session = await house.open("watch", offer("recvonly"))
    check = binding_request(value(session.sdp, "ice-ufrag"), value(session.sdp, "ice-pwd"))
    address = ("127.0.0.1", house.port.number)
    stranger.sendto(bytes(check), address)
    await asyncio.sleep(0.05)
    for _ in range(3000):
        stranger.sendto(CLIENT_HELLO, address)
    await goes_on(sender, viewer)
    assert len(house.relay._handshakes._waiting) <= MAX_QUEUE
    assert house.port.drops["handshake failed"] == 1


LINE = st.sampled_from(
    [
        *offer("sendonly").splitlines(),
        "m=audio 9 UDP/TLS/RTP/SAVPF",
        "m=video 0 UDP/TLS/RTP/SAVPF 96",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "a=fmtp:96 packetization-mode=1;profile-level-id=zzzzzz",
        "a=fmtp:97 apt=96",
        "a=rtpmap:97 rtx/90000",
        "a=rtpmap:999 H264/90000",
        "a=ssrc-group:FID 1",
        "a=ssrc:x cname:y",
        "a=extmap:0 " + sdp.TRANSPORT_CC,
        "a=group:BUNDLE",
        "a=setup:holdconn",
    ]
)


@given(st.one_of(st.lists(LINE, max_size=60).map("\r\n".join), st.text(max_size=200)), st.booleans())
@example("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF\r\n", False)
@settings(max_examples=300, deadline=None)
def test_any_sdp_is_read_or_refused_with_a_sentence(text: str, sending: bool) -> None:
    sentences = []
    for body in (text, "v=0\r\n" + text, "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n" + text):
        try:
            parsed = sdp.parse_offer(body, sending=sending)
        except BadOffer as error:
            sentences.append(str(error))
        else:
            assert sdp.Offer.from_json(parsed.to_json()) == parsed
    assert all(sentence.endswith(".") for sentence in sentences)


@given(mutated(offer("recvonly").encode()), st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_mutated_sdp_is_read_or_refused(data: bytes, sending: bool) -> None:
    with contextlib.suppress(BadOffer):
        sdp.parse_offer(data.decode(errors="replace"), sending=sending)


@given(
    st.text(max_size=300)
    | mutated(b"a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n").map(lambda d: d.decode(errors="replace"))
)
@settings(max_examples=200, deadline=None)
def test_any_fragment_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(BadOffer):
        sdp.read_fragment(text)
