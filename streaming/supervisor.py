"""Starts the relay process, asks it for sessions, and starts it again at once when it dies. What `server/` uses."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import pathlib
import socket
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

from . import rates, sdp, sdpfrag
from .control import Connection
from .errors import BY_CODE, RelayDown, RelayError
from .model import PatchResult, PublisherChanged, RelayChanged, RelayEvent, RelayStats, Session, SessionEnded
from .sdp import Grant

logger = logging.getLogger(__name__)

START_SECONDS = 20.0
REQUEST_SECONDS = 10.0
STOP_SECONDS = 5.0
STEADY_SECONDS = 5.0
"""A relay that lived so long is started again without delay; one that dies sooner waits a little longer each time."""
MAX_DELAY = 5.0


class Supervisor:
    """The relay, as the service sees it. `on_event` is called in the event loop that called `start`."""

    def __init__(
        self,
        *,
        media_port: int,
        public_addresses: Sequence[str],
        on_event: Callable[[RelayEvent], None],
        max_viewers: int = 2000,
    ) -> None:
        self._media_port = media_port
        self._public_addresses = list(public_addresses)
        self._on_event = on_event
        self._max_viewers = max_viewers
        self._process: asyncio.subprocess.Process | None = None
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self._up = False
        self._closing = False
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._on_air: set[str] = set()
        self._rates = rates.Rates()
        self.port: int | None = None

    @property
    def up(self) -> bool:
        """Whether the relay process answers."""
        return self._up

    @property
    def pid(self) -> int | None:
        """Of the relay process, while it runs."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Start the relay and wait until it answers. Raises RelayError, for example if the port is in use."""
        if self._task is not None:
            raise RelayError("The relay has been started already.")
        try:
            await self._launch()
        except BaseException:
            await self._reap()
            raise
        self._task = asyncio.get_running_loop().create_task(self._supervise(), name="relay supervisor")

    async def close(self) -> None:
        """End the relay: with SIGTERM, so that viewers are told, then by force. May be called again."""
        self._closing = True
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=STOP_SECONDS)
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._reap()
        self._up = False

    async def publish(self, activity: str, offer: str, *, owner: str) -> Session:
        """A session for a publisher (WHIP). The same `owner` takes over from itself.

        Raises BadOffer, Conflict, Full or RelayDown.
        """
        parsed = sdp.parse_offer(offer, sending=True)
        return await self._session("publish", parsed, activity=activity, owner=owner)

    async def watch(self, activity: str, offer: str) -> Session:
        """A session for a viewer (WHEP). Raises BadOffer, NotOnAir, Full or RelayDown."""
        return await self._session("watch", sdp.parse_offer(offer, sending=False), activity=activity)

    async def _session(self, kind: Literal["publish", "watch"], offer: sdp.Offer, **arguments: str) -> Session:
        result = await self._request(kind, offer=offer.to_json(), **arguments)
        etag = result.pop("etag")
        grant = Grant.from_json(result)
        return Session(grant.id, sdp.write_answer(offer, grant, sending=kind == "publish"), etag, kind)

    async def patch(self, session_id: str, fragment: str, *, if_match: str | None) -> PatchResult:
        """Trickle ICE or an ICE restart (RFC 9725 section 4.3).

        Raises BadOffer, UnknownSession, PreconditionRequired, PreconditionFailed or RelayDown.
        """
        parsed = sdpfrag.parse(fragment)
        result = await self._request(
            "patch", session=session_id, ufrag=parsed.ufrag, password=parsed.password, if_match=if_match
        )
        if "ufrag" not in result:
            return PatchResult(None, result["etag"])
        answer = sdpfrag.write(result["ufrag"], result["password"], result["candidates"])
        return PatchResult(answer, result["etag"])

    async def end(self, session_id: str) -> None:
        """End a session. Raises UnknownSession or RelayDown."""
        await self._request("end", session=session_id)

    async def end_activity(self, activity: str) -> None:
        """End the publisher's and all viewers' sessions of an activity, if there are any. Raises RelayDown."""
        await self._request("end_activity", activity=activity)

    async def stats(self) -> RelayStats:
        """Figures of this moment; rates are those since the last call at least half a second ago. Raises RelayDown."""
        return self._rates.stats(await self._request("stats"))

    # The conversation

    async def _request(self, operation: str, **arguments: Any) -> dict[str, Any]:
        connection = self._connection
        if connection is None or not self._up:
            raise RelayDown("The relay is not running at this moment; it is being started again.")
        number = next(self._numbers)
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        connection.send({"id": number, "op": operation, **arguments})
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                return await future
        except TimeoutError:
            raise RelayDown(f"The relay did not answer within {REQUEST_SECONDS:.0f} s.") from None
        finally:
            self._waiting.pop(number, None)

    def _receive(self, message: dict[str, Any]) -> None:
        if "event" in message:
            self._event(message)
            return
        future = self._waiting.get(message["id"])
        if future is None or future.done():
            return
        error = message.get("error")
        if error is None:
            future.set_result(message["result"])
        else:
            future.set_exception(BY_CODE.get(error["code"], RelayError)(error["message"]))

    def _event(self, message: dict[str, Any]) -> None:
        if message["event"] == "air":
            self._air(message["activity"], message["on_air"])
        elif message["event"] == "session_ended":
            self._tell(SessionEnded(message["session"], message["reason"]))

    def _air(self, activity: str, on_air: bool) -> None:
        (self._on_air.add if on_air else self._on_air.discard)(activity)
        self._tell(PublisherChanged(activity, on_air))

    def _tell(self, event: RelayEvent) -> None:
        try:
            self._on_event(event)
        except Exception:
            logger.exception("the handler of %s failed", event)

    # The process

    async def _launch(self) -> None:
        ours, theirs = socket.socketpair()
        try:
            environment = dict(os.environ)
            package = str(pathlib.Path(__file__).resolve().parent.parent)
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, (package, environment.get("PYTHONPATH"))))
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "streaming.relay",
                f"--media-port={self._media_port}",
                f"--public-address={','.join(self._public_addresses)}",
                f"--control-fd={theirs.fileno()}",
                f"--max-viewers={self._max_viewers}",
                pass_fds=[theirs.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
                env=environment,
            )
            self._connection = await Connection.on(ours)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        try:
            async with asyncio.timeout(START_SECONDS):
                message = await self._connection.receive()
        except TimeoutError:
            raise RelayError(f"The relay process did not answer within {START_SECONDS:.0f} s.") from None
        if message is None:
            raise RelayError("The relay process ended before it answered; its own message is in the log.")
        if message["event"] == "failed":
            raise RelayError(message["message"])
        self.port = message["port"]
        self._up = True
        self._tell(RelayChanged(up=True))

    async def _supervise(self) -> None:
        delay = 0.0
        while True:
            started = time.monotonic()
            try:
                if not self._up:
                    await self._launch()
                await self._listen()
            except RelayError as error:
                logger.error("the relay cannot be started: %s", error)
            finally:
                await self._lost()
            if self._closing:
                return
            code = self._process.returncode if self._process is not None else None
            await self._reap()
            logger.warning("the relay process has ended (status %s); starting it again", code)
            delay = 0.0 if time.monotonic() - started > STEADY_SECONDS else min(MAX_DELAY, delay * 2 + 0.1)
            await asyncio.sleep(delay)

    async def _listen(self) -> None:
        assert self._connection is not None  # _launch made it
        while (message := await self._connection.receive()) is not None:
            self._receive(message)

    async def _lost(self) -> None:
        """The relay does not answer any more: say so to whoever waits, once."""
        if not self._up:
            return
        self._up = False
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(RelayDown("The relay process ended; it is being started again."))
        for activity in list(self._on_air):
            self._air(activity, False)
        self._rates.forget()
        self._tell(RelayChanged(up=False))

    async def _reap(self) -> None:
        """Close the control socket and wait for the process, which ends itself at that; by force if it does not."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None
        if self._process is not None:
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await self._process.wait()
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    self._process.kill()
                await self._process.wait()
            self._process = None
