"""One process of the relay as the service has it: started, asked, heard, and started again when it dies or hangs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from streaming.control import MAX_LINE, Client
from streaming.errors import RelayDown, RelayError

log = logging.getLogger(__name__)

START_SECONDS = 20.0
STOP_SECONDS = 4.0
RESTART_SECONDS = 0.2
"""From the relay's death to its next start; after each failed start twice as long, up to 10 s."""
BEAT_SECONDS = 1.0
"""Between two questions whether the relay still turns its loop."""
MISSED_BEATS = 5
"""Seconds without an answer after which it hangs; a burst of five hundred handshakes keeps it for less than one.

They are counted one by one, so that a service which was itself held up for long first reads what has come meanwhile.
"""


@dataclass(slots=True)
class _Run:
    """One run of the process."""

    process: asyncio.subprocess.Process
    client: Client
    reading: asyncio.Task[None]
    beating: asyncio.Task[None]
    port: int = 0


class RelayProcess:
    """Owns one process. `on_event` gets what it says; `on_up` whether it is there, at each change after the start."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        on_event: Callable[[dict[str, Any]], None],
        on_up: Callable[[bool], None],
    ) -> None:
        self._arguments = list(arguments)
        self._on_event = on_event
        self._on_up = on_up
        self._running: _Run | None = None
        self._ending: _Run | None = None
        self._watching: asyncio.Task[None] | None = None

    @property
    def up(self) -> bool:
        """Whether it takes requests."""
        return self._running is not None

    @property
    def pid(self) -> int | None:
        """The process id, None while it is away."""
        return self._running.process.pid if self._running is not None else None

    @property
    def port(self) -> int | None:
        """The port that it has; where 0 was asked for, the one it got."""
        return self._running.port if self._running is not None else None

    async def start(self) -> None:
        """Start it; returns when it answers. Raises RelayError with a sentence where it cannot start."""
        self._running = await self._spawn()
        self._watching = asyncio.create_task(self._watch(), name="relay-supervisor")

    async def close(self) -> None:
        """End it; it tells its viewers first. Idempotent."""
        watching, self._watching = self._watching, None
        if watching is not None:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
        running, self._running = self._running or self._ending, None
        if running is not None:
            await self._end(running)

    async def call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """Ask it. Raises RelayDown, and what the operation raises."""
        if self._running is None:
            raise RelayDown("The media relay does not answer; it is being started again.")
        return await self._running.client.call(operation, **arguments)

    async def _spawn(self) -> _Run:
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "streaming.relay",
                "--control",
                str(theirs.fileno()),
                *self._arguments,
                pass_fds=[theirs.fileno()],
            )
        started: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

        def heard(message: dict[str, Any]) -> None:
            if started.done():
                self._on_event(message)
            else:
                started.set_result(message)

        reader, writer = await asyncio.open_connection(sock=ours, limit=MAX_LINE)
        client = Client(reader, writer, heard)
        reading = asyncio.create_task(client.run(), name="relay-control")
        beating = asyncio.create_task(self._beat(process, client, started), name="relay-heartbeat")
        running = _Run(process, client, reading, beating)
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

    @staticmethod
    async def _beat(
        process: asyncio.subprocess.Process, client: Client, started: asyncio.Future[dict[str, Any]]
    ) -> None:
        """Kill a relay whose loop stands still: it is then started again as if it had died."""
        await started
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            asked = asyncio.ensure_future(client.call("ping"))
            try:
                for _ in range(MISSED_BEATS):
                    await asyncio.wait([asked], timeout=BEAT_SECONDS)
                    if asked.done():
                        break
                else:
                    log.error("the media relay has not answered for %.0f s; ending it", MISSED_BEATS * BEAT_SECONDS)
                    with contextlib.suppress(ProcessLookupError):
                        process.kill()
                    return
                if asked.exception() is not None:
                    return  # it is gone
            finally:
                asked.cancel()

    @staticmethod
    async def _end(running: _Run) -> None:
        running.client.close()  # the relay ends with its control socket
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await running.process.wait()
        if running.process.returncode is None:
            running.process.kill()
            await running.process.wait()
        for task in (running.beating, running.reading):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _watch(self) -> None:
        """Start the relay again whenever it dies."""
        pause = RESTART_SECONDS
        while True:
            running = self._running
            if running is not None:
                await running.reading  # ends with the process: nobody else holds the other end
                self._running, self._ending = None, running
                await self._end(running)
                self._ending = None
                log.error("the media relay ended with status %s; starting it again", running.process.returncode)
                self._on_up(False)
            await asyncio.sleep(pause)
            try:
                self._running = await self._spawn()
            except (RelayError, OSError) as error:
                log.error("the media relay does not start: %s", error)
                pause = min(10.0, pause * 2)
                continue
            pause = RESTART_SECONDS
            self._on_up(True)
