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
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError

from streaming.pipes import Pipe, choose_pipes
from streaming.source import SourceError, look_ahead, open_source

STOP_SECONDS = 5.0
JUMP_SECONDS = 10.0
"""A step in a source's time that is longer is a jump of its clock, not a pause."""


class PublishError(Exception):
    """The source cannot be read or the service does not take it; the text says which, and what to do.

    `taken`: another publisher is on air. `final`: another try would come to the same.
    """

    def __init__(self, words: str, *, taken: bool = False, final: bool = False) -> None:
        super().__init__(words)
        self.taken = taken
        self.final = final


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
    second: float | None = None,
    untrusted: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
) -> None:
    """Publish until the source ends (never, with `loop`). Cancel it to stop. Raises PublishError.

    With `second` a file is taken up there, further on by the time that getting on air takes, as if it had run all the
    while. `untrusted`: the file came from outside, so that it may be a film and nothing else (`streaming.film`).
    """
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
    task = {
        "source": source,
        "whip_url": whip_url,
        "token": token,
        "loop": loop,
        # The monotonic clock is one for all processes.
        "began": None if second is None else time.monotonic() - second,
        "untrusted": untrusted,
    }
    try:
        # A pipe, not the command line: there everybody on the machine could read the token.
        process.stdin.write(json.dumps(task).encode() + b"\n")
        await process.stdin.drain()
        async for line in process.stdout:
            message = json.loads(line)
            if "error" in message:
                raise PublishError(message["error"], taken=message["taken"], final=message["final"])
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
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
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
        print(json.dumps({"error": str(error), "taken": error.taken, "final": error.final}), flush=True)
    except SourceError as error:
        print(json.dumps({"error": str(error), "taken": False, "final": False}), flush=True)
    return 0


def _run(task: dict[str, Any], folder: Path) -> None:
    stop = _Stop()
    ahead = look_ahead(task["source"], untrusted=task["untrusted"])
    with open_source(task["source"], untrusted=task["untrusted"]) as source:
        certificate, key = _write_certificate(folder)
        options = {"authorization": task["token"], "cert_file": str(certificate), "key_file": str(key)}
        output = av.open(task["whip_url"], "w", format="whip", options=options)
        try:
            pipes = choose_pipes(source, output, ahead)
            if not pipes:
                raise PublishError("the source has neither a picture nor sound", final=True)
            try:
                output.start_encoding()
            except (FFmpegError, OSError) as error:
                final = isinstance(error, av.error.HTTPUnauthorizedError | av.error.HTTPNotFoundError)
                # Of the 4xx that have no name in FFmpeg, WHIP answers 409 alone (RFC 9725, section 4.5).
                taken = isinstance(error, av.error.HTTPOtherClientError)
                raise PublishError(_words(error, task["whip_url"]), taken=taken, final=final) from error
            clock = _Clock()
            if task["began"] is not None:
                clock.join(_take_up(source, pipes, clock.started - task["began"]))
            _pump(source, output, pipes, stop, clock, loop=bool(task["loop"]))
        finally:
            # The muxer writes its trailer, the DELETE of the session, when it is closed.
            with contextlib.suppress(FFmpegError, OSError):
                output.close()


def _take_up(source: InputContainer, pipes: dict[int, Pipe], second: float) -> float:
    """Go to a second of a file; returns it in the file's own time. Raises PublishError for what is no file."""
    begins = (source.start_time or 0) / av.time_base + second
    try:
        source.seek(round(begins * av.time_base))  # to a keyframe before: what lies between is decoded, not sent
    except FFmpegError as error:
        raise PublishError("the source cannot be taken up in its middle: it is no file") from error
    for pipe in pipes.values():
        pipe.begins = begins
    return begins


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


class _Clock:
    """When a packet is due, and by how much its times are moved, so that they begin at 0 and never jump."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.offset: float | None = None
        self._last = 0.0

    def join(self, at: float) -> None:
        """What has the time `at` in the source is due now; what lies before it is not waited for."""
        self.offset = -at

    def due(self, at: float) -> float:
        """Seconds from the start at which what has the time `at` in the source is sent."""
        if self.offset is None or (at + self.offset > 0 and abs(at + self.offset - self._last) > JUMP_SECONDS):
            self.offset = self._last - at
        due = at + self.offset
        self._last = max(self._last, due)
        return due

    def begin_again(self, end: float) -> None:
        """The source goes round: what comes next follows on `end` seconds from the start."""
        self._last, self.offset = end, None


def _pump(
    source: InputContainer, output: OutputContainer, pipes: dict[int, Pipe], stop: _Stop, clock: _Clock, *, loop: bool
) -> None:
    """Send packets when their time has come, round by round."""
    told, sent = clock.started, 0
    copied = all(pipe.copied for pipe in pipes.values())
    streams = [pipe.stream for pipe in pipes.values()]
    while True:
        end, before = 0.0, sent
        for packet in _packets(source, streams):
            if packet.dts is not None and packet.time_base is not None:
                due = clock.due(float(packet.dts * packet.time_base))
                end = max(end, due + float((packet.duration or 0) * packet.time_base))
                if stop.wait(clock.started + due - time.monotonic()):
                    return
            for out in pipes[packet.stream_index].packets(packet, clock.offset or 0.0):
                try:
                    output.mux(out)
                except (FFmpegError, OSError) as error:
                    raise PublishError("the line to the service was lost") from error
                sent += 1
            if time.monotonic() - told >= 1:
                told = time.monotonic()
                progress = Progress(round(told - clock.started, 1), sent, copied)
                print(json.dumps(asdict(progress)), flush=True)
        if not loop or sent == before:
            return
        clock.begin_again(end)
        try:
            source.seek(0)
        except FFmpegError as error:
            raise PublishError("the source cannot begin again: it is no file") from error


def _packets(source: InputContainer, streams: list[Any]) -> Iterator[av.Packet[Any]]:
    """What the source has, and at its end an empty packet for each stream, at which decoders give what they hold."""
    try:
        yield from source.demux(streams)
    except (FFmpegError, OSError) as error:
        raise PublishError(f"the source broke off: {error.strerror or error}") from error


if __name__ == "__main__":
    sys.exit(main())
