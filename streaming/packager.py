"""Makes HLS of one broadcast (RFC 8216): the video as it is, Opus to AAC once, in fragmented MP4.

    python -m streaming.packager SOCKET FOLDER

A process of its own for each activity on air: it listens at SOCKET for the relay's packets, and ends when none have
come for a while. What it writes are plain files: any web server can hand them out to any number.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import os
import select
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

from streaming.depacketize import AccessUnit, H264Assembler, Unwrapper, parameter_sets
from streaming.packet import newer
from streaming.parts import SOUND_RATE, VIDEO_CLOCK, Part, SoundPart
from streaming.playlist import Segment
from streaming.shelf import SOUND, Shelf
from streaming.tap import HELLO, KINDS, Reader

log = logging.getLogger(__name__)

GRACE_SECONDS = 10.0
"""How long a publisher may be away before the packager ends."""
BREAK_SECONDS = 2.0
"""Without a picture for so long, what follows is another part, after a discontinuity."""
REPORT_SECONDS = 1.0
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
    """One broadcast. `feed` takes the relay's messages; a break in them begins another part.

    `alone` is where the sound goes by itself, for who wants no picture.
    """

    def __init__(
        self,
        shelf: Shelf,
        alone: Shelf,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._shelf, self._alone = shelf, alone
        self._clock, self._wall = clock, wall
        self._begun = clock()
        self._kinds: set[str] = set()
        self._orderers: dict[int, Orderer] = {}
        self._assembler = H264Assembler()
        self._timelines = {"video": Timeline(VIDEO_CLOCK), "audio": Timeline(SOUND_RATE)}
        self._part: Part | None = None
        self._origin = 0.0
        self._parameters: list[bytes] = []
        self._last_picture = 0.0

    def feed(self, kind: int, sequence: int, timestamp: int, marker: bool, payload: bytes) -> None:
        """Take one message."""
        if kind == HELLO:
            self._break()
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
        if self._part is not None and arrival - self._last_picture > BREAK_SECONDS:
            self._break()  # no picture for so long: an interruption, not one long picture
        if unit.keyframe and unit.has_parameters:
            parameters = parameter_sets(unit.data)
            if parameters != self._parameters:
                self._break()  # another size: what comes before the segments says so
                self._parameters = parameters
        if self._part is None:
            if not unit.keyframe or not unit.has_parameters:
                return
            self._open(unit, arrival)
        self._last_picture = arrival
        if self._part is not None:
            seconds = self._timelines["video"].seconds(unit.timestamp, arrival)
            self._part.video(unit, seconds - self._origin)

    def _open(self, first: AccessUnit, arrival: float) -> None:
        """Begin a part with a keyframe: its parameter sets are the part's."""
        name = self._shelf.part_name()
        begun = self._wall()

        def onto(shelf: Shelf) -> Callable[[bytes, float, float], None]:
            numbers = itertools.count()

            def take(data: bytes, begins: float, seconds: float) -> None:
                segment = Segment(name, next(numbers), round(seconds, 6), round(begun + begins, 3), len(data))
                shelf.add(segment, data)

            return take

        self._timelines = {"video": Timeline(VIDEO_CLOCK), "audio": Timeline(SOUND_RATE)}
        self._origin = arrival
        self._part = Part(
            first,
            sound="audio" in self._kinds,
            on_init=lambda data: self._shelf.init(name, data),
            on_segment=onto(self._shelf),
            alone=SoundPart(on_init=lambda data: self._alone.init(name, data), on_segment=onto(self._alone)),
        )

    def _sound_packet(self, item: tuple[int, bool, bytes], arrival: float) -> None:
        timestamp, _, payload = item
        seconds = self._timelines["audio"].seconds(timestamp, arrival) - self._origin
        if self._part is not None and payload and seconds >= 0:
            self._part.sound(payload, seconds)

    def _break(self) -> None:
        part, self._part = self._part, None
        if part is not None:
            part.close()

    def close(self) -> None:
        """End the part that is being written."""
        self._break()


class Orders:
    """What the service says on standard input: lines of JSON, `{"keep": BYTES}`; 0 = keep nothing, None = end."""

    def __init__(self, descriptor: int, shelf: Shelf) -> None:
        self.descriptor: int | None = descriptor
        self._shelf = shelf
        self._buffer = b""
        self.end = False

    def read(self) -> None:
        """Take what is there."""
        data = os.read(self.descriptor, 4096) if self.descriptor is not None else b""
        if not data:
            self.descriptor = None  # the service is gone or hung up; `parent` tells which
            return
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            size = json.loads(line)["keep"]
            if size is None:
                self.end = True
            else:
                self._shelf.keep(int(size))


def serve(listener: socket.socket, packager: Packager, shelf: Shelf, orders: Orders, parent: int) -> None:
    """Take one connection after another, until nobody has sent anything for a while, or `parent` is gone."""
    deadline = time.monotonic() + GRACE_SECONDS
    told = 0.0
    line: socket.socket | None = None
    reader = Reader()
    while not orders.end and time.monotonic() < deadline and os.getppid() == parent:
        waiting: list[socket.socket | int] = [listener] if line is None else [listener, line]
        if orders.descriptor is not None:
            waiting.append(orders.descriptor)
        ready, _, _ = select.select(waiting, [], [], 1.0)
        if orders.descriptor in ready:
            orders.read()
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
        if time.monotonic() - told >= REPORT_SECONDS:
            told = time.monotonic()
            print(shelf.report(), flush=True)


def main() -> int:
    """Listen, package, end."""
    path, folder = Path(sys.argv[1]), Path(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the service ends this process
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s packager %(levelname)s: %(message)s")
    logging.getLogger("libav").setLevel(logging.ERROR)
    parent = os.getppid()
    shelf = Shelf(folder)
    path.unlink(missing_ok=True)
    packager = Packager(shelf, Shelf(folder / SOUND))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen(2)
        print("ready", flush=True)
        try:
            serve(listener, packager, shelf, Orders(sys.stdin.fileno(), shelf), parent)
        finally:
            packager.close()
            shutil.rmtree(folder / SOUND, ignore_errors=True)
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                print(shelf.report(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
