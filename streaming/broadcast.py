"""The live transmission of one activity: one publisher at a time, and everyone who watches.

It owns its sessions: it starts them, ends them, and waits until they are closed.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any, Protocol

from .codecs import Codec
from .errors import Conflict, NotOnAir
from .peer import Peer
from .port import Port
from .publisher import Publisher
from .track import Track
from .viewer import Viewer


class Owner(Protocol):
    """What a broadcast tells the relay."""

    port: Port

    def session_ended(self, peer: Peer, reason: str) -> None: ...
    def air_changed(self, activity: str, on_air: bool) -> None: ...
    def flush_soon(self, track: Track) -> None: ...


class Broadcast:
    """An activity's publisher, its tracks and its viewers."""

    def __init__(self, activity: str, owner: Owner) -> None:
        self.activity = activity
        self.owner = owner
        self.publisher: Publisher | None = None
        self.successor: Publisher | None = None
        self.tracks: dict[str, Track] = {}
        self.viewers: set[Viewer] = set()
        self.counters: Counter[str] = Counter()
        self.on_air = False
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def empty(self) -> bool:
        """Whether nothing is left that would need it."""
        return not (self.publisher or self.successor or self.viewers or self._closing)

    # Publishers

    def check_owner(self, owner: str) -> None:
        """Raise Conflict where somebody else is publishing or about to."""
        for present in (self.publisher, self.successor):
            if present is not None and present.owner != owner:
                raise Conflict("Somebody else is publishing to this activity.")

    def expect(self, publisher: Publisher) -> None:
        """A publisher was given an answer. It takes over when it is connected; until then the present one goes on."""
        if self.successor is not None:
            self.successor.end("replaced")
        self.successor = publisher

    def publisher_connected(self, publisher: Publisher) -> None:
        previous, self.publisher = self.publisher, publisher
        if self.successor is publisher:
            self.successor = None
        if previous is not None and previous is not publisher:
            previous.on_air = False
            previous.end("replaced")
        for kind, codec in publisher.codecs.items():
            track = self.tracks.get(kind)
            if track is None or track.codec is not codec:
                self.tracks[kind] = Track(codec, self.owner.port.fanout)
        for viewer in list(self.viewers):
            if not viewer.suits(publisher.codecs):
                viewer.end("the publisher's codec changed")

    def carries(self, kind: str) -> bool:
        """Whether the present publisher sends this kind of media."""
        return self.publisher is not None and kind in self.publisher.codecs

    def check_watchable(self) -> None:
        """Raise NotOnAir where there is no publisher whose media a viewer could be promised."""
        if self.publisher is None:
            raise NotOnAir("Nobody is publishing to this activity at the moment.")

    def rebase(self, kind: str) -> None:
        """What comes next of this kind is from another stream."""
        self.tracks[kind].rebase()

    def publish(self, kind: str, sequence: int, timestamp: int, marker: bool, payload: bytes, now: float) -> None:
        """Forward a packet of the publisher."""
        track = self.tracks[kind]
        if track.add(sequence, timestamp, marker, payload, now) is None:
            self.owner.port.drops["too old"] += 1
        elif track.pending:
            self.owner.flush_soon(track)

    def air_changed(self, on_air: bool) -> None:
        if on_air and self.publisher is not None:
            # Whatever was asked of an earlier publisher, viewers cannot go on without a keyframe of this one.
            self.publisher.request_keyframe(time.monotonic())
        if on_air != self.on_air:
            self.on_air = on_air
            self.owner.air_changed(self.activity, on_air)

    def request_keyframe(self, now: float) -> None:
        if self.publisher is not None and self.publisher.on_air:
            self.publisher.request_keyframe(now)

    def clock(self, track: Track, now: float) -> tuple[int, int] | None:
        """NTP time (32.32 fixed point) and the broadcast's RTP timestamp of the same instant, for sender reports.

        They follow the publisher's own reports where it sends them for all it publishes, else the arrival of packets.
        """
        if self.publisher is None or not self.publisher.on_air:
            return None
        receptions = [source.reception for source in self.publisher.sources]
        source = next((s for s in self.publisher.sources if s.codec is track.codec), None)
        if (
            source is not None
            and source.reception is not None
            and all(r is not None and r.report_ntp for r in receptions)
        ):
            reception = source.reception
            elapsed = now - reception.report_time
            ntp = reception.report_ntp + int(elapsed * (1 << 32))
            return ntp & 0xFFFFFFFFFFFFFFFF, track.timestamp(
                reception.report_timestamp + int(elapsed * track.codec.clock_rate)
            )
        elapsed = now - track.last_time
        ntp = int((time.time() + 2208988800) * (1 << 32))
        return ntp, (track.last_timestamp + int(elapsed * track.codec.clock_rate)) & 0xFFFFFFFF

    # Viewers

    def viewer_connected(self, viewer: Viewer) -> None:
        if self.publisher is not None and not viewer.suits(self.publisher.codecs):
            viewer.end("the publisher's codec changed")
        elif any(channel.own is None for channel in viewer.channels):
            self.request_keyframe(time.monotonic())

    # Ends

    def session_ended(self, peer: Peer, reason: str) -> None:
        """Called by a session that has ended: let go of it, and close it in the background."""
        if peer is self.publisher:
            self.publisher = None
            self.air_changed(False)
        if peer is self.successor:
            self.successor = None
        if isinstance(peer, Viewer):
            self.viewers.discard(peer)
        task = asyncio.get_running_loop().create_task(peer.close())
        self._closing.add(task)
        task.add_done_callback(self._closed)
        self.owner.session_ended(peer, reason)

    def _closed(self, task: asyncio.Task[None]) -> None:
        self._closing.discard(task)

    def end(self, reason: str) -> None:
        """End the publisher's and all viewers' sessions."""
        peers: list[Peer | None] = [self.successor, self.publisher, *self.viewers]
        for peer in peers:
            if peer is not None:
                peer.end(reason)

    async def wait_closed(self) -> None:
        while self._closing:
            await asyncio.wait(self._closing)

    # Statistics

    def stats(self) -> dict[str, Any]:
        """Counters since the broadcast began; rates are made of two of them by the supervisor."""
        publisher = self.publisher
        described = None
        if publisher is not None and publisher.connected:
            described = {
                "since": publisher.since,
                "lost": sum(s.reception.lost for s in publisher.sources if s.reception is not None),
                "tracks": {kind: _describe(self.tracks[kind], publisher.codecs[kind]) for kind in publisher.codecs},
            }
        connected = [viewer for viewer in self.viewers if viewer.connected]
        return {
            "on_air": self.on_air,
            "publisher": described,
            "viewers": len(connected),
            "counters": dict(self.counters),
        }


def _describe(track: Track, codec: Codec) -> dict[str, Any]:
    return {
        "codec": codec.name,
        "packets": track.packets,
        "octets": track.octets,
        "frames": track.frames,
        "size": track.size,
    }
