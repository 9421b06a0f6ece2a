"""Figures of the comments' path: how many are durable a second, and what a list saves against single messages."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles

from server.store.database import Database
from server.store.journal import Journal, NewEntry
from server.store.migrate import migrate

_WRITERS = 200
_EACH = 50


def _entry(writer: int, number: int) -> NewEntry:
    text = f"第{number}条：窗口的同志很热情，建议周末也开放"
    return NewEntry(1, "comment", f"{writer:032}", str(number), "网友", text, "shown", datetime.now(UTC))


async def _journal(folder: Path) -> tuple[float, list[float]]:
    """Acknowledged entries a second, and each one's seconds from `add` to its acknowledgement."""
    url = f"sqlite+aiosqlite:///{folder / 'bench.db'}"
    await migrate(url)
    database = Database(url)
    journal = Journal(database)
    await journal.start()
    waits: list[float] = []

    async def write(writer: int) -> None:
        for number in range(_EACH):
            begun = time.perf_counter()
            await journal.add(_entry(writer, number))
            waits.append(time.perf_counter() - begun)

    begun = time.perf_counter()
    await asyncio.gather(*(write(writer) for writer in range(_WRITERS)))
    seconds = time.perf_counter() - begun
    await journal.close()
    await database.close()
    return len(waits) / seconds, waits


async def _one_by_one(folder: Path) -> float:
    """The same entries, each in a transaction of its own: what the journal is compared with."""
    url = f"sqlite+aiosqlite:///{folder / 'single.db'}"
    await migrate(url)
    database = Database(url)
    journal = Journal(database, batch=1, gather=0)
    await journal.start()
    begun = time.perf_counter()
    await asyncio.gather(*(journal.add(_entry(0, number)) for number in range(300)))
    seconds = time.perf_counter() - begun
    await journal.close()
    await database.close()
    return 300 / seconds


def rows() -> Iterator[tuple[str, str, str]]:
    """The rows of the table; about ten seconds."""
    with tempfile.TemporaryDirectory() as folder:
        rate, waits = asyncio.run(_journal(Path(folder)))
        single = asyncio.run(_one_by_one(Path(folder)))
    yield (
        "durable comments a second into SQLite, 200 writers",
        f"{rate:,.0f}",
        f"{single:,.0f} with a transaction each",
    )
    yield (
        "from sent to durable",
        f"median {median(waits) * 1000:.0f} ms, p99 {quantiles(waits, n=100)[98] * 1000:.0f} ms",
        "",
    )
