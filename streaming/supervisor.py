"""What the service knows of the relay: starts its process, asks it, hears from it, and starts it again when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from streaming import sdp
from streaming.addresses import own_addresses
from streaming.control import MAX_LINE, Client
from streaming.errors import PreconditionRequired, RelayDown, RelayError

log = logging.getLogger(__name__)

START_SECONDS = 20.0
STOP_SECONDS = 4.0
RESTART_SECONDS = 0.2
"""From the relay's death to its next start; after each failed start twice as long, up to 10 s."""


@dataclass(frozen=True, slots=True)
class Session:
    """A WHIP or WHEP session: its answer, and the strong entity tag of its ICE session without quotes."""

    id: str
    sdp: str
    etag: str
    kind: Literal["publish", "watch"]


@dataclass(frozen=True, slots=True)
class PatchResult:
    """What a PATCH did. After an ICE restart `fragment` is the answer's SDP fragment, and `etag` the new entity tag."""

    fragment: str | None = None
    etag: str | None = None


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
class ActivityStats:
    """One activity."""

    publisher: PublisherStats | None
    viewers: int


@dataclass(frozen=True, slots=True)
class RelayStats:
    """The relay's figures; `totals` and `drops` count since its start."""

    activities: dict[str, ActivityStats]
    totals: dict[str, int]
    drops: dict[str, int]
    cpu_seconds: float
    resident_kilobytes: int


@dataclass(frozen=True, slots=True)
class PublisherChanged:
    """Media of an activity began, or stopped."""

    activity: str
    on_air: bool


@dataclass(frozen=True, slots=True)
class RelayChanged:
    """The relay's process died, or is there again. Its sessions ended with it."""

    up: bool


RelayEvent = PublisherChanged | RelayChanged


@dataclass(slots=True)
class _Process:
    """One run of the relay."""

    process: asyncio.subprocess.Process
    client: Client
    reading: asyncio.Task[None]
    port: int = 0


@dataclass(slots=True)
class _Before:
    """Counters of one track when they were asked for last, for rates."""

    octets: int = 0
    frames: int = 0
    at: float = field(default_factory=time.monotonic)


class Supervisor:
    """Owns the relay's process. `on_event` is called in the event loop of whoever started it."""

    def __init__(
        self,
        *,
        media_port: int,
        public_addresses: Sequence[str],
        on_event: Callable[[RelayEvent], None],
        max_viewers: int = 1000,
        options: Sequence[str] = (),
    ) -> None:
        self._media_port = media_port
        self._addresses = list(public_addresses)
        self._on_event = on_event
        self._max_viewers = max_viewers
        self._options = list(options)
        self._running: _Process | None = None
        self._ending: _Process | None = None
        self._watching: asyncio.Task[None] | None = None
        self._before: dict[tuple[str, str], _Before] = {}

    @property
    def up(self) -> bool:
        """Whether the relay takes requests."""
        return self._running is not None

    @property
    def pid(self) -> int | None:
        """The relay's process id, None while it is away."""
        return self._running.process.pid if self._running is not None else None

    @property
    def port(self) -> int | None:
        """The UDP port that the relay has; where 0 was asked for, the one it got."""
        return self._running.port if self._running is not None else None

    async def start(self) -> None:
        """Start the relay; returns when it answers. Raises RelayError with a sentence where it cannot start."""
        self._running = await self._spawn()
        self._watching = asyncio.create_task(self._watch(), name="relay-supervisor")

    async def close(self) -> None:
        """End the relay, which tells its viewers first. Idempotent."""
        watching, self._watching = self._watching, None
        if watching is not None:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
        running, self._running = self._running or self._ending, None
        if running is not None:
            await self._end(running)

    async def publish(self, activity: str, offer: str, *, owner: str) -> Session:
        """Open a WHIP session. Raises BadOffer; Conflict where another `owner` publishes; RelayDown."""
        return await self._open("publish", activity, offer, owner=owner)

    async def watch(self, activity: str, offer: str) -> Session:
        """Open a WHEP session. Raises BadOffer; NotOnAir before a publisher sends; Full; RelayDown."""
        return await self._open("watch", activity, offer)

    async def patch(self, session_id: str, fragment: str, *, if_match: str | None) -> PatchResult:
        """Trickled candidates or an ICE restart (RFC 9725 section 4.3).

        Candidates of the peer are of no use to an ICE-lite agent, which answers whoever knows the password; new
        credentials restart ICE. Raises BadOffer, UnknownSession, PreconditionFailed, PreconditionRequired, RelayDown.
        """
        credentials = sdp.read_fragment(fragment)
        if if_match is None:
            raise PreconditionRequired("The request needs an If-Match header.")
        grant = await self._call("patch", session=session_id, credentials=credentials, if_match=if_match)
        if not grant:
            return PatchResult()
        answer = sdp.write_fragment(grant["ufrag"], grant["password"], grant["candidates"])
        return PatchResult(answer, grant["ufrag"])

    async def end(self, session_id: str) -> None:
        """End a session. Raises UnknownSession, RelayDown."""
        await self._call("end", session=session_id)

    async def end_activity(self, activity: str) -> None:
        """End the publisher and the viewers of an activity. A relay that is away has none."""
        with contextlib.suppress(RelayDown):
            await self._call("end_activity", activity=activity)

    async def tap(self, activity: str, path: str) -> None:
        """Let the packager that listens at `path` have a broadcast. Raises NotOnAir, RelayError for other video."""
        await self._call("tap", activity=activity, path=path)

    async def stats(self) -> RelayStats:
        """The relay's figures; rates are those since the last call. Raises RelayDown."""
        answer = await self._call("stats")
        now = answer["monotonic"]
        activities = {
            name: ActivityStats(self._publisher_stats(name, entry["publisher"], now), entry["viewers"])
            for name, entry in answer["activities"].items()
        }
        known = {(name, kind) for name in activities for kind in ("video", "audio")}
        self._before = {key: value for key, value in self._before.items() if key in known}
        return RelayStats(
            activities, answer["totals"], answer["drops"], answer["cpu_seconds"], answer["resident_kilobytes"]
        )

    def _publisher_stats(self, activity: str, entry: dict[str, Any] | None, now: float) -> PublisherStats | None:
        if entry is None:
            return None
        tracks = {kind: self._track_stats(activity, kind, track, now) for kind, track in entry["tracks"].items()}
        return PublisherStats(
            entry["since"], tracks.get("video"), tracks.get("audio"), entry["packets"], entry["packets_lost"]
        )

    def _track_stats(self, activity: str, kind: str, track: dict[str, Any], now: float) -> TrackStats:
        before = self._before.get((activity, kind))
        self._before[activity, kind] = _Before(track["octets"], track["frames"], now)
        bitrate, fps = 0, None
        if before is not None and now > before.at and track["octets"] >= before.octets:
            bitrate = int((track["octets"] - before.octets) * 8 / (now - before.at))
            fps = round((track["frames"] - before.frames) / (now - before.at), 1) if kind == "video" else None
        return TrackStats(track["codec"], bitrate, fps, track["width"], track["height"])

    async def _open(self, kind: Literal["publish", "watch"], activity: str, text: str, **extra: str) -> Session:
        sending = kind == "publish"
        offer = sdp.parse_offer(text, sending=sending)
        answer = await self._call(kind, activity=activity, offer=offer.to_json(), **extra)
        grant = sdp.Grant.from_json(answer)
        return Session(grant.id, sdp.write_answer(offer, grant, sending=sending), grant.ufrag, kind)

    async def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        if self._running is None:
            raise RelayDown("The media relay does not answer; it is being started again.")
        return await self._running.client.call(operation, **arguments)

    async def _spawn(self) -> _Process:
        ours, theirs = socket.socketpair()
        with theirs:
            arguments = ["--media-port", str(self._media_port), "--control", str(theirs.fileno())]
            for address in self._addresses or own_addresses():
                arguments += ["--public-address", address]
            arguments += ["--max-viewers", str(self._max_viewers), *self._options]
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "streaming.relay", *arguments, pass_fds=[theirs.fileno()]
            )
        started: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

        def heard(message: dict[str, Any]) -> None:
            if message["event"] == "publisher":
                self._tell(PublisherChanged(message["activity"], message["on_air"]))
            elif not started.done():
                started.set_result(message)

        reader, writer = await asyncio.open_connection(sock=ours, limit=MAX_LINE)
        client = Client(reader, writer, heard)
        running = _Process(process, client, asyncio.create_task(client.run(), name="relay-control"))
        try:
            async with asyncio.timeout(START_SECONDS):
                futures: list[asyncio.Future[Any]] = [started, running.reading]
                await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
            if not started.done():
                raise RelayError("The media relay ended at its start; its log says why.")
            if started.result()["event"] == "failed":
                raise RelayError(started.result()["message"])
        except TimeoutError as error:
            await self._end(running)
            raise RelayError(f"The media relay did not start within {START_SECONDS:.0f} s.") from error
        except BaseException:
            await self._end(running)
            raise
        running.port = started.result()["port"]
        return running

    def _tell(self, event: RelayEvent) -> None:
        try:
            self._on_event(event)
        except Exception:  # whoever listens must not stop the supervision
            log.exception("an event of the media relay was not taken: %s", event)

    @staticmethod
    async def _end(running: _Process) -> None:
        running.client.close()  # the relay ends with its control socket
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(running.process.wait(), STOP_SECONDS)
        if running.process.returncode is None:
            running.process.kill()
            await running.process.wait()
        running.reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running.reading

    async def _watch(self) -> None:
        """Start the relay again whenever it dies."""
        pause = RESTART_SECONDS
        while True:
            running = self._running
            if running is not None:
                await running.reading  # ends with the process: nobody else holds the other end
                self._running, self._ending = None, running
                self._before.clear()
                await self._end(running)
                self._ending = None
                log.error("the media relay ended with status %s; starting it again", running.process.returncode)
                self._tell(RelayChanged(up=False))
            await asyncio.sleep(pause)
            try:
                self._running = await self._spawn()
            except (RelayError, OSError) as error:
                log.error("the media relay does not start: %s", error)
                pause = min(10.0, pause * 2)
                continue
            pause = RESTART_SECONDS
            self._tell(RelayChanged(up=True))
