"""One broadcast: an activity's publisher, its tracks and its viewers. The owner of all three."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable

from streaming.codecs import Codec
from streaming.delays import Delays
from streaming.fanout import Fanout
from streaming.feed import Feed, Outlet
from streaming.highest import Highest
from streaming.layers import Layer
from streaming.publisher import Publisher
from streaming.tap import Tap
from streaming.track import Track
from streaming.viewer import Viewer

KEYFRAME_SECONDS = 2.0
"""Between two keyframes that a packager needs."""
MEASURE_SECONDS = 1.0
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
        self,
        activity: str,
        fanout: Fanout,
        counters: Counter[str],
        delays: Delays,
        on_air_changed: Callable[[str, bool], None],
    ) -> None:
        self.activity = activity
        self.tracks: dict[str, Track] = {}
        """By name: a kind of media, or one of the further layers of its picture (`video/1`)."""
        self.publisher: Publisher | Feed | None = None
        """Who sends: a session, or the process that has it."""
        self.claimant: Publisher | None = None
        """The session that publishes or is about to: the newest that was taken."""
        self.viewers: set[Viewer] = set()
        self.counters = counters
        self._delays = delays
        self._arrived: dict[Track, float] = {}
        """When the first packet came of each batch that waits."""
        self._fanout = fanout
        self._on_air_changed = on_air_changed
        self.tap: Tap | None = None
        """The packager's copy, where there is one: of the highest layer."""
        self._highest = Highest()
        self.outlets: list[Outlet] = []
        """Copies for other processes with viewers of this activity."""
        self._next_keyframe = 0.0
        self._next_clock = 0.0
        self._next_measure = 0.0
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
        for name, codec in publisher.names.items():
            self._use(name, codec)
        for track in self.tracks.values():
            track.stream.fresh = True
        for viewer in list(self.viewers):
            if not viewer.suits(publisher.codecs):
                viewer.end("codec changed")
        copied = self.tap is not None or self.outlets
        if copied and previous is not None and previous.codecs != publisher.codecs:
            # The packager and the other processes know other streams: they begin anew, as with any publisher.
            self.detach()
            self.air_changed(publisher.on_air)

    def _use(self, name: str, codec: Codec) -> None:
        track = self.tracks.get(name)
        if track is not None and track.codec is not codec:
            # All layers are of one codec, and one stream for the viewers.
            self._arrived.clear()
            self.tracks = {other: kept for other, kept in self.tracks.items() if kept.codec.kind != codec.kind}
            track = None
        if track is not None:
            track.rebase()
            return
        stream = next((other.stream for other in self.tracks.values() if other.codec is codec), None)
        self.tracks[name] = Track(codec, self._fanout, name, stream)

    @property
    def layered(self) -> bool:
        """Whether there may be a choice of layers, of which some may be silent."""
        return sum(track.codec.kind == "video" for track in self.tracks.values()) > 1

    def live_layers(self, now: float) -> list[Track]:
        """The layers of the picture that are being sent, the smallest first."""
        found = [track for track in self.tracks.values() if track.codec.kind == "video" and track.live(now)]
        return sorted(found, key=lambda track: (track.pixels, track.bitrate))

    def best(self, kind: str) -> Track:
        """The track of a kind that says most of it: the highest layer that is being sent. Raises KeyError."""
        live = self.live_layers(time.monotonic()) if kind == "video" else []
        return live[-1] if live else self.tracks[kind]

    def layers(self, now: float) -> list[Layer]:
        """The same as numbers."""
        return [Layer(track.name, track.bitrate) for track in self.live_layers(now)]

    def viewer_connected(self, viewer: Viewer) -> None:
        """A viewer has its keys: it wants a picture now."""
        if self.publisher is not None and not viewer.suits(self.publisher.codecs):
            viewer.end("codec changed")
            return
        self.viewers.add(viewer)
        for channel in viewer.channels:
            if channel.wanted is not None:
                self.request_keyframe(time.monotonic(), channel.wanted)

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

    def awaits_keyframe(self, name: str) -> bool:
        """Whether a viewer has nothing to begin with; a request that was lost is made again."""
        track = self.tracks.get(name)
        return track is not None and bool(track.waiting)

    # What the publisher calls

    def publish(self, name: str, sequence: int, timestamp: int, marker: bool, payload: bytes, now: float) -> None:
        """Take a packet with the publisher's numbers and send it, with the rest of its frame, to every viewer."""
        track = self.tracks[name]
        if not track.pending:
            self._arrived[track] = now
        packet = track.add(sequence, timestamp, marker, payload, now)
        if self.tap is not None and packet is not None:
            kind = track.codec.kind
            chosen = packet if kind == "audio" else self._highest.take(track, packet, self.live_layers(now))
            if chosen is not None:
                self.tap.write(kind, chosen)
        if packet is not None:
            for outlet in self.outlets:
                outlet.write(name, packet)
        if not track.pending:
            if packet is not None:  # else it was no news, and went nowhere
                self._sent(track)
        elif self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._flush)

    def _sent(self, track: Track) -> None:
        arrived = self._arrived.pop(track, None)
        if arrived is not None:
            self._delays.add(time.monotonic() - arrived)

    def attach(self, tap: Tap) -> None:
        """Let a packager have every packet from now on, beginning with a keyframe."""
        if self.tap is not None:
            self.tap.close()
        self.tap = tap
        self._highest = Highest()
        self._next_keyframe = 0.0

    def feed(self, outlet: Outlet) -> None:
        """Let another process have every packet from now on, and those since the last keyframe."""
        self.outlets.append(outlet)
        self._next_clock = 0.0
        for name, video in self.tracks.items():
            if video.codec.kind != "video":
                continue
            if video.keyframe_sequence is None:
                self.request_keyframe(time.monotonic(), video)
                continue
            count = ((video.last_sequence - video.keyframe_sequence) & 0xFFFF) + 1
            for packet in video.kept((video.keyframe_sequence + step) & 0xFFFF for step in range(count)):
                outlet.write(name, packet)

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
        if isinstance(self.publisher, Feed):
            for track in self.tracks.values():
                if track.waiting:
                    self.publisher.request_keyframe(now, track.name)
        if now >= self._next_measure:
            self._next_measure = now + MEASURE_SECONDS
            for track in self.tracks.values():
                track.measure(now)
        if self.outlets and now >= self._next_clock:
            self._next_clock = now + CLOCK_SECONDS
            self._tell_clocks(now)
        if self.tap is None:
            return
        if self.tap.closed:
            self.tap = None
        elif now >= self._next_keyframe:
            self._next_keyframe = now + KEYFRAME_SECONDS
            video = self.live_layers(now)
            self.request_keyframe(now, video[-1] if video else None)

    def _tell_clocks(self, now: float) -> None:
        self.outlets = [outlet for outlet in self.outlets if not outlet.closed]
        for name, track in self.tracks.items():
            clock = self.clock(track, now) if self.carries(track.codec.kind) else None
            if clock is not None:
                for outlet in self.outlets:
                    outlet.clock(name, *clock)

    def _flush(self) -> None:
        self._flushing = None
        for track in self.tracks.values():
            track.flush()
            self._sent(track)

    def rebase(self, name: str) -> None:
        """The publisher's stream of this name begins anew."""
        track = self.tracks[name]
        track.rebase()
        if sum(other.stream is track.stream for other in self.tracks.values()) == 1:
            track.stream.fresh = True

    def air_changed(self, on_air: bool) -> None:
        """Media began or stopped."""
        if not on_air:
            self._end_feeds()
        self._on_air_changed(self.activity, on_air)

    def request_keyframe(self, now: float, track: Track | None = None) -> None:
        """A viewer cannot go on without a keyframe, of one layer or of all."""
        if self.publisher is not None:
            self.publisher.request_keyframe(now, track.name if track is not None else None)

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
                if source.name == track.name and reception is not None:
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
