"""Rates from the relay's counters: two readings and the time between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .model import ActivityStats, PublisherStats, RelayStats, TrackStats

LEAST_SECONDS = 0.5
"""Readings closer together give no new rate: the last one stands."""

Key = tuple[str, str]


class Rates:
    """Remembers the last reading of each track."""

    def __init__(self) -> None:
        self._readings: dict[Key, tuple[float, int, int]] = {}
        self._rates: dict[Key, tuple[int, float]] = {}

    def forget(self) -> None:
        self._readings.clear()
        self._rates.clear()

    def stats(self, raw: Mapping[str, Any]) -> RelayStats:
        """Turn the relay's answer into figures."""
        now = raw["time"]
        activities = {name: self._activity(name, value, now) for name, value in raw["activities"].items()}
        for key in [key for key in self._readings if key[0] not in activities]:
            del self._readings[key]
            self._rates.pop(key, None)
        return RelayStats(activities, raw["pending"], raw["counters"], raw["drops"])

    def _activity(self, name: str, raw: Mapping[str, Any], now: float) -> ActivityStats:
        publisher = None
        if (described := raw["publisher"]) is not None:
            tracks = {kind: self._track((name, kind), value, now) for kind, value in described["tracks"].items()}
            publisher = PublisherStats(
                since=described["since"],
                video=tracks.get("video"),
                audio=tracks.get("audio"),
                packets=sum(track.packets for track in tracks.values()),
                packets_lost=described["lost"],
            )
        return ActivityStats(raw["on_air"], publisher, raw["viewers"], raw["counters"])

    def _track(self, key: Key, raw: Mapping[str, Any], now: float) -> TrackStats:
        octets, frames = raw["octets"], raw["frames"]
        before, octets_before, frames_before = self._readings.get(key, (now, octets, frames))
        elapsed = now - before
        if octets < octets_before or key not in self._readings:
            self._readings[key] = (now, octets, frames)
        elif elapsed >= LEAST_SECONDS:
            bitrate = int((octets - octets_before) * 8 / elapsed)
            self._rates[key] = (bitrate, (frames - frames_before) / elapsed)
            self._readings[key] = (now, octets, frames)
        bitrate, fps = self._rates.get(key, (0, 0.0))
        if key[1] != "video":
            return TrackStats(raw["codec"], bitrate, raw["packets"])
        width, height = raw["size"] or (None, None)
        return TrackStats(raw["codec"], bitrate, raw["packets"], round(fps, 1), width, height)
