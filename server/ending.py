"""Ends what lives, for sure: every part has its time to end, and what did not is named in the log.

A cancellation can be lost in a library, a database or a disk can hang, a thread cannot be cancelled at all. Whoever
stops the service does not wait for any of that: systemd and Docker would kill it in the end, without a word.
"""

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

PART_SECONDS = 5.0
"""The longest that a part takes where all is well is the four of the relay, which tells its viewers."""
ALL_SECONDS = 10.0
LEAST_SECONDS = 0.5
"""For each of those that come after a part has used up the time of all."""
LAST_SECONDS = 20.0
"""After the signal: less than Docker's grace in `docker/compose.yaml`."""


class Ending:
    """Ends parts one after the other. Its time begins with the first."""

    part_seconds = PART_SECONDS
    all_seconds = ALL_SECONDS

    def __init__(self) -> None:
        self._until: float | None = None

    async def end(self, name: str, close: Callable[[], Awaitable[object]]) -> None:
        """Close a part. One that does not end in its time is named in the log and left; raises what `close` raises."""
        now = asyncio.get_running_loop().time()
        if self._until is None:
            self._until = now + self.all_seconds
        seconds = max(LEAST_SECONDS, min(self.part_seconds, self._until - now))
        # A task, and no timeout around it: a close that waits for a task takes a cancellation for that one's.
        closing = asyncio.ensure_future(close())
        done, _ = await asyncio.wait({closing}, timeout=seconds)
        if done:
            closing.result()
            return
        tasks = sorted(task.get_name() for task in asyncio.all_tasks() if not task.done())
        log.error("stopping: %s did not end within %.1f s; left. Tasks: %s", name, seconds, ", ".join(tasks))
        closing.cancel()
        await asyncio.wait({closing}, timeout=LEAST_SECONDS)


def end_for_sure(seconds: float = LAST_SECONDS) -> threading.Timer:
    """End the process after so many seconds if it is still there then; the log says which threads were. Started."""
    timer = threading.Timer(seconds, _end)
    timer.daemon = True  # it keeps nobody from ending sooner
    timer.start()
    return timer


def _end() -> None:
    threads = [thread.name for thread in threading.enumerate() if thread is not threading.current_thread()]
    log.critical("stopping: not ended after %.0f s; threads: %s. Ending now.", LAST_SECONDS, ", ".join(threads))
    logging.shutdown()
    sys.stdout.flush()
    os._exit(1)
