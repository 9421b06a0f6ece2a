"""Films whose picture says which second it is."""

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

RATE = 10
DARKEST, STEP = 30, 3


def make_film(path: Path, *, seconds: int) -> Path:
    """A film with B-frames and AAC, 160x120: each second is a little brighter than the one before."""
    with av.open(str(path), "w") as container:
        codec = "mpeg4" if path.suffix == ".avi" else "libx264"
        options = {"preset": "ultrafast", "bf": "2", "g": "20"} if codec == "libx264" else {}
        video: Any = container.add_stream(codec, rate=RATE, options=options)
        video.width, video.height, video.pix_fmt = 160, 120, "yuv420p"
        audio: Any = container.add_stream("aac", rate=44_100, layout="mono")
        for number in range(seconds * RATE):
            picture = av.VideoFrame(160, 120, "yuv420p")
            for plane, value in zip(picture.planes, (DARKEST + STEP * (number // RATE), 128, 128), strict=True):
                plane.update(bytes([value]) * (plane.line_size * plane.height))
            picture.pts, picture.time_base = number, Fraction(1, RATE)
            container.mux(video.encode(picture))
            tone = av.AudioFrame.from_ndarray(np.zeros((1, 4410), np.float32), format="fltp", layout="mono")
            tone.sample_rate, tone.pts, tone.time_base = 44_100, number * 4410, Fraction(1, 44_100)
            container.mux(audio.encode(tone))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return path


def seconds_in(media: bytes) -> list[int]:
    """The second that each picture of a film shows."""
    with av.open(io.BytesIO(media), "r") as container:
        return [round((bytes(frame.planes[0])[0] - DARKEST) / STEP) for frame in container.decode(video=0)]
