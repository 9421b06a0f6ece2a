"""The packagers of all activities on air: one process each, started by the service and fed by the relay."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from streaming.errors import RelayError
from streaming.supervisor import Supervisor

log = logging.getLogger(__name__)

START_SECONDS = 10.0
STOP_SECONDS = 3.0
RESTART_SECONDS = 1.0
MOST = 8
"""Packagers at a time: each takes some hundredths of a core and 60 MB."""


class Packagers:
    """Owns the processes. What one writes is in `folder`/activity; it ends by itself ten seconds after the air.

    `prepare` says before each start how many bytes may be kept as a recording; `on_end` is told when one ended and
    no other begins.
    """

    def __init__(
        self,
        folder: Path,
        relay: Supervisor,
        *,
        prepare: Callable[[str], Awaitable[int]],
        on_end: Callable[[str], Awaitable[None]],
    ) -> None:
        self._folder = folder
        self._relay = relay
        self._prepare = prepare
        self._on_end = on_end
        self.reports: dict[str, dict[str, Any]] = {}
        """What each packager said last: `streaming.shelf.Shelf.report`."""
        self.starts = 0
        self._sockets = Path(tempfile.mkdtemp(prefix="minsheng-"))  # a socket's path has 107 bytes at most
        self._closing = False
        self._ready: set[int] = set()
        """Packagers that came up: one that never did is not tried again before the next publisher."""
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def folder_of(self, activity: str) -> Path | None:
        """Where the playlist of an activity is, None where nothing is being packaged."""
        return self._folder / activity if activity in self._processes else None

    def on_air(self, activity: str) -> None:
        """A publisher sends: let a packager have it. An activity without one keeps to WebRTC."""
        self._keep(asyncio.create_task(self._attach(activity), name=f"packager-attach-{activity}"))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _attach(self, activity: str) -> None:
        try:
            if activity not in self._processes:
                if len(self._processes) >= MOST:
                    log.warning("%s: no HLS, %d activities have it already", activity, MOST)
                    return
                await self._start(activity)
            await self._relay.tap(activity, str(self._sockets / activity))
        except (RelayError, OSError, TimeoutError) as error:
            log.warning("%s: no HLS: %s", activity, error)

    def keep(self, activity: str, size: int) -> None:
        """Keep `size` bytes of recording from now on; 0 = none."""
        self._order(activity, size)

    def end(self, activity: str) -> None:
        """End an activity's packager, without waiting for a publisher to come back."""
        self._order(activity, None)

    def _order(self, activity: str, size: int | None) -> None:
        process = self._processes.get(activity)
        if process is not None and process.stdin is not None:
            process.stdin.write(json.dumps({"keep": size}).encode() + b"\n")

    async def _start(self, activity: str) -> None:
        size = await self._prepare(activity)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "streaming.packager",
            str(self._sockets / activity),
            str(self._folder / activity),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self.starts += 1
        self._processes[activity] = process
        self._order(activity, size)
        assert process.stdout is not None
        try:
            async with asyncio.timeout(START_SECONDS):
                ready = await process.stdout.readline()
        finally:
            self._keep(asyncio.create_task(self._watch(activity, process), name=f"packager-{activity}"))
        if not ready:
            raise OSError("the packager ended at its start; the log says why")
        self._ready.add(process.pid)

    async def _watch(self, activity: str, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            with contextlib.suppress(ValueError):
                self.reports[activity] = json.loads(line)
        status = await process.wait()
        if self._processes.get(activity) is process:
            del self._processes[activity]
        again = bool(status) and process.pid in self._ready and not self._closing
        self._ready.discard(process.pid)
        if again:
            log.error("%s: the packager ended with status %s; starting another", activity, status)
            await asyncio.sleep(RESTART_SECONDS)
            if not self._closing:
                self.on_air(activity)  # refused where nobody publishes any more
                return
        if not self._closing:  # what is left then is taken up at the next start
            await self._on_end(activity)
        self.reports.pop(activity, None)

    async def close(self) -> None:
        """End all of them. Idempotent."""
        self._closing = True
        processes, self._processes = list(self._processes.values()), {}
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STOP_SECONDS)
        for process in processes:
            if process.returncode is None:
                process.kill()
                await process.wait()
        shutil.rmtree(self._sockets, ignore_errors=True)
