"""The last ten minutes of each stream, for the console's picture of them."""

from collections import deque
from typing import NamedTuple

from streaming.figures import ActivityStats, PublisherStats

SECONDS = 600
MOST = 400
"""Moments of one activity: ten minutes at one in 2 s, and some to spare."""


class Moment(NamedTuple):
    """One reading: seconds since 1970, bits a second, frames a second, per cent lost, sessions that receive.

    None where nobody publishes, or where it is not known yet.
    """

    at: int
    bitrate: int | None
    fps: float | None
    loss: float | None
    viewers: int


class StreamHistory:
    """Bounded: an activity that has had no reading for ten minutes is forgotten."""

    def __init__(self) -> None:
        self._moments: dict[str, deque[Moment]] = {}
        self._counted: dict[str, PublisherStats] = {}

    def add(self, slug: str, stats: ActivityStats | None, at: float) -> None:
        """Take a reading."""
        publisher = stats.publisher if stats is not None else None
        before = self._counted.pop(slug, None)
        if publisher is not None:
            self._counted[slug] = publisher
        moments = self._moments.setdefault(slug, deque(maxlen=MOST))
        moments.append(_moment(publisher, before, stats.viewers if stats is not None else 0, int(at)))
        for other, kept in list(self._moments.items()):
            while kept and kept[0].at < at - SECONDS:
                kept.popleft()
            if not kept:
                del self._moments[other]

    def of(self, slug: str) -> list[Moment]:
        """The readings of an activity, the oldest first."""
        return list(self._moments.get(slug, ()))

    def latest(self, slug: str) -> Moment | None:
        """The newest one."""
        moments = self._moments.get(slug)
        return moments[-1] if moments else None


def _moment(publisher: PublisherStats | None, before: PublisherStats | None, viewers: int, at: int) -> Moment:
    if publisher is None:
        return Moment(at, None, None, None, viewers)
    tracks = [track for track in (publisher.video, publisher.audio) if track is not None]
    fps = publisher.video.fps if publisher.video is not None else None
    return Moment(at, sum(track.bitrate for track in tracks), fps, _loss(publisher, before), viewers)


def _loss(publisher: PublisherStats, before: PublisherStats | None) -> float | None:
    """Per cent of what was sent since the reading before; what came late after all counts as received."""
    if before is None or publisher.packets < before.packets:
        return None
    lost = max(0, publisher.packets_lost - before.packets_lost)
    sent = publisher.packets - before.packets + lost
    return round(100 * lost / sent, 2) if sent else None
