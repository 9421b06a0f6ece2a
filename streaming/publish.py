"""Publishes a file, or whatever FFmpeg reads, through WHIP: FFmpeg's own muxer, in a process of its own.

The process keeps FFmpeg's blocking calls, and a crash on a broken file, away from whoever asks. `python -m
streaming.publish` is that process: it reads its task as JSON on standard input, and writes a JSON line a second.

What FFmpeg's `whip` muxer needs (libavformat/whip.c of FFmpeg 8): H.264 without B-frames and one Opus stream; a
certificate on P-256, since the one it makes by itself is on P-224, which OpenSSL 4 refuses.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.resampler import AudioResampler
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError

from streaming.clip import BITRATE, RATE, SOUND_FRAME, SOUND_RATE, VIDEO_OPTIONS

LARGEST = (1920, 1080)
"""Pixels of the largest picture that is sent; a larger one is scaled down."""
STOP_SECONDS = 5.0


class PublishError(Exception):
    """The source cannot be read or the service does not take it; the text says which, and what to do."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a publisher is: seconds of the source that were sent, and packets."""

    seconds: float
    packets: int
    copied: bool

    def __str__(self) -> str:
        minutes, seconds = divmod(int(self.seconds), 60)
        how = "as it is" if self.copied else "re-encoded"
        return f"on air {minutes}:{seconds:02}, {self.packets} packets, {how}"


async def publish(
    source: str,
    whip_url: str,
    token: str,
    *,
    loop: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
) -> None:
    """Publish until the source ends (never, with `loop`). Cancel it to stop. Raises PublishError."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "streaming.publish",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # Ctrl-C reaches the whole group: this process ends when it is told to.
        start_new_session=True,
    )
    if process.stdin is None or process.stdout is None:
        raise PublishError("the publisher's process has no pipes")
    task = {"source": source, "whip_url": whip_url, "token": token, "loop": loop}
    try:
        # A pipe, not the command line: there everybody on the machine could read the token.
        process.stdin.write(json.dumps(task).encode() + b"\n")
        await process.stdin.drain()
        async for line in process.stdout:
            message = json.loads(line)
            if "error" in message:
                raise PublishError(message["error"])
            if on_progress is not None:
                on_progress(Progress(**message))
        status = await process.wait()
        if status:
            raise PublishError(f"the publisher ended with status {status}")
    except (ConnectionError, BrokenPipeError) as error:
        raise PublishError("the publisher's process ended at its start") from error
    finally:
        process.stdin.close()  # the end of its input tells it to stop
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        if process.returncode is None:
            process.kill()
            await process.wait()


# What follows runs in the process of its own.


def main() -> int:
    """Do the task that stands in the first line of standard input; its end means stop."""
    task = json.loads(sys.stdin.readline())
    try:
        with tempfile.TemporaryDirectory(prefix="minsheng-publish-") as folder:
            _run(task, Path(folder))
    except PublishError as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return 0
    return 0


def _run(task: dict[str, Any], folder: Path) -> None:
    stop = _Stop()
    try:
        source = av.open(task["source"])
    except (FFmpegError, OSError) as error:
        raise PublishError(f"cannot read {task['source']}: {error.strerror or error}") from error
    with source:
        certificate, key = _write_certificate(folder)
        options = {"authorization": task["token"], "cert_file": str(certificate), "key_file": str(key)}
        output = av.open(task["whip_url"], "w", format="whip", options=options)
        try:
            pipes = _pipes(source, output)
            try:
                output.start_encoding()
            except (FFmpegError, OSError) as error:
                raise PublishError(_words(error, task["whip_url"])) from error
            _pump(source, output, pipes, stop, loop=bool(task["loop"]))
        finally:
            # The muxer writes its trailer, the DELETE of the session, when it is closed.
            with contextlib.suppress(FFmpegError, OSError):
                output.close()


class _Stop:
    """Set when standard input ends."""

    def __init__(self) -> None:
        import threading

        self._event = threading.Event()
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        sys.stdin.read()
        self._event.set()

    def wait(self, seconds: float) -> bool:
        """Sleep; returns whether it is time to stop."""
        return self._event.wait(max(0.0, seconds))


def _words(error: Exception, url: str) -> str:
    match error:
        case av.error.HTTPUnauthorizedError():
            return f"{url} refuses the publish token (401)"
        case av.error.HTTPNotFoundError():
            return f"there is no activity at {url} (404)"
        case av.error.HTTPOtherClientError():
            return f"{url} is taken by another publisher, or its activity is over (409)"
        case ConnectionRefusedError():
            return f"nothing listens at {url}: is the service running?"
        case _:
            return f"{url} cannot be published to: {getattr(error, 'strerror', None) or error}"


def _write_certificate(folder: Path) -> tuple[Path, Path]:
    from cryptography.hazmat.primitives import serialization

    from streaming.dtls import make_certificate

    certificate = make_certificate()
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate._cert.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        certificate._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return paths


class _Copy:
    """A stream that is sent as it is."""

    copied = True

    def __init__(self, stream: Any, output: OutputContainer) -> None:
        self.stream = stream
        self.out = output.add_stream_from_template(stream)

    def packets(self, packet: av.Packet[Any] | None, offset: float) -> Iterator[av.Packet[Any]]:
        if packet is None or packet.dts is None or packet.time_base is None:
            return
        shift = round(offset / packet.time_base)
        packet.pts = (packet.pts if packet.pts is not None else packet.dts) + shift
        packet.dts += shift
        packet.stream = self.out
        yield packet


class _Video:
    """A picture that is decoded, scaled where it is too large, and encoded for WebRTC."""

    copied = False

    def __init__(self, stream: Any, output: OutputContainer) -> None:
        self.stream = stream
        scale = min(1.0, LARGEST[0] / stream.width, LARGEST[1] / stream.height)
        self._size = (int(stream.width * scale) // 2 * 2, int(stream.height * scale) // 2 * 2)
        rate = stream.average_rate or Fraction(RATE)
        self.out = output.add_stream("libx264", rate=rate, options={**VIDEO_OPTIONS, "g": str(max(1, round(rate)))})
        self.out.width, self.out.height, self.out.pix_fmt = *self._size, "yuv420p"
        self.out.bit_rate = BITRATE
        self.out.time_base = Fraction(1, 90_000)
        self._last = -1

    def packets(self, packet: av.Packet[Any] | None, offset: float) -> Iterator[av.Packet[Any]]:
        frames = self.stream.decode(packet) if packet is not None else []
        for frame in frames:
            if frame.time is None:
                continue
            picture = frame.reformat(*self._size, "yuv420p")
            # Some files repeat a time; the encoder wants each to be later than the last.
            self._last = max(self._last + 1, round((frame.time + offset) * 90_000))
            picture.pts, picture.time_base = self._last, Fraction(1, 90_000)
            picture.pict_type = av.video.frame.PictureType.NONE
            yield from self.out.encode(picture)


class _Sound:
    """Sound that is decoded, resampled and encoded as Opus."""

    copied = False

    def __init__(self, stream: Any, output: OutputContainer) -> None:
        self.stream = stream
        self.out = output.add_stream("libopus", rate=SOUND_RATE, layout="stereo")
        self.out.bit_rate = 64_000
        self._resampler = AudioResampler("s16", "stereo", SOUND_RATE, frame_size=SOUND_FRAME)
        self._next: int | None = None

    def packets(self, packet: av.Packet[Any] | None, offset: float) -> Iterator[av.Packet[Any]]:
        frames = self.stream.decode(packet) if packet is not None else []
        for frame in frames:
            if self._next is None:
                self._next = round(((frame.time or 0.0) + offset) * SOUND_RATE)
            frame.pts = None  # the samples are counted here: a gap in the source becomes no jump
            for part in self._resampler.resample(frame):
                part.pts, part.time_base = self._next, Fraction(1, SOUND_RATE)
                self._next += part.samples
                yield from self.out.encode(part)


Pipe = _Copy | _Video | _Sound


def _pipes(source: InputContainer, output: OutputContainer) -> dict[int, Pipe]:
    """For each stream that is sent its pipe; the picture and the sound that FFmpeg thinks best."""
    pipes: dict[int, Pipe] = {}
    video, audio = source.streams.best("video"), source.streams.best("audio")
    context: Any
    if video is not None:
        context = video.codec_context
        suits = context.name == "h264" and not context.has_b_frames
        pipes[video.index] = _Copy(video, output) if suits else _Video(video, output)
    if audio is not None:
        context = audio.codec_context
        suits = context.name in {"opus", "libopus"} and context.sample_rate == SOUND_RATE
        pipes[audio.index] = _Copy(audio, output) if suits else _Sound(audio, output)
    if not pipes:
        raise PublishError("the source has neither a picture nor sound")
    return pipes


def _pump(source: InputContainer, output: OutputContainer, pipes: dict[int, Pipe], stop: _Stop, *, loop: bool) -> None:
    """Send packets when their time has come, round by round."""
    started = told = time.monotonic()
    offset, sent = 0.0, 0
    copied = all(pipe.copied for pipe in pipes.values())
    while True:
        end = offset
        for packet in source.demux([pipe.stream for pipe in pipes.values()]):
            if packet.dts is None or packet.time_base is None:
                continue
            due = offset + float(packet.dts * packet.time_base)
            end = max(end, due + float((packet.duration or 0) * packet.time_base))
            if stop.wait(started + due - time.monotonic()):
                return
            for out in pipes[packet.stream_index].packets(packet, offset):
                try:
                    output.mux(out)
                except (FFmpegError, OSError) as error:
                    raise PublishError("the line to the service was lost") from error
                sent += 1
            if time.monotonic() - told >= 1:
                told = time.monotonic()
                progress = Progress(round(told - started, 1), sent, copied)
                print(json.dumps(asdict(progress)), flush=True)
        if not loop or end <= offset:
            return
        offset = end
        try:
            source.seek(0)
        except FFmpegError as error:
            raise PublishError("the source cannot begin again: it is no file") from error


if __name__ == "__main__":
    sys.exit(main())
