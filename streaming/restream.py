"""Pushes a broadcast on to an RTMP server, without encoding: `python -m streaming.restream FOLDER`.

It follows the packager's playlist in FOLDER; the address, with its key, comes as the first line of standard input,
whose end means stop. It says on standard output what it does, a line of JSON: `{"state", "seconds", "tries", "error"}`.
Each part of the broadcast is a session of its own, since what a stream begins with changes between parts.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError

from streaming.finish import Joined
from streaming.playlist import INDEX

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds between two tries: doubled after each that failed."""
STEADY_SECONDS = 10.0
"""A session that lasted so long begins the pauses anew."""
LOOK_SECONDS = 0.1
TELL_SECONDS = 1.0
SEND_SECONDS = 10.0
_NAME = re.compile(r"^([0-9a-f]+)-(\d+)[.]m4s$", re.M)


def newest(folder: Path) -> tuple[str, int] | None:
    """Part and number of the last segment that is listed."""
    try:
        found = _NAME.findall((folder / INDEX).read_text())
    except OSError:
        return None
    return (found[-1][0], int(found[-1][1])) if found else None


def follow(folder: Path, part: str, number: int, stop: threading.Event) -> Iterator[Path]:
    """The files of a part from that segment on, each as it comes; ends with the part, or when nothing comes."""
    yield folder / f"{part}-init.mp4"
    waited = 0.0
    while not stop.is_set() and waited < SEND_SECONDS:
        path = folder / f"{part}-{number}.m4s"
        if path.exists():
            waited = 0.0
            number += 1
            yield path
            continue
        last = newest(folder)
        if last is None or last[0] != part:
            return
        stop.wait(LOOK_SECONDS)
        waited += LOOK_SECONDS


class Pusher:
    """One address. `run` goes on until it is told to stop."""

    def __init__(self, folder: Path, url: str, stop: threading.Event) -> None:
        self._folder, self._url, self._stop = folder, url, stop
        self._tries = 0
        self._told = 0.0

    def run(self) -> None:
        """Push part after part; try again after a pause where that failed."""
        pause = FIRST_PAUSE
        done: str | None = None
        while not self._stop.is_set():
            last = newest(self._folder)
            if last is None or last[0] == done:
                self._tell("waiting")
                self._stop.wait(LOOK_SECONDS)
                continue
            began = time.monotonic()
            self._tries += 1
            self._tell("connecting", always=True)
            try:
                self._push(*last)
                done = last[0]
                pause = FIRST_PAUSE
            except (FFmpegError, OSError, ValueError) as error:
                if time.monotonic() - began > STEADY_SECONDS:
                    pause = FIRST_PAUSE
                self._tell("retrying", error=words(error), always=True)
                self._stop.wait(pause)
                pause = min(LONGEST_PAUSE, pause * 2)

    def _push(self, part: str, number: int) -> None:
        paths = follow(self._folder, part, number, self._stop)
        options = {"flvflags": "no_duration_filesize"}
        with (
            Joined(paths) as joined,
            av.open(joined, "r", format="mp4") as source,
            av.open(self._url, "w", format="flv", options=options, timeout=SEND_SECONDS) as output,
        ):
            streams = {
                stream.index: output.add_stream_from_template(stream)
                for stream in source.streams
                if stream.type in {"video", "audio"}
            }
            first: Fraction | None = None
            for packet in source.demux():
                if packet.dts is None or packet.stream_index not in streams:
                    continue
                at = packet.dts * packet.time_base
                if first is None:
                    if packet.stream.type != "video":
                        continue
                    first = at
                if at < first:
                    continue
                moved = round(first / packet.time_base)
                packet.dts -= moved
                packet.pts = packet.dts if packet.pts is None else packet.pts - moved
                packet.stream = streams[packet.stream_index]
                output.mux(packet)
                self._tell("on-air", seconds=float(at - first))

    def _tell(self, state: str, *, seconds: float = 0.0, error: str | None = None, always: bool = False) -> None:
        if not always and time.monotonic() - self._told < TELL_SECONDS:
            return
        self._told = time.monotonic()
        message = {"state": state, "seconds": round(seconds, 1), "tries": self._tries, "error": error}
        print(json.dumps(message), flush=True)


def words(error: Exception) -> str:
    """What went wrong, without the address: it holds the key."""
    return str(getattr(error, "strerror", None) or type(error).__name__)


def main() -> int:
    """Push until standard input ends."""
    url = json.loads(sys.stdin.readline())["url"]
    stop = threading.Event()

    def wait(stream: Any) -> None:
        stream.read()
        stop.set()

    threading.Thread(target=wait, args=(sys.stdin,), daemon=True).start()
    Pusher(Path(sys.argv[1]), url, stop).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
