"""Databases for the tests of `server/`: a fresh SQLite, or a fresh database of the real PostgreSQL."""

import secrets
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from server.store.database import Database
from server.store.migrate import migrate


async def fresh_postgres(url: str, template: str = "template1") -> str:
    """The URL of a new database on the PostgreSQL server: empty, or like another one."""
    name = f"t{secrets.token_hex(6)}"
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    await engine.dispose()
    return url.replace("/postgres?", f"/{name}?")


class Migrated:
    """One migrated database of each kind, made when it is first wanted, to be copied: a copy costs a fraction."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "migrated.db"
        self._template = ""

    async def sqlite(self, copy: Path) -> str:
        """The URL of a copy of the SQLite file."""
        if not self._file.exists():
            await migrate(f"sqlite+aiosqlite:///{self._file}")
        shutil.copyfile(self._file, copy)
        return f"sqlite+aiosqlite:///{copy}"

    async def postgres(self, url: str) -> str:
        """The URL of a copy on the PostgreSQL server."""
        if not self._template:
            made = await fresh_postgres(url)
            await migrate(made)
            self._template = str(make_url(made).database)
        return await fresh_postgres(url, self._template)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Migrated:
    """What `database_url` copies."""
    return Migrated(tmp_path_factory.mktemp("migrated"))


@pytest.fixture(params=["sqlite", "postgresql"])
async def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}"
    return await fresh_postgres(request.getfixturevalue("postgres_url"))


@pytest.fixture(params=["sqlite", "postgresql"])
async def database_url(request: pytest.FixtureRequest, migrated: Migrated, tmp_path: Path) -> str:
    """The URL of a migrated database with the 2023 plan, of each kind in turn."""
    if request.param == "sqlite":
        return await migrated.sqlite(tmp_path / "test.db")
    return await migrated.postgres(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The database at `database_url`."""
    database = Database(database_url)
    yield database
    await database.close()
