"""Runs the service until it is told to stop."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from logging import getLogger

from aiohttp import web
from sqlalchemy import func, select

from server.app import build
from server.auth.accounts import create_account
from server.auth.passwords import generate_password
from server.auth.rights import Role
from server.config import Settings
from server.door import SPARE_DESCRIPTORS, DoorSite, raise_descriptor_limit
from server.ending import end_for_sure
from server.services import SERVICES, utc_now
from server.store.database import Database
from server.store.migrate import migrate
from server.store.tables import Account
from streaming.errors import RelayError

log = getLogger(__name__)

KEEPALIVE_SECONDS = 75.0
"""For the next request of a connection; reverse proxies let theirs go after sixty. aiohttp's own hour lets strangers
hold what citizens need."""


async def prepare(settings: Settings) -> str | None:
    """Migrate, and make the first account. Returns the password of `admin` where it was generated just now."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    await migrate(settings.sqlalchemy_url)
    database = Database(settings.sqlalchemy_url)
    try:
        async with database.write() as session:
            if await session.scalar(select(func.count()).select_from(Account)):
                return None
            password = settings.admin_password or generate_password()
            await create_account(
                session,
                username="admin",
                name="管理员",
                role=Role.ADMIN,
                unit_id=None,
                password=password,
                generated=not settings.admin_password,
                now=utc_now(),
            )
            return None if settings.admin_password else password
    finally:
        await database.close()


def spare_the_collector() -> None:
    """What stands now stands to the end: looking through it for garbage again and again took a seventh of the CPU."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[web.Application]:
    """The service, listening; everything is ended at the end of the block."""
    app = build(settings)
    door = app[SERVICES].door
    door.most = min(door.most, raise_descriptor_limit() - SPARE_DESCRIPTORS)
    spare_the_collector()
    runner = web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=3,
        keepalive_timeout=KEEPALIVE_SECONDS,
        auto_decompress=False,  # nothing compressed is taken: server.http.bodies
    )
    try:
        await runner.setup()
        await DoorSite(runner, door, settings.http_host, settings.http_port).start()
        yield app
    finally:
        await runner.cleanup()


def stop_signal() -> asyncio.Event:
    """An event that is set by Ctrl-C or SIGTERM; from then on the process ends within `LAST_SECONDS`."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def told() -> None:
        if not stop.is_set():
            end_for_sure()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told)
    return stop


async def serve_forever(settings: Settings) -> int:
    """`minsheng serve`. Returns the exit status."""
    stop = stop_signal()
    password = await prepare(settings)
    if password is not None:
        print(f"admin password (shown once): {password}", flush=True)
    try:
        async with running(settings):
            print(f"Minsheng serves {settings.local_url}", flush=True)
            await stop.wait()
            log.info("stopping")
    except (OSError, RelayError) as error:
        log.critical("cannot start: %s", error)
        return 1
    return 0
