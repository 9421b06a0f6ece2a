"""From packets to one file: interruptions, room, and a packager that is killed."""

import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from streaming.clip import make_clip
from streaming.finish import FILE, finish, present
from streaming.packager import Packager
from streaming.playlist import INDEX, JOURNAL
from streaming.shelf import LISTED, SOUND, Shelf
from streaming.tap import HELLO, KINDS, pack
from tests.hls.test_packaging import access_units, fragments, units_of

Message = tuple[int, int, int, bool, bytes]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[float, bytes]]:
    """The pictures of a clip of six seconds, with their second."""
    clip = tmp_path_factory.mktemp("recording") / "clip.mkv"
    make_clip(clip, seconds=6)
    return list(access_units(clip))


def messages(pictures: list[tuple[float, bytes]], numbers: "itertools.count[int]", clock: int = 0) -> list[Message]:
    """What the relay would hand over of these pictures."""
    out = []
    for at, data in pictures:
        payloads = [part for unit in units_of(data) for part in (fragments(unit, 1100) if len(unit) > 1200 else [unit])]
        for place, payload in enumerate(payloads):
            stamp = (clock + int(at * 90_000)) & 0xFFFFFFFF
            out.append((KINDS["video"], next(numbers) & 0xFFFF, stamp, place == len(payloads) - 1, payload))
    return out


HELLO_MESSAGE = (HELLO, 0, 0, False, json.dumps(["video"]).encode())


class Desk:
    """A packager with a clock that the test moves."""

    def __init__(self, folder: Path, *, keep: int = 1 << 30, reserve: int = 0) -> None:
        self.now = 0.0
        self.numbers = itertools.count()
        self.shelf = Shelf(folder, reserve=reserve)
        self.shelf.keep(keep)
        self.packager = Packager(
            self.shelf, Shelf(folder / SOUND), clock=lambda: self.now, wall=lambda: 1_700_000_000 + self.now
        )

    def publish(self, pictures: list[tuple[float, bytes]], *, begins: float, clock: int) -> None:
        """A publisher with a clock of its own sends from `begins` on."""
        self.packager.feed(*HELLO_MESSAGE)
        self.numbers = itertools.count(clock)
        for at, data in pictures:
            self.send((at, data), at=begins + at, clock=clock)

    def send(self, picture: tuple[float, bytes], *, at: float, clock: int) -> None:
        """One picture arrives."""
        self.now = at
        for message in messages([picture], self.numbers, clock):
            self.packager.feed(*message)


def ffprobe(path: Path, *options: str) -> Any:
    """What FFmpeg's own tool says of a file; an empty dictionary where it says nothing."""
    tool = shutil.which("ffprobe")
    if tool is None and os.environ.get("MINSHENG_TEST_BROWSER") != "required":
        pytest.skip("ffprobe is not installed")
    assert tool is not None
    command = [tool, "-v", "error", "-of", "json", *options, str(path)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    assert done.stderr == b""
    return json.loads(done.stdout)


def test_an_interrupted_broadcast_becomes_one_file(tmp_path: Path, pictures: list[tuple[float, bytes]]) -> None:
    desk = Desk(tmp_path)
    desk.publish(pictures, begins=0, clock=5_000)
    desk.publish(pictures[:75], begins=40, clock=3_000_000_000)
    desk.packager.close()
    result = finish(tmp_path)
    assert result["seconds"] == pytest.approx(9.0, abs=0.05)
    assert [(span["begins"], span["seconds"], span["at"]) for span in result["spans"]] == [
        (0, pytest.approx(6.0, abs=0.05), 1_700_000_000),
        (pytest.approx(6.0, abs=0.05), pytest.approx(3.0, abs=0.05), 1_700_000_040),
    ]
    assert (tmp_path / INDEX).read_text().count("#EXT-X-DISCONTINUITY\n") == 1

    probed = ffprobe(
        tmp_path / FILE, "-count_packets", "-show_entries", "stream=codec_name,nb_read_packets:format=duration"
    )
    assert float(probed["format"]["duration"]) == pytest.approx(9.0, abs=0.05)
    assert [(stream["codec_name"], stream["nb_read_packets"]) for stream in probed["streams"]] == [("h264", "225")]
    times = ffprobe(tmp_path / FILE, "-show_entries", "packet=pts_time")["packets"]
    steps = {round(float(b["pts_time"]) - float(a["pts_time"]), 2) for a, b in itertools.pairwise(times)}
    assert steps == {0.04}
    # The index comes first: a browser can seek before it has the rest.
    head = (tmp_path / FILE).read_bytes()
    assert head.index(b"moov") < head.index(b"mdat")
    whole = ffprobe(tmp_path / INDEX, "-allowed_extensions", "ALL", "-show_entries", "format=duration")
    assert float(whole["format"]["duration"]) == pytest.approx(9.0, abs=0.1)


def test_a_picture_that_stands_still_is_an_interruption(tmp_path: Path, pictures: list[tuple[float, bytes]]) -> None:
    desk = Desk(tmp_path)
    desk.packager.feed(*HELLO_MESSAGE)
    numbers = itertools.count()
    for at, data in pictures[:100]:
        desk.now = at + (30 if at >= 2 else 0)
        for message in messages([(desk.now, data)], numbers):
            desk.packager.feed(*message)
    desk.packager.close()
    result = finish(tmp_path)
    assert [round(span["seconds"]) for span in result["spans"]] == [2, 2]
    assert [round(span["at"] - 1_700_000_000) for span in result["spans"]] == [0, 32]


@pytest.mark.parametrize("why", ["limit", "disk", "not kept"])
def test_without_room_the_broadcast_goes_on(tmp_path: Path, pictures: list[tuple[float, bytes]], why: str) -> None:
    keep, reserve = {"limit": (400_000, 0), "disk": (1 << 30, 1 << 60), "not kept": (0, 0)}[why]
    desk = Desk(tmp_path, keep=keep, reserve=reserve)
    for number in range(4):
        desk.publish(pictures, begins=6.04 * number, clock=number * 600_000)
    desk.packager.close()
    report = json.loads(desk.shelf.report())
    assert report["stopped"] == (None if why == "not kept" else why)
    assert report["keeping"] is False
    assert report["segments"] == 24
    assert (report["kept_bytes"] > 0) == (why == "limit")
    assert report["kept_bytes"] <= 400_000
    assert (tmp_path / INDEX).read_text().count(".m4s") == LISTED
    kept = len(present(tmp_path))
    assert len(list(tmp_path.glob("*.m4s"))) <= kept + LISTED + 4
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_the_live_playlist_counts_what_left_it(
    tmp_path: Path, pictures: list[tuple[float, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path)
    seen: list[tuple[int, int, list[str]]] = []
    add = desk.shelf.add

    def watched(*arguments: Any) -> None:
        add(*arguments)
        text = (tmp_path / INDEX).read_text().splitlines()
        numbers = [int(line.split(":")[1]) for line in text if "SEQUENCE" in line]
        seen.append((numbers[0], numbers[1], [line for line in text if not line.startswith("#EXT-X-PROGRAM")]))

    monkeypatch.setattr(desk.shelf, "add", watched)
    for number in range(4):
        desk.publish(pictures, begins=10.0 * number, clock=number * 600_000)
    desk.packager.close()
    # RFC 8216 section 6.2.2: a segment keeps its number, and the discontinuities before it are counted.
    numbers: dict[str, tuple[int, int]] = {}
    for first, before, lines in seen:
        sequence, discontinuities = first, before
        for line in lines:
            if line == "#EXT-X-DISCONTINUITY":
                discontinuities += 1
            elif line.endswith(".m4s"):
                assert numbers.setdefault(line, (sequence, discontinuities)) == (sequence, discontinuities)
                sequence += 1
    assert len(numbers) == 24


def start_packager(folder: Path, path: Path) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [sys.executable, "-m", "streaming.packager", str(path), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.stdin.write(b'{"keep": 1000000000}\n')
    process.stdin.flush()
    return process


def wait_for_segments(folder: Path, number: int) -> None:
    """Until so many are kept, 20 s at most."""
    deadline = time.monotonic() + 20
    while len(present(folder)) < number:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_killed_packager_loses_a_moment(tmp_path: Path, pictures: list[tuple[float, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as sockets:
        for number in range(2):
            process = start_packager(tmp_path, Path(sockets) / "k")
            try:
                with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
                    line.connect(str(Path(sockets) / "k"))
                    line.sendall(pack(*HELLO_MESSAGE))
                    began = time.monotonic()
                    numbers = itertools.count()
                    for place, (_, data) in enumerate(pictures):
                        at = place / 50  # twice as fast as it was made
                        time.sleep(max(0.0, began + at - time.monotonic()))
                        line.sendall(b"".join(pack(*message) for message in messages([(at, data)], numbers, 77)))
                    wait_for_segments(tmp_path, 2 * (number + 1))
                    process.send_signal(signal.SIGKILL)
            finally:
                process.kill()
                process.communicate()
    with (tmp_path / JOURNAL).open("a") as journal:
        journal.write('{"part": "torn')
    result = finish(tmp_path)
    assert len(result["spans"]) == 2
    assert 4 <= result["seconds"] <= 6
    probed = ffprobe(tmp_path / FILE, "-show_entries", "format=duration")
    assert float(probed["format"]["duration"]) == pytest.approx(result["seconds"], abs=0.1)
