"""The relay's process: owns the port, the sessions and the broadcasts, and does what the service asks.

    python -m streaming.relay --media-port 8189 --control FD --public-address 192.0.2.7

`--control` is the file descriptor of a connected socket. When its other end is gone, so is the relay.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import itertools
import logging
import resource
import secrets
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from streaming import sdp
from streaming.broadcast import Broadcast
from streaming.control import MAX_LINE, Server
from streaming.delays import Delays
from streaming.dtls import HandshakeQueue, make_certificate
from streaming.errors import Conflict, Full, NotAcceptable, NotOnAir, PreconditionFailed, RelayError, UnknownSession
from streaming.feed import Feed, Outlet, follow
from streaming.ice import Credentials
from streaming.port import Port
from streaming.publisher import Publisher
from streaming.reach import Probe
from streaming.tap import Tap
from streaming.viewer import Viewer

log = logging.getLogger(__name__)

TICK_SECONDS = 0.1
VIEWER_TURNS = 5
"""A viewer has its turn in one tick of so many: what it has to do is due after half a second and more."""
UNSEEN_SECONDS = 3.0
"""A viewer's session counts for so long before its first connectivity check."""
PROBE_SECONDS = 10.0
CLOSE_SECONDS = 2.0
"""How long viewers are told that the relay ends, before it does."""
COUNTED = (
    "nacks sent",
    "nacks received",
    "packets resent",
    "keyframe requests sent",
    "keyframe requests received",
)
"""What is told from the start on, also while there was none."""


class Relay:
    """Everything in the process. `run` returns when the service is gone."""

    def __init__(self, port: Port, addresses: list[str], *, max_viewers: int) -> None:
        self.port = port
        self.counters: Counter[str] = Counter(dict.fromkeys(COUNTED, 0))
        self.delays = Delays()
        self._addresses = addresses
        self._max_viewers = max_viewers
        self._certificate = make_certificate()
        self._handshakes = HandshakeQueue()
        self._sessions: dict[str, Publisher | Viewer] = {}
        self._broadcasts: dict[str, Broadcast] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._server: Server | None = None

    async def run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve, tick, and end every session at the end."""
        self._server = Server(reader, writer, self._handle)
        self.port.start()
        self._server.event("ready", port=self.port.number, segmenting=self.port.fanout.segmenting)
        ticking = asyncio.create_task(self._tick())
        serving = asyncio.create_task(self._server.run())
        try:
            await asyncio.wait([serving, ticking], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (serving, ticking):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            for session in list(self._sessions.values()):
                session.end("relay ends")
            if self._closing:
                await asyncio.wait(self._closing, timeout=CLOSE_SECONDS)
            await self.port.close()
            writer.close()

    async def _tick(self) -> None:
        for turn in itertools.cycle(range(VIEWER_TURNS)):
            await asyncio.sleep(TICK_SECONDS)
            now = time.monotonic()
            for place, session in enumerate(list(self._sessions.values())):
                if isinstance(session, Viewer) and place % VIEWER_TURNS != turn:
                    continue  # who leaves moves others up: one of them may wait for another round
                try:
                    session.tick(now)
                except Exception:  # one session's fault must not end the others
                    log.exception("session %s… cannot go on", session.id[:6])
                    session.end("internal error")
            for broadcast in list(self._broadcasts.values()):
                broadcast.tick(now)

    # Operations

    async def _handle(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        operations: dict[str, Callable[..., dict[str, Any] | Awaitable[dict[str, Any]]]] = {
            "publish": self._publish,
            "watch": self._watch,
            "patch": self._patch,
            "end": self._end,
            "end_activity": self._end_activity,
            "picture": self._picture,
            "tap": self._tap,
            "feed": self._feed,
            "follow": self._follow,
            "probe": self._probe,
            "stats": self._stats,
            "ping": dict,
        }
        if operation not in operations:
            raise RelayError(f"The relay knows no operation {operation}.")
        answer = operations[operation](**arguments)
        return answer if isinstance(answer, dict) else await answer

    def _end(self, session: str) -> dict[str, Any]:
        self._session(session).end("ended by request")
        return {}

    def _end_activity(self, activity: str) -> dict[str, Any]:
        for session in list(self._sessions.values()):
            if session.broadcast.activity == activity:
                session.end("activity ended")
        return {}

    def _picture(self, session: str, picture: bool) -> dict[str, Any]:
        """Send a viewer the picture too, or the sound alone."""
        viewer = self._session(session)
        if not isinstance(viewer, Viewer):
            raise UnknownSession("There is no such viewer, or it has left.")
        viewer.set_picture(picture)
        return {}

    async def _tap(self, activity: str, path: str) -> dict[str, Any]:
        """Let the packager at `path` have the broadcast; it takes H.264 alone, and Opus."""
        broadcast = self._broadcasts.get(activity)
        if broadcast is None or broadcast.publisher is None:
            raise NotOnAir("Nobody is publishing to this activity.")
        codecs = broadcast.publisher.codecs
        if "video" not in codecs or codecs["video"].name != "H264":
            broadcast.detach()
            raise RelayError("HLS is made of H.264 alone.")
        if broadcast.tap is None or broadcast.tap.closed:
            broadcast.attach(await Tap.connect(path, codecs, self.port.drops))
        return {}

    async def _feed(self, activity: str, path: str) -> dict[str, Any]:
        """Let the process that listens at `path` have the broadcast too."""
        broadcast = self._broadcasts.get(activity)
        if broadcast is None or not isinstance(broadcast.publisher, Publisher) or not broadcast.on_air:
            raise NotOnAir("Nobody is publishing to this activity.")
        broadcast.feed(
            await Outlet.connect(
                path,
                broadcast.publisher.names,
                self.port.drops,
                lambda name: broadcast.request_keyframe(time.monotonic(), broadcast.tracks.get(name)),
            )
        )
        return {}

    async def _follow(self, activity: str, path: str) -> dict[str, Any]:
        """Listen at `path` for the process that has the publisher."""
        await follow(path, self._broadcast(activity), self._feed_ended)
        return {}

    def _feed_ended(self, feed: Feed) -> None:
        feed.broadcast.forget(feed)
        self._tidy(feed.broadcast)

    def _probe(self) -> dict[str, Any]:
        """Credentials with which the service checks what it advertises, for a few seconds."""
        ufrag, probe = secrets.token_hex(6), Probe(secrets.token_hex(16))
        self.port.add(ufrag, probe)

        def forget() -> None:
            self.port.forget_ufrag(ufrag)
            self.port.forget(probe)

        asyncio.get_running_loop().call_later(PROBE_SECONDS, forget)
        return {"ufrag": ufrag, "password": probe.password_of(ufrag)}

    def _publish(self, activity: str, offer: dict[str, Any], owner: str) -> dict[str, Any]:
        broadcast = self._broadcast(activity)
        present = broadcast.claimant
        if present is not None and present.owner != owner:
            raise Conflict("Somebody else is publishing to this activity.")
        publisher = Publisher(
            sdp.Offer.from_json(offer),
            owner=owner,
            broadcast=broadcast,
            port=self.port,
            certificate=self._certificate,
            handshakes=self._handshakes,
            closed=self._closed,
        )
        broadcast.claimant = publisher
        return self._open(publisher)

    def _watch(self, activity: str, offer: dict[str, Any], picture: bool = True) -> dict[str, Any]:
        broadcast = self._broadcasts.get(activity)
        if broadcast is None or not broadcast.on_air:
            raise NotOnAir("Nobody is publishing to this activity yet.")
        if self._seats >= self._max_viewers:
            raise Full(f"The relay carries {self._max_viewers} viewers, as many as it may.")
        viewer = Viewer(
            sdp.Offer.from_json(offer),
            broadcast=broadcast,
            picture=picture,
            port=self.port,
            certificate=self._certificate,
            handshakes=self._handshakes,
            closed=self._closed,
        )
        if not viewer.tracks:
            viewer.end("nothing in common")
            names = " and ".join(dict.fromkeys(track.codec.name for track in broadcast.tracks.values()))
            raise NotAcceptable(f"The offer has nothing of what is sent: {names}.")
        return self._open(viewer)

    @property
    def _seats(self) -> int:
        """Viewers who take up room: whoever opened a session and made no check keeps its seat for a moment only."""
        now = time.monotonic()
        viewers = [session for session in self._sessions.values() if isinstance(session, Viewer)]
        return sum(viewer.address is not None or now - viewer.created < UNSEEN_SECONDS for viewer in viewers)

    def _patch(self, session: str, credentials: list[str] | None, if_match: str) -> dict[str, Any]:
        """The credentials it has come with candidates, which ICE-lite needs not; others restart ICE."""
        peer = self._session(session)
        # The draft of WHEP writes the asterisk in quotes in its example.
        if {tag.strip() for tag in if_match.split(",")}.isdisjoint({"*", '"*"', peer.local.etag}):
            raise PreconditionFailed("The ICE session was restarted meanwhile.")
        if credentials is None or Credentials(*credentials) == peer.remote:
            return {}
        local = peer.restart_ice(Credentials(*credentials))
        return {"ufrag": local.ufrag, "password": local.password, "candidates": self._candidates()}

    def _open(self, peer: Publisher | Viewer) -> dict[str, Any]:
        self._sessions[peer.id] = peer
        return sdp.Grant(
            id=peer.id,
            ufrag=peer.local.ufrag,
            password=peer.local.password,
            fingerprint=self._certificate.fingerprint,
            setup=peer.setup,
            candidates=self._candidates(),
            tracks=peer.tracks,
        ).to_json()

    def _candidates(self) -> list[str]:
        return sdp.candidates(self._addresses, self.port.number)

    def _session(self, identifier: str) -> Publisher | Viewer:
        try:
            return self._sessions[identifier]
        except KeyError:
            raise UnknownSession("There is no such session, or it has ended.") from None

    def _broadcast(self, activity: str) -> Broadcast:
        broadcast = self._broadcasts.get(activity)
        if broadcast is None:
            broadcast = Broadcast(activity, self.port.fanout, self.counters, self.delays, self._air_changed)
            self._broadcasts[activity] = broadcast
        return broadcast

    # What sessions say

    def _air_changed(self, activity: str, on_air: bool) -> None:
        log.info("%s: %s", activity, "on air" if on_air else "off air")
        if self._server is not None:
            self._server.event("publisher", activity=activity, on_air=on_air)

    def _closed(self, peer: Publisher | Viewer, reason: str) -> None:
        """A session is over: forget it now, tell its peer in a task of its own."""
        log.info("%s: %s session %s… ends: %s", peer.broadcast.activity, peer.kind, peer.id[:6], reason)
        self.counters[f"{peer.kind} ended: {reason}"] += 1
        self._sessions.pop(peer.id, None)
        broadcast = peer.broadcast
        broadcast.forget(peer)
        task = asyncio.get_running_loop().create_task(peer.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        self._tidy(broadcast)

    def _tidy(self, broadcast: Broadcast) -> None:
        """Let go of a broadcast that nobody is part of any more."""
        if broadcast.empty and self._broadcasts.get(broadcast.activity) is broadcast:
            # A viewer that is still connecting must find the next publisher here.
            if any(session.broadcast is broadcast for session in self._sessions.values()):
                return
            broadcast.close()
            del self._broadcasts[broadcast.activity]

    def _stats(self) -> dict[str, Any]:
        """Counters since the start; whoever asks twice can tell rates."""
        fanout, usage = self.port.fanout, resource.getrusage(resource.RUSAGE_SELF)
        return {
            "activities": {
                activity: {
                    "publisher": _publisher_stats(broadcast.publisher)
                    if isinstance(broadcast.publisher, Publisher)
                    else None,
                    "viewers": len(broadcast.viewers),
                    "layers": _layer_stats(broadcast),
                    "sound_alone": sum(not viewer.picture for viewer in broadcast.viewers),
                }
                for activity, broadcast in self._broadcasts.items()
            },
            "totals": {
                "packets received": self.port.received,
                "packets sent": fanout.packets,
                "octets sent": fanout.octets,
                "system calls": fanout.system_calls,
                **self.counters,
            },
            "drops": dict(self.port.drops),
            "delays": self.delays.as_dict(),
            "cpu_seconds": usage.ru_utime + usage.ru_stime,
            "resident_kilobytes": _resident_kilobytes() or usage.ru_maxrss,
            "tasks": len(asyncio.all_tasks()),
            "descriptors": _descriptors(),
            "monotonic": time.monotonic(),
        }


def _resident_kilobytes() -> int | None:
    """Memory in use now; None where the system does not tell (getrusage knows its peak alone)."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return pages * resource.getpagesize() // 1024


def _layer_stats(broadcast: Broadcast) -> list[dict[str, Any]]:
    """The layers of the picture, the smallest first, and how many receive each."""
    receiving = Counter(viewer.layer for viewer in broadcast.viewers)
    tracks = [track for track in broadcast.tracks.values() if track.codec.kind == "video"]
    return [
        {
            "name": track.name,
            "width": track.size[0] if track.size is not None else None,
            "height": track.size[1] if track.size is not None else None,
            "bitrate": track.bitrate,
            "viewers": receiving[track],
        }
        for track in sorted(tracks, key=lambda track: (track.pixels, track.bitrate))
    ]


def _descriptors() -> int:
    """Open descriptors; 0 where the system does not tell."""
    try:
        return sum(1 for _ in Path("/proc/self/fd").iterdir())
    except OSError:
        return 0


def _publisher_stats(publisher: Publisher) -> dict[str, Any]:
    tracks = {}
    for kind, codec in publisher.codecs.items():
        track = publisher.broadcast.best(kind)
        width, height = track.size or (None, None)
        tracks[kind] = {
            "codec": codec.name,
            "packets": track.packets,
            "octets": track.octets,
            "frames": track.frames,
            "width": width,
            "height": height,
        }
    receptions = [source.reception for source in publisher.sources if source.reception is not None]
    return {
        "since": publisher.since,
        "tracks": tracks,
        "packets": sum(reception.packets for reception in receptions),
        "packets_lost": sum(reception.lost for reception in receptions),
    }


async def serve(arguments: argparse.Namespace) -> int:
    """Bind the port and run; a port that cannot be had is told over the control socket."""
    control = socket.socket(fileno=arguments.control)
    reader, writer = await asyncio.open_connection(sock=control, limit=MAX_LINE)
    try:
        port = Port.bind(arguments.media_port, plain=arguments.plain)
    except RelayError as error:
        Server(reader, writer, _refuse).event("failed", message=str(error))
        await writer.drain()
        writer.close()
        return 1
    # What stands now stands until the end: the collector looks at sessions alone, and finds the ended ones early.
    gc.collect()
    gc.freeze()
    await Relay(port, arguments.public_address, max_viewers=arguments.max_viewers).run(reader, writer)
    return 0


async def _refuse(operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
    raise RelayError("The relay did not start.")


def main() -> int:
    """Parse the command line and run until the end."""
    parser = argparse.ArgumentParser(prog="python -m streaming.relay", description=__doc__)
    parser.add_argument("--media-port", type=int, required=True, help="UDP port; 0 takes a free one")
    parser.add_argument("--control", type=int, required=True, help="file descriptor of the control socket")
    parser.add_argument("--public-address", action="append", default=[], help="address to advertise; may be repeated")
    parser.add_argument("--max-viewers", type=int, default=1000)
    parser.add_argument("--plain", action="store_true", help="one sendto a packet, for comparison")
    parser.add_argument("--log-level", default="INFO", help="what is told on standard error: INFO, WARNING, ERROR")
    arguments = parser.parse_args()
    logging.basicConfig(
        level=arguments.log_level, format="%(asctime)s relay %(levelname)s: %(message)s", stream=sys.stderr
    )
    # Ctrl-C and a service manager's SIGTERM reach the whole group: the service ends the relay, by its control socket.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        import uvloop
    except ImportError:
        return asyncio.run(serve(arguments))
    return uvloop.run(serve(arguments))


if __name__ == "__main__":
    sys.exit(main())
