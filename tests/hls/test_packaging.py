"""Packets to pictures to segments: the packager's parts, and a playlist made from a clip."""

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest
from av.bitstream import BitStreamFilterContext
from hypothesis import given
from hypothesis import strategies as st

from streaming.clip import make_clip
from streaming.depacketize import START_CODE, H264Assembler, Unwrapper
from streaming.packager import Orderer, Packager, Timeline
from streaming.playlist import INDEX, JOURNAL, read_journal, write_playlist
from streaming.shelf import SOUND, Shelf
from streaming.tap import HELLO, KINDS, Reader, pack

IDR, SLICE, SPS = b"\x65\x88" + b"i" * 50, b"\x41\x9a" + b"s" * 40, b"\x67sps"


def fragments(unit: bytes, size: int) -> list[bytes]:
    """A unit as FU-A payloads (RFC 6184 section 5.8)."""
    parts = [unit[at : at + size] for at in range(1, len(unit), size)]
    return [
        bytes(((unit[0] & 0xE0) | 28, (unit[0] & 0x1F) | (0x80 * (n == 0)) | (0x40 * (n == len(parts) - 1)))) + part
        for n, part in enumerate(parts)
    ]


def aggregate(*units: bytes) -> bytes:
    """Units as one STAP-A payload (RFC 6184 section 5.7.1)."""
    return b"\x78" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)


def test_a_picture_comes_back_from_every_kind_of_packet() -> None:
    assembler = H264Assembler()
    payloads = [aggregate(SPS, b"\x68pps"), *fragments(IDR, 7)]
    results = [assembler.add(1000, n == len(payloads) - 1, payload) for n, payload in enumerate(payloads)]
    assert results[:-1] == [None] * (len(payloads) - 1)
    unit = results[-1]
    assert unit is not None
    assert unit.keyframe
    assert unit.data == START_CODE + SPS + START_CODE + b"\x68pps" + START_CODE + IDR
    following = assembler.add(4000, True, SLICE)
    assert following is not None
    assert not following.keyframe


def test_nothing_is_shown_before_a_keyframe_or_after_a_loss() -> None:
    assembler = H264Assembler()
    assert assembler.add(0, True, SLICE) is None
    assert assembler.add(1, True, IDR) is not None
    assembler.lost()
    assert assembler.add(2, True, SLICE) is None
    assert assembler.add(3, True, IDR) is not None


def test_a_keyframe_without_its_beginning_is_none() -> None:
    assembler = H264Assembler()
    assert assembler.add(1, True, IDR) is not None
    second_slice = b"\x65\x20" + b"i" * 50  # begins further down in the picture
    assembler.lost()
    assert assembler.add(2, True, second_slice) is None
    assert assembler.add(3, True, SLICE) is None
    assert assembler.add(4, True, IDR) is not None


def test_a_lost_marker_costs_no_picture() -> None:
    assembler = H264Assembler()
    assert assembler.add(1, False, IDR) is None
    unit = assembler.add(2, False, SLICE)
    assert unit is not None
    assert unit.timestamp == 1


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.booleans(), st.binary(max_size=60))))
def test_no_payload_breaks_the_assembler(packets: list[tuple[int, bool, bytes]]) -> None:
    assembler = H264Assembler()
    for packet in packets:
        assembler.add(*packet)


def test_order_is_restored_and_what_never_came_is_told() -> None:
    orderer = Orderer(depth := 64)

    def feed(numbers: list[int]) -> list[int | None]:
        out: list[int | None] = []
        for number in numbers:
            out += [None if item is None else item[0] for item in orderer.add(number & 0xFFFF, (number, True, b""))]
        return out

    assert feed([65_534, 65_536, 65_535, 65_535, 65_537]) == [65_534, 65_535, 65_536, 65_537]
    late = feed([65_539 + step for step in range(depth + 1)])  # 65538 never comes
    assert late[0] is None
    assert late[1:] == [65_539 + step for step in range(depth + 1)]
    assert feed([65_538]) == []


@given(st.lists(st.integers(-(2**20), 2**20)))
def test_a_counter_that_comes_round_goes_on(steps: list[int]) -> None:
    unwrap, truth = Unwrapper(), 2**32 - 5
    first = unwrap(truth & 0xFFFFFFFF)
    for step in steps:
        truth += step
        assert unwrap(truth & 0xFFFFFFFF) - first == truth - (2**32 - 5)


def test_another_publishers_clock_does_not_stop_the_programme() -> None:
    timeline = Timeline(90_000)
    assert timeline.seconds(5_000_000, 3.0) == 3.0
    assert timeline.seconds(5_090_000, 4.1) == pytest.approx(4.0)
    assert timeline.seconds(77, 9.0) == pytest.approx(9.0)


@given(st.lists(st.binary(max_size=100), max_size=8), st.integers(1, 50))
def test_messages_cross_the_socket_whole(payloads: list[bytes], step: int) -> None:
    stream = b"".join(pack(1, n, n * 3000, n % 2 == 0, payload) for n, payload in enumerate(payloads))
    reader = Reader()
    messages = [message for at in range(0, len(stream), step) for message in reader.feed(stream[at : at + step])]
    assert messages == [(1, n, n * 3000, n % 2 == 0, payload) for n, payload in enumerate(payloads)]


def test_nonsense_on_the_socket_is_an_error() -> None:
    with pytest.raises(ValueError, match="bytes"):
        list(Reader().feed(b"\xff" * 20))


def access_units(path: Path) -> Iterator[tuple[float, bytes]]:
    """The clip's pictures in Annex B form, with their seconds."""
    with av.open(str(path)) as container:
        to_annex_b = BitStreamFilterContext("h264_mp4toannexb", container.streams.video[0])
        for packet in container.demux(video=0):
            if packet.dts is not None:
                out: Any
                for out in to_annex_b.filter(packet):
                    yield float(out.pts * out.time_base), bytes(out)


def write_whole(folder: Path) -> None:
    """The playlist of all that was kept."""
    kept = read_journal((folder / JOURNAL).read_text())
    (folder / INDEX).write_text(write_playlist(kept, ended=True))


def units_of(data: bytes) -> list[bytes]:
    return [unit for unit in re.split(b"\x00\x00\x00\x01|\x00\x00\x01", data) if unit]


def test_the_segments_hold_the_very_pictures_that_were_sent(tmp_path: Path) -> None:
    clip, folder = tmp_path / "clip.mkv", tmp_path / "hls"
    folder.mkdir()
    make_clip(clip, seconds=4)
    now = 0.0
    shelf = Shelf(folder)
    shelf.keep(1 << 30)
    packager = Packager(shelf, Shelf(folder / SOUND), clock=lambda: now)
    packager.feed(HELLO, 0, 0, False, json.dumps(["video"]).encode())
    numbers = itertools.count(65_500)
    sent = list(access_units(clip))
    for now, data in sent:
        units = units_of(data)
        payloads = [part for unit in units for part in (fragments(unit, 1100) if len(unit) > 1200 else [unit])]
        for place, payload in enumerate(payloads):
            marker = place == len(payloads) - 1
            packager.feed(KINDS["video"], next(numbers) & 0xFFFF, int(now * 90_000), marker, payload)
    packager.close()
    write_whole(folder)

    with av.open(str(folder / "index.m3u8")) as played:
        to_annex_b = BitStreamFilterContext("h264_mp4toannexb", played.streams.video[0])
        packets: list[Any] = []
        for packet in played.demux(video=0):
            if packet.dts is not None:
                packets += to_annex_b.filter(packet)
    slices = [[unit for unit in units_of(bytes(packet)) if unit[0] & 0x1F in {1, 5}] for packet in packets]
    assert slices == [[unit for unit in units_of(data) if unit[0] & 0x1F in {1, 5}] for _, data in sent]
    times = [float(packet.pts * packet.time_base) for packet in packets]
    assert [round(b - a, 3) for a, b in itertools.pairwise(times)] == [0.04] * (len(times) - 1)
