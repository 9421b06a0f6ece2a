"""Sources of all kinds through FFmpeg's muxer: what is copied, what is encoded anew, and what is said when it fails."""

import asyncio
import signal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
import pytest

from streaming.pipes import Upright
from streaming.publish import Progress, PublishError, publish
from streaming.source import look_ahead
from streaming.supervisor import PublisherChanged
from tests.streaming.conftest import Service
from tests.streaming.peers import H264, media_processes


def make(
    path: Path, *, size: tuple[int, int] = (320, 240), sound: bool = False, seconds: float = 1.6, **options: str
) -> Path:
    """A small file of moving noise."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", **options})
        video.width, video.height = size
        video.pix_fmt = "yuv444p" if size[0] % 2 else "yuv420p"
        audio = container.add_stream("aac", rate=44_100, layout="mono") if sound else None
        for number in range(int(seconds * 25)):
            picture = av.VideoFrame.from_ndarray(np.full((size[1], size[0], 3), number * 5 % 256, np.uint8), "rgb24")
            picture.pts, picture.time_base = number, Fraction(1, 25)
            container.mux(video.encode(picture))
            if audio is not None:
                tone = av.AudioFrame.from_ndarray(np.zeros((1, 1764), np.float32), format="fltp", layout="mono")
                tone.sample_rate, tone.pts, tone.time_base = 44_100, number * 1764, Fraction(1, 44_100)
                container.mux(audio.encode(tone))
        container.mux(video.encode(None))
        if audio is not None:
            container.mux(audio.encode(None))
    return path


BASELINE: dict[str, Any] = {"profile": "baseline", "bf": "0", "g": "10"}


@pytest.mark.parametrize(
    ("name", "options", "copied", "kinds"),
    [
        ("baseline.mp4", BASELINE, True, {"video"}),
        ("film.mp4", {"bf": "2", "g": "50", "size": (161, 121), "sound": True}, False, {"video", "audio"}),
        ("late.ts", {**BASELINE, "sound": True}, False, {"video", "audio"}),
    ],
    ids=["as it is", "B-frames, AAC and an odd size", "a clock that begins late"],
)
async def test_a_source_reaches_a_viewer(
    service: Service, tmp_path: Path, name: str, options: dict[str, Any], copied: bool, kinds: set[str]
) -> None:
    source = make(tmp_path / name, **options)
    progress: list[Progress] = []
    task = asyncio.create_task(publish(str(source), service.whip, "host", on_progress=progress.append))
    await service.happened(PublisherChanged("k04", on_air=True))
    viewer = await service.watch()
    await asyncio.wait_for(task, 15)  # it plays at its own speed, to its end
    await service.happened(PublisherChanged("k04", on_air=False), 2)
    assert progress
    assert progress[-1].copied is copied
    assert 1 <= progress[-1].seconds < 3
    frames = sum(packet.marker for packet in viewer.rtp if packet.payload_type == H264)
    assert frames >= 20, "what was left of 40 when the viewer came, and what came since the last keyframe"
    assert {"video" if packet.payload_type == H264 else "audio" for packet in viewer.rtp} == kinds


async def test_a_file_goes_round_without_a_jump_in_time(service: Service, tmp_path: Path) -> None:
    source = make(tmp_path / "short.mp4", seconds=0.6, **BASELINE)
    await service.publish(source)
    viewer = await service.watch()
    await viewer.until(lambda: sum(packet.marker for packet in viewer.rtp) > 45, 10)
    # Those that were kept for a newcomer come squeezed.
    stamps = sorted({packet.timestamp for packet in viewer.rtp[-25:]})
    assert {later - earlier for earlier, later in pairwise(stamps)} <= {3599, 3600, 3601}


@pytest.mark.parametrize("content", [b"", b"no film at all", bytes(100_000)])
async def test_what_is_no_film_is_said_to_be_none(service: Service, tmp_path: Path, content: bytes) -> None:
    source = tmp_path / "film.mp4"
    source.write_bytes(content)
    with pytest.raises(PublishError, match="cannot read"):
        await publish(str(source), service.whip, "host")


async def test_a_damaged_film_is_sent_as_far_as_it_goes(service: Service, tmp_path: Path) -> None:
    source = make(tmp_path / "film.ts", bf="2", seconds=1)
    data = bytearray(source.read_bytes())
    for place in range(len(data) // 3, len(data) // 2, 97):
        data[place] ^= 0x55
    source.write_bytes(data)
    await publish(str(source), service.whip, "host")
    assert PublisherChanged("k04", on_air=True) in service.events


async def test_where_nothing_listens_is_said(tmp_path: Path) -> None:
    source = make(tmp_path / "film.mp4", seconds=0.2, **BASELINE)
    with pytest.raises(PublishError, match="is the service running"):
        await publish(str(source), "http://127.0.0.1:9/whip", "host")


async def test_control_c_ends_the_session_and_leaves_no_process(service: Service, clip: Path) -> None:
    task = await service.publish(clip)
    children = media_processes() - {service.supervisor.pid}
    assert len(children) == 1
    # It is in a group of its own, which Ctrl-C does not reach; whoever started it cancels.
    psutil.Process(children.pop()).send_signal(signal.SIGWINCH)
    task.cancel()
    await asyncio.wait([task])
    await service.happened(PublisherChanged("k04", on_air=False), 1)
    assert media_processes() == {service.supervisor.pid}


async def test_keyframes_that_are_far_apart_are_made_closer(service: Service, tmp_path: Path) -> None:
    source = make(tmp_path / "film.mp4", seconds=6, profile="baseline", bf="0", g="250", sc_threshold="0")
    assert not look_ahead(str(source)).keyframes_near
    progress: list[Progress] = []
    task = asyncio.create_task(publish(str(source), service.whip, "host", on_progress=progress.append))
    await service.happened(PublisherChanged("k04", on_air=True))
    await asyncio.wait_for(task, 15)
    assert not progress[-1].copied


@pytest.mark.parametrize(("turned", "bright"), [(90, (1, 0)), (180, (1, 1)), (270, (0, 1))])
async def test_a_film_of_an_upright_phone_stands_upright(
    service: Service, tmp_path: Path, turned: int, bright: tuple[int, int]
) -> None:
    path = tmp_path / "phone.mp4"
    lying = np.zeros((120, 160, 3), np.uint8)
    lying[:60, :80] = 255  # bright at the top left
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25, options=BASELINE)
        video.width, video.height, video.pix_fmt = 160, 120, "yuv420p"
        video.set_display_rotation(turned)
        for number in range(40):
            picture = av.VideoFrame.from_ndarray(lying, "rgb24")
            picture.pts, picture.time_base = number, Fraction(1, 25)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
    assert look_ahead(str(path)).turned == turned
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        upright = Upright(stream, turned)(next(container.decode(stream))).to_ndarray(format="gray")
    height, width = upright.shape
    halves = [upright[: height // 2], upright[height // 2 :]]
    means = [[float(half[:, : width // 2].mean()), float(half[:, width // 2 :].mean())] for half in halves]
    assert max((mean, (row, column)) for row, line in enumerate(means) for column, mean in enumerate(line))[1] == bright

    task = asyncio.create_task(publish(str(path), service.whip, "host"))
    await service.happened(PublisherChanged("k04", on_air=True))
    async with asyncio.timeout(10):
        while True:  # the first packet says that it is on air, and not always how large the picture is
            stats = (await service.supervisor.stats()).activities["k04"].publisher
            assert stats is not None
            if stats.video is not None and stats.video.width is not None:
                break
            await asyncio.sleep(0.02)
    assert (stats.video.width, stats.video.height) == ((120, 160) if turned != 180 else (160, 120))
    await asyncio.wait_for(task, 15)
