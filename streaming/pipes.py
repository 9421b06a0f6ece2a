"""What becomes of a source's picture and sound on their way to WebRTC: copied where that can be, else encoded anew."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
from av.audio.resampler import AudioResampler
from av.container import InputContainer, OutputContainer

from streaming.clip import BITRATE, RATE, SOUND_FRAME, SOUND_RATE, VIDEO_OPTIONS
from streaming.film import picture_of
from streaming.source import Ahead, decode

LARGEST = (1920, 1080)
"""Pixels of the largest picture that is sent; a larger one is scaled down."""
MAX_RATE = 120
"""Frames a second; a source that names more means something else by it."""


class Copy:
    """A stream that is sent as it is."""

    copied = True

    def __init__(self, stream: Any, output: OutputContainer) -> None:
        self.stream = stream
        self.out = output.add_stream_from_template(stream)
        self.begins: float | None = None
        """Second of the source before which nothing is sent; a picture then begins with a keyframe."""

    def packets(self, packet: av.Packet[Any], offset: float) -> Iterator[av.Packet[Any]]:
        if packet.dts is None or packet.time_base is None:
            return
        if self.begins is not None:
            if packet.dts * packet.time_base < self.begins or not packet.is_keyframe:
                return
            self.begins = None
        shift = round(offset / packet.time_base)
        packet.pts = (packet.pts if packet.pts is not None else packet.dts) + shift
        packet.dts += shift
        packet.stream = self.out
        yield packet


_TURNS = {90: ["transpose=cclock"], 180: ["hflip", "vflip"], 270: ["transpose=clock"]}
"""What makes a picture upright, by the degrees in which its maker says that it is to be turned, counter-clockwise."""


class Upright:
    """Turns pictures: a phone that was held upright films lying pictures, and says so."""

    def __init__(self, stream: Any, turned: int) -> None:
        self._graph = av.filter.Graph()
        nodes = [self._graph.add_buffer(template=stream)]
        for step in _TURNS[turned]:
            name, _, argument = step.partition("=")
            nodes.append(self._graph.add(name, argument or None))
        self._graph.link_nodes(*nodes, self._graph.add("buffersink")).configure()

    def __call__(self, frame: av.VideoFrame) -> av.VideoFrame:
        self._graph.push(frame)
        turned = self._graph.pull()
        assert isinstance(turned, av.VideoFrame)
        return turned


class Video:
    """A picture that is decoded, turned upright, scaled where it is too large, and encoded for WebRTC."""

    copied = False

    def __init__(self, stream: Any, output: OutputContainer, turned: int = 0) -> None:
        self.stream = stream
        self._upright = Upright(stream, turned) if turned in _TURNS else None
        width, height = (stream.height, stream.width) if turned in {90, 270} else (stream.width, stream.height)
        scale = min(1.0, max(LARGEST) / max(width, height), min(LARGEST) / min(width, height))
        # Two pixels share a colour: an odd row or column is left out.
        self._size = (max(2, int(width * scale) // 2 * 2), max(2, int(height * scale) // 2 * 2))
        rate = stream.average_rate or stream.guessed_rate or Fraction(RATE)
        if not 1 <= rate <= MAX_RATE:
            rate = Fraction(RATE)  # a time base, not a rate: some containers know no better
        self.out = output.add_stream("libx264", rate=rate, options={**VIDEO_OPTIONS, "g": str(max(1, round(rate)))})
        self.out.width, self.out.height, self.out.pix_fmt = *self._size, "yuv420p"
        self.out.bit_rate = BITRATE
        self.out.time_base = Fraction(1, 90_000)
        self._last = -1
        self.begins: float | None = None
        """Second of the source before which pictures are decoded and not sent."""

    def packets(self, packet: av.Packet[Any], offset: float) -> Iterator[av.Packet[Any]]:
        for frame in decode(self.stream, packet):
            if frame.time is None or (self.begins is not None and frame.time < self.begins):
                continue
            upright = frame if self._upright is None else self._upright(frame)
            picture = upright.reformat(*self._size, "yuv420p")
            # Some files repeat a time; the encoder wants each to be later than the last.
            self._last = max(self._last + 1, round((frame.time + offset) * 90_000))
            picture.pts, picture.time_base = self._last, Fraction(1, 90_000)
            picture.pict_type = av.video.frame.PictureType.NONE
            yield from self.out.encode(picture)


class Sound:
    """Sound that is decoded, resampled and encoded as Opus."""

    copied = False

    def __init__(self, stream: Any, output: OutputContainer) -> None:
        self.stream = stream
        self.out = output.add_stream("libopus", rate=SOUND_RATE, layout="stereo")
        self.out.bit_rate = 64_000
        self._resampler = AudioResampler("s16", "stereo", SOUND_RATE, frame_size=SOUND_FRAME)
        self._next: int | None = None
        self.begins: float | None = None
        """Second of the source before which sound is decoded and not sent."""

    def packets(self, packet: av.Packet[Any], offset: float) -> Iterator[av.Packet[Any]]:
        for frame in decode(self.stream, packet):
            if self.begins is not None and frame.time is not None and frame.time < self.begins:
                continue
            if self._next is None:
                self._next = round(((frame.time or 0.0) + offset) * SOUND_RATE)
            frame.pts = None  # the samples are counted here: a gap in the source becomes no jump
            for part in self._resampler.resample(frame):
                part.pts, part.time_base = self._next, Fraction(1, SOUND_RATE)
                self._next += part.samples
                yield from self.out.encode(part)


Pipe = Copy | Video | Sound


def choose_pipes(source: InputContainer, output: OutputContainer, ahead: Ahead) -> dict[int, Pipe]:
    """A pipe for each stream that is sent: the picture and the sound that FFmpeg thinks best, where there are any.

    What lies `ahead` in a file may be a reason to encode its picture anew.
    """
    pipes: dict[int, Pipe] = {}
    video, audio = picture_of(source), source.streams.best("audio")
    context: Any
    if video is not None:
        context = video.codec_context
        # A browser takes baseline; B-frames, which come out of order, WebRTC cannot carry.
        suits = context.name == "h264" and not context.has_b_frames and "Baseline" in str(context.profile)
        suits = suits and ahead.keyframes_near and ahead.turned == 0
        pipes[video.index] = Copy(video, output) if suits else Video(video, output, ahead.turned)
    if audio is not None:
        context = audio.codec_context
        suits = context.name in {"opus", "libopus"} and context.sample_rate == SOUND_RATE
        pipes[audio.index] = Copy(audio, output) if suits else Sound(audio, output)
    return pipes
