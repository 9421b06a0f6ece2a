"""The engine and its transactions."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

BUSY_SECONDS = 5
"""How long SQLite waits for another program that writes."""
COMMAND_SECONDS = 10
"""How long one command to PostgreSQL may take, and how long one waits for a free connection."""

CONNECTIONS = 15
"""At a time, of one process."""


def is_away(error: BaseException) -> bool:
    """Whether the database did not answer, as opposed to refusing what it was asked."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return isinstance(error, (OperationalError, InterfaceError, PoolTimeout, OSError))


class Database:
    """Owns the engine. `read` for looking, `write` for one transaction that is on disk when the block ends."""

    def __init__(self, url: str) -> None:
        self.sqlite = url.startswith("sqlite")
        # A database that is away answers nothing, and neither does a network that was cut: nobody waits for ever.
        connect = {"timeout": BUSY_SECONDS} if self.sqlite else {"timeout": 5, "command_timeout": COMMAND_SECONDS}
        self._engine = create_async_engine(
            url,
            # None beyond them: one that is closed after each use costs SQLite a thread and its settings each time.
            pool_size=CONNECTIONS,
            max_overflow=0,
            pool_use_lifo=True,
            pool_pre_ping=not self.sqlite,
            pool_timeout=COMMAND_SECONDS,
            connect_args=connect,
        )
        if self.sqlite:
            event.listen(self._engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(self._engine.sync_engine, "begin", _begin_sqlite)
        self._readers = async_sessionmaker(self._engine, expire_on_commit=False)
        self._writers = async_sessionmaker(self._engine.execution_options(minsheng_write=True), expire_on_commit=False)
        # SQLite has one writer; waiting here is fair and cheap, waiting in SQLite is neither.
        self._turn: asyncio.Lock | None = asyncio.Lock() if self.sqlite else None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A session for reading."""
        async with self._readers() as session:
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """A session in one transaction: committed at the end of the block, rolled back on an error."""
        if self._turn is None:
            async with self._writers.begin() as session:
                yield session
            return
        async with self._turn, self._writers.begin() as session:
            yield session

    async def ping(self) -> None:
        """Raise what the database raises where it cannot answer."""
        async with self._engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close every connection. Idempotent."""
        await self._engine.dispose()


def _prepare_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    # The driver's own transaction handling is off: _begin_sqlite says BEGIN itself.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        # FULL: a commit is on disk when it returns. The journal gathers commits, so it costs little.
        "synchronous=FULL",
        "foreign_keys=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    # A writer takes its lock at once: a reader that becomes a writer half-way would fail under load.
    immediate = connection.get_execution_options().get("minsheng_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
