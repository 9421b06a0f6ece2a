"""A test clip made on the spot: gentle graphics that loop without a seam, and a soft tone."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import pi
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 1280, 720
RATE = 25
"""Frames a second."""
BITRATE = 1_200_000
SOUND_RATE = 48_000
SOUND_FRAME = 960
"""Samples of one Opus frame of 20 ms."""

VIDEO_OPTIONS = {
    "preset": "veryfast",
    "tune": "zerolatency",
    "profile": "baseline",
    # A muxer that cannot be asked for a keyframe needs them close, with the parameter sets in band.
    "g": str(RATE),
    "bf": "0",
    "x264-params": "repeat-headers=1:scenecut=0",
    "maxrate": str(BITRATE),
    "bufsize": str(BITRATE // 2),
}


def make_clip(path: Path, *, seconds: int = 12) -> None:
    """Write a clip of 1280×720 at 25 frames a second, H.264 baseline and Opus, in the container of the suffix.

    Takes about a third of its own length on one core. Raises OSError where the file cannot be written.
    """
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=RATE, options=VIDEO_OPTIONS)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.bit_rate = BITRATE
        video.time_base = Fraction(1, RATE)
        sound = container.add_stream("libopus", rate=SOUND_RATE, layout="stereo")
        sound.bit_rate = 64_000
        sounds = _sound(seconds)
        for number, picture in enumerate(pictures(seconds)):
            picture.pts, picture.time_base = number, Fraction(1, RATE)
            container.mux(video.encode(picture))
            # Two frames of sound for each picture, 40 ms: the file stays interleaved.
            for _ in range(2):
                container.mux(sound.encode(next(sounds)))
        container.mux(video.encode(None))
        container.mux(sound.encode(None))


def pictures(seconds: int) -> Iterator[av.VideoFrame]:
    """Waves of blue with three lights that go round once: the last picture leads to the first."""
    total = seconds * RATE
    height, width = HEIGHT // 2, WIDTH // 2
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x /= width
    y /= height
    for number in range(total):
        phase = 2 * pi * number / total
        wave = np.sin(2 * pi * (1.5 * x + 0.4 * y) + 2 * phase) + np.sin(2 * pi * (0.7 * x - 1.2 * y) - 3 * phase)
        luma = 74 + 10 * wave + 26 * (1 - y)
        for place, (radius, turns) in enumerate(((0.30, 1), (0.22, -2), (0.14, 3))):
            angle = turns * phase + 2 * pi * place / 3
            distance = ((x - 0.5 - radius * np.cos(angle)) * 16 / 9) ** 2 + (y - 0.5 - radius * np.sin(angle)) ** 2
            luma += 90 * np.exp(-distance / (0.004 + 0.003 * place))
        yield _frame(np.clip(luma, 16, 235).astype(np.uint8))


def _frame(half: NDArray[np.uint8]) -> av.VideoFrame:
    """A picture from luma at half size; the colour is the project's blue, paler where it is light."""
    frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
    light = half.astype(np.int16) - 80
    planes = (
        half.repeat(2, axis=0).repeat(2, axis=1),
        np.clip(158 - light // 6, 16, 240).astype(np.uint8),
        np.clip(100 + light // 6, 16, 240).astype(np.uint8),
    )
    for plane, content in zip(frame.planes, planes, strict=True):
        rows = np.zeros((content.shape[0], plane.line_size), np.uint8)
        rows[:, : content.shape[1]] = content
        plane.update(rows.tobytes())
    return frame


def _sound(seconds: int) -> Iterator[av.AudioFrame]:
    """A chord that swells and fades; every part of it has whole periods in the clip."""
    total = seconds * SOUND_RATE
    for start in range(0, total, SOUND_FRAME):
        time = np.arange(start, start + SOUND_FRAME, dtype=np.float64) / SOUND_RATE
        swell = 0.5 - 0.5 * np.cos(2 * pi * time * round(seconds / 4) / seconds)
        chord = sum(np.sin(2 * pi * tone * time) for tone in (220, 277, 330))
        samples = (1200 * swell * chord).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(np.repeat(samples, 2).reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate = SOUND_RATE
        frame.pts, frame.time_base = start, Fraction(1, SOUND_RATE)
        yield frame
