"""The packagers of all activities on air: one process each, started by the service and fed by the relay."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import sys
import tempfile
from pathlib import Path

from streaming.errors import RelayError
from streaming.supervisor import Supervisor

log = logging.getLogger(__name__)

START_SECONDS = 10.0
STOP_SECONDS = 3.0
RESTART_SECONDS = 1.0
MOST = 8
"""Packagers at a time: each takes some hundredths of a core and 60 MB."""


class Packagers:
    """Owns the processes. What one writes is in `folder`/activity; it ends by itself ten seconds after the air."""

    def __init__(self, folder: Path, relay: Supervisor) -> None:
        self._folder = folder
        self._relay = relay
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

    async def _start(self, activity: str) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "streaming.packager",
            str(self._sockets / activity),
            str(self._folder / activity),
            stdout=asyncio.subprocess.PIPE,
        )
        self._processes[activity] = process
        self._keep(asyncio.create_task(self._watch(activity, process), name=f"packager-{activity}"))
        assert process.stdout is not None
        if not await asyncio.wait_for(process.stdout.readline(), START_SECONDS):
            raise OSError("the packager ended at its start; the log says why")
        self._ready.add(process.pid)

    async def _watch(self, activity: str, process: asyncio.subprocess.Process) -> None:
        status = await process.wait()
        if self._processes.get(activity) is process:
            del self._processes[activity]
        if status and process.pid in self._ready:
            log.error("%s: the packager ended with status %s; starting another", activity, status)
            await asyncio.sleep(RESTART_SECONDS)
            if not self._closing:
                self.on_air(activity)  # refused where nobody publishes any more
        self._ready.discard(process.pid)

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
