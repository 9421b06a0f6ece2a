"""Numbers and lanes: what a track makes of a publisher's packets, and what the fan-out puts on the wire."""

import errno
import os
import random
import socket
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from aiortc.rtp import RtpPacket
from hypothesis import given, settings
from hypothesis import strategies as st
from pylibsrtp import Policy, Session

from streaming import kernel
from streaming.codecs import H264, OPUS
from streaming.fanout import Fanout
from streaming.lane import Lane
from streaming.packet import Packet
from streaming.track import BATCH, CACHE_BYTES, HISTORY, Track
from tests.streaming.peers import KEYFRAME

KEY = bytes(range(30))


class Viewer:
    """A socket with the keys to what is sent to it."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        policy = Policy(key=KEY, ssrc_type=Policy.SSRC_ANY_OUTBOUND)
        policy.allow_repeat_tx = True  # as aiortc sets it
        self.outgoing = Session(policy)
        self.incoming = Session(Policy(key=KEY, ssrc_type=Policy.SSRC_ANY_INBOUND))

    def join(self, lane: Lane) -> None:
        address = self.socket.getsockname()
        lane.add(self, self.outgoing._srtp[0], address, kernel.pack_name(address, socket.AF_INET))

    def datagrams(self) -> list[bytes]:
        found = []
        while True:
            try:
                found.append(self.socket.recv(4096))
            except BlockingIOError:
                return found

    def packets(self) -> list[RtpPacket]:
        return [RtpPacket.parse(self.incoming.unprotect(data)) for data in self.datagrams()]


@pytest.fixture
def outgoing() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        yield sock


@pytest.fixture
def viewers() -> Iterator[list[Viewer]]:
    found = [Viewer() for _ in range(40)]
    yield found
    for viewer in found:
        viewer.socket.close()


def burst(*sizes: int, sequence: int = 100) -> list[Packet]:
    return [
        Packet((sequence + number) & 0xFFFF, 9000, number == len(sizes) - 1, os.urandom(size))
        for number, size in enumerate(sizes)
    ]


@pytest.mark.parametrize("sizes", [(1180,) * 5 + (300,), (80,), (0,), (5, 1100, 1100, 7, 7, 9), (1400,) * 70])
def test_segmented_and_plain_give_the_same_datagrams(
    outgoing: socket.socket, viewers: list[Viewer], sizes: tuple[int, ...]
) -> None:
    packets = burst(*sizes)
    results = []
    for plain in (False, True):
        # libsrtp encrypts a repetition to the same bytes: both ways start from the same keys.
        receiving = [Viewer() for _ in range(3)]
        fanout, lane = Fanout(outgoing, Counter(), plain=plain), Lane(ssrc=9, payload_type=96, offset=0x8000)
        for viewer in receiving:
            viewer.join(lane)
        fanout.send(packets, lane)
        assert (fanout.packets, fanout.octets) == (3 * len(sizes), 3 * sum(sizes))
        results.append([viewer.datagrams() for viewer in receiving])
        for viewer in receiving:
            viewer.socket.close()
    assert results[0] == results[1]
    assert len(results[0][0]) == len(sizes)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(0, 1300), min_size=1, max_size=12), st.integers(1, 40), st.booleans(), st.integers(0, 65535)
)
def test_every_viewer_gets_every_packet(sizes: list[int], count: int, plain: bool, sequence: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outgoing:
        outgoing.setblocking(False)
        viewers = [Viewer() for _ in range(count)]
        fanout, lane = Fanout(outgoing, Counter(), plain=plain), Lane(ssrc=9, payload_type=96, offset=0)
        for viewer in viewers:
            viewer.join(lane)
        packets = burst(*sizes, sequence=sequence)
        fanout.send(packets, lane)
        for viewer in viewers:
            seen = viewer.packets()
            assert [packet.payload for packet in seen] == [packet.payload for packet in packets]
            assert [packet.sequence_number for packet in seen] == [packet.sequence for packet in packets]
            assert {(p.ssrc, p.payload_type, p.timestamp) for p in seen} == {(9, 96, 9000)}
            assert [packet.marker for packet in seen] == [0] * (len(sizes) - 1) + [1]
            viewer.socket.close()


def test_viewers_come_and_go_in_a_lane(outgoing: socket.socket, viewers: list[Viewer]) -> None:
    fanout, lane = Fanout(outgoing, Counter()), Lane(ssrc=9, payload_type=96, offset=0)
    chance = random.Random(3)
    inside: set[Viewer] = set()
    for turn in range(60):
        viewer = chance.choice(viewers)
        if viewer in inside:
            inside.discard(viewer)
            lane.discard(viewer)
            lane.discard(viewer)
        else:
            inside.add(viewer)
            viewer.join(lane)
        fanout.send(burst(200, 100, sequence=10 * turn), lane)
        assert len(lane) == len(inside)
        for each in viewers:
            assert len(each.datagrams()) == (2 if each in inside else 0)
    moved = next(iter(inside))
    spare = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with spare:
        spare.bind(("127.0.0.1", 0))
        lane.move(moved, spare.getsockname(), kernel.pack_name(spare.getsockname(), socket.AF_INET))
        fanout.send(burst(50, sequence=5000), lane)
        assert spare.recv(100)
    assert moved.datagrams() == []


@pytest.mark.parametrize("place", [0, 1, 2])
def test_who_cannot_be_encrypted_for_gets_nothing_in_clear_text(
    outgoing: socket.socket, viewers: list[Viewer], place: int
) -> None:
    drops: Counter[str] = Counter()
    fanout, lane = Fanout(outgoing, drops), Lane(ssrc=9, payload_type=96, offset=0)
    for viewer in viewers[:3]:
        viewer.join(lane)
    bad, good, other = (viewers[(place + step) % 3] for step in range(3))
    fanout.send(burst(20, sequence=3000), lane)
    # A packet that is older than the replay window of one context.
    bad.outgoing.protect(RtpPacket(payload_type=96, sequence_number=9000, ssrc=9, payload=b"x").serialize())
    for viewer in (good, bad, other):
        viewer.datagrams()
    packets = burst(700, 700, sequence=3001)
    fanout.send(packets, lane)
    assert drops["protect"] == 2
    assert [packet.payload for packet in good.packets()] == [packet.payload for packet in packets]
    assert [packet.payload for packet in other.packets()] == [packet.payload for packet in packets]
    assert not any(packet.payload in data for data in bad.datagrams() for packet in packets)


class Refusing:
    """A kernel that refuses some messages; it stands where the C library does."""

    def __init__(self, library: Any, *codes: int) -> None:
        self._library = library
        self._codes = list(codes)

    def sendmmsg(self, *arguments: Any) -> int:
        if self._codes:
            kernel.ffi.errno = self._codes.pop(0)
            return -1
        sent: int = self._library.sendmmsg(*arguments)
        return sent


@pytest.mark.parametrize(
    ("codes", "cause", "arrived"),
    [
        ((errno.EINTR, errno.EAGAIN), None, 3),
        ((errno.EAGAIN, errno.ENOBUFS), "send buffer full", 0),
        ((errno.EHOSTUNREACH,), "unreachable", 2),
        ((errno.EMSGSIZE,), None, 3),
    ],
)
def test_what_the_kernel_refuses_is_counted(
    outgoing: socket.socket, viewers: list[Viewer], codes: tuple[int, ...], cause: str | None, arrived: int
) -> None:
    drops: Counter[str] = Counter()
    fanout, lane = Fanout(outgoing, drops), Lane(ssrc=9, payload_type=96, offset=0)
    if not fanout.segmenting:
        pytest.skip("this kernel does not segment")
    fanout._library = Refusing(fanout._library, *codes)
    for viewer in viewers[:3]:
        viewer.join(lane)
    fanout.send(burst(500, 500), lane)
    counts = [len(viewer.datagrams()) for viewer in viewers[:3]]
    assert sorted(counts) == [0] * (3 - arrived) + [2] * arrived
    assert drops == ({} if cause is None else {cause: 2 * (3 - arrived)})


class Recorder(Fanout):
    """A fan-out that keeps what it was to send."""

    def __init__(self) -> None:
        self.sent: list[list[Packet]] = []

    def send(self, packets: Any, lane: Lane) -> None:
        self.sent.append(list(packets))


def track(kind: str = "video") -> tuple[Track, Recorder]:
    recorder = Recorder()
    track = Track(H264 if kind == "video" else OPUS, recorder)
    track.lane(96, "", 0)
    return track, recorder


def test_numbers_go_on_when_the_publisher_changes() -> None:
    subject, recorder = track()
    subject.add(65535, 0xFFFFFFF0, False, KEYFRAME, 1.0)
    subject.add(0, 0xFFFFFFF0, True, b"\x65a", 1.0)
    subject.rebase()
    assert subject.keyframe_sequence is None
    late = subject.add(5000, 77, True, KEYFRAME, 3.0)
    assert late is not None
    first, second, third = [packet for batch in recorder.sent for packet in batch]
    assert (second.sequence - first.sequence, third.sequence - second.sequence) == (1, 1)
    assert (third.timestamp - second.timestamp) & 0xFFFFFFFF == 2 * 90_000
    assert subject.add(4999, 77, True, b"\x65c", 3.1) is None, "from before its first: that number is taken"


def test_a_frame_is_one_batch_and_an_endless_one_is_cut() -> None:
    subject, recorder = track()
    for number in range(BATCH + 5):
        subject.add(number, 5, False, b"\x41", 1.0)
    assert [len(batch) for batch in recorder.sent] == [BATCH]
    subject.add(BATCH + 5, 5, True, b"\x41", 1.0)
    assert len(recorder.sent[1]) == 6
    assert not subject.pending
    sound, recorder = track("audio")
    sound.add(1, 1, False, b"opus", 1.0)
    assert len(recorder.sent) == 1


def test_a_stream_that_never_ends_its_frame_is_not_kept_without_bound() -> None:
    subject, _ = track()
    for number in range(5 * HISTORY):
        subject.add(number & 0xFFFF, 5, False, b"\x41", 1.0)
    assert len(subject._frame) <= HISTORY
    assert len(subject._batch) < BATCH


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0)])
def test_a_keyframe_is_found_whatever_the_order(order: tuple[int, ...]) -> None:
    subject, _ = track()
    subject.add(9, 1, True, b"\x41", 1.0)
    payloads = (KEYFRAME, b"\x68parameters", b"\x65picture")
    for number in order:
        subject.add(10 + number, 2, number == 2, payloads[number], 1.0)
    first = subject._history[(subject.last_sequence - 2) % HISTORY]
    assert first is not None
    assert subject.keyframe_sequence == first.sequence
    assert first.payload == KEYFRAME


def test_a_beginning_that_was_sent_again_is_found() -> None:
    subject, _ = track()
    subject.add(9, 1, True, b"\x41", 1.0)
    subject.add(11, 2, True, b"\x65picture", 1.0)
    subject.add(12, 3, True, b"\x41", 1.0)
    subject.add(10, 2, False, KEYFRAME, 1.0)
    assert subject.keyframe_sequence == (subject.last_sequence - 2) & 0xFFFF


def test_a_group_of_pictures_that_is_too_long_or_too_large_is_forgotten() -> None:
    for size, step, count in ((100, 9000, 30), (1200, 1, CACHE_BYTES // 1200 + 2), (1, 1, HISTORY)):
        subject, _ = track()
        subject.add(0, 0, True, KEYFRAME, 1.0)
        assert subject.keyframe_sequence is not None
        for number in range(1, count):
            subject.add(number, number * step, True, b"\x41" * size, 1.0)
        assert subject.keyframe_sequence is None


def test_only_what_is_still_there_is_sent_again() -> None:
    subject, _ = track()
    first = subject.add(0, 0, True, b"\x41", 1.0)
    assert first is not None
    assert subject.kept([first.sequence]) == [first]
    for number in range(1, HISTORY + 1):
        subject.add(number, number, True, b"\x41", 1.0)
    assert subject.kept([first.sequence]) == []
    assert len(subject.kept([(first.sequence + number) & 0xFFFF for number in range(1, HISTORY + 1)])) == HISTORY
