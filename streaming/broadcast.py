"""One broadcast: an activity's publisher, its tracks and its viewers. The owner of all three."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable

from streaming.codecs import Codec
from streaming.fanout import Fanout
from streaming.feed import Feed, Outlet
from streaming.publisher import Publisher
from streaming.tap import Tap
from streaming.track import Track
from streaming.viewer import Viewer

KEYFRAME_SECONDS = 2.0
"""Between two keyframes that a packager needs."""
CLOCK_SECONDS = 1.0
"""Between two words to other processes about which time a timestamp stands for."""
GATHER_SECONDS = 0.002
"""How long the rest of a frame is waited for before what came is sent."""
NTP_EPOCH = 2_208_988_800
"""Seconds from 1900 (RFC 5905) to 1970."""


class Broadcast:
    """Sessions come with `publisher_connected` and `viewer_connected`, and go with `forget`.

    `on_air_changed` is called with the activity when its media begin or stop.
    """

    def __init__(
        self, activity: str, fanout: Fanout, counters: Counter[str], on_air_changed: Callable[[str, bool], None]
    ) -> None:
        self.activity = activity
        self.tracks: dict[str, Track] = {}
        self.publisher: Publisher | Feed | None = None
        """Who sends: a session, or the process that has it."""
        self.claimant: Publisher | None = None
        """The session that publishes or is about to: the newest that was taken."""
        self.viewers: set[Viewer] = set()
        self.counters = counters
        self._fanout = fanout
        self._on_air_changed = on_air_changed
        self.tap: Tap | None = None
        """The packager's copy, where there is one."""
        self.outlets: list[Outlet] = []
        """Copies for other processes with viewers of this activity."""
        self._next_keyframe = 0.0
        self._next_clock = 0.0
        self._flushing: asyncio.TimerHandle | None = None

    @property
    def on_air(self) -> bool:
        return self.publisher is not None and self.publisher.on_air

    @property
    def empty(self) -> bool:
        """Whether nothing is left to own."""
        return self.publisher is None and self.claimant is None and not self.viewers

    def carries(self, kind: str) -> bool:
        """Whether the publisher sends this kind of media."""
        return self.publisher is not None and kind in self.publisher.codecs

    # Sessions

    def publisher_connected(self, publisher: Publisher | Feed) -> None:
        """A publisher takes the place of whoever had it; viewers stay where they can play what it sends."""
        previous = self.publisher
        if previous is not None and previous.created > publisher.created:
            publisher.end("replaced")  # it was replaced while it connected
            return
        self.publisher = publisher
        if previous is not None and previous is not publisher:
            if previous.on_air:
                # On air without a break: where the newcomer sends nothing, its silence is noticed like any other.
                previous.on_air, publisher.on_air = False, True
                publisher.since, publisher.last_packet = time.time(), time.monotonic()
            previous.end("replaced")
        for kind, codec in publisher.codecs.items():
            self._use(kind, codec)
        for viewer in list(self.viewers):
            if not viewer.suits(publisher.codecs):
                viewer.end("codec changed")
        copied = self.tap is not None or self.outlets
        if copied and previous is not None and previous.codecs != publisher.codecs:
            # The packager and the other processes know other streams: they begin anew, as with any publisher.
            self.detach()
            self.air_changed(publisher.on_air)

    def _use(self, kind: str, codec: Codec) -> None:
        track = self.tracks.get(kind)
        if track is None or track.codec is not codec:
            self.tracks[kind] = Track(codec, self._fanout)
        else:
            track.rebase()

    def viewer_connected(self, viewer: Viewer) -> None:
        """A viewer has its keys: it wants a picture now."""
        if self.publisher is not None and not viewer.suits(self.publisher.codecs):
            viewer.end("codec changed")
            return
        self.viewers.add(viewer)
        video = self.tracks.get("video")
        if video is not None and video.keyframe_sequence is None:
            self.request_keyframe(time.monotonic())

    def forget(self, peer: Publisher | Viewer | Feed) -> None:
        """A session has ended."""
        if isinstance(peer, Viewer):
            self.viewers.discard(peer)
            return
        if self.claimant is peer:
            # Who claimed and never came has replaced nobody.
            present = self.publisher
            self.claimant = present if isinstance(present, Publisher) and present is not peer else None
        if self.publisher is peer:
            self.publisher = None
            if peer.on_air:
                peer.on_air = False
                self.air_changed(False)

    @property
    def keyframe_awaited(self) -> bool:
        """Whether a newcomer has nothing to begin with; a request that was lost is made again."""
        video = self.tracks.get("video")
        return video is not None and bool(video.waiting)

    # What the publisher calls

    def publish(self, kind: str, sequence: int, timestamp: int, marker: bool, payload: bytes, now: float) -> None:
        """Take a packet with the publisher's numbers and send it, with the rest of its frame, to every viewer."""
        track = self.tracks[kind]
        packet = track.add(sequence, timestamp, marker, payload, now)
        if self.tap is not None and packet is not None:
            self.tap.write(kind, packet)
        if packet is not None:
            for outlet in self.outlets:
                outlet.write(kind, packet)
        if track.pending and self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._flush)

    def attach(self, tap: Tap) -> None:
        """Let a packager have every packet from now on, beginning with a keyframe."""
        if self.tap is not None:
            self.tap.close()
        self.tap = tap
        self._next_keyframe = 0.0

    def feed(self, outlet: Outlet) -> None:
        """Let another process have every packet from now on, and those since the last keyframe."""
        self.outlets.append(outlet)
        self._next_clock = 0.0
        video = self.tracks.get("video")
        if video is None:
            return
        if video.keyframe_sequence is None:
            self.request_keyframe(time.monotonic())
            return
        count = ((video.last_sequence - video.keyframe_sequence) & 0xFFFF) + 1
        for packet in video.kept((video.keyframe_sequence + step) & 0xFFFF for step in range(count)):
            outlet.write("video", packet)

    def detach(self) -> None:
        """Let the packager and the other processes go."""
        if self.tap is not None:
            self.tap.close()
            self.tap = None
        self._end_feeds()

    def _end_feeds(self) -> None:
        outlets, self.outlets = self.outlets, []
        for outlet in outlets:
            outlet.close()

    def tick(self, now: float) -> None:
        """Called some ten times a second: segments of HLS begin at keyframes, so the publisher is asked for them."""
        if isinstance(self.publisher, Feed) and self.keyframe_awaited:
            self.publisher.request_keyframe(now)
        if self.outlets and now >= self._next_clock:
            self._next_clock = now + CLOCK_SECONDS
            self._tell_clocks(now)
        if self.tap is None:
            return
        if self.tap.closed:
            self.tap = None
        elif now >= self._next_keyframe:
            self._next_keyframe = now + KEYFRAME_SECONDS
            self.request_keyframe(now)

    def _tell_clocks(self, now: float) -> None:
        self.outlets = [outlet for outlet in self.outlets if not outlet.closed]
        for kind, track in self.tracks.items():
            clock = self.clock(track, now) if self.carries(kind) else None
            if clock is not None:
                for outlet in self.outlets:
                    outlet.clock(kind, *clock)

    def _flush(self) -> None:
        self._flushing = None
        for track in self.tracks.values():
            track.flush()

    def rebase(self, kind: str) -> None:
        """The publisher's stream of this kind begins anew."""
        self.tracks[kind].rebase()

    def air_changed(self, on_air: bool) -> None:
        """Media began or stopped."""
        if not on_air:
            self._end_feeds()
        self._on_air_changed(self.activity, on_air)

    def request_keyframe(self, now: float) -> None:
        """A viewer cannot go on without a keyframe."""
        if self.publisher is not None:
            self.publisher.request_keyframe(now)

    def clock(self, track: Track, now: float) -> tuple[int, int] | None:
        """The NTP time and the track's timestamp of one moment, for sender reports; None before the first packet.

        The publisher's own reports tie its tracks together; as long as one of them lacks, arrival does.
        """
        if self.publisher is None or not track.packets:
            return None
        receptions = [source.reception for source in self.publisher.sources]
        reports = [reception for reception in receptions if reception is not None and reception.report_middle]
        if len(reports) == len(receptions):
            for source in self.publisher.sources:
                reception = source.reception
                if source.kind == track.codec.kind and reception is not None:
                    since = now - reception.report_time
                    stamp = track.timestamp(reception.report_timestamp) + int(since * track.codec.clock_rate)
                    return (reception.report_ntp + int(since * 2**32)) & (2**64 - 1), stamp & 0xFFFFFFFF
        ntp = int((time.time() + NTP_EPOCH) * 2**32) & (2**64 - 1)
        return ntp, (track.last_timestamp + int((now - track.last_time) * track.codec.clock_rate)) & 0xFFFFFFFF

    def close(self) -> None:
        """Release the timer; the sessions are the relay's."""
        self.detach()
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
