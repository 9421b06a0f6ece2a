"""Says of a file from outside whether it is a film: `python -m streaming.film FILE`, a line of JSON.

A process of its own, since FFmpeg reads what a stranger wrote. A playlist or a list of files would have FFmpeg open
other files and addresses of this machine: containers of media alone are read, and nothing but the file itself.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict, dataclass
from typing import Any

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition

OPTIONS = {
    "format_whitelist": "mov,matroska,mpegts,mpeg,avi,flv,asf,wav,mp3,flac,ogg,aac",
    "protocol_whitelist": "file",
}
"""For `av.open` of a file from outside."""
CHECK_SECONDS = 60.0
MOST_PACKETS = 2_000
"""Packets among which the first picture or sound that can be decoded has to be."""


class NoFilm(Exception):
    """The file has neither a picture nor sound that can be played, or does not say how long it is."""


@dataclass(frozen=True, slots=True)
class Film:
    """What a file is: its length in seconds, the size of its picture in pixels (0: none), whether it has sound."""

    seconds: float
    width: int
    height: int
    sound: bool


async def check(path: str) -> Film:
    """What the file is. Raises NoFilm."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "streaming.film",
        path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            output, _ = await process.communicate()
    except TimeoutError:
        raise NoFilm from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise NoFilm
    return Film(**json.loads(output))


def picture_of(source: InputContainer) -> Any | None:
    """The stream of pictures that FFmpeg thinks best; the cover of a piece of music is none."""
    video = source.streams.best("video")
    return None if video is None or video.disposition & Disposition.attached_pic else video


# What follows runs in the process of its own.


def look(path: str) -> Film:
    """Open the file and decode its first picture, or its first sound where it has none. Raises NoFilm."""
    try:
        with av.open(path, "r", options=OPTIONS) as source:
            video = picture_of(source)
            audio = source.streams.best("audio")
            stream = video or audio
            if stream is None or not source.duration or source.duration <= 0:
                raise NoFilm
            for number, packet in enumerate(source.demux(stream)):
                try:
                    if packet.decode():
                        break
                except FFmpegError:
                    pass  # one broken packet is no broken film
                if number > MOST_PACKETS:
                    raise NoFilm
            else:
                raise NoFilm
            width, height = (video.width, video.height) if video is not None else (0, 0)
            return Film(round(source.duration / av.time_base, 3), width, height, audio is not None)
    except (FFmpegError, OSError, ValueError) as error:
        raise NoFilm from error


def main() -> int:
    """Look at the file that is named; status 1 where it is no film."""
    try:
        print(json.dumps(asdict(look(sys.argv[1]))), flush=True)
    except NoFilm:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
