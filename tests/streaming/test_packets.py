"""What is read of single packets: headers, keyframes, sizes; and what is said about their arrival."""

from struct import pack, unpack_from

import pytest
from aiortc.rtp import RtpPacket, unpack_header_extensions
from hypothesis import given
from hypothesis import strategies as st

from streaming.codecs import H264, VP8
from streaming.h264 import dimensions
from streaming.packet import Malformed, extension_value, newer, parse
from streaming.reception import MAX_MISSING, MAX_TRIES, RETRY_SECONDS, Reception
from streaming.transport_cc import MAX_PACKETS, TransportFeedback
from tests.streaming.peers import KEYFRAME


@given(st.binary(max_size=80))
def test_a_header_is_read_as_aiortc_reads_it_or_refused(data: bytes) -> None:
    try:
        header = parse(bytearray(data), len(data))
    except Malformed:
        return
    try:
        packet = RtpPacket.parse(data)
    except ValueError:
        return  # it reads header extensions strictly, which are read here only where they are used
    assert (header.payload_type, header.sequence) == (packet.payload_type, packet.sequence_number)
    assert (header.timestamp, header.ssrc, header.marker) == (packet.timestamp, packet.ssrc, bool(packet.marker))
    assert data[header.start : header.end] == packet.payload


@given(st.sampled_from((0xBEDE, 0x1000, 0x1234)), st.binary(max_size=40), st.integers(1, 14))
def test_an_extension_is_read_as_aiortc_reads_it(profile: int, elements: bytes, wanted: int) -> None:
    data = bytearray(elements)
    found = extension_value(data, (profile, 0, len(data)), wanted)
    try:
        listed = dict(reversed(unpack_header_extensions(profile, elements)))
    except ValueError:
        return
    if found is not None:
        assert listed.get(wanted, found) == found


def test_sequence_numbers_go_round() -> None:
    assert newer(0, 65535)
    assert newer(0x7FFF, 0)
    assert not newer(0x8000, 0)
    assert not newer(5, 5)


@pytest.mark.parametrize(
    ("payload", "starts"),
    [
        (KEYFRAME, True),
        (b"\x65rest", True),
        (b"\x41rest", False),
        (b"\x7c\x85first", True),
        (b"\x7c\x05later", False),
        (b"\x7c\x81first of another", False),
        (b"\x78" + pack("!H", len(KEYFRAME)) + KEYFRAME, True),
        (b"\x78\xff\xffshort", False),
        (b"\x78", False),
        (b"", False),
    ],
)
def test_h264_payloads_that_begin_a_keyframe(payload: bytes, starts: bool) -> None:
    assert H264.starts_keyframe is not None
    assert H264.starts_keyframe(payload) is starts


@pytest.mark.parametrize(
    ("payload", "starts", "size"),
    [
        (b"\x10\x00\x00\x00\x9d\x01\x2a\x80\x02\xe0\x01", True, (640, 480)),
        (b"\x90\x80\x81\x23\x00\x00\x00\x9d\x01\x2a\x80\x02\xe0\x01", True, (640, 480)),
        (b"\x90\xe0\x01\x02\x03\x00\x00\x00\x9d\x01\x2a\x80\x02\xe0\x01", True, (640, 480)),
        (b"\x10\x01\x00\x00\x9d\x01\x2a\x80\x02\xe0\x01", False, None),
        (b"\x00\x00", False, None),
        (b"\x11\x00", False, None),
        (b"\x90", False, None),
    ],
)
def test_vp8_payloads_that_begin_a_keyframe(payload: bytes, starts: bool, size: tuple[int, int] | None) -> None:
    assert VP8.starts_keyframe is not None
    assert VP8.dimensions is not None
    assert VP8.starts_keyframe(payload) is starts
    assert VP8.dimensions(payload) == size


@given(st.binary(max_size=60))
def test_any_parameter_set_has_a_size_or_none(data: bytes) -> None:
    size = dimensions(b"\x67" + data)
    assert size is None or (0 < size[0] <= 16384 and 0 < size[1] <= 16384)
    for codec in (H264, VP8):
        assert codec.starts_keyframe is not None
        assert codec.dimensions is not None
        codec.starts_keyframe(data)
        codec.dimensions(data)


def test_reception_counts_what_came_and_what_is_missing() -> None:
    reception = Reception(7, 90_000)
    for sequence in (65533, 65534, 1, 65535):
        assert reception.add(sequence, 0, 0.0)
    assert not reception.add(65534, 0, 0.0), "a duplicate"
    assert reception.due(10.0) == [0]
    assert reception.due(10.0 + RETRY_SECONDS / 2) == []
    assert reception.lost == 1
    report = reception.report(10.0)
    assert (report.packets_lost, report.fraction_lost, report.highest_sequence) == (1, 256 // 5, 0x10001)
    assert reception.add(0, 0, 10.1)
    assert (reception.lost, reception.recovered, reception.missing) == (0, 2, False)
    assert reception.report(10.2).fraction_lost == 0


def test_what_never_comes_is_given_up() -> None:
    reception = Reception(7, 90_000)
    reception.add(10, 0, 0.0)
    reception.add(12, 0, 0.0)
    asked = [reception.due(10.0 + step * RETRY_SECONDS * 1.01) for step in range(MAX_TRIES + 3)]
    assert asked == [[11]] * MAX_TRIES + [[]] * 3
    assert not reception.missing
    assert reception.lost == 1


def test_a_long_gap_is_left_to_a_keyframe() -> None:
    reception = Reception(7, 90_000)
    reception.add(0, 0, 0.0)
    reception.add(MAX_MISSING + 2, 0, 0.0)
    assert not reception.missing
    for sequence in range(MAX_MISSING + 4, 4 * MAX_MISSING, 2):
        reception.add(sequence, 0, 0.0)
    assert len(reception.due(1.0)) <= MAX_MISSING


def test_the_time_of_a_sender_report_comes_back() -> None:
    reception = Reception(7, 90_000)
    reception.add(1, 0, 0.0)
    reception.sender_report(0x1234_5678_9ABC_DEF0, 77, 5.0)
    report = reception.report(5.5)
    assert (report.lsr, report.dlsr) == (0x5678_9ABC, 32768)


def read_feedback(data: bytes) -> dict[int, float]:
    """Sequence numbers and arrival times in seconds (draft-holmer-rmcat-transport-wide-cc-extensions-01)."""
    first, kind, words = unpack_from("!BBH", data)
    assert (first & 0xDF, kind, len(data)) == (0x80 | 15, 205, 4 * (words + 1))
    end = len(data) - (data[-1] if first & 0x20 else 0)
    base, count = unpack_from("!HH", data, 12)
    time = int.from_bytes(data[16:19], "big") * 256
    position = 20
    symbols: list[int] = []
    while len(symbols) < count:
        (chunk,) = unpack_from("!H", data, position)
        position += 2
        if not chunk & 0x8000:
            symbols += [chunk >> 13] * (chunk & 0x1FFF)
        else:
            assert chunk & 0x4000
            symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
    arrivals = {}
    for number, symbol in enumerate(symbols[:count]):
        if symbol == 1:
            time += data[position]
            position += 1
        elif symbol == 2:
            time += unpack_from("!h", data, position)[0]
            position += 2
        else:
            continue
        arrivals[(base + number) & 0xFFFF] = time * 250e-6
    assert position == end
    return arrivals


@given(
    st.lists(st.tuples(st.integers(0, 60), st.floats(0, 0.5)), min_size=1, max_size=150),
    st.integers(0, 0xFFFF),
    st.floats(1, 4000),
)
def test_feedback_says_what_arrived_and_when(steps: list[tuple[int, float]], number: int, now: float) -> None:
    feedback = TransportFeedback()
    arrived: dict[int, float] = {}
    reported: dict[int, float] = {}
    for index, (gap, pause) in enumerate(steps):
        number, now = (number + 1 + gap) & 0xFFFF, now + pause
        feedback.add(number, now)
        arrived[number] = now
        if index % 5 == 4:
            reported |= read_feedback(feedback.report(1, 2) or b"")
    rest = feedback.report(1, 2)
    reported |= read_feedback(rest) if rest else {}
    assert feedback.report(1, 2) is None
    assert reported.keys() <= arrived.keys()
    assert all(abs(reported[key] - arrived[key]) < 0.0005 for key in reported)
    # What is missing took longer than the format can say between two packets, or more numbers than one report has.
    if sum(gap + 1 for gap, _ in steps) < MAX_PACKETS and all(pause < 1 for _, pause in steps):
        assert reported.keys() == arrived.keys()


def test_feedback_fits_into_a_packet_whatever_happens() -> None:
    feedback = TransportFeedback()
    for number in range(0, 3 * MAX_PACKETS, 2):
        feedback.add(number, 100 + (number * 7919 % 50) / 10)
    report = feedback.report(1, 2)
    assert report is not None
    assert len(report) < 1200
