"""Personal data that is no longer needed is deleted by itself (PIPL 19, 47)."""

from collections.abc import Callable
from datetime import datetime
from logging import getLogger

from server.identity import erase_phones
from server.periodic import Periodic
from server.registrations import erase_old
from server.store.database import Database

log = getLogger(__name__)

EVERY_SECONDS = 3600.0


def retention(database: Database, *, now: Callable[[], datetime]) -> Periodic:
    """The task that deletes, every hour, the names and phones whose time is over."""

    async def erase() -> None:
        async with database.write() as session:
            registrations = await erase_old(session, now())
            phones = await erase_phones(session, now())
        if registrations or phones:
            log.info("retention: %d registrations and %d phones of speakers erased", registrations, phones)

    return Periodic("retention", erase, EVERY_SECONDS)
