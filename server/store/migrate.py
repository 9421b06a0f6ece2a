"""Bring the database to the newest schema."""

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

SCRIPTS = Path(__file__).parent.parent / "migrations"


def configuration() -> Config:
    """Alembic's configuration, made here so that an installed wheel needs no ini file."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    return config


def head() -> str:
    """The newest revision."""
    revision = ScriptDirectory.from_config(configuration()).get_current_head()
    if revision is None:
        raise RuntimeError("there are no migrations")
    return revision


async def migrate(url: str) -> None:
    """Run every migration that is missing; one transaction for all of them."""
    engine = create_async_engine(url)

    def upgrade(connection: Connection) -> None:
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    try:
        async with engine.begin() as connection:
            await connection.run_sync(upgrade)
    finally:
        await engine.dispose()


def migrate_sync(url: str) -> None:
    """The same for callers without an event loop."""
    asyncio.run(migrate(url))
