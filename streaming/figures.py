"""The relay's figures as the service has them: rates made of counters, and several processes added up."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from streaming.delays import Delays


@dataclass(frozen=True, slots=True)
class TrackStats:
    """One track of a publisher: bits a second, frames a second and size in pixels where they are known."""

    codec: str
    bitrate: int
    fps: float | None = None
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class PublisherStats:
    """A publisher; `since` in seconds since 1970, None before its first packet."""

    since: float | None
    video: TrackStats | None
    audio: TrackStats | None
    packets: int
    packets_lost: int

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class LayerStats:
    """One layer of the picture: its size where it is known, bits a second, and how many receive it."""

    name: str
    width: int | None
    height: int | None
    bitrate: int
    viewers: int

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ActivityStats:
    """One activity; its layers from the smallest on, and how many viewers want the sound alone."""

    publisher: PublisherStats | None
    viewers: int
    layers: list[LayerStats] = field(default_factory=list)
    sound_alone: int = 0


@dataclass(frozen=True, slots=True)
class RelayStats:
    """The relay's figures; `totals` and `drops` count since its start."""

    activities: dict[str, ActivityStats]
    totals: dict[str, int]
    drops: dict[str, int]
    delays: Delays
    """Of batches of packets, from their arrival to the last viewer's copy."""
    cpu_seconds: float
    resident_kilobytes: int
    tasks: int
    """Of the event loops."""
    descriptors: int
    """Open files and sockets."""


@dataclass(slots=True)
class _Before:
    """Counters of one track when they were asked for last, for rates."""

    octets: int = 0
    frames: int = 0
    at: float = field(default_factory=time.monotonic)


class Figures:
    """Makes `RelayStats` of what the processes answer."""

    def __init__(self) -> None:
        self._before: dict[tuple[str, str], _Before] = {}

    def forget(self) -> None:
        """A process began anew: its counters begin at zero."""
        self._before.clear()

    def add_up(self, answers: Sequence[dict[str, Any]]) -> RelayStats:
        """The sum of what each process answered; rates are those since the last time."""
        activities: dict[str, ActivityStats] = {}
        totals: Counter[str] = Counter()
        drops: Counter[str] = Counter()
        delays = Delays()
        for answer in answers:
            totals.update(answer["totals"])
            drops.update(answer["drops"])
            delays.include(answer["delays"])
            for name, entry in answer["activities"].items():
                other = activities.get(name, ActivityStats(None, 0))
                publisher = self._publisher(name, entry["publisher"], answer["monotonic"]) or other.publisher
                activities[name] = ActivityStats(
                    publisher,
                    other.viewers + entry["viewers"],
                    _layers(other.layers, entry["layers"]),
                    other.sound_alone + entry["sound_alone"],
                )
        known = {(name, kind) for name in activities for kind in ("video", "audio")}
        self._before = {key: value for key, value in self._before.items() if key in known}
        return RelayStats(
            activities,
            dict(totals),
            dict(drops),
            delays,
            sum(answer["cpu_seconds"] for answer in answers),
            sum(answer["resident_kilobytes"] for answer in answers),
            sum(answer["tasks"] for answer in answers),
            sum(answer["descriptors"] for answer in answers),
        )

    def _publisher(self, activity: str, entry: dict[str, Any] | None, now: float) -> PublisherStats | None:
        if entry is None:
            return None
        tracks = {kind: self._track(activity, kind, track, now) for kind, track in entry["tracks"].items()}
        return PublisherStats(
            entry["since"], tracks.get("video"), tracks.get("audio"), entry["packets"], entry["packets_lost"]
        )

    def _track(self, activity: str, kind: str, track: dict[str, Any], now: float) -> TrackStats:
        before = self._before.get((activity, kind))
        self._before[activity, kind] = _Before(track["octets"], track["frames"], now)
        bitrate, fps = 0, None
        if before is not None and now > before.at and track["octets"] >= before.octets:
            bitrate = int((track["octets"] - before.octets) * 8 / (now - before.at))
            fps = round((track["frames"] - before.frames) / (now - before.at), 1) if kind == "video" else None
        return TrackStats(track["codec"], bitrate, fps, track["width"], track["height"])


def _layers(known: list[LayerStats], more: list[dict[str, Any]]) -> list[LayerStats]:
    """The layers of one activity at all processes, each with all who receive it."""
    found = {layer.name: layer for layer in known}
    for entry in more:
        layer = LayerStats(**entry)
        other = found.get(layer.name)
        found[layer.name] = layer if other is None else replace(other, viewers=other.viewers + layer.viewers)
    return sorted(found.values(), key=lambda layer: ((layer.width or 0) * (layer.height or 0), layer.bitrate))
