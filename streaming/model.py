"""What the supervisor gives to the service: sessions, events and figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Session:
    """A WHIP or WHEP session. `id` cannot be guessed: its URL is all that is needed to end it."""

    id: str
    sdp: str
    etag: str
    kind: Literal["publish", "watch"]


@dataclass(frozen=True, slots=True)
class PatchResult:
    """`sdp` is None for trickle ICE (HTTP 204), else the fragment that answers an ICE restart (HTTP 200)."""

    sdp: str | None
    etag: str


@dataclass(frozen=True, slots=True)
class PublisherChanged:
    """Packets of a publisher began to arrive for the activity, or ceased."""

    activity: str
    on_air: bool


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """A session is over, for the reason given in English."""

    session_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class RelayChanged:
    """The relay process answers, or has gone and is being started again."""

    up: bool


RelayEvent = PublisherChanged | SessionEnded | RelayChanged


@dataclass(frozen=True, slots=True)
class TrackStats:
    """One kind of media of a publisher. `bitrate` in bits a second of payload; `fps`, `width`, `height` for video."""

    codec: str
    bitrate: int
    packets: int
    fps: float | None = None
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class PublisherStats:
    """`since` is when the first packet came, in seconds since 1970, or None if none has."""

    since: float | None
    video: TrackStats | None
    audio: TrackStats | None
    packets: int
    packets_lost: int


@dataclass(frozen=True, slots=True)
class ActivityStats:
    """One broadcast. `counters` are totals since it began."""

    on_air: bool
    publisher: PublisherStats | None
    viewers: int
    counters: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RelayStats:
    """The whole relay. `counters` and `drops` (datagrams by cause) are totals since its process began."""

    activities: Mapping[str, ActivityStats]
    pending: int
    counters: Mapping[str, int]
    drops: Mapping[str, int]

    @property
    def viewers(self) -> int:
        return sum(activity.viewers for activity in self.activities.values())
