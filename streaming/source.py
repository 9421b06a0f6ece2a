"""Opens what is to be published: a file, or an address that FFmpeg reads (RTSP, HLS, RTMP, SRT, …).

PyAV's wheel has an FFmpeg without SRT and RIST. What it does not know is read by the machine's own `ffmpeg` command,
where there is one, and comes from there unchanged as MPEG-TS.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import av
from av.container import InputContainer
from av.error import FFmpegError, ProtocolNotFoundError

from streaming.film import OPTIONS as FILM_OPTIONS
from streaming.film import picture_of

READ_SECONDS = 20.0
"""A source of which nothing can be read for so long is gone."""
STOP_SECONDS = 2.0
_OPTIONS = {
    # Over UDP a camera's keyframe, a burst of packets, gets lost in socket buffers.
    "rtsp": {"rtsp_flags": "prefer_tcp"},
    "rtsps": {"rtsp_flags": "prefer_tcp"},
}
_STREAMS = {"rtsp", "rtsps", "rtmp", "rtmps", "srt", "rist", "udp", "rtp"}


_LOOK_SECONDS = 12.0
FAR_SECONDS = 4.0
"""Keyframes that are further apart make newcomers wait, and segments too long to be near the present."""


class SourceError(Exception):
    """The source cannot be read; the text says why and what to do."""


def _scheme(address: str) -> str:
    return address.partition("://")[0].lower() if "://" in address else ""


def is_stream(address: str) -> bool:
    """Whether it is something that goes on by itself, so that its end is a break: a camera, not a film."""
    return _scheme(address) in _STREAMS


@contextmanager
def open_source(address: str, *, untrusted: bool = False) -> Iterator[InputContainer]:
    """The source, open. `untrusted`: it is a file from outside (`streaming.film`). Raises SourceError."""
    options = FILM_OPTIONS if untrusted else _OPTIONS.get(_scheme(address), {})
    try:
        source = av.open(address, "r", timeout=READ_SECONDS, options=dict(options))
    except ProtocolNotFoundError:
        with _bridge(address) as source:
            yield source
        return
    except (FFmpegError, OSError) as error:
        raise SourceError(f"cannot read {address}: {error.strerror or error}") from error
    except ValueError as error:
        raise SourceError(f"cannot read {address}: {error}") from error
    with source:
        yield source


@contextmanager
def _bridge(address: str) -> Iterator[InputContainer]:
    """What the `ffmpeg` command reads. Ends the command with the source."""
    command = shutil.which("ffmpeg")
    if command is None:
        raise SourceError(
            f"cannot read {address}: PyAV's FFmpeg knows no {_scheme(address)}://, and there is no ffmpeg command that"
            " might; install one (Debian: apt-get install ffmpeg)"
        )
    arguments = ["-nostdin", "-loglevel", "error", "-i", address, "-map", "0:v:0?", "-map", "0:a:0?"]
    process = subprocess.Popen(  # noqa: S603 - the operator's own address, as one argument
        [command, *arguments, "-c", "copy", "-f", "mpegts", "-flush_packets", "1", "pipe:1"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    pipe: Any = process.stdout
    try:
        try:
            source = av.open(pipe, "r", format="mpegts")
        except (FFmpegError, OSError) as error:
            raise SourceError(f"cannot read {address}: ffmpeg's own words stand above") from error
        with source:
            yield source
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


@dataclass(frozen=True, slots=True)
class Ahead:
    """What a file says of its picture: by how many degrees it is to be turned, whether keyframes are near."""

    turned: int = 0
    keyframes_near: bool = True


def look_ahead(address: str, *, untrusted: bool = False) -> Ahead:
    """Look at the beginning of a file; of what is no file nothing is said. Raises SourceError."""
    if "://" in address:
        return Ahead()
    with open_source(address, untrusted=untrusted) as source:
        video = picture_of(source)
        if video is None:
            return Ahead()
        turned: int | None = None
        first: float | None = None
        keyframe, far = 0.0, False
        try:
            for packet in source.demux(video):
                if packet.dts is None or packet.time_base is None:
                    break
                at = float(packet.dts * packet.time_base)
                if first is None:
                    first = keyframe = at
                if packet.is_keyframe:
                    keyframe = at
                if turned is None and (frames := decode(video, packet)):
                    turned = frames[0].rotation % 360
                far = far or at - keyframe > FAR_SECONDS
                if turned is not None and (far or at - first > _LOOK_SECONDS):
                    break
        except (FFmpegError, OSError):
            pass  # a damaged file is sent as far as it goes
        return Ahead(turned or 0, not far)


def decode(stream: Any, packet: av.Packet[Any]) -> list[Any]:
    """The frames of a packet; a broken one has none, and the next may be whole."""
    try:
        frames: list[Any] = stream.decode(packet)
    except FFmpegError:
        return []
    return frames
