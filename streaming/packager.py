"""Makes HLS of one broadcast (RFC 8216): the video as it is, Opus to AAC once, in fragmented MP4.

    python -m streaming.packager SOCKET FOLDER

A process of its own for each activity on air: it listens at SOCKET for the relay's packets, and ends when none have
come for a while. What it writes are plain files: any web server can hand them out to any number.
"""

from __future__ import annotations

import io
import json
import logging
import os
import select
import signal
import socket
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.resampler import AudioResampler
from av.container import OutputContainer

from streaming.depacketize import AccessUnit, H264Assembler, Unwrapper
from streaming.packet import newer
from streaming.tap import HELLO, KINDS, Reader

log = logging.getLogger(__name__)

VIDEO_CLOCK, SOUND_RATE = 90_000, 48_000
SEGMENT_SECONDS = 1
"""Segments begin at keyframes; a player stays about three of them behind."""
LISTED = 8
"""Segments in the playlist; older ones are deleted."""
GRACE_SECONDS = 10.0
"""How long a publisher may be away before the packager ends."""
AAC_FRAME = 1024
DEPTHS = {KINDS["video"]: 64, KINDS["audio"]: 12}
"""Packets that wait for one that is missing: about a quarter of a second."""


class Orderer:
    """Puts packets of one kind back into order: they may be a few places off, or sent again."""

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._next: int | None = None
        self._waiting: dict[int, tuple[int, bool, bytes]] = {}

    def add(self, sequence: int, item: tuple[int, bool, bytes]) -> list[tuple[int, bool, bytes] | None]:
        """What can be used now, in order; None stands for packets that did not come."""
        if self._next is None:
            self._next = sequence
        if newer(self._next, sequence):
            return []
        self._waiting[sequence] = item
        ready: list[tuple[int, bool, bytes] | None] = []
        if len(self._waiting) > self._depth and self._next not in self._waiting:
            ready.append(None)
            self._next = min(self._waiting, key=lambda number: (number - sequence) & 0xFFFF ^ 0x8000)
        while self._next in self._waiting:
            ready.append(self._waiting.pop(self._next))
            self._next = (self._next + 1) & 0xFFFF
        return ready


class Timeline:
    """RTP timestamps of one kind as seconds of the programme: they begin at their arrival, then go by their clock."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._unwrap = Unwrapper()
        self._origin: float | None = None
        self._last = -1.0

    def seconds(self, timestamp: int, arrival: float) -> float:
        """Where a packet lies; never before the one before it."""
        clock = self._unwrap(timestamp) / self._rate
        if self._origin is None or abs(self._origin + clock - arrival) > 2:
            self._origin = arrival - clock  # the first, or another publisher with another clock
        self._last = max(self._last + 1 / self._rate, self._origin + clock)
        return self._last


class Packager:
    """One playlist. `feed` takes the relay's messages."""

    def __init__(self, folder: Path, clock: Any = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._begun = clock()
        self._kinds: set[str] = set()
        self._orderers: dict[int, Orderer] = {}
        self._assembler = H264Assembler()
        self._timelines = {"video": Timeline(VIDEO_CLOCK), "audio": Timeline(SOUND_RATE)}
        self._output: OutputContainer | None = None
        self._video: Any = None
        self._sound: Any = None
        self._decoder: Any = None
        self._resampler: AudioResampler | None = None
        self._samples: int | None = None
        self._held: list[tuple[AccessUnit, float]] = []

    def feed(self, kind: int, sequence: int, timestamp: int, marker: bool, payload: bytes) -> None:
        """Take one message."""
        if kind == HELLO:
            self._kinds = set(json.loads(payload))
            self._orderers = {}
            self._assembler.lost()
            return
        arrival = self._clock() - self._begun
        for item in self._orderers.setdefault(kind, Orderer(DEPTHS[kind])).add(sequence, (timestamp, marker, payload)):
            if kind == KINDS["video"]:
                self._video_packet(item, arrival)
            elif item is not None:
                self._sound_packet(item, arrival)

    def _video_packet(self, item: tuple[int, bool, bytes] | None, arrival: float) -> None:
        if item is None:
            self._assembler.lost()
            return
        unit = self._assembler.add(*item)
        if unit is None:
            return
        if self._output is None:
            if not unit.keyframe or not unit.has_parameters:
                return
            self._open(unit)
        self._write_video(unit, self._timelines["video"].seconds(unit.timestamp, arrival))

    def _open(self, first: AccessUnit) -> None:
        """Begin the playlist with the first keyframe: its parameter sets are the stream's."""
        name = f"{int(time.time()):x}"
        self._output = av.open(
            str(self._folder / "index.m3u8"),
            "w",
            format="hls",
            options={
                "hls_time": str(SEGMENT_SECONDS),
                "hls_list_size": str(LISTED),
                "hls_segment_type": "fmp4",
                "hls_flags": "delete_segments+independent_segments+program_date_time+temp_file",
                "hls_fmp4_init_filename": f"{name}-init.mp4",
                "hls_segment_filename": str(self._folder / f"{name}-%d.m4s"),
            },
        )
        # The demuxer finds out what the MP4 has to say of the stream.
        with av.open(io.BytesIO(first.data), format="h264") as template:
            self._video = self._output.add_stream_from_template(template.streams.video[0])
            self._video.time_base = Fraction(1, VIDEO_CLOCK)
        if "audio" in self._kinds:
            self._sound = self._output.add_stream("aac", rate=SOUND_RATE, layout="stereo")
            self._sound.bit_rate = 96_000
            self._decoder = av.CodecContext.create("libopus", "r")
            self._decoder.sample_rate, self._decoder.layout = SOUND_RATE, "stereo"
            self._resampler = AudioResampler("fltp", "stereo", SOUND_RATE, frame_size=AAC_FRAME)

    def _write_video(self, unit: AccessUnit, seconds: float) -> None:
        """Write a picture when the next one is there: only then is its length known."""
        self._held.append((unit, seconds))
        if len(self._held) < 2 or self._output is None:
            return
        (unit, begins), (_, ends) = self._held.pop(0), self._held[0]
        packet = av.Packet(unit.data)
        packet.stream, packet.time_base = self._video, Fraction(1, VIDEO_CLOCK)
        packet.pts = packet.dts = round(begins * VIDEO_CLOCK)
        packet.duration = max(1, round(ends * VIDEO_CLOCK) - packet.pts)
        packet.is_keyframe = unit.keyframe
        self._output.mux(packet)

    def _sound_packet(self, item: tuple[int, bool, bytes], arrival: float) -> None:
        timestamp, _, payload = item
        seconds = self._timelines["audio"].seconds(timestamp, arrival)
        if self._output is None or self._sound is None or self._resampler is None or not payload:
            return
        expected = round(seconds * SOUND_RATE)
        try:
            frames = self._decoder.decode(av.Packet(payload))
        except av.error.FFmpegError:
            return
        for frame in frames:
            frame.pts = None
            for part in self._resampler.resample(frame):
                if self._samples is None or abs(expected - self._samples) > SOUND_RATE // 5:
                    self._samples = max(expected, self._samples or 0)  # a gap: the sound goes on at its time
                part.pts, part.time_base = self._samples, Fraction(1, SOUND_RATE)
                self._samples += part.samples
                self._output.mux(self._sound.encode(part))

    def close(self) -> None:
        """End the playlist."""
        output, self._output = self._output, None
        if output is not None:
            output.close()


def serve(listener: socket.socket, packager: Packager, parent: int) -> None:
    """Take one connection after another, until nobody has sent anything for a while, or `parent` is gone."""
    deadline = time.monotonic() + GRACE_SECONDS
    line: socket.socket | None = None
    reader = Reader()
    while time.monotonic() < deadline and os.getppid() == parent:
        waiting = [listener] if line is None else [listener, line]
        ready, _, _ = select.select(waiting, [], [], 1.0)
        if listener in ready:
            if line is not None:
                line.close()
            line, _ = listener.accept()
            reader = Reader()
        elif line is not None and line in ready:
            data = line.recv(1 << 18)
            if not data:
                line.close()
                line = None
                continue
            deadline = time.monotonic() + GRACE_SECONDS
            for message in reader.feed(data):
                packager.feed(*message)


def main() -> int:
    """Listen, package, end."""
    path, folder = Path(sys.argv[1]), Path(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the service ends this process
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s packager %(levelname)s: %(message)s")
    logging.getLogger("libav").setLevel(logging.ERROR)
    parent = os.getppid()
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    path.unlink(missing_ok=True)
    packager = Packager(folder)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen(2)
        print("ready", flush=True)
        try:
            serve(listener, packager, parent)
        finally:
            packager.close()
            path.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
