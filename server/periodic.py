"""Work that is done again and again while the service runs."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from logging import getLogger

from sqlalchemy.exc import SQLAlchemyError

log = getLogger(__name__)


class Periodic:
    """Owner of one task: does its work at once, then every so many seconds, or as soon as it is woken.

    A database or a network that is away is logged, and the work is tried again in its turn.
    """

    def __init__(self, name: str, work: Callable[[], Awaitable[object]], seconds: float) -> None:
        self._name = name
        self._work = work
        self._seconds = seconds
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Do the work now."""
        self._woken.set()

    async def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def close(self) -> None:
        """Stop. Idempotent."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def once(self) -> None:
        """Do the work, and log what kept it from being done."""
        try:
            await self._work()
        except (SQLAlchemyError, OSError) as error:
            log.error("%s: %s", self._name, error)

    async def _run(self) -> None:
        while True:
            await self.once()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._seconds):  # Python 3.11's wait_for may lose a cancellation
                    await self._woken.wait()
            self._woken.clear()
