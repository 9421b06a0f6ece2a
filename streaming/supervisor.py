"""What the service knows of the relay: its processes, what they are asked, and what they say.

One process is the rule. With several, each with a port of its own, an activity's publisher is always at the same one,
and viewers are spread over all; the publisher's process feeds the others (docs/decisions/0010-several-relays.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import shutil
import tempfile
import zlib
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from streaming import reach, sdp
from streaming.addresses import own_addresses
from streaming.errors import Full, NotOnAir, PreconditionRequired, RelayDown, RelayError, UnknownSession
from streaming.figures import Figures, RelayStats
from streaming.process import RelayProcess

log = logging.getLogger(__name__)

MAX_RELAYS = 16


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
class PublisherChanged:
    """Media of an activity began, or stopped."""

    activity: str
    on_air: bool


@dataclass(frozen=True, slots=True)
class RelayChanged:
    """The relay died, the last of its processes where there are several, or is there again. Its sessions ended."""

    up: bool


RelayEvent = PublisherChanged | RelayChanged


class Supervisor:
    """Owns the relay's processes. `on_event` is called in the event loop of whoever started it."""

    def __init__(
        self,
        *,
        media_port: int,
        public_addresses: Sequence[str],
        on_event: Callable[[RelayEvent], None],
        max_viewers: int = 1000,
        options: Sequence[str] = (),
        relays: int = 1,
    ) -> None:
        self._configured = bool(public_addresses)
        self._addresses = list(public_addresses) or own_addresses()
        self._on_event = on_event
        self._figures = Figures()
        self._on_air: set[str] = set()
        self._was_up = True
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count()
        self._sockets = Path(tempfile.mkdtemp(prefix="minsheng-relay-")) if relays > 1 else None
        common = ["--max-viewers", str(max_viewers), *options]
        for address in self._addresses:
            common += ["--public-address", address]
        self._processes = [
            RelayProcess(
                ["--media-port", str(media_port + index if media_port else 0), *common],
                on_event=lambda message, index=index: self._heard(index, message),  # type: ignore[misc]
                on_up=lambda up, index=index: self._changed(index, up),  # type: ignore[misc]
            )
            for index in range(relays)
        ]

    @property
    def up(self) -> bool:
        """Whether the relay takes requests."""
        return any(process.up for process in self._processes)

    @property
    def pid(self) -> int | None:
        """The first process's id, None while it is away."""
        return self._processes[0].pid

    @property
    def pids(self) -> list[int]:
        """Those of all that are there."""
        return [process.pid for process in self._processes if process.pid is not None]

    @property
    def port(self) -> int | None:
        """The first process's port; where 0 was asked for, the one it got."""
        return self._processes[0].port

    async def start(self) -> None:
        """Start the relay; returns when it answers. Raises RelayError with a sentence where it cannot start."""
        try:
            for process in self._processes:
                await process.start()
        except BaseException:
            await self.close()
            raise
        self._keep(self._tell_reach(), "relay-reach")

    async def close(self) -> None:
        """End the relay, which tells its viewers first. Idempotent."""
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await asyncio.gather(*(process.close() for process in self._processes))
        if self._sockets is not None:
            shutil.rmtree(self._sockets, ignore_errors=True)

    def home(self, activity: str) -> int:
        """The index of the process that has an activity's publisher."""
        return zlib.crc32(activity.encode()) % len(self._processes)

    async def publish(self, activity: str, offer: str, *, owner: str) -> Session:
        """Open a WHIP session. Raises BadOffer; Conflict where another `owner` publishes; RelayDown."""
        return await self._open("publish", self.home(activity), activity, offer, owner=owner)

    async def watch(self, activity: str, offer: str, *, picture: bool = True) -> Session:
        """Open a WHEP session, at one process after the other; without `picture` it gets the sound alone.

        Raises BadOffer; NotOnAir; Full; RelayDown.
        """
        count = len(self._processes)
        first = next(self._numbers)
        refusal: RelayError = RelayDown("The media relay does not answer; it is being started again.")
        for step in range(count):
            try:
                return await self._open("watch", (first + step) % count, activity, offer, picture=picture)
            except (Full, NotOnAir, RelayDown) as error:
                # Of what the processes say, "full" is worth telling most: the broadcast is there.
                refusal = refusal if isinstance(refusal, Full) else error
        raise refusal

    async def patch(self, session_id: str, fragment: str, *, if_match: str | None) -> PatchResult:
        """Trickled candidates or an ICE restart (RFC 9725 section 4.3).

        Candidates of the peer are of no use to an ICE-lite agent, which answers whoever knows the password; new
        credentials restart ICE. Raises BadOffer, UnknownSession, PreconditionFailed, PreconditionRequired, RelayDown.
        """
        credentials = sdp.read_fragment(fragment)
        if if_match is None:
            raise PreconditionRequired("The request needs an If-Match header.")
        process, name = self._find(session_id)
        grant = await process.call("patch", session=name, credentials=credentials, if_match=if_match)
        if not grant:
            return PatchResult()
        answer = sdp.write_fragment(grant["ufrag"], grant["password"], grant["candidates"])
        return PatchResult(answer, grant["ufrag"])

    async def set_picture(self, session_id: str, picture: bool) -> None:
        """Send a viewer the picture too, or the sound alone. Raises UnknownSession, RelayDown."""
        process, name = self._find(session_id)
        await process.call("picture", session=name, picture=picture)

    async def end(self, session_id: str) -> None:
        """End a session. Raises UnknownSession, RelayDown."""
        process, name = self._find(session_id)
        await process.call("end", session=name)

    async def end_activity(self, activity: str) -> None:
        """End the publisher and the viewers of an activity. A relay that is away has none."""
        for process in self._processes:
            with contextlib.suppress(RelayDown):
                await process.call("end_activity", activity=activity)

    async def tap(self, activity: str, path: str) -> None:
        """Let the packager that listens at `path` have a broadcast. Raises NotOnAir, RelayError for other video."""
        await self._processes[self.home(activity)].call("tap", activity=activity, path=path)

    async def stats(self) -> RelayStats:
        """The relay's figures; rates are those since the last call. Raises RelayDown."""
        answers = []
        for process in self._processes:
            with contextlib.suppress(RelayDown):
                answers.append(await process.call("stats"))
        if not answers:
            raise RelayDown("The media relay does not answer; it is being started again.")
        return self._figures.add_up(answers)

    async def reach(self) -> list[reach.Reach]:
        """Check every advertised way to every process from here. Raises RelayDown."""
        found = []
        for process in self._processes:
            probe = await process.call("probe")
            if process.port is not None:
                found += await reach.check(self._addresses, process.port, probe["ufrag"], probe["password"])
        return found

    async def _tell_reach(self) -> None:
        with contextlib.suppress(RelayDown):
            found = await self.reach()
            ways = ", ".join(f"{way.transport} {way.address} port {way.port}" for way in found if way.reached)
            log.info("media is advertised and reachable from here at: %s", ways or "nothing")
            for sentence in reach.sentences(found, configured=self._configured):
                log.warning("%s", sentence)

    def _find(self, session_id: str) -> tuple[RelayProcess, str]:
        """A session's id begins with the number of its process. Raises UnknownSession."""
        try:
            return self._processes[int(session_id[0], MAX_RELAYS)], session_id[1:]
        except (ValueError, IndexError):
            raise UnknownSession("There is no such session, or it has ended.") from None

    async def _open(
        self, kind: Literal["publish", "watch"], index: int, activity: str, text: str, **extra: Any
    ) -> Session:
        sending = kind == "publish"
        offer = sdp.parse_offer(text, sending=sending)
        answer = await self._processes[index].call(kind, activity=activity, offer=offer.to_json(), **extra)
        grant = sdp.Grant.from_json(answer)
        return Session(f"{index:x}{grant.id}", sdp.write_answer(offer, grant, sending=sending), grant.ufrag, kind)

    # What the processes say

    def _heard(self, index: int, message: dict[str, Any]) -> None:
        """A publisher's coming or going; that of a feed at another process is no news."""
        activity, on_air = message["activity"], message["on_air"]
        if message["event"] != "publisher" or index != self.home(activity):
            return
        (self._on_air.add if on_air else self._on_air.discard)(activity)
        self._tell(PublisherChanged(activity, on_air))
        if on_air:
            for other in range(len(self._processes)):
                if other != index:
                    self._feed(activity, other)

    def _changed(self, index: int, up: bool) -> None:
        """A process died, or is there again: it has the publishers that come to it, and is fed what others have."""
        self._figures.forget()
        if up:
            for activity in self._on_air:
                if self.home(activity) != index:
                    self._feed(activity, index)
        else:
            for activity in [name for name in self._on_air if self.home(name) == index]:
                self._on_air.discard(activity)
                self._tell(PublisherChanged(activity, on_air=False))
        if self.up != self._was_up:
            self._was_up = self.up
            self._tell(RelayChanged(self.up))

    def _feed(self, activity: str, index: int) -> None:
        self._keep(self._connect_feed(activity, index), f"relay-feed-{activity}")

    async def _connect_feed(self, activity: str, index: int) -> None:
        assert self._sockets is not None  # there are several
        path = str(self._sockets / f"{next(self._numbers)}")
        try:
            await self._processes[index].call("follow", activity=activity, path=path)
            await self._processes[self.home(activity)].call("feed", activity=activity, path=path)
        except (RelayError, OSError) as error:
            log.warning("%s: not at relay process %d: %s", activity, index, error)

    def _keep(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _tell(self, event: RelayEvent) -> None:
        try:
            self._on_event(event)
        except Exception:  # whoever listens must not stop the supervision
            log.exception("an event of the media relay was not taken: %s", event)
