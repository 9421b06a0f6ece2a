"""The relay process: `python -m streaming.relay --media-port 8189 --public-address 192.0.2.1 --control-fd 3`.

It does what the control socket asks, and forwards packets in between; when the control socket closes it ends. Started
by `streaming.supervisor`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from . import dtls, sdp
from .broadcast import Broadcast
from .control import Connection
from .errors import BadOffer, Full, NotOnAir, PreconditionFailed, PreconditionRequired, RelayError, UnknownSession
from .ice import Credentials
from .peer import Peer
from .port import Port
from .publisher import Publisher
from .sdp import Grant, Offer
from .track import Track
from .viewer import Viewer

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.05
SLICES = 20
"""Each viewer is looked after in one tick of so many: once a second."""
BATCH_SECONDS = 0.002
"""How long the first packets of a frame wait for the rest."""
MAX_PENDING = 512
"""Sessions that have an answer but no connection yet."""


class Relay:
    """All broadcasts of this process, and the sessions by their identifiers."""

    def __init__(self, port: Port, public_addresses: list[str], max_viewers: int) -> None:
        self.port = port
        self.sessions: dict[str, Peer] = {}
        self.broadcasts: dict[str, Broadcast] = {}
        self.counters: Counter[str] = Counter()
        self.emit: Callable[[dict[str, Any]], None] = lambda event: None
        self._candidates = sdp.candidates(public_addresses, port.number)
        self._max_viewers = max_viewers
        self._certificate = dtls.make_certificate()
        self._handshakes = dtls.HandshakeQueue()
        self._unfinished: set[Track] = set()
        self._flush: asyncio.TimerHandle | None = None
        self._tick: asyncio.TimerHandle | None = None
        self._slice = 0
        self._operations = {
            "publish": self.publish,
            "watch": self.watch,
            "patch": self.patch,
            "end": self.end,
            "end_activity": self.end_activity,
            "stats": self.stats,
        }

    def start(self) -> None:
        self.port.start()
        self._tick = asyncio.get_running_loop().call_later(TICK_SECONDS, self._on_tick)

    async def close(self) -> None:
        """End all sessions, telling their peers, and close the port."""
        broadcasts = list(self.broadcasts.values())
        for broadcast in broadcasts:
            broadcast.end("the relay stops")
        for broadcast in broadcasts:
            await broadcast.wait_closed()
        for handle in (self._tick, self._flush):
            if handle is not None:
                handle.cancel()
        self.port.close()

    # Requests

    def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what a request asks. Raises RelayError."""
        operation = self._operations.get(str(request.pop("op", None)))
        if operation is None:
            raise RelayError("The relay does not know this request.")
        return operation(**request)

    def publish(self, activity: str, offer: dict[str, Any], owner: str) -> dict[str, Any]:
        broadcast = self._broadcast(activity)
        broadcast.check_owner(owner)
        self._check_pending()
        peer = Publisher(Offer.from_json(offer), owner=owner, broadcast=broadcast, **self._of(broadcast))
        broadcast.expect(peer)
        return self._grant(peer)

    def watch(self, activity: str, offer: dict[str, Any]) -> dict[str, Any]:
        broadcast = self.broadcasts.get(activity)
        if broadcast is None:
            raise NotOnAir("Nobody is publishing to this activity at the moment.")
        broadcast.check_watchable()
        if sum(len(other.viewers) for other in self.broadcasts.values()) >= self._max_viewers:
            raise Full(f"The relay serves as many viewers as it may ({self._max_viewers}).")
        self._check_pending()
        peer = Viewer(Offer.from_json(offer), broadcast=broadcast, **self._of(broadcast))
        if not peer.tracks:
            self.port.forget_ufrag(peer.local.ufrag)
            names = " and ".join(track.codec.name for track in broadcast.tracks.values())
            raise BadOffer(f"The offer has none of the codecs that are published here ({names}).")
        broadcast.viewers.add(peer)
        return self._grant(peer)

    def _of(self, broadcast: Broadcast) -> dict[str, Any]:
        return {
            "port": self.port,
            "certificate": self._certificate,
            "handshakes": self._handshakes,
            "closed": broadcast.session_ended,
        }

    def _broadcast(self, activity: str) -> Broadcast:
        broadcast = self.broadcasts.get(activity)
        if broadcast is None:
            broadcast = self.broadcasts[activity] = Broadcast(activity, self)
        return broadcast

    def _check_pending(self) -> None:
        pending = sum(not peer.connected for peer in self.sessions.values())
        if pending >= MAX_PENDING:
            raise Full("Too many sessions are being set up at this moment.")

    def _grant(self, peer: Publisher | Viewer) -> dict[str, Any]:
        self.sessions[peer.id] = peer
        self.counters[f"{peer.kind} sessions"] += 1
        return Grant(
            id=peer.id,
            ufrag=peer.local.ufrag,
            password=peer.local.password,
            fingerprint=self._certificate.fingerprint,
            setup=peer.setup,
            candidates=self._candidates,
            tracks=peer.tracks,
        ).to_json() | {"etag": peer.local.etag}

    def patch(self, session: str, ufrag: str | None, password: str | None, if_match: str | None) -> dict[str, Any]:
        """Trickle ICE or an ICE restart (RFC 9725 section 4.3). An ICE-lite agent has no use for candidates."""
        peer = self._session(session)
        restart = (
            ufrag is not None
            and password is not None
            and (ufrag, password)
            != (
                peer.remote.ufrag,
                peer.remote.password,
            )
        )
        if if_match is None:
            raise PreconditionRequired("PATCH needs If-Match with the entity tag of the ICE session.")
        if restart and if_match != "*":
            raise PreconditionFailed('An ICE restart needs If-Match: "*".')
        if not restart and if_match not in ("*", peer.local.etag):
            raise PreconditionFailed("The ICE session has been restarted since.")
        if not restart:
            return {"etag": peer.local.etag}
        local = peer.restart_ice(Credentials(str(ufrag), str(password)))
        return {"etag": local.etag, "ufrag": local.ufrag, "password": local.password, "candidates": self._candidates}

    def end(self, session: str) -> dict[str, Any]:
        self._session(session).end("ended by its owner")
        return {}

    def _session(self, session: str) -> Peer:
        peer = self.sessions.get(session)
        if peer is None:
            raise UnknownSession("There is no such session, or it has ended.")
        return peer

    def end_activity(self, activity: str) -> dict[str, Any]:
        broadcast = self.broadcasts.get(activity)
        if broadcast is not None:
            broadcast.end("the activity has ended")
        return {}

    def stats(self) -> dict[str, Any]:
        fanout = self.port.fanout
        return {
            "time": time.monotonic(),
            "activities": {activity: broadcast.stats() for activity, broadcast in self.broadcasts.items()},
            "pending": sum(not peer.connected for peer in self.sessions.values()),
            "counters": dict(
                self.counters
                + Counter(
                    {
                        "datagrams received": self.port.received,
                        "packets sent": fanout.packets,
                        "octets sent": fanout.octets,
                        "send calls": fanout.system_calls,
                        "cpu microseconds": int(time.process_time() * 1e6),
                    }
                )
            ),
            "drops": dict(self.port.drops),
        }

    # What broadcasts say

    def session_ended(self, peer: Peer, reason: str) -> None:
        if self.sessions.pop(peer.id, None) is not None:
            logger.info("session %s… (%s) ended: %s", peer.id[:6], peer.kind, reason)
            self.counters[f"ended: {reason}"] += 1
            self.emit({"event": "session_ended", "session": peer.id, "reason": reason})

    def air_changed(self, activity: str, on_air: bool) -> None:
        self.emit({"event": "air", "activity": activity, "on_air": on_air})

    def flush_soon(self, track: Track) -> None:
        self._unfinished.add(track)
        if self._flush is None:
            self._flush = asyncio.get_running_loop().call_later(BATCH_SECONDS, self._on_flush)

    def _on_flush(self) -> None:
        self._flush = None
        for track in self._unfinished:
            track.flush()
        self._unfinished.clear()

    def _on_tick(self) -> None:
        self._tick = asyncio.get_running_loop().call_later(TICK_SECONDS, self._on_tick)
        now = time.monotonic()
        self._slice = (self._slice + 1) % SLICES
        for number, peer in enumerate(list(self.sessions.values())):
            if peer.kind == "publish" or number % SLICES == self._slice:
                peer.tick(now)
        if self._slice == 0:
            self.broadcasts = {name: other for name, other in self.broadcasts.items() if not other.empty}


async def serve(relay: Relay, connection: Connection) -> None:
    """Answer requests until the supervisor has gone or SIGTERM comes."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    # Ctrl-C reaches the whole foreground group; the service decides when the relay ends.
    loop.add_signal_handler(signal.SIGINT, lambda: None)
    relay.emit = connection.send
    relay.start()
    connection.send({"event": "ready", "port": relay.port.number})
    requests = loop.create_task(_answer(relay, connection))
    stopped = loop.create_task(stop.wait())
    await asyncio.wait((requests, stopped), return_when=asyncio.FIRST_COMPLETED)
    for task in (requests, stopped):
        task.cancel()
    await asyncio.wait((requests, stopped))
    await relay.close()
    await connection.flush()


async def _answer(relay: Relay, connection: Connection) -> None:
    while (request := await connection.receive()) is not None:
        number = request.pop("id", None)
        try:
            answer: dict[str, Any] = {"id": number, "result": relay.handle(request)}
        except RelayError as error:
            answer = {"id": number, "error": {"code": type(error).__name__, "message": str(error)}}
        except Exception:
            logger.exception("a request failed")
            answer = {"id": number, "error": {"code": "RelayError", "message": "The relay failed to do this."}}
        connection.send(answer)


async def run(arguments: argparse.Namespace) -> int:
    connection = await Connection.on(socket.socket(fileno=arguments.control_fd))
    try:
        port = Port.bind(arguments.media_port, plain=arguments.plain_sends)
    except RelayError as error:
        connection.send({"event": "failed", "message": str(error)})
        await connection.close()
        return 1
    addresses = [address for address in arguments.public_address.split(",") if address]
    await serve(Relay(port, addresses, arguments.max_viewers), connection)
    await connection.close()
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="streaming.relay", description="Forward RTP from publishers to viewers.")
    parser.add_argument("--media-port", type=int, required=True, help="the UDP port for everyone")
    parser.add_argument("--public-address", required=True, help="addresses to advertise, comma-separated")
    parser.add_argument("--control-fd", type=int, required=True, help="inherited end of the control socket")
    parser.add_argument("--max-viewers", type=int, default=2000)
    parser.add_argument("--plain-sends", action="store_true", help="one system call a packet, for comparison")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="relay: %(message)s")
    factory = None
    with contextlib.suppress(ImportError):
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(run(arguments))


if __name__ == "__main__":
    sys.exit(main())
