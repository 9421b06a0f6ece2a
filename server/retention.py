"""Personal data that is no longer needed is deleted by itself (PIPL 19, 47)."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from logging import getLogger

from sqlalchemy.exc import SQLAlchemyError

from server.identity import erase_phones
from server.registrations import erase_old
from server.store.database import Database

log = getLogger(__name__)

EVERY_SECONDS = 3600.0


class Retention:
    """Owner of the task that deletes, every hour, the names and phones whose time is over."""

    def __init__(self, database: Database, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="retention")

    async def close(self) -> None:
        """Stop. Idempotent."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _run(self) -> None:
        while True:
            try:
                async with self._database.write() as session:
                    erased = await erase_old(session, self._now())
                    phones = await erase_phones(session, self._now())
                if erased:
                    log.info("retention: %d registrations erased", erased)
                if phones:
                    log.info("retention: %d phones of speakers erased", phones)
            except (SQLAlchemyError, OSError) as error:
                log.error("retention: %s", error)
            await asyncio.sleep(EVERY_SECONDS)
