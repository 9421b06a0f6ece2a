"""Writes one part of a broadcast: fragmented MP4, cut into segments at keyframes as soon as each is whole."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import av
from av.audio.resampler import AudioResampler

from streaming.depacketize import AccessUnit

VIDEO_CLOCK, SOUND_RATE = 90_000, 48_000
SEGMENT_SECONDS = 1
"""Segments begin at keyframes and are no shorter than this; a player stays about three of them behind."""
AAC_FRAME = 1024


class BoxSplitter:
    """Takes what a muxer writes, in pieces of any size, and gives back whole boxes (ISO/IEC 14496-12, 4.2)."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Type and bytes of each box that is complete. Raises ValueError for a box of no known length."""
        self._buffer += data
        while len(self._buffer) >= 8:
            length = int.from_bytes(self._buffer[:4])
            if length < 8:
                raise ValueError(f"a box of {length} bytes")
            if len(self._buffer) < length:
                return
            box = bytes(self._buffer[:length])
            del self._buffer[:length]
            yield box[4:8], box


class _Sink:
    """The file that FFmpeg believes it writes to."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take

    def write(self, data: bytes) -> int:
        self._take(bytes(data))
        return len(data)


class SoundPart:
    """The sound of a part by itself, of the same encoded packets; a segment a second, as any packet can begin one."""

    def __init__(self, *, on_init: Callable[[bytes], None], on_segment: Callable[[bytes, float, float], None]) -> None:
        self._on_init, self._on_segment = on_init, on_segment
        self._splitter = BoxSplitter()
        self._init: list[bytes] | None = []
        self._fragment: list[bytes] = []
        self._begun: float | None = None
        self._now = 0.0
        self._stream: Any = None
        self._output: Any = None

    def write(self, packet: Any, encoder: Any) -> None:
        """Write a copy of a packet of AAC that `encoder` made."""
        if self._output is None:  # only after its first packet has an encoder to say what it makes
            options = {"movflags": "empty_moov+default_base_moof+skip_trailer", "flush_packets": "1"}
            options["frag_duration"] = str(SEGMENT_SECONDS * 1_000_000)
            self._output = av.open(_Sink(self._written), "w", format="mp4", options=options)
            self._stream = self._output.add_stream_from_template(encoder)
        copy = av.Packet(bytes(packet))
        copy.pts, copy.dts, copy.duration, copy.time_base = packet.pts, packet.dts, packet.duration, packet.time_base
        copy.stream, copy.is_keyframe = self._stream, True
        self._now = float(packet.pts * packet.time_base)
        if self._begun is None:
            self._begun = self._now
        self._output.mux(copy)  # writes the fragment before, where it is long enough
        self._now += float(packet.duration * packet.time_base)

    def _written(self, data: bytes) -> None:
        for kind, box in self._splitter.feed(data):
            if self._init is not None and kind != b"moof":
                self._init.append(box)
                continue
            if self._init is not None:
                self._on_init(b"".join(self._init))
                self._init = None
            self._fragment.append(box)
            if kind == b"mdat" and self._begun is not None:
                data, self._fragment = b"".join(self._fragment), []
                begun, self._begun = self._begun, self._now
                self._on_segment(data, begun, self._now - begun)

    def close(self) -> None:
        """Write what is left."""
        if self._output is not None:
            self._output.close()


class Part:
    """One muxer. `on_init` gets what comes before the segments, `on_segment` each segment with its begin and length.

    Times are seconds of the part: its first keyframe is at 0. `alone` gets the sound as well.
    """

    def __init__(
        self,
        first: AccessUnit,
        *,
        sound: bool,
        on_init: Callable[[bytes], None],
        on_segment: Callable[[bytes, float, float], None],
        alone: SoundPart | None = None,
    ) -> None:
        self._on_init, self._on_segment = on_init, on_segment
        self._alone = alone
        self._splitter = BoxSplitter()
        self._init: list[bytes] | None = []
        self._fragment: list[bytes] = []
        self._begun: float = 0.0
        self._keyframes: deque[float] = deque()
        """Where fragments begin that were not written yet: the muxer writes one when the next keyframe comes."""
        self._last_end = 0.0
        self._held: tuple[AccessUnit, float] | None = None
        self._samples: int | None = None
        self._output = av.open(
            _Sink(self._written),
            "w",
            format="mp4",
            options={
                "movflags": "frag_keyframe+empty_moov+default_base_moof+skip_trailer",
                "flush_packets": "1",
                "max_interleave_delta": "1000000",  # microseconds: sound that stops does not hold the picture up
            },
        )
        # The demuxer finds out what the MP4 has to say of the stream.
        with av.open(io.BytesIO(first.data), format="h264") as template:
            self._video: Any = self._output.add_stream_from_template(template.streams.video[0])
            self._video.time_base = Fraction(1, VIDEO_CLOCK)
        self._sound: Any = None
        if sound:
            self._sound = self._output.add_stream("aac", rate=SOUND_RATE, layout="stereo")
            self._sound.bit_rate = 96_000
            self._decoder: Any = av.CodecContext.create("libopus", "r")
            self._decoder.sample_rate, self._decoder.layout = SOUND_RATE, "stereo"
            self._resampler = AudioResampler("fltp", "stereo", SOUND_RATE, frame_size=AAC_FRAME)

    def video(self, unit: AccessUnit, seconds: float) -> None:
        """Write a picture; it waits for the next one, which tells its length."""
        held, self._held = self._held, (unit, seconds)
        if held is not None:
            self._mux(held[0], held[1], seconds)

    def _mux(self, unit: AccessUnit, begins: float, ends: float) -> None:
        packet = av.Packet(unit.data)
        packet.stream, packet.time_base = self._video, Fraction(1, VIDEO_CLOCK)
        packet.pts = packet.dts = round(begins * VIDEO_CLOCK)
        packet.duration = max(1, round(ends * VIDEO_CLOCK) - packet.pts)
        packet.is_keyframe = unit.keyframe
        if unit.keyframe:
            self._keyframes.append(begins)
        self._last_end = max(ends, begins)
        self._output.mux(packet)

    def sound(self, payload: bytes, seconds: float) -> None:
        """Write a packet of Opus; a broken one is left out."""
        if self._sound is None:
            return
        try:
            frames = self._decoder.decode(av.Packet(payload))
        except av.error.FFmpegError:
            return
        expected = round(seconds * SOUND_RATE)
        for frame in frames:
            frame.pts = None
            for part in self._resampler.resample(frame):
                if self._samples is None or abs(expected - self._samples) > SOUND_RATE // 5:
                    self._samples = max(expected, self._samples or 0)  # a gap: the sound goes on at its time
                part.pts, part.time_base = self._samples, Fraction(1, SOUND_RATE)
                self._samples += part.samples
                # What the encoder puts before the first sample would move all the rest.
                packets = [packet for packet in self._sound.encode(part) if (packet.pts or 0) >= 0]
                if self._alone is not None:
                    for packet in packets:
                        self._alone.write(packet, self._sound)
                self._output.mux(packets)

    def _written(self, data: bytes) -> None:
        for kind, box in self._splitter.feed(data):
            if self._init is not None and kind != b"moof":
                self._init.append(box)
                continue
            if self._init is not None:
                self._on_init(b"".join(self._init))
                self._init = None
            self._fragment.append(box)
            if kind == b"mdat" and self._keyframes:
                self._keyframes.popleft()
                ends = self._keyframes[0] if self._keyframes else self._last_end
                if ends - self._begun >= SEGMENT_SECONDS - 0.05:
                    self._cut(ends)

    def _cut(self, ends: float) -> None:
        data, self._fragment = b"".join(self._fragment), []
        begun, self._begun = self._begun, ends
        self._on_segment(data, begun, ends - begun)

    def close(self) -> None:
        """Write what is left. The last picture is as long as its neighbour at most; a second close does nothing."""
        held, self._held = self._held, None
        if held is not None:
            self._mux(held[0], held[1], held[1] + 1 / 25)
        self._output.close()
        if self._fragment:
            self._cut(self._last_end)
        if self._alone is not None:
            self._alone.close()
